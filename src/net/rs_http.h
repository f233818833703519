/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Calls to an issuer. The interface is what verifiers use and tests fake; rs_http_curl.h makes the
 * real one. A transport never follows a redirect, never sends to another host than the URL names,
 * and keeps every bound: connect and total time, bytes of the body. */
#ifndef RS_HTTP_H
#define RS_HTTP_H

#include <apr_pools.h>
#include <apr_time.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct {
    const char *name, *value;
} rs_http_header_t;

/* How to reach one issuer; constant after configuration, shared by its calls. */
typedef struct {
    const char *ca_file;                  /* PEM; NULL: the system's */
    const char *client_cert, *client_key; /* PEM files; NULL: none */
    const char *client_key_pem; /* or the key itself, which children need not be able to read */
    const char *proxy;          /* NULL: none; the environment's proxy variables are never used */
    const char *unix_socket;    /* NULL: TCP */
    apr_interval_time_t connect_timeout, total_timeout;
} rs_http_peer_t;

typedef struct {
    const rs_http_peer_t *peer;
    const char *url;
    const char *form;   /* application/x-www-form-urlencoded body for POST; NULL: GET */
    const char *accept; /* NULL: application/json */
    const rs_http_header_t *headers;
    unsigned header_count;
    apr_size_t body_bytes_max;
} rs_http_request_t;

typedef struct {
    int status;
    const char *content_type;  /* without parameters, lower case; "" when absent */
    const char *cache_control; /* NULL when absent; likewise below */
    const char *age;
    const char *retry_after;
    const char *body; /* NUL behind it */
    apr_size_t body_len;
} rs_http_response_t;

typedef struct rs_http_t rs_http_t;
struct rs_http_t {
    /* The process ends: a call fails at once, one that is under way soon, both with APR_EINTR, and
     * nobody needs to be told. */
    atomic_bool ending;
    /* APR_SUCCESS for any complete reply, whatever its status. APR_TIMEUP, APR_ECONNREFUSED,
     * APR_ENOSPC (body too large), APR_EBUSY (no connection was free: nobody was asked, or with too
     * little time left), APR_EINTR or APR_EGENERAL otherwise; *why then is a short sentence for the
     * log, without secrets. May be called from any thread; the reply lives as long as p. */
    apr_status_t (*perform)(rs_http_t *self, const rs_http_request_t *request,
                            rs_http_response_t **response, const char **why, apr_pool_t *p);
};

#endif
