/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The shared tier in the shared memory of one httpd: what the processes of this server tell each
 * other.
 *
 *   verdicts, negatives   ap_socache_shmcb, one instance each, so that garbage evicts garbage
 *   claims, marks         a table of our own (rs_shm_table.h), which forgets nothing early
 *   documents             places of a fixed size (rs_shm_documents.h) */
#ifndef RS_TIER_SHM_H
#define RS_TIER_SHM_H

#include "cache/rs_tier.h"

#include <httpd.h>

typedef struct rs_tier_shm_t rs_tier_shm_t;

/* From the word behind "shm:", like 4m, 512k or a number of bytes; NULL is the default. NULL is
 * fine, else a sentence. */
const char *rs_tier_shm_create(rs_tier_shm_t **shm, const char *size, apr_pool_t *ptemp,
                               apr_pool_t *p);

/* In pre_config: the type of our lock, for the directive Mutex. */
apr_status_t rs_tier_shm_register(apr_pool_t *p);

/* In post_config: take the memory. It goes with p. */
apr_status_t rs_tier_shm_open(rs_tier_shm_t *shm, server_rec *s, apr_pool_t *p);

/* In each child. */
apr_status_t rs_tier_shm_child_init(rs_tier_shm_t *shm, server_rec *s, apr_pool_t *pchild);

rs_tier_t *rs_tier_shm_tier(rs_tier_shm_t *shm);

#endif
