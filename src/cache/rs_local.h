/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The tier in each process: sharded hash tables of entries, bounded by count and bytes,
 * constant-time lookup, second-chance eviction. No lock that another process could hold; no
 * allocation on a hit but the cleanup of the reference. */
#ifndef RS_LOCAL_H
#define RS_LOCAL_H

#include "cache/rs_entry.h"
#include "cache/rs_tier.h"

typedef struct rs_local_t rs_local_t;

typedef struct {
    unsigned entries_max; /* of verdicts; negatives get an eighth of that besides */
    apr_size_t bytes_max;
} rs_local_config_t;

/* Made before or after the fork; memory is taken as entries come. Freed with p. */
apr_status_t rs_local_create(rs_local_t **local, const rs_local_config_t *config, apr_pool_t *p);

/* The entry with a reference for the caller, or NULL. served_until is what rs_local_store() was
 * given. */
rs_entry_t *rs_local_fetch(rs_local_t *local, const rs_sha256_t *key, apr_time_t now);

/* Keeps its own reference; not served from `until` on. negative: goes into the negatives' share. */
void rs_local_store(rs_local_t *local, const rs_sha256_t *key, rs_entry_t *entry, bool negative,
                    apr_time_t until, apr_time_t now);
void rs_local_remove(rs_local_t *local, const rs_sha256_t *key);
void rs_local_clear(rs_local_t *local);

typedef struct {
    apr_size_t entries, negatives, bytes, evictions;
} rs_local_stats_t;
rs_local_stats_t rs_local_stats(rs_local_t *local);

#endif
