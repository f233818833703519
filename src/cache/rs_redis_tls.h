/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* TLS towards Redis over a non-blocking socket. Certificates are always checked, and the name or
 * address as well. */
#ifndef RS_REDIS_TLS_H
#define RS_REDIS_TLS_H

#include "cache/rs_redis_call.h"

typedef struct rs_redis_tls_t rs_redis_tls_t;               /* a context, shared by connections */
typedef struct rs_redis_tls_stream_t rs_redis_tls_stream_t; /* TLS of one connection */

typedef struct {
    const char *ca_file;                  /* NULL: the system's */
    const char *client_cert, *client_key; /* NULL: none */
} rs_redis_tls_files_t;

/* On failure *trouble is a sentence. */
apr_status_t rs_redis_tls_create(rs_redis_tls_t **tls, const rs_redis_tls_files_t *files,
                                 const char **trouble, apr_pool_t *p);

/* Give back what was read: for a process that ends without clearing the pool of creation. */
void rs_redis_tls_forget(rs_redis_tls_t *tls);

/* Over a connected socket, for which it only borrows; host is what the certificate must name. Freed
 * with p. */
apr_status_t rs_redis_tls_stream_create(rs_redis_tls_stream_t **stream, rs_redis_tls_t *tls, int fd,
                                        const char *host, apr_pool_t *p);

/* What a step needs before it can go on. */
typedef enum {
    RS_TLS_DONE,
    RS_TLS_READ,
    RS_TLS_WRITE,
    RS_TLS_CLOSED,
    RS_TLS_FAILED
} rs_redis_tls_want_t;

/* Each does what it can without waiting; *done is how many bytes. */
rs_redis_tls_want_t rs_redis_tls_greet(rs_redis_tls_stream_t *stream);
rs_redis_tls_want_t rs_redis_tls_write(rs_redis_tls_stream_t *stream, const char *bytes,
                                       apr_size_t len, apr_size_t *done);
rs_redis_tls_want_t rs_redis_tls_read(rs_redis_tls_stream_t *stream, char *bytes, apr_size_t size,
                                      apr_size_t *done);

/* Bytes that were received and not read yet. */
bool rs_redis_tls_pending(const rs_redis_tls_stream_t *stream);

/* Why the last step failed: the certificate's fault or OpenSSL's word. */
const char *rs_redis_tls_trouble(const rs_redis_tls_stream_t *stream, apr_pool_t *p);

#endif
