/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Our judgement on a token: accepted, refused or undecided. Never a bool. A value; what it points
 * to lives in the pool or cache entry it came from. */
#ifndef RS_VERDICT_H
#define RS_VERDICT_H

#include "base/rs_digest.h"
#include "token/rs_outcome.h"
#include "token/rs_principal.h"

#define RS_TIME_NEVER APR_INT64_MAX

typedef struct {
    rs_outcome_t outcome;
    const char *detail; /* for the log; never sent to the client verbatim; may be NULL */
    const rs_principal_t *principal; /* non-NULL exactly when accepted */
    const rs_sha256_t *key;          /* thumbprint of the key that verified it; NULL: none did */
    apr_time_t decided_at;
    apr_time_t
        valid_until; /* the token's own end; the caches' TTLs come on top (rs_verdict_until) */
    apr_interval_time_t retry_after; /* of an undecided or throttled one; 0: no idea */
    bool introspected;               /* the issuer was asked: TTLs apply, and both tiers */
} rs_verdict_t;

/* The only makers. */
rs_verdict_t rs_accept(const rs_principal_t *principal, apr_time_t now, apr_time_t valid_until);
rs_verdict_t rs_refuse(rs_outcome_t outcome, const char *detail, apr_time_t now);
rs_verdict_t rs_undecided(const char *detail, apr_interval_time_t retry_after, apr_time_t now);

bool rs_verdict_is_accepted(const rs_verdict_t *verdict);
/* May a cache keep it (rs_outcome.h)? */
bool rs_verdict_is_storable(const rs_verdict_t *verdict);

/* The one expiry rule. Until when may this verdict be used by somebody who allows results to be ttl
 * old? Judged from a JWT alone: valid_until. Introspected: valid_until or decided_at + ttl,
 * whichever is first. */
apr_time_t rs_verdict_until(const rs_verdict_t *verdict, apr_interval_time_t ttl);

#endif
