/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The revocation marks that a process knows: asked at every accepted token, where one atomic load
 * says that there are none. Full means closed: what was issued before is then revoked. */
#ifndef RS_MARKS_H
#define RS_MARKS_H

#include "token/rs_mark.h"

typedef struct rs_marks_t rs_marks_t;

/* retention: older tokens are refused; marks are kept for a little longer (rs_mark_is_spent()). */
apr_status_t rs_marks_create(rs_marks_t **marks, apr_interval_time_t retention, apr_pool_t *p);

apr_interval_time_t rs_marks_retention(const rs_marks_t *marks);

/* False: the table is full, and closed from now on. */
bool rs_marks_add(rs_marks_t *marks, const rs_mark_t *mark, apr_time_t heard_at);

/* Is it there, or a later one of the same? */
bool rs_marks_has(rs_marks_t *marks, const rs_mark_t *mark);

/* Not all of them can be known: closed, for what was issued before `at`. */
void rs_marks_close(rs_marks_t *marks, apr_time_t at);
apr_time_t rs_marks_closed_at(const rs_marks_t *marks); /* 0: it is not */

/* Whoever fills the table may want to look for news before it is asked. Before the first question;
 * from then on it is called at each, by any thread. */
typedef void (*rs_marks_look_fn)(void *baton, apr_pool_t *ptemp);
void rs_marks_set_look(rs_marks_t *marks, rs_marks_look_fn look, void *baton);

/* Blind: nothing is known of what was revoked before, and nothing shall be accepted until it is. */
void rs_marks_set_blind(rs_marks_t *marks, bool blind);

/* The last word on an accepted token: the same verdict, or RS_TOKEN_REVOKED, or undecided. */
rs_verdict_t rs_marks_judge(rs_marks_t *marks, const rs_presented_t *presented,
                            const rs_verdict_t *verdict, apr_time_t now, apr_pool_t *p);

/* Is it revoked, as far as the table knows, or too old to know? NULL: neither; else why, for the
 * log. */
const char *rs_marks_refuse(rs_marks_t *marks, const rs_presented_t *presented,
                            const rs_verdict_t *verdict, apr_time_t now, apr_pool_t *p);

/* Forget what is spent. */
void rs_marks_sweep(rs_marks_t *marks, apr_time_t now);

unsigned rs_marks_count(const rs_marks_t *marks);

#endif
