/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The transport on libcurl: a bounded pool of live connections in each process. */
#ifndef RS_HTTP_CURL_H
#define RS_HTTP_CURL_H

#include "net/rs_http.h"

/* Call in the process that will use it (after fork). At most handles_max calls are under way at
 * once; further callers wait for one, within their own total timeout. Freed with p. user_agent
 * lives as long as p. */
apr_status_t rs_http_curl_create(rs_http_t **http, unsigned handles_max, const char *user_agent,
                                 apr_pool_t *p);

/* For pages, of one that rs_http_curl_create() made. used: have had a connection. */
typedef struct {
    unsigned busy, used, max;
} rs_http_curl_state_t;
rs_http_curl_state_t rs_http_curl_state(rs_http_t *http);

#endif
