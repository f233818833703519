/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* One question to Redis as it passes through pool, connection and socket: until when, and what went
 * wrong. */
#ifndef RS_REDIS_CALL_H
#define RS_REDIS_CALL_H

#include <apr_pools.h>
#include <apr_time.h>
#include <stdbool.h>

typedef struct {
    apr_interval_time_t connect_timeout, command_timeout;
    apr_time_t end;      /* by rs_clock(): of everything, redirections and a second try included */
    apr_time_t deadline; /* of the step under way; never past the end */
    const char *where;   /* the server that was asked last, for the log; NULL: none */
    const char *trouble; /* for the log: no key, no value, no secret */
    apr_pool_t *p;       /* what the call allocates, replies among it */
} rs_redis_call_t;

/* One connect and one command fit in; more of them share the time. */
void rs_redis_call_begin(rs_redis_call_t *call, apr_interval_time_t connect_timeout,
                         apr_interval_time_t command_timeout, apr_pool_t *p);

/* A new step may take so long. */
void rs_redis_call_step(rs_redis_call_t *call, apr_interval_time_t timeout);

/* Nothing is left of the whole. */
bool rs_redis_call_is_over(const rs_redis_call_t *call);

/* What is left of the step; 0 or less: nothing. */
apr_interval_time_t rs_redis_call_left(const rs_redis_call_t *call);

#endif
