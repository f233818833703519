/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* How long something took. Monotonic: means nothing but as a difference, and a clock that is set
 * does not move it. Moments are handed in as `now`. */
#ifndef RS_CLOCK_H
#define RS_CLOCK_H

#include <apr_time.h>

/* In microseconds since some moment. */
apr_time_t rs_clock(void);

/* The interval, up to a tenth longer or shorter, so that a farm of servers does not act in step.
 * random NULL: a tenth shorter. */
typedef apr_status_t rs_random_fn(unsigned char *bytes, apr_size_t len);
apr_interval_time_t rs_jitter(rs_random_fn *random, apr_interval_time_t interval);

#endif
