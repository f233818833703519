/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The monotonic clock. */
#include "base/rs_clock.h"

#include <time.h>

apr_time_t rs_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000;
}
