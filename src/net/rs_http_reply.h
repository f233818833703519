/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A reply while it arrives, within its bounds. */
#ifndef RS_HTTP_REPLY_H
#define RS_HTTP_REPLY_H

#include "net/rs_http.h"

#include <stdbool.h>

typedef struct {
    rs_http_response_t response;
    apr_pool_t *p;
    char *body;
    apr_size_t body_len, capacity, body_bytes_max;
    apr_size_t header_bytes; /* of all replies together, interim ones too */
    bool in_headers;
    bool body_too_large, headers_too_large;
} rs_http_reply_t;

void rs_http_reply_begin(rs_http_reply_t *reply, apr_size_t body_bytes_max, apr_pool_t *p);

/* libcurl's callbacks; baton is the reply. Less than size * count ends the call: then one of the
 * `too_large` says why. */
size_t rs_http_reply_header(char *line, size_t size, size_t count, void *baton);
size_t rs_http_reply_body(char *bytes, size_t size, size_t count, void *baton);

/* The reply is complete: response is what the caller gets. */
void rs_http_reply_end(rs_http_reply_t *reply, int status);

#endif
