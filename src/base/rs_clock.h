/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* How long something took, by a monotonic clock: it means nothing but as a difference, and a clock
 * that is set does not move it. Moments are handed in as `now`. */
#ifndef RS_CLOCK_H
#define RS_CLOCK_H

#include <apr_time.h>

/* Moments that are handed in differ by as much at most: a request keeps the one it came at, and
 * hosts have clocks of their own. What lies further ahead was written before a clock was set back.
 */
#define RS_CLOCK_SKEW_MAX apr_time_from_sec(60)

/* In microseconds since some moment. */
apr_time_t rs_clock(void);

/* A moment that moves on: one that was handed in, and what has passed since by rs_clock(). */
typedef struct {
    apr_time_t began;
    apr_time_t clock; /* then */
} rs_moment_t;

rs_moment_t rs_moment_at(apr_time_t now);
apr_time_t rs_moment_now(const rs_moment_t *moment);

/* The interval, up to a tenth longer or shorter, so that a farm of servers does not act in step.
 * random NULL: a tenth shorter. */
typedef apr_status_t rs_random_fn(unsigned char *bytes, apr_size_t len);
apr_interval_time_t rs_jitter(rs_random_fn *random, apr_interval_time_t interval);

#endif
