/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The issuer's keys over time: immutable snapshots, reference-counted, replaced as a whole.
 * Fetching happens outside of any lock, one fetch at a time; a bad key set never replaces a good
 * one. */
#ifndef RS_KEYS_H
#define RS_KEYS_H

#include "jose/rs_jwks.h"
#include "provider/rs_metadata.h"
#include "provider/rs_waiting.h"

typedef struct rs_keys_t rs_keys_t;

/* waiting: whoever waits for keys is one of them. */
apr_status_t rs_keys_create(rs_keys_t **keys, const rs_provider_spec_t *spec,
                            rs_metadata_t *metadata, rs_waiting_t *waiting,
                            const rs_services_t *services, apr_pool_t *p);

/* Load what needs no network: key files and the shared key. *why says what is wrong with them. */
apr_status_t rs_keys_load_files(rs_keys_t *keys, apr_time_t now, const char **why,
                                apr_pool_t *ptemp);

/* The keys to use now, held until p is cleared. Fetches when there are none; when they are old and
 * nobody else is at it, fetches too. NULL: none to be had; *retry_after then says when asking again
 * makes sense. seat: of the request among those who wait for the issuer; taken if it has to wait,
 * and the caller's to give back. */
const rs_jwks_t *rs_keys_hold(rs_keys_t *keys, rs_seat_t *seat, apr_time_t now,
                              apr_interval_time_t *retry_after, apr_pool_t *p);

/* A token names a key that is not in the set. APR_SUCCESS: the set was fetched anew, hold it again.
 * APR_EAGAIN: in the cool-down, or too many wait already, and the answer may change: *retry_after
 * says when. APR_NOTFOUND: there is no such key. issued: the token's iat, 0 if unknown. */
apr_status_t rs_keys_miss(rs_keys_t *keys, rs_seat_t *seat, apr_time_t issued, apr_time_t now,
                          apr_interval_time_t *retry_after, apr_pool_t *p);

/* Is the key that verified a cached verdict still the issuer's, and not kept for too long? */
bool rs_keys_still_has(rs_keys_t *keys, const rs_sha256_t *thumbprint, apr_time_t now);

/* Give back what was fetched: for a process that ends without clearing the pool of creation. */
void rs_keys_forget(rs_keys_t *keys);

/* For pages: how things are now. */
typedef struct {
    unsigned count;
    bool failing;          /* the last fetch was no success */
    apr_time_t fetched_at; /* 0: never */
} rs_keys_state_t;
rs_keys_state_t rs_keys_state(rs_keys_t *keys);

/* Background work: fetch what is due before a request needs it. */
void rs_keys_tend(rs_keys_t *keys, apr_time_t now, apr_pool_t *ptemp);

#endif
