/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A table of small values in anonymous shared memory, for what must not be forgotten before its
 * time (marks) and what must be given to exactly one process (claims). Knows APR, not httpd.
 *
 * A fixed number of slots; a key may stand in any of RS_SHM_PROBES_MAX slots one behind the other.
 * What is within its time is never evicted: when all slots of a key are taken, the table is full
 * for that key. Where a key begins depends on a seed, so that a client cannot choose keys that
 * crowd out somebody else's.
 *
 * A process that dies half-way leaves the table usable: a slot counts once its time is written,
 * which is the last thing written. Only a value that was being replaced can then be part old, part
 * new; its key stays. */
#ifndef RS_SHM_TABLE_H
#define RS_SHM_TABLE_H

#include "base/rs_digest.h"
#include "httpd/rs_shm_lock.h"

#include <apr_time.h>

#define RS_SHM_PROBES_MAX 64
#define RS_SHM_VALUE_BYTES_MAX 64

typedef struct rs_shm_table_t rs_shm_table_t;

typedef struct {
    apr_size_t bytes;           /* of shared memory, all slots together */
    apr_size_t value_bytes_max; /* at most RS_SHM_VALUE_BYTES_MAX */
    apr_uint64_t seed[2];       /* random */
    rs_shm_lock_t *lock;        /* several tables may have one */
} rs_shm_table_config_t;

/* Before the fork; all children inherit the memory, which lives as long as p. APR_EINVAL: not one
 * slot fits, or values too large. */
apr_status_t rs_shm_table_create(rs_shm_table_t **table, const rs_shm_table_config_t *config,
                                 apr_pool_t *p);

apr_uint32_t rs_shm_table_slots(const rs_shm_table_t *table);

/* The four below: from any thread of any process that inherited the table. What expires at T is
 * there until before T. A status that is not named comes from the lock: nothing was done.
 * APR_EINVAL: a value too large, or a time that is not ahead. */

/* APR_SUCCESS: *value is a copy in p. APR_NOTFOUND. */
apr_status_t rs_shm_table_fetch(rs_shm_table_t *table, const rs_sha256_t *key,
                                const unsigned char **value, apr_size_t *len, apr_time_t now,
                                apr_pool_t *p);

/* In place of what is there. APR_ENOSPC. */
apr_status_t rs_shm_table_store(rs_shm_table_t *table, const rs_sha256_t *key,
                                const unsigned char *value, apr_size_t len, apr_time_t expires,
                                apr_time_t now);

/* One caller of all processes gets APR_SUCCESS, the others APR_EEXIST. APR_ENOSPC. */
apr_status_t rs_shm_table_add(rs_shm_table_t *table, const rs_sha256_t *key,
                              const unsigned char *value, apr_size_t len, apr_time_t expires,
                              apr_time_t now);

/* value NULL: whatever stands there. APR_NOTFOUND: nothing, or not that value. */
apr_status_t rs_shm_table_remove(rs_shm_table_t *table, const rs_sha256_t *key,
                                 const unsigned char *value, apr_size_t len, apr_time_t now);

#endif
