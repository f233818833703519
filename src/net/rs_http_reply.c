/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A reply, put together from what libcurl hands over: lines of headers, pieces of a body. */
#include "net/rs_http_reply.h"
#include "base/rs_limits.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define BODY_BYTES_FIRST 4096

static void keep_content_type(rs_http_response_t *response, const char *value, apr_pool_t *p)
{
    char *type = apr_pstrdup(p, value), *c;

    type[strcspn(type, "; \t")] = '\0';
    for (c = type; *c; c++)
        *c = (char)apr_tolower(*c);
    if (!*response->content_type)
        response->content_type = type;
}

/* A list field: several lines are one value (RFC 9110 5.3). */
static void keep_cache_control(rs_http_response_t *response, const char *value, apr_pool_t *p)
{
    const char *before = response->cache_control;

    if (!before)
        response->cache_control = value;
    else if (strlen(before) + strlen(value) + 2 <= RS_HTTP_HEADER_BYTES_MAX)
        response->cache_control = apr_pstrcat(p, before, ", ", value, NULL);
}

static void keep_age(rs_http_response_t *response, const char *value, apr_pool_t *p)
{
    (void)p;
    if (!response->age)
        response->age = value;
}

static void keep_retry_after(rs_http_response_t *response, const char *value, apr_pool_t *p)
{
    (void)p;
    if (!response->retry_after)
        response->retry_after = value;
}

static const struct {
    const char *name;
    apr_size_t len;
    void (*keep)(rs_http_response_t *response, const char *value, apr_pool_t *p);
} kept_headers[] = {
    { "Content-Type:", 13, keep_content_type },
    { "Cache-Control:", 14, keep_cache_control },
    { "Age:", 4, keep_age },
    { "Retry-After:", 12, keep_retry_after },
};

static void forget_headers(rs_http_response_t *response)
{
    memset(response, 0, sizeof *response);
    response->content_type = "";
    response->body = "";
}

static void keep_header(rs_http_reply_t *reply, const char *line, apr_size_t len)
{
    unsigned i;

    for (i = 0; i < sizeof kept_headers / sizeof kept_headers[0]; i++) {
        apr_size_t name_len = kept_headers[i].len;

        if (len < name_len || strncasecmp(line, kept_headers[i].name, name_len) != 0)
            continue;
        line += name_len;
        len -= name_len;
        while (len && apr_isspace(*line)) {
            line++;
            len--;
        }
        while (len && apr_isspace(line[len - 1]))
            len--;
        if (len && len <= RS_HTTP_HEADER_BYTES_MAX)
            kept_headers[i].keep(&reply->response, apr_pstrmemdup(reply->p, line, len), reply->p);
        return;
    }
}

/* libcurl hands over whole lines, of interim replies (RFC 9110 15.2) and trailers (RFC 9112 7.1.2)
 * as well. A status line begins anew; what comes behind the empty line is no header. */
size_t rs_http_reply_header(char *line, size_t size, size_t count, void *baton)
{
    rs_http_reply_t *reply = baton;
    apr_size_t len = size * count;

    reply->header_bytes += len;
    if (reply->header_bytes > RS_HTTP_HEADERS_BYTES_MAX) {
        reply->headers_too_large = true;
        return 0;
    }
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0 && reply->body_len == 0) {
        forget_headers(&reply->response);
        reply->in_headers = true;
    }
    else if (len && (*line == '\r' || *line == '\n'))
        reply->in_headers = false;
    else if (reply->in_headers)
        keep_header(reply, line, len);
    return len;
}

size_t rs_http_reply_body(char *bytes, size_t size, size_t count, void *baton)
{
    rs_http_reply_t *reply = baton;
    apr_size_t len = size * count;

    if (len > reply->body_bytes_max - reply->body_len) {
        reply->body_too_large = true;
        return 0;
    }
    if (reply->body_len + len + 1 > reply->capacity) {
        apr_size_t capacity = reply->capacity ? reply->capacity : BODY_BYTES_FIRST;
        char *body;

        while (capacity < reply->body_len + len + 1)
            capacity *= 2;
        body = apr_palloc(reply->p, capacity);
        if (reply->body_len)
            memcpy(body, reply->body, reply->body_len);
        reply->body = body;
        reply->capacity = capacity;
    }
    memcpy(reply->body + reply->body_len, bytes, len);
    reply->body_len += len;
    reply->body[reply->body_len] = '\0';
    return len;
}

void rs_http_reply_begin(rs_http_reply_t *reply, apr_size_t body_bytes_max, apr_pool_t *p)
{
    memset(reply, 0, sizeof *reply);
    forget_headers(&reply->response);
    reply->body = apr_pstrmemdup(p, "", 0);
    reply->body_bytes_max = body_bytes_max;
    reply->p = p;
}

void rs_http_reply_end(rs_http_reply_t *reply, int status)
{
    reply->response.status = status;
    reply->response.body = reply->body;
    reply->response.body_len = reply->body_len;
}
