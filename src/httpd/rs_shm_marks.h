/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Revocation marks of one httpd in anonymous shared memory: a ring that all its processes write to
 * and read from, each with a cursor of its own. Knows APR, not httpd.
 *
 * There is no lock, because old and new processes of a graceful restart share the ring and nothing
 * else: a writer takes a place by counting, fills it, and marks it as filled; a reader takes what
 * is filled. Whoever waits too long for a place gives it up, for all; a writer who finds that takes
 * another. A ring that has to forget a mark within the retention says so: it is closed. */
#ifndef RS_SHM_MARKS_H
#define RS_SHM_MARKS_H

#include "cache/rs_marks.h"

typedef struct rs_shm_marks_t rs_shm_marks_t;

/* capacity: marks. The memory (64 bytes each) is touched as marks come, and lives as long as p: a
 * pool that outlives restarts. */
apr_status_t rs_shm_marks_create(rs_shm_marks_t **ring, apr_uint32_t capacity, apr_pool_t *p);

/* retention: until it is spent (rs_mark_is_spent()) a mark may not be forgotten. APR_ENOSPC: it is
 * kept, but for another one that is forgotten too early, so that the ring is closed. APR_TIMEUP: it
 * is not kept; this process was given up again and again. */
apr_status_t rs_shm_marks_publish(rs_shm_marks_t *ring, const rs_mark_t *mark,
                                  apr_interval_time_t retention, apr_time_t now);

/* Likewise, by one of many that hear of the same marks from elsewhere: what another one has just
 * put here is not put here again. */
void rs_shm_marks_pass_on(rs_shm_marks_t *ring, const rs_mark_t *mark,
                          apr_interval_time_t retention, apr_time_t heard_at);

/* Somebody has passed on all that there is at `where`, which is a number for it and not 0. */
void rs_shm_marks_set_whole(rs_shm_marks_t *ring, apr_uint64_t where);
bool rs_shm_marks_is_whole(const rs_shm_marks_t *ring, apr_uint64_t where);

/* When it last forgot too early; 0: never. */
apr_time_t rs_shm_marks_closed_at(const rs_shm_marks_t *ring);

/* Where a reader has come to. Begins as zeroes: with what is there. */
typedef struct {
    apr_uint64_t next;
    apr_time_t stuck_since; /* at a place that is taken and not filled; 0: not */
} rs_shm_marks_cursor_t;

/* Put what is new, and not spent, into marks. One atomic load when
 * there is nothing. */
void rs_shm_marks_read(rs_shm_marks_t *ring, rs_shm_marks_cursor_t *cursor, rs_marks_t *marks,
                       apr_time_t now);

#endif
