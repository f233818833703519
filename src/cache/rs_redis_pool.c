/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Connections to Redis: a stack of idle ones behind one short lock; nothing is opened or closed
 * under it. The bound is on those in use. As one is opened only when none to its server is idle, no
 * server sees more than that either. */
#include "cache/rs_redis_pool.h"
#include "base/rs_clock.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <string.h>

#define IDLE_MAX apr_time_from_sec(60)
#define MASTERS 16 /* of a cluster: idle connections are kept for so many times those in use */

typedef struct {
    rs_redis_link_t *link;
    apr_time_t since;
} idle_t;

struct rs_redis_pool_t {
    const rs_redis_dial_t *dial;
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *given;
    unsigned busy_max, busy_count; /* in use, being opened or being closed after use */
    unsigned idle_max, idle_count;
    idle_t *idle; /* the oldest at the bottom */
};

static apr_status_t pool_end(void *data)
{
    rs_redis_pool_flush(data);
    return APR_SUCCESS;
}

apr_status_t rs_redis_pool_create(rs_redis_pool_t **pool, const rs_redis_dial_t *dial,
                                  apr_pool_t *p)
{
    rs_redis_pool_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status = apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, p);

    if (status == APR_SUCCESS)
        status = apr_thread_cond_create(&made->given, p);
    if (status != APR_SUCCESS)
        return status;
    made->dial = dial;
    made->busy_max = dial->config->pool_max ? dial->config->pool_max : 1;
    made->idle_max = made->busy_max * (dial->config->topology == RS_REDIS_CLUSTER ? MASTERS : 1);
    made->idle = apr_pcalloc(p, made->idle_max * sizeof *made->idle);
    apr_pool_cleanup_register(p, made, pool_end, apr_pool_cleanup_null);
    *pool = made;
    return APR_SUCCESS;
}

/* The lock is held. */
static rs_redis_link_t *remove_idle(rs_redis_pool_t *pool, unsigned which)
{
    rs_redis_link_t *link = pool->idle[which].link;

    pool->idle_count--;
    memmove(&pool->idle[which], &pool->idle[which + 1],
            (pool->idle_count - which) * sizeof *pool->idle);
    return link;
}

/* One that has been idle since then or longer; NULL: there is none. */
static rs_redis_link_t *take_unused(rs_redis_pool_t *pool, apr_time_t since)
{
    return pool->idle_count && pool->idle[0].since <= since ? remove_idle(pool, 0) : NULL;
}

/* The one used last, but not later than that. */
static rs_redis_link_t *find_idle(rs_redis_pool_t *pool, const rs_redis_address_t *address,
                                  apr_time_t latest)
{
    unsigned i;

    for (i = pool->idle_count; i-- > 0;)
        if (pool->idle[i].since <= latest && rs_redis_link_leads_to(pool->idle[i].link, address))
            return remove_idle(pool, i);
    return NULL;
}

static void close_unused(rs_redis_pool_t *pool, apr_time_t since)
{
    for (;;) {
        rs_redis_link_t *link;

        apr_thread_mutex_lock(pool->lock);
        link = take_unused(pool, since);
        apr_thread_mutex_unlock(pool->lock);
        if (!link)
            return;
        rs_redis_link_close(link);
    }
}

void rs_redis_pool_flush(rs_redis_pool_t *pool)
{
    close_unused(pool, rs_clock());
}

/* The right to use one more. The lock is held. */
static apr_status_t take_place(rs_redis_pool_t *pool, const rs_redis_call_t *call)
{
    while (pool->busy_count == pool->busy_max) {
        apr_interval_time_t left = rs_redis_call_left(call);

        if (left <= 0)
            return APR_EBUSY;
        apr_thread_cond_timedwait(pool->given, pool->lock, left);
    }
    pool->busy_count++;
    return APR_SUCCESS;
}

/* The lock is held. */
static void leave_place(rs_redis_pool_t *pool)
{
    pool->busy_count--;
    apr_thread_cond_signal(pool->given);
}

static void close_busy(rs_redis_pool_t *pool, rs_redis_link_t *link)
{
    if (link)
        rs_redis_link_close(link);
    apr_thread_mutex_lock(pool->lock);
    leave_place(pool);
    apr_thread_mutex_unlock(pool->lock);
}

static apr_status_t open_link(rs_redis_pool_t *pool, const rs_redis_address_t *address,
                              rs_redis_link_t **link, rs_redis_call_t *call)
{
    apr_status_t status = rs_redis_link_open(link, pool->dial, address, RS_REDIS_DATA, call);

    if (status != APR_SUCCESS)
        close_busy(pool, NULL);
    return status;
}

apr_status_t rs_redis_pool_take(rs_redis_pool_t *pool, const rs_redis_address_t *address,
                                rs_redis_link_t **link, bool *fresh, rs_redis_call_t *call)
{
    close_unused(pool, rs_clock() - IDLE_MAX);
    for (;;) {
        apr_status_t status;

        apr_thread_mutex_lock(pool->lock);
        status = take_place(pool, call);
        if (status == APR_SUCCESS)
            *link = find_idle(pool, address, rs_clock());
        apr_thread_mutex_unlock(pool->lock);
        if (status != APR_SUCCESS) {
            call->trouble = "all connections are in use";
            return status;
        }
        *fresh = !*link;
        if (*fresh)
            return open_link(pool, address, link, call);
        if (rs_redis_link_is_usable(*link))
            return APR_SUCCESS;
        close_busy(pool, *link);
    }
}

void rs_redis_pool_give(rs_redis_pool_t *pool, rs_redis_link_t *link, bool usable)
{
    rs_redis_link_t *surplus = NULL;

    if (!usable) {
        close_busy(pool, link);
        return;
    }
    apr_thread_mutex_lock(pool->lock);
    if (pool->idle_count == pool->idle_max)
        surplus = remove_idle(pool, 0);
    pool->idle[pool->idle_count].link = link;
    pool->idle[pool->idle_count++].since = rs_clock();
    leave_place(pool);
    apr_thread_mutex_unlock(pool->lock);
    if (surplus)
        rs_redis_link_close(surplus);
}

void rs_redis_pool_distrust(rs_redis_pool_t *pool, const rs_redis_address_t *address,
                            apr_time_t since)
{
    for (;;) {
        rs_redis_link_t *link;

        apr_thread_mutex_lock(pool->lock);
        link = find_idle(pool, address, since);
        apr_thread_mutex_unlock(pool->lock);
        if (!link)
            return;
        rs_redis_link_close(link);
    }
}
