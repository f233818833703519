/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Revocations, as the processes of this httpd hear of them and make them: through Redis, or through
 * shared memory. */
#ifndef RS_REVOCATION_H
#define RS_REVOCATION_H

#include "cache/rs_marks_stream.h"

#include <httpd.h>

typedef struct rs_revocation_t rs_revocation_t;

/* Before the fork. shm: through shared memory, which outlives restarts of s (not its stop). */
apr_status_t rs_revocation_create(rs_revocation_t **revocation, apr_interval_time_t retention,
                                  bool shm, server_rec *s, apr_pool_t *p);

/* In each child. tier and seal: of Redis, else NULL. What was revoked before this process began is
 * read at once. *marks lives as long as pchild. */
apr_status_t rs_revocation_child_init(rs_revocation_t *revocation, rs_tier_t *tier,
                                      const rs_seal_t *seal, const rs_log_t *log,
                                      apr_pool_t *pchild);

/* NULL before rs_revocation_child_init(). */
rs_marks_t *rs_revocation_marks(const rs_revocation_t *revocation);

/* What is new. By one thread at a time. */
void rs_revocation_poll(rs_revocation_t *revocation, apr_time_t now, apr_pool_t *ptemp);

/* Felt here at once, by all others within a second. Not APR_SUCCESS: nobody else hears of it; or
 * APR_ENOSPC: everybody does, and there are more than can be kept. */
apr_status_t rs_revocation_publish(rs_revocation_t *revocation, const rs_mark_t *mark,
                                   apr_time_t now, apr_pool_t *p);

#endif
