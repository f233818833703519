/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Revocations, as the processes of this httpd hear of them and make them: through a ring in shared
 * memory, and with Redis through a stream as well. Then the ring is what a process that begins
 * knows of while Redis does not answer. */
#ifndef RS_REVOCATION_H
#define RS_REVOCATION_H

#include "cache/rs_marks_stream.h"

#include <httpd.h>

typedef struct rs_revocation_t rs_revocation_t;

typedef struct {
    apr_interval_time_t retention;
    bool required; /* as long as nobody of this httpd has read the stream, nothing is accepted */
    apr_uint64_t where; /* a number for the stream, not 0: a restart may name another one */
} rs_revocation_spec_t;

/* Before the fork. The ring outlives restarts of s (not its stop). */
apr_status_t rs_revocation_create(rs_revocation_t **revocation, const rs_revocation_spec_t *spec,
                                  server_rec *s, apr_pool_t *p);

/* In each child. tier and seal: of Redis, else NULL. What was revoked before this process began is
 * read at once. The marks live as long as pchild. */
apr_status_t rs_revocation_child_init(rs_revocation_t *revocation, rs_tier_t *tier,
                                      const rs_seal_t *seal, const rs_log_t *log,
                                      apr_pool_t *pchild);

/* NULL before rs_revocation_child_init(). */
rs_marks_t *rs_revocation_marks(const rs_revocation_t *revocation);

/* What is new. Three times a second; where nobody does that any more, in a process that is leaving,
 * whoever asks the marks looks himself. */
void rs_revocation_poll(rs_revocation_t *revocation, apr_time_t now, apr_pool_t *ptemp);

/* This process ends: whoever reads stops soon. Also in a signal handler. */
void rs_revocation_leave(rs_revocation_t *revocation);

/* Felt here at once, by all others within a second. APR_ENOSPC: likewise, and there are more than
 * can be kept. Else not all hear of it; *why says who does not, a constant. */
apr_status_t rs_revocation_publish(rs_revocation_t *revocation, const rs_mark_t *mark,
                                   const char **why, apr_time_t now, apr_pool_t *p);

#endif
