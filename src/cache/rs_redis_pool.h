/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The connections of one process to all servers of a tier: pool_max in use and to one server; the
 * last one used is the next one taken. In a cluster idle ones to other masters are kept besides. */
#ifndef RS_REDIS_POOL_H
#define RS_REDIS_POOL_H

#include "cache/rs_redis_link.h"

typedef struct rs_redis_pool_t rs_redis_pool_t;

/* All connections must have been given back when p ends. */
apr_status_t rs_redis_pool_create(rs_redis_pool_t **pool, const rs_redis_dial_t *dial,
                                  apr_pool_t *p);

/* The connection to address that was used last and, for all one can see, is alive (*fresh false),
 * or a new one. address NULL is the unix socket. APR_EBUSY: all are in use and none came back
 * within the step. Other failures are those of opening. */
apr_status_t rs_redis_pool_take(rs_redis_pool_t *pool, const rs_redis_address_t *address,
                                rs_redis_link_t **link, bool *fresh, rs_redis_call_t *call);

/* usable false: it failed and is closed. */
void rs_redis_pool_give(rs_redis_pool_t *pool, rs_redis_link_t *link, bool usable);

/* Close what is idle: the servers behind it may have changed their places. */
void rs_redis_pool_flush(rs_redis_pool_t *pool);

/* This server was silent on a connection that it had answered on: close those to it that have been
 * idle since that moment of rs_clock() or longer, they are probably dead as well. */
void rs_redis_pool_distrust(rs_redis_pool_t *pool, const rs_redis_address_t *address,
                            apr_time_t since);

#endif
