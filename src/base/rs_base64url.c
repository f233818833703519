/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Strict base64 in its two alphabets (RFC 4648 sections 4 and 5). */
#include "base/rs_base64url.h"

#include <string.h>

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 0-63, or -1. */
static int sextet(char c, bool url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    if (c == (url ? '_' : '/'))
        return 63;
    return -1;
}

/* text without padding. */
static apr_status_t decode(const char *text, apr_size_t text_len, bool url, unsigned char **out,
                           apr_size_t *len, apr_pool_t *p)
{
    unsigned char *bytes;
    apr_size_t i, n = 0;
    apr_uint32_t bits = 0;
    unsigned have = 0;

    if (text_len % 4 == 1)
        return APR_EINVAL;
    bytes = apr_palloc(p, text_len / 4 * 3 + 3);
    for (i = 0; i < text_len; i++) {
        int value = sextet(text[i], url);
        if (value < 0)
            return APR_EINVAL;
        bits = (bits << 6) | (apr_uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            bytes[n++] = (unsigned char)(bits >> have);
        }
    }
    /* Bits that stand for nothing must be zero: else one value had several spellings. */
    if (bits & ((1u << have) - 1))
        return APR_EINVAL;
    bytes[n] = '\0';
    *out = bytes;
    *len = n;
    return APR_SUCCESS;
}

static const char *encode(const unsigned char *bytes, apr_size_t len, const char *alphabet,
                          bool pad, apr_pool_t *p)
{
    char *text = apr_palloc(p, len / 3 * 4 + 5), *at = text;
    apr_size_t i;

    for (i = 0; i < len; i += 3) {
        apr_size_t left = len - i;
        apr_uint32_t bits = (apr_uint32_t)bytes[i] << 16;
        if (left > 1)
            bits |= (apr_uint32_t)bytes[i + 1] << 8;
        if (left > 2)
            bits |= bytes[i + 2];
        *at++ = alphabet[bits >> 18];
        *at++ = alphabet[(bits >> 12) & 63];
        if (left > 1)
            *at++ = alphabet[(bits >> 6) & 63];
        else if (pad)
            *at++ = '=';
        if (left > 2)
            *at++ = alphabet[bits & 63];
        else if (pad)
            *at++ = '=';
    }
    *at = '\0';
    return text;
}

apr_status_t rs_base64url_decode(const char *text, apr_size_t text_len, unsigned char **out,
                                 apr_size_t *len, apr_pool_t *p)
{
    return decode(text, text_len, true, out, len, p);
}

const char *rs_base64url_encode(const unsigned char *bytes, apr_size_t len, apr_pool_t *p)
{
    return encode(bytes, len, url_alphabet, false, p);
}

const char *rs_base64_encode(const unsigned char *bytes, apr_size_t len, apr_pool_t *p)
{
    return encode(bytes, len, std_alphabet, true, p);
}

apr_status_t rs_base64_decode(const char *text, apr_size_t text_len, unsigned char **out,
                              apr_size_t *len, apr_pool_t *p)
{
    if (text_len % 4 != 0)
        return APR_EINVAL;
    if (text_len && text[text_len - 1] == '=')
        text_len -= text[text_len - 2] == '=' ? 2 : 1;
    return decode(text, text_len, false, out, len, p);
}
