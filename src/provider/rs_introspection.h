/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The introspection verifier: the issuer is asked about a token (RFC 7662), and its reply goes
 * through the same rules as a JWT's claims. */
#ifndef RS_INTROSPECTION_H
#define RS_INTROSPECTION_H

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
    bool open;                               /* the breaker; half-open counts as open */
    apr_interval_time_t wait;                /* until the issuer is asked again; 0: it is asked */
    apr_uint64_t calls, undecided, failures; /* of all processes; undecided: those that brought no
                                                verdict; failures among them move the breaker */
} rs_introspection_state_t;
rs_introspection_state_t rs_introspection_state(const rs_introspection_t *introspection,
                                                apr_time_t now);

/* Give back what it read: for a process that ends without clearing the pool of creation. */
void rs_introspection_forget(rs_introspection_t *introspection);

/* One call. Any reply but a well-formed one about this token is undecided. *unreachable: because
 * the issuer does not answer or does not work, not because of what it says about us. seat: of who
 * asks, in case that he has to wait for keys. The verdict lives as long as p. */
rs_verdict_t rs_introspection_ask(rs_introspection_t *introspection,
                                  const rs_presented_t *presented, rs_seat_t *seat,
                                  bool *unreachable, apr_time_t now, apr_pool_t *p);

#endif
