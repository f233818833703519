/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Budgets: a fixed window for each, in sets of a few slots. */
#include "base/rs_budget.h"
#include "base/rs_clock.h"
#include "base/rs_digest.h"
#include "base/rs_shared.h"

#include <stdatomic.h>
#include <string.h>

#define SETS 2048 /* a power of two */
#define SLOTS 4   /* of a set */

/* Counting needs no exactness: two who begin in one slot at the same moment may be mixed up. */
typedef struct {
    _Atomic apr_uint64_t
        who; /* of a keyed digest: nobody can choose to share a slot with another */
    _Atomic apr_int64_t began, last;
    atomic_uint count; /* 0: free */
} slot_t;

struct rs_budget_t {
    unsigned events_max;
    apr_interval_time_t period;
    unsigned char salt[16];
    slot_t (*sets)[SLOTS]; /* pages are taken as they are used */
};

apr_status_t rs_budget_create(rs_budget_t **budget, unsigned events_max, apr_interval_time_t period,
                              apr_pool_t *p)
{
    rs_budget_t *made = apr_pcalloc(p, sizeof *made);

    made->events_max = events_max;
    made->period = period;
    made->sets = rs_shared_memory(SETS * sizeof *made->sets, p);
    *budget = made;
    return rs_random_bytes(made->salt, sizeof made->salt);
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

/* His slot, or NULL. */
static slot_t *find(rs_budget_t *budget, apr_uint64_t who, apr_time_t now)
{
    slot_t *set = budget->sets[who & (SETS - 1)];
    unsigned i;

    for (i = 0; i < SLOTS; i++) {
        apr_int64_t began = atomic_load(&set[i].began);
        if (!atomic_load(&set[i].count) || atomic_load(&set[i].who) != who)
            continue;
        /* The window is over, or the clock was set back. */
        if (now - began < budget->period && began - now < RS_CLOCK_SKEW_MAX)
            return &set[i];
        atomic_store(&set[i].count, 0);
        return NULL;
    }
    return NULL;
}

static slot_t *begin(rs_budget_t *budget, apr_uint64_t who, apr_time_t now)
{
    slot_t *set = budget->sets[who & (SETS - 1)], *oldest = set;
    unsigned i;

    for (i = 0; i < SLOTS && atomic_load(&oldest->count); i++)
        if (!atomic_load(&set[i].count) || atomic_load(&set[i].last) < atomic_load(&oldest->last))
            oldest = &set[i];
    atomic_store(&oldest->count, 0);
    atomic_store(&oldest->who, who);
    atomic_store(&oldest->began, now);
    return oldest;
}

apr_interval_time_t rs_budget_wait(rs_budget_t *budget, const char *who, apr_time_t now)
{
    const slot_t *slot = find(budget, digest_of(budget, who), now);
    apr_interval_time_t wait;

    if (!slot || atomic_load(&slot->count) < budget->events_max)
        return 0;
    wait = atomic_load(&slot->began) + budget->period - now;
    return wait < budget->period ? wait : budget->period;
}

void rs_budget_count(rs_budget_t *budget, const char *who, apr_time_t now)
{
    apr_uint64_t digest = digest_of(budget, who);
    slot_t *slot = find(budget, digest, now);

    if (!slot)
        slot = begin(budget, digest, now);
    atomic_fetch_add(&slot->count, 1);
    atomic_store(&slot->last, now);
}
