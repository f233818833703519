/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* One tier of the cache: FROZEN. Implemented by shared memory (httpd/rs_tier_shm.c), by Redis
 * (cache/rs_tier_redis.c), and by tests.
 *
 * Users: verdict cache (VERDICT, NEGATIVE), key sources and metadata (DOCUMENT), single flight
 * across processes (CLAIM), replay and revocation (MARK).
 *
 * Who calls what when: all slots from any thread of any child, never from the parent after the
 * fork. A tier bounds its own time. Any status but those named is trouble inside the tier and
 * counts as a miss; the tier itself logs it, once per change of state. */
#ifndef RS_TIER_H
#define RS_TIER_H

#include "base/rs_digest.h"
#include <apr_time.h>

typedef enum {
    RS_KIND_VERDICT,  /* a record of an accepted token */
    RS_KIND_NEGATIVE, /* a record of an inactive token: its own small share, so that garbage evicts
                         no one */
    RS_KIND_DOCUMENT, /* key sets and metadata */
    RS_KIND_CLAIM,    /* "I am asking"; short-lived */
    RS_KIND_MARK, /* seen before, or revoked: losing one is a security event, so full means closed
                   */
    RS_KIND_COUNT
} rs_kind_t;

/* The digest already separates kinds and policies: whoever makes a key puts a name of its use, the
 * format number and everything the value depends on into the preimage. */
typedef struct {
    rs_kind_t kind;
    rs_sha256_t digest;
} rs_cache_key_t;

typedef struct rs_tier_t rs_tier_t;
struct rs_tier_t {
    const char *name; /* for logs: "shm", "redis" */
    bool one_place; /* a VERDICT and a NEGATIVE of one digest share one place: asking for one finds
                       either */

    bool certain; /* what failed was not done, and will not be: nobody need be wary of it later */

    /* Do its answers come back now? False while its circuit is open. Costs no I/O. */
    bool (*healthy)(rs_tier_t *self, apr_time_t now);

    /* APR_SUCCESS: *value lives as long as p. APR_NOTFOUND. A tier may return what is past its
     * time: the reader checks. */
    apr_status_t (*fetch)(rs_tier_t *self, const rs_cache_key_t *key, const unsigned char **value,
                          apr_size_t *len, apr_time_t now, apr_pool_t *p);

    /* Keep until expires (absolute), replacing what is there. A tier may forget earlier (not a
     * MARK). */
    apr_status_t (*store)(rs_tier_t *self, const rs_cache_key_t *key, const unsigned char *value,
                          apr_size_t len, apr_time_t expires, apr_time_t now, apr_pool_t *p);

    /* Atomically, if absent. APR_EEXIST: somebody else was first. APR_ENOSPC: full. */
    apr_status_t (*add)(rs_tier_t *self, const rs_cache_key_t *key, const unsigned char *value,
                        apr_size_t len, apr_time_t expires, apr_time_t now, apr_pool_t *p);

    /* With value: only if that is what stands there (a claim is taken back by its owner alone). */
    apr_status_t (*remove)(rs_tier_t *self, const rs_cache_key_t *key, const unsigned char *value,
                           apr_size_t len, apr_time_t now, apr_pool_t *p);
};

#endif
