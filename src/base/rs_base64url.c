/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Strict base64 in its two alphabets (RFC 4648 sections 4 and 5). */
#include "base/rs_base64url.h"

#include <stdbool.h>
#include <string.h>

static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* What each byte stands for plus one, so that what stands for nothing is 0. */
typedef unsigned char sextets_t[256];

/* clang-format off */
#define LETTERS_AND_DIGITS \
    ['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, \
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, \
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62
/* clang-format on */

static const sextets_t url_sextets = { LETTERS_AND_DIGITS, ['-'] = 63, ['_'] = 64 };
static const sextets_t std_sextets = { LETTERS_AND_DIGITS, ['+'] = 63, ['/'] = 64 };

/* Two to four characters as the bytes they stand for. False: one stands for nothing, or bits that
 * stand for nothing are not zero: else one value had several spellings. */
static bool decode_group(const sextets_t sextets, const char *text, unsigned count,
                         unsigned char *bytes)
{
    apr_uint32_t bits = 0;
    unsigned i, unused = 24 - (count - 1) * 8;

    for (i = 0; i < count; i++) {
        unsigned value = sextets[(unsigned char)text[i]];
        if (!value)
            return false;
        bits |= (value - 1) << (18 - 6 * i);
    }
    for (i = 0; i + 1 < count; i++)
        bytes[i] = (unsigned char)(bits >> (16 - 8 * i));
    return !(bits & ((1U << unused) - 1));
}

/* text without padding. */
static apr_status_t decode(const char *text, apr_size_t text_len, const sextets_t sextets,
                           unsigned char **out, apr_size_t *len, apr_pool_t *p)
{
    apr_size_t i, rest = text_len % 4, whole = text_len - rest, size = text_len / 4 * 3;
    unsigned char *bytes, *at;

    if (rest == 1)
        return APR_EINVAL;
    at = bytes = apr_palloc(p, size + 3);
    for (i = 0; i < whole; i += 4, at += 3)
        if (!decode_group(sextets, text + i, 4, at))
            return APR_EINVAL;
    if (rest && !decode_group(sextets, text + whole, (unsigned)rest, at))
        return APR_EINVAL;
    *len = size + (rest ? rest - 1 : 0);
    bytes[*len] = '\0';
    *out = bytes;
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
    return decode(text, text_len, url_sextets, out, len, p);
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
    return decode(text, text_len, std_sextets, out, len, p);
}
