/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A bounded number of seats for those who wait, in the memory of a process or of several. A seat
 * whose taker died falls free by the clock. No lock. */
#ifndef RS_SEATS_H
#define RS_SEATS_H

#include <apr_time.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct {
    unsigned count;
    apr_interval_time_t longest; /* a seat may be kept */
    _Atomic apr_int64_t taken_until[]; /* 0: free */
} rs_seats_t;

/* So much memory is needed, of zeroes. */
apr_size_t rs_seats_bytes(unsigned count);
void rs_seats_init(rs_seats_t *seats, unsigned count, apr_interval_time_t longest);

/* A seat that was taken; all zeroes: none. */
typedef struct {
    unsigned index;
    apr_int64_t until; /* 0: none */
} rs_seat_t;

/* False: all are taken. */
bool rs_seats_take(rs_seats_t *seats, rs_seat_t *seat, apr_time_t now);
/* Does nothing to a seat that was not taken, or that somebody else has by now. */
void rs_seats_give(rs_seats_t *seats, rs_seat_t *seat);

/* How many are taken, and have been for `since` or longer; 0: all that are. */
unsigned rs_seats_taken(const rs_seats_t *seats, apr_interval_time_t since, apr_time_t now);

#endif
