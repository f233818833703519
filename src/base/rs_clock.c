/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The monotonic clock, and intervals by chance. */
#include "base/rs_clock.h"

#include <time.h>

apr_time_t rs_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}

rs_moment_t rs_moment_at(apr_time_t now)
{
    return (rs_moment_t){ now, rs_clock() };
}

apr_time_t rs_moment_now(const rs_moment_t *moment)
{
    return moment->began + (rs_clock() - moment->clock);
}

apr_interval_time_t rs_jitter(rs_random_fn *random, apr_interval_time_t interval)
{
    apr_uint32_t number = 0;

    if (random)
        (void)random((unsigned char *)&number, sizeof number);
    return interval - interval / 10 +
           (apr_interval_time_t)((double)number / 4294967296.0 * (double)interval / 5);
}
