/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A question about one token, and what one provider says to it: for rs_provider.c, rs_matter.c and
 * rs_providers.c. */
#ifndef RS_MATTER_H
#define RS_MATTER_H

#include "base/rs_clock.h"
#include "provider/rs_decryption.h"
#include "provider/rs_introspection.h"
#include "provider/rs_provider.h"

#include <stdatomic.h>

struct rs_provider_t {
    const rs_provider_spec_t *spec;
    const rs_services_t *services;
    rs_sha256_t fingerprint;
    rs_waiting_t *waiting;
    rs_metadata_t *metadata;
    rs_keys_t *keys;
    rs_decryption_t *decryption;       /* NULL: no key */
    rs_introspection_t *introspection; /* NULL: it is never asked */
    atomic_bool keys_wanted;           /* a JWT of this issuer was seen */
    rs_log_quiet_t ambiguous, stale;
};

/* A question while it is answered. */
typedef struct {
    const rs_question_t *question;
    rs_moment_t time;        /* it moves on while the question waits for others */
    const rs_provider_t *by; /* NULL: nobody has judged */
    bool in_vain;            /* an issuer was asked, and did not accept the token */
    apr_pool_t *p;
} rs_inquiry_t;

/* Its part of one provider, with what belongs to it. */
typedef struct {
    rs_provider_t *provider;
    rs_inquiry_t *inquiry;
    rs_cache_ttl_t ttl;
    rs_sha256_t key; /* of the caches */
    rs_seat_t seat;  /* of who waits for the issuer */
    apr_time_t now;
    apr_pool_t *p;
} rs_matter_t;

/* Of the question's provider number `which`. */
rs_matter_t rs_matter_of(rs_inquiry_t *inquiry, unsigned which);

/* What the caches know, or NULL. A verdict whose key has left the issuer's set is not served any
 * more. */
const rs_verdict_t *rs_matter_from_cache(const rs_matter_t *matter, bool local_only);

/* By introspection; local is the verdict on the token itself when it has to agree, or NULL. */
rs_verdict_t rs_matter_judge_by_issuer(const rs_matter_t *matter, const rs_verdict_t *local);

/* By the issuer's keys, and where the provider wants both, by introspection too. */
rs_verdict_t rs_matter_judge_locally(const rs_matter_t *matter, const rs_jws_t *jws);

#endif
