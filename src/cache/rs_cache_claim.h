/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Single flight across processes and hosts: whoever puts a claim into the shared tier first asks,
 * the others wait for what he finds. A claim whose holder dies ends by itself. */
#ifndef RS_CACHE_CLAIM_H
#define RS_CACHE_CLAIM_H

#include "cache/rs_cache.h"

#define RS_CLAIM_OWNER_BYTES 16

typedef struct {
    rs_tier_t *tier; /* NULL: nothing is claimed */
    rs_cache_key_t key;
    unsigned char owner[RS_CLAIM_OWNER_BYTES];
} rs_cache_claim_t;

/* True: go and ask; the claim is ours, or the shared tier cannot say whose. False: somebody else
 * asks right now. */
bool rs_cache_claim_take(rs_cache_claim_t *claim, rs_cache_t *cache, const rs_sha256_t *key,
                         apr_interval_time_t lifetime, apr_time_t now, apr_pool_t *p);

/* Give it back, if it is still ours. */
void rs_cache_claim_end(rs_cache_claim_t *claim, apr_time_t now, apr_pool_t *p);

#endif
