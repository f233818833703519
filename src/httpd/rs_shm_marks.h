/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Revocation marks of one httpd in anonymous shared memory: a ring that all its processes write to
 * and read from, each with a cursor of its own. Knows APR, not httpd.
 *
 * There is no lock, because old and new processes of a graceful restart share the ring and nothing
 * else: a writer takes a place by counting, fills it, and marks it as filled; a reader takes what
 * is filled. A ring that would have to forget a mark within the retention is closed instead. */
#ifndef RS_SHM_MARKS_H
#define RS_SHM_MARKS_H

#include "cache/rs_marks.h"

typedef struct rs_shm_marks_t rs_shm_marks_t;

/* capacity: marks. The memory (64 bytes each) is touched as marks come, and lives as long as p: a
 * pool that outlives restarts. */
apr_status_t rs_shm_marks_create(rs_shm_marks_t **ring, apr_uint32_t capacity, apr_pool_t *p);

/* retention: how long a mark may not be forgotten. APR_ENOSPC: it is kept, but for another one that
 * is forgotten too early, so that the ring is closed. */
apr_status_t rs_shm_marks_publish(rs_shm_marks_t *ring, const rs_mark_t *mark,
                                  apr_interval_time_t retention, apr_time_t now);

/* Where a reader has come to. Begins as zeroes: with what is there. */
typedef struct {
    apr_uint64_t next;
    apr_time_t stuck_since; /* at a place that is taken and not filled; 0: not */
} rs_shm_marks_cursor_t;

/* Put what is new into marks. One atomic load when there is nothing. */
void rs_shm_marks_read(rs_shm_marks_t *ring, rs_shm_marks_cursor_t *cursor, rs_marks_t *marks,
                       apr_time_t now);

#endif
