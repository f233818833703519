/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The verdict cache: local tier, then the shared one. Knows the one expiry rule and nothing about
 * tokens. */
#ifndef RS_CACHE_H
#define RS_CACHE_H

#include "base/rs_log.h"
#include "cache/rs_flight.h"
#include "cache/rs_local.h"
#include "cache/rs_tier.h"

typedef struct rs_cache_t rs_cache_t;

typedef struct {
    rs_local_t *local;             /* NULL: none */
    apr_interval_time_t local_ttl; /* of introspected entries, while the shared tier is healthy */
    rs_tier_t *shared;             /* NULL: none */
    bool revocation; /* is heard of through the shared tier: without its news an entry never lives
                        longer than local_ttl */
} rs_cache_config_t;

apr_status_t rs_cache_create(rs_cache_t **cache, const rs_cache_config_t *config, apr_pool_t *p);

/* How old an introspected result this caller takes. 0: neither reads nor stores. stale: how much
 * longer an accepted one is kept for rs_cache_fetch_stale(). */
typedef struct {
    apr_interval_time_t positive, negative, stale;
} rs_cache_ttl_t;

/* NULL: not known. local_only: a locally judged JWT; asking the shared tier costs more than judging
 * it. The entry's reference is given up with p. */
const rs_verdict_t *rs_cache_fetch(rs_cache_t *cache, const rs_sha256_t *key,
                                   const rs_cache_ttl_t *ttl, bool local_only, apr_time_t now,
                                   apr_pool_t *p);

/* Likewise an accepted one that is too old by its TTL, but not by TTL and stale, nor by the token's
 * own end. */
const rs_verdict_t *rs_cache_fetch_stale(rs_cache_t *cache, const rs_sha256_t *key,
                                         const rs_cache_ttl_t *ttl, apr_time_t now, apr_pool_t *p);

/* Keep what the outcome table says may be kept. NULL: it could not be made an entry; else the entry
 * with a reference for the caller, whether kept or not. */
rs_entry_t *rs_cache_store(rs_cache_t *cache, const rs_sha256_t *key, const rs_verdict_t *verdict,
                           const rs_cache_ttl_t *ttl, apr_time_t now, apr_pool_t *p);

void rs_cache_forget(rs_cache_t *cache, const rs_sha256_t *key);

/* An answer of the shared tier that somebody got; what is no success, no miss, no EEXIST and no
 * ENOSPC (one record is too large, or there is no room) is trouble, unless the tier is certain. */
void rs_cache_note(rs_cache_t *cache, apr_status_t status, apr_time_t now);
/* Was there trouble in the last `period`? */
bool rs_cache_was_in_trouble(rs_cache_t *cache, apr_interval_time_t period, apr_time_t now);

rs_flights_t *rs_cache_flights(rs_cache_t *cache);
rs_local_t *rs_cache_local(rs_cache_t *cache); /* NULL: none */
rs_tier_t *rs_cache_shared(rs_cache_t *cache); /* NULL: none */

#endif
