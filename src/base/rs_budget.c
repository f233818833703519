/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Budgets: a fixed window for each, in sets of a few slots. */
#include "base/rs_budget.h"
#include "base/rs_digest.h"

#include <apr_thread_mutex.h>
#include <stdlib.h>
#include <string.h>

#define SETS 2048 /* a power of two */
#define SLOTS 4   /* of a set */

typedef struct {
    apr_uint64_t who; /* of a keyed digest: nobody can choose to share a slot with another */
    apr_time_t began, last;
    unsigned count; /* 0: free */
} slot_t;

struct rs_budget_t {
    apr_thread_mutex_t *lock;
    unsigned events_max;
    apr_interval_time_t period;
    unsigned char salt[16];
    slot_t (*sets)[SLOTS]; /* calloc'ed: pages are taken as they are used */
};

static apr_status_t budget_free(void *data)
{
    free(((rs_budget_t *)data)->sets);
    return APR_SUCCESS;
}

apr_status_t rs_budget_create(rs_budget_t **budget, unsigned events_max, apr_interval_time_t period,
                              apr_pool_t *p)
{
    rs_budget_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status = apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, p);

    made->events_max = events_max;
    made->period = period;
    made->sets = calloc(SETS, sizeof *made->sets);
    apr_pool_cleanup_register(p, made, budget_free, apr_pool_cleanup_null);
    if (!made->sets)
        return APR_ENOMEM;
    if (status == APR_SUCCESS)
        status = rs_random_bytes(made->salt, sizeof made->salt);
    if (status == APR_SUCCESS)
        *budget = made;
    return status;
}

static apr_uint64_t digest_of(const rs_budget_t *budget, const char *who)
{
    rs_span_t spans[] = { { budget->salt, sizeof budget->salt }, { who, strlen(who) } };
    apr_uint64_t number;
    rs_sha256_t digest;

    rs_sha256(spans, 2, &digest);
    memcpy(&number, digest.bytes, sizeof number);
    return number;
}

/* With the lock held: his slot, or NULL. */
static slot_t *find(rs_budget_t *budget, apr_uint64_t who, apr_time_t now)
{
    slot_t *set = budget->sets[who & (SETS - 1)];
    unsigned i;

    for (i = 0; i < SLOTS; i++)
        if (set[i].count && set[i].who == who) {
            /* The window is over, or the clock was set back. */
            if (now - set[i].began >= budget->period || now < set[i].began)
                set[i].count = 0;
            return set[i].count ? &set[i] : NULL;
        }
    return NULL;
}

static slot_t *begin(rs_budget_t *budget, apr_uint64_t who, apr_time_t now)
{
    slot_t *set = budget->sets[who & (SETS - 1)], *oldest = set;
    unsigned i;

    for (i = 0; i < SLOTS; i++)
        if (!set[i].count || (oldest->count && set[i].last < oldest->last))
            oldest = &set[i];
    memset(oldest, 0, sizeof *oldest);
    oldest->who = who;
    oldest->began = now;
    return oldest;
}

apr_interval_time_t rs_budget_wait(rs_budget_t *budget, const char *who, apr_time_t now)
{
    apr_uint64_t digest = digest_of(budget, who);
    apr_interval_time_t wait = 0;
    const slot_t *slot;

    apr_thread_mutex_lock(budget->lock);
    slot = find(budget, digest, now);
    if (slot && slot->count >= budget->events_max)
        wait = slot->began + budget->period - now;
    apr_thread_mutex_unlock(budget->lock);
    return wait;
}

void rs_budget_count(rs_budget_t *budget, const char *who, apr_time_t now)
{
    apr_uint64_t digest = digest_of(budget, who);
    slot_t *slot;

    apr_thread_mutex_lock(budget->lock);
    slot = find(budget, digest, now);
    if (!slot)
        slot = begin(budget, digest, now);
    slot->count++;
    slot->last = now;
    apr_thread_mutex_unlock(budget->lock);
}
