/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A circuit breaker in two atomic words. */
#include "base/rs_breaker.h"
#include "base/rs_clock.h"

void rs_breaker_init(rs_breaker_t *breaker, unsigned failures_max, apr_interval_time_t open_time)
{
    breaker->failures_max = failures_max;
    breaker->open_time = open_time > 0 ? open_time : 1;
    atomic_init(&breaker->failures, 0);
    atomic_init(&breaker->open_until, 0);
}

apr_interval_time_t rs_breaker_wait(const rs_breaker_t *breaker, apr_time_t now)
{
    apr_int64_t until = atomic_load(&breaker->open_until);
    apr_interval_time_t wait = until ? until - now : 0;

    /* Longer than a whole term: the clock was set back. Nobody waits for it to catch up. */
    if (wait <= 0 || wait > breaker->open_time + RS_CLOCK_SKEW_MAX)
        return 0;
    return wait < breaker->open_time ? wait : breaker->open_time;
}

bool rs_breaker_allows(rs_breaker_t *breaker, apr_time_t now)
{
    apr_int64_t until = atomic_load(&breaker->open_until);

    if (!until)
        return true;
    if (until > now && until - now <= breaker->open_time + RS_CLOCK_SKEW_MAX)
        return false;
    /* The probe is whoever moves the time on; the others find a new term. A probe that never
     * reports costs this term, no more. */
    return atomic_compare_exchange_strong(&breaker->open_until, &until, now + breaker->open_time);
}

bool rs_breaker_failed(rs_breaker_t *breaker, apr_time_t now)
{
    apr_int64_t until = atomic_load(&breaker->open_until);

    if (until) {
        /* A probe, or a call from before. A success in between has set 0 and is newer: it stays. */
        atomic_compare_exchange_strong(&breaker->open_until, &until, now + breaker->open_time);
        return false;
    }
    if (atomic_fetch_add(&breaker->failures, 1) + 1 < breaker->failures_max ||
        !breaker->failures_max)
        return false;
    return atomic_compare_exchange_strong(&breaker->open_until, &until, now + breaker->open_time);
}

bool rs_breaker_succeeded(rs_breaker_t *breaker)
{
    /* Reads first: in good times no cache line is written. */
    if (atomic_load(&breaker->failures))
        atomic_store(&breaker->failures, 0);
    return atomic_load(&breaker->open_until) && atomic_exchange(&breaker->open_until, 0);
}

bool rs_breaker_is_open(const rs_breaker_t *breaker)
{
    return atomic_load(&breaker->open_until) != 0;
}
