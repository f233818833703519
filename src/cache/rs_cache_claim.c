/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Claims: add-if-absent with an owner. */
#include "cache/rs_cache_claim.h"

static const char use[] = "mod_oauth2_rs claim 1";

/* A tier that did not answer may carry out later what it was told then: there are claims that
 * nobody holds. As long as one can last nobody waits for anybody. */
static bool may_have_ghosts(rs_tier_t *tier, rs_cache_t *cache, apr_interval_time_t lifetime,
                            apr_time_t now)
{
    return !tier->certain &&
           (!tier->healthy(tier, now) || rs_cache_was_in_trouble(cache, lifetime, now));
}

bool rs_cache_claim_take(rs_cache_claim_t *claim, rs_cache_t *cache, const rs_sha256_t *key,
                         apr_interval_time_t lifetime, apr_time_t now, apr_pool_t *p)
{
    rs_tier_t *tier = rs_cache_shared(cache);
    rs_span_t spans[] = { { use, sizeof use }, { key->bytes, RS_SHA256_BYTES } };
    apr_status_t status;

    claim->tier = NULL;
    if (!tier || may_have_ghosts(tier, cache, lifetime, now) ||
        rs_random_bytes(claim->owner, sizeof claim->owner) != APR_SUCCESS)
        return true;
    claim->key.kind = RS_KIND_CLAIM;
    rs_sha256(spans, 2, &claim->key.digest);
    status =
        tier->add(tier, &claim->key, claim->owner, sizeof claim->owner, now + lifetime, now, p);
    rs_cache_note(cache, status, now);
    if (status == APR_SUCCESS)
        claim->tier = tier;
    return status != APR_EEXIST;
}

void rs_cache_claim_end(rs_cache_claim_t *claim, apr_time_t now, apr_pool_t *p)
{
    if (claim->tier)
        (void)claim->tier->remove(claim->tier, &claim->key, claim->owner, sizeof claim->owner, now,
                                  p);
    claim->tier = NULL;
}
