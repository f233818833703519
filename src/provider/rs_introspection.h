/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The introspection verifier: the issuer is asked about a token (RFC 7662), and its reply goes
 * through the same rules as a JWT's claims. */
#ifndef RS_INTROSPECTION_H
#define RS_INTROSPECTION_H

#include "base/rs_seats.h"
#include "provider/rs_decryption.h"
#include "provider/rs_keys.h"
#include "provider/rs_metadata.h"
#include "token/rs_presented.h"

typedef struct rs_introspection_t rs_introspection_t;

/* What the provider has already, and the verifier uses. */
typedef struct {
    rs_metadata_t *metadata;
    rs_keys_t *keys;             /* of the issuer: signed replies */
    rs_decryption_t *decryption; /* ours: encrypted replies; NULL: none */
    const rs_services_t *services;
} rs_introspection_parts_t;

/* Reads the client's secret, as the user we are now. *why is a sentence when the answer is not
 * APR_SUCCESS. */
apr_status_t rs_introspection_create(rs_introspection_t **introspection,
                                     const rs_provider_spec_t *spec,
                                     const rs_introspection_parts_t *parts, const char **why,
                                     apr_pool_t *p);

/* For pages: how things are now. */
typedef struct {
    bool open;                    /* the breaker; half-open counts as open */
    apr_interval_time_t wait;     /* until the issuer is asked again; 0: it is asked */
    unsigned waiting;             /* threads */
    apr_uint64_t calls, failures; /* of all processes; failures move the breaker */
} rs_introspection_state_t;
rs_introspection_state_t rs_introspection_state(const rs_introspection_t *introspection,
                                                apr_time_t now);

/* How long a call takes at most. */
apr_interval_time_t rs_introspection_time_max(const rs_provider_spec_t *spec);

/* Without a seat nobody waits for longer. */
#define RS_STANDING_MAX apr_time_from_msec(500)

/* Whoever waits for this issuer, or for somebody who does, takes a seat first, so that one slow
 * issuer does not take all threads. False: none is free. */
bool rs_introspection_sit(rs_introspection_t *introspection, rs_seat_t *seat, apr_time_t now);
/* The same, and while the issuer is quick enough that one will be free soon, wait for it:
 * RS_STANDING_MAX at most. *now moves on by that. */
bool rs_introspection_stand(rs_introspection_t *introspection, rs_seat_t *seat, apr_time_t *now);
void rs_introspection_rise(rs_introspection_t *introspection, rs_seat_t *seat);
/* What to say when none is free. */
rs_verdict_t rs_introspection_crowded(rs_introspection_t *introspection, apr_time_t now);

/* Give back what it read: for a process that ends without clearing the pool of creation. */
void rs_introspection_forget(rs_introspection_t *introspection);

/* One call. Any reply but a well-formed one about this token is undecided. *unreachable: because
 * the issuer does not answer or does not work, not because of what it says about us. The verdict
 * lives as long as p. */
rs_verdict_t rs_introspection_ask(rs_introspection_t *introspection,
                                  const rs_presented_t *presented, bool *unreachable,
                                  apr_time_t now, apr_pool_t *p);

#endif
