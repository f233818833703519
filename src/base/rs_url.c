/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* URLs of issuers and endpoints. */
#include "base/rs_url.h"
#include "base/rs_limits.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_foreign_bytes(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f || *text == '"' ||
            *text == '\\')
            return true;
    return false;
}

/* apr_uri keeps the brackets of an IPv6 literal out of hostname; whoever writes the host puts them
 * back. */
static const char *bracketed(const char *host, apr_pool_t *p)
{
    return strchr(host, ':') ? apr_pstrcat(p, "[", host, "]", NULL) : host;
}

static char *lower(const char *text, apr_pool_t *p)
{
    char *copy = apr_pstrdup(p, text), *c;
    for (c = copy; *c; c++)
        *c = (char)apr_tolower(*c);
    return copy;
}

const char *rs_url_parse(rs_url_t *url, const char *text, apr_pool_t *p)
{
    apr_uri_t uri;
    int own_port;

    if (strlen(text) > RS_URL_BYTES_MAX)
        return apr_psprintf(p, "is longer than %d bytes", RS_URL_BYTES_MAX);
    if (has_foreign_bytes(text))
        return "holds a byte that no URL may hold (space, quote, control or non-ASCII): "
               "percent-encode it";
    if (apr_uri_parse(p, text, &uri) != APR_SUCCESS || !uri.scheme)
        return "is no absolute URL: write https://HOST/PATH";
    if (strcasecmp(uri.scheme, "https") != 0 && strcasecmp(uri.scheme, "http") != 0)
        return "must begin with https://";
    if (!uri.hostname || !*uri.hostname)
        return "names no host: write https://HOST/PATH";
    if (uri.user || uri.password)
        return "must not hold a user or password: credentials have a directive of their own";
    if (uri.fragment)
        return "must not hold a fragment (#...)";

    url->scheme = lower(uri.scheme, p);
    url->host = lower(uri.hostname, p);
    own_port = strcmp(url->scheme, "https") == 0 ? 443 : 80;
    /* uri.port has but 16 bits: a larger number would be taken for another one. */
    url->port = uri.port_str && *uri.port_str ? atoi(uri.port_str) : own_port;
    if (uri.port_str && *uri.port_str && (url->port < 1 || url->port > 65535))
        return "has a port outside 1 to 65535";
    url->path = apr_pstrcat(p, uri.path ? uri.path : "", uri.query ? "?" : "",
                            uri.query ? uri.query : "", NULL);
    url->origin =
        url->port == own_port
            ? apr_pstrcat(p, url->scheme, "://", bracketed(url->host, p), NULL)
            : apr_psprintf(p, "%s://%s:%d", url->scheme, bracketed(url->host, p), url->port);
    return NULL;
}

bool rs_url_is_loopback(const rs_url_t *url)
{
    unsigned a, b, c, d;
    char rest;

    if (strcmp(url->host, "localhost") == 0 || strcmp(url->host, "::1") == 0)
        return true;
    return sscanf(url->host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &rest) == 4 && a == 127 &&
           b < 256 && c < 256 && d < 256;
}

const char *rs_url_check_endpoint(const char *text, apr_pool_t *p)
{
    rs_url_t url = { .scheme = "", .host = "" };
    const char *trouble = rs_url_parse(&url, text, p);

    if (trouble)
        return trouble;
    if (strcmp(url.scheme, "http") == 0 && !rs_url_is_loopback(&url))
        return "must be https: plain http is accepted towards loopback only";
    return NULL;
}

const char *rs_form_encode(const char *text, apr_pool_t *p)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = apr_palloc(p, strlen(text) * 3 + 1), *at = encoded;

    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (apr_isalnum(c) || c == '-' || c == '.' || c == '_' || c == '*')
            *at++ = (char)c;
        else if (c == ' ')
            *at++ = '+';
        else {
            *at++ = '%';
            *at++ = digits[c >> 4];
            *at++ = digits[c & 15];
        }
    }
    *at = '\0';
    return encoded;
}
