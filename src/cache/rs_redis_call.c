/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The time of one question to Redis. */
#include "cache/rs_redis_call.h"
#include "base/rs_clock.h"

void rs_redis_call_begin(rs_redis_call_t *call, apr_interval_time_t connect_timeout,
                         apr_interval_time_t command_timeout, apr_pool_t *p)
{
    call->connect_timeout = connect_timeout;
    call->command_timeout = command_timeout;
    call->end = rs_clock() + connect_timeout + command_timeout;
    call->deadline = call->end;
    call->where = NULL;
    call->trouble = NULL;
    call->p = p;
}

void rs_redis_call_step(rs_redis_call_t *call, apr_interval_time_t timeout)
{
    call->deadline = rs_clock() + timeout;
    if (call->deadline > call->end)
        call->deadline = call->end;
    call->trouble = NULL;
}

bool rs_redis_call_is_over(const rs_redis_call_t *call)
{
    return rs_clock() >= call->end;
}

apr_interval_time_t rs_redis_call_left(const rs_redis_call_t *call)
{
    return call->deadline - rs_clock();
}
