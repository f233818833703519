/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Those who wait for one issuer: for its answer about a token, for its keys, or for another request
 * that does. So many have a seat (OAuth2RSMaxWaiting), so that one slow issuer does not take all
 * threads. Whoever has none waits as long as the issuer is quick, and half a second at most. */
#ifndef RS_WAITING_H
#define RS_WAITING_H

#include "base/rs_seats.h"
#include "provider/rs_provider_spec.h"
#include "provider/rs_services.h"
#include "token/rs_verdict.h"

typedef struct rs_waiting_t rs_waiting_t;

/* Before the fork: under prefork all processes have one set of seats. Lives as long as p. */
rs_waiting_t *rs_waiting_create(const rs_provider_spec_t *spec, const rs_services_t *services,
                                apr_pool_t *p);

/* How long others wait for a question to the issuer: for its metadata and one call. When a signed
 * reply needs new keys besides, which is rare, somebody else may ask the same. */
apr_interval_time_t rs_waiting_time_max(const rs_provider_spec_t *spec);

/* Without a seat nobody waits for longer. */
#define RS_STANDING_MAX apr_time_from_msec(500)

/* A seat is rs_seat_t of zeroes until it is taken; a request takes one at most, however often it
 * sits down. False: none is free. */
bool rs_waiting_sit(rs_waiting_t *waiting, rs_seat_t *seat, apr_time_t now);
/* The same, and while the issuer is quick enough that one will be free soon, wait for it. *now
 * moves on by that. */
bool rs_waiting_stand(rs_waiting_t *waiting, rs_seat_t *seat, apr_time_t *now);
/* For who waits for another request: sit down if that is possible. How long may he wait: `longest`
 * on a seat, else what standing allows, which is nothing when the issuer is slow. */
apr_interval_time_t rs_waiting_patience(rs_waiting_t *waiting, rs_seat_t *seat,
                                        apr_interval_time_t longest, apr_time_t now);
void rs_waiting_rise(rs_waiting_t *waiting, rs_seat_t *seat);

unsigned rs_waiting_count(const rs_waiting_t *waiting, apr_time_t now);

/* What to say when none is free, with a line in the log. */
rs_verdict_t rs_waiting_crowded(rs_waiting_t *waiting, apr_time_t now);

#endif
