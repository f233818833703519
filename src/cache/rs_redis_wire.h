/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Bytes to and from one Redis: a non-blocking socket (TCP or unix), with TLS or without. Nothing
 * waits past the deadline of the call, no signal is raised, an interrupted wait goes on. */
#ifndef RS_REDIS_WIRE_H
#define RS_REDIS_WIRE_H

#include "cache/rs_redis_names.h"
#include "cache/rs_redis_tls.h"

typedef struct rs_redis_wire_t rs_redis_wire_t;

/* Each answers APR_SUCCESS, or a failure and call->trouble; after a failure the wire is of no more
 * use. Closed with the pool it was made from. */
apr_status_t rs_redis_wire_open_unix(rs_redis_wire_t **wire, const char *path,
                                     rs_redis_call_t *call, apr_pool_t *p);
apr_status_t rs_redis_wire_open_tcp(rs_redis_wire_t **wire, rs_redis_names_t *names,
                                    const char *host, int port, rs_redis_call_t *call,
                                    apr_pool_t *p);
/* Over an open wire. */
apr_status_t rs_redis_wire_start_tls(rs_redis_wire_t *wire, rs_redis_tls_t *tls, const char *host,
                                     rs_redis_call_t *call);

apr_status_t rs_redis_wire_send(rs_redis_wire_t *wire, const char *bytes, apr_size_t len,
                                rs_redis_call_t *call);
/* At least one byte. APR_EOF: the other side closed. */
apr_status_t rs_redis_wire_receive(rs_redis_wire_t *wire, char *bytes, apr_size_t size,
                                   apr_size_t *got, rs_redis_call_t *call);

/* Is the other side still there, and silent as it must be between replies? */
bool rs_redis_wire_is_quiet(const rs_redis_wire_t *wire);

#endif
