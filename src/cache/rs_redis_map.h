/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Where the values of a key are: on the one server, on the master that the Sentinels name, on a
 * master of a cluster. */
#ifndef RS_REDIS_MAP_H
#define RS_REDIS_MAP_H

#include "cache/rs_redis_pool.h"

/* The next server to ask. */
typedef struct {
    const rs_redis_address_t *address; /* NULL: the unix socket */
    bool asking;                       /* with ASKING before the command */
    bool pause;                        /* a moment later */
} rs_redis_hop_t;

typedef struct rs_redis_map_t rs_redis_map_t;
struct rs_redis_map_t {
    /* Any thread. May ask servers, within connect_timeout; then call->trouble says why not. */
    apr_status_t (*find)(rs_redis_map_t *self, const char *key, apr_size_t len, rs_redis_hop_t *hop,
                         rs_redis_call_t *call);

    /* The server answered with an error. True: ask again, where hop says now; what it points to
     * lives in call->p. */
    bool (*follow)(rs_redis_map_t *self, const rs_redis_reply_t *reply, const char *key,
                   apr_size_t len, rs_redis_hop_t *hop, rs_redis_call_t *call);

    /* This server could not be asked: what is known about places may be old. */
    void (*doubt)(rs_redis_map_t *self, const rs_redis_hop_t *hop);
};

/* Of several that could be asked where the others are: who is asked first the next time, after
 * `asked` of `count` were asked from `first` on and did not answer in the time of a call. Silent
 * ones take all of it; the last one had what was left. */
unsigned rs_redis_map_turn(unsigned first, unsigned asked, unsigned count);

rs_redis_map_t *rs_redis_map_single(const rs_redis_dial_t *dial, apr_pool_t *p);

/* rs_redis_sentinel.c; the pool is flushed when the master changes. */
apr_status_t rs_redis_map_sentinel(rs_redis_map_t **map, const rs_redis_dial_t *dial,
                                   rs_redis_pool_t *pool, apr_pool_t *p);

/* rs_redis_cluster.c */
apr_status_t rs_redis_map_cluster(rs_redis_map_t **map, const rs_redis_dial_t *dial, apr_pool_t *p);

rs_redis_address_t *rs_redis_address_copy(const rs_redis_address_t *address, apr_pool_t *p);

#endif
