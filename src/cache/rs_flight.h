/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Single flight in a process: of all threads that want the same verdict at the same time one asks,
 * the others wait for its answer. */
#ifndef RS_FLIGHT_H
#define RS_FLIGHT_H

#include "cache/rs_entry.h"

typedef struct rs_flights_t rs_flights_t;
typedef struct rs_flight_t rs_flight_t;

apr_status_t rs_flights_create(rs_flights_t **flights, apr_pool_t *p);

/* Board the flight for key. *flight set: the caller is the pilot, must ask and must call
 * rs_flight_land() whatever happens (a cleanup on p lands it empty if it does not). *flight NULL:
 * the caller was a passenger; the result is the pilot's entry with a reference, or NULL when the
 * pilot landed without one or `wait` passed. *now moves on by what was waited. */
rs_entry_t *rs_flight_board(rs_flights_t *flights, const rs_sha256_t *key, apr_interval_time_t wait,
                            rs_flight_t **flight, apr_time_t *now, apr_pool_t *p);

/* entry may be NULL; passengers get references of their own. */
void rs_flight_land(rs_flight_t *flight, rs_entry_t *entry);

#endif
