/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Addresses of hosts, within a time. The system's resolver may take half a minute to say that it
 * does not know, so it works in a thread of its own; what it found is kept, and serves on when it
 * stops answering. */
#ifndef RS_REDIS_NAMES_H
#define RS_REDIS_NAMES_H

#include "cache/rs_redis_call.h"

#include <sys/socket.h>

#define RS_REDIS_ADDRESSES_PER_HOST_MAX 8

typedef struct {
    unsigned count;
    socklen_t lens[RS_REDIS_ADDRESSES_PER_HOST_MAX];
    struct sockaddr_storage addresses[RS_REDIS_ADDRESSES_PER_HOST_MAX];
} rs_redis_sockaddrs_t;

typedef struct rs_redis_names_t rs_redis_names_t;

/* At the end of p a lookup under way is waited for a second. */
apr_status_t rs_redis_names_create(rs_redis_names_t **names, apr_pool_t *p);

/* Until call->deadline at most. APR_TIMEUP, or APR_ENOENT and call->trouble. Addresses written as
 * numbers and those found less than a minute ago cost nothing; older ones are given while they are
 * looked up again. */
apr_status_t rs_redis_names_find(rs_redis_names_t *names, const char *host, int port,
                                 rs_redis_sockaddrs_t *found, rs_redis_call_t *call);

#endif
