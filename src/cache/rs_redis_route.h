/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* One command to the server that has its key: found, asked, followed when it sends us elsewhere. */
#ifndef RS_REDIS_ROUTE_H
#define RS_REDIS_ROUTE_H

#include "cache/rs_redis_map.h"

typedef struct {
    rs_redis_command_t command;
    const char *key;
    apr_size_t key_len;
    unsigned
        types; /* bits 1 << rs_redis_reply_type_t of the answers it can have, besides an error */
    bool repeatable;       /* done twice it does the same */
    unsigned elements_max; /* of an array; 0: none is expected */
} rs_redis_question_t;

typedef struct {
    rs_redis_pool_t *pool;
    rs_redis_map_t *map;
} rs_redis_route_t;

apr_status_t rs_redis_route_create(rs_redis_route_t **route, const rs_redis_dial_t *dial,
                                   apr_pool_t *p);

/* APR_SUCCESS: there is a reply, an error of Redis perhaps. APR_EBUSY: no connection was free. Else
 * the server could not be asked; call->where and call->trouble say which and why. */
apr_status_t rs_redis_route_ask(rs_redis_route_t *route, const rs_redis_question_t *question,
                                const rs_redis_reply_t **reply, rs_redis_call_t *call);

#endif
