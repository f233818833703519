/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The revocation marks that a process knows: asked at every accepted token, where one atomic load
 * says that there are none. Full means closed: what was issued before is then revoked. */
#ifndef RS_MARKS_H
#define RS_MARKS_H

#include "token/rs_mark.h"

typedef struct rs_marks_t rs_marks_t;

/* retention: how long a mark counts from when it was heard of; older tokens are refused. */
apr_status_t rs_marks_create(rs_marks_t **marks, apr_interval_time_t retention, apr_pool_t *p);

apr_interval_time_t rs_marks_retention(const rs_marks_t *marks);

/* False: the table is full, and closed from now on. */
bool rs_marks_add(rs_marks_t *marks, const rs_mark_t *mark, apr_time_t now);

/* Somebody else could not keep them all: closed, for what was issued before `at`. */
void rs_marks_close(rs_marks_t *marks, apr_time_t at);

/* Is this accepted token revoked, or too old to know? NULL: neither; else why, for the log. */
const char *rs_marks_refuse(rs_marks_t *marks, const rs_presented_t *presented,
                            const rs_verdict_t *verdict, apr_time_t now, apr_pool_t *p);

/* Forget what is older than the retention. */
void rs_marks_sweep(rs_marks_t *marks, apr_time_t now);

unsigned rs_marks_count(const rs_marks_t *marks);

#endif
