/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* When to ask where the servers are: one asks at a time, and not again at once, whatever fails. No
 * lock of its own: its owner's is held in each call. */
#ifndef RS_REDIS_INQUIRY_H
#define RS_REDIS_INQUIRY_H

#include <apr_time.h>
#include <stdbool.h>

/* Begins as zeroes. */
typedef struct {
    bool known;   /* there is an answer, an old one perhaps */
    bool doubted; /* it may be wrong by now */
    bool asking;
    apr_time_t asked_at; /* by rs_clock() */
} rs_redis_inquiry_t;

/* True: it is the caller's to ask now, and to say how it ended. */
bool rs_redis_inquiry_begin(rs_redis_inquiry_t *inquiry);
void rs_redis_inquiry_end(rs_redis_inquiry_t *inquiry, bool answered);

#endif
