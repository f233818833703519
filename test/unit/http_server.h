/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A scripted HTTP server on loopback for tests: a thread for each connection, each running the
 * script. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct http_server_t http_server_t;

/* One connection, as its script sees it. */
typedef struct {
    http_server_t *server;
    int fd;
    SSL *ssl;                /* NULL: plain */
    unsigned nth;            /* 1: the first connection this server took */
    char request[64 * 1024]; /* the last one read, head and body, NUL behind it */
} http_stream_t;

/* The connection is closed when the script returns. */
typedef void http_script_fn(http_stream_t *stream, const void *baton);

/* On 127.0.0.1, or on a unix socket when path is given. tls may be NULL. Aborts when it cannot. */
http_server_t *http_server_start(http_script_fn *script, const void *baton, SSL_CTX *tls,
                                 const char *path);
/* Cuts all connections, waits for their scripts. */
void http_server_stop(http_server_t *server);

int http_server_port(const http_server_t *server);
unsigned http_server_accepted(http_server_t *server);
unsigned http_server_requests(http_server_t *server);
unsigned http_server_open_most(http_server_t *server); /* connections open at the same time */

/* False at the end of the connection. */
bool http_stream_read(http_stream_t *stream);
bool http_stream_write(http_stream_t *stream, const char *bytes, size_t len);
bool http_stream_say(http_stream_t *stream, const char *text);

#endif
