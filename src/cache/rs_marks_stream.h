/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Marks in a Redis stream: into it, and from it into the table of a process. A stream and not
 * pub/sub: what comes while a reader is away is read later. Each entry has the fields v (a mark as
 * rs_mark_decode() reads it) and m (its MAC, rs_seal_mac()); what was not made with a cache secret
 * is passed over. */
#ifndef RS_MARKS_STREAM_H
#define RS_MARKS_STREAM_H

#include "base/rs_limits.h"
#include "base/rs_log.h"
#include "cache/rs_marks.h"
#include "cache/rs_seal.h"

#include <stdatomic.h>

typedef struct rs_marks_stream_t rs_marks_stream_t;

/* tier: one of rs_tier_redis_create(). */
apr_status_t rs_marks_stream_create(rs_marks_stream_t **stream, rs_marks_t *marks, rs_tier_t *tier,
                                    const rs_seal_t *seal, const rs_log_t *log, apr_pool_t *p);

/* Whoever shall hear of what the table did not have, before it has it. NULL: nobody. */
typedef void (*rs_marks_tell_fn)(void *baton, const rs_mark_t *mark, apr_time_t heard_at);
void rs_marks_stream_set_tell(rs_marks_stream_t *stream, rs_marks_tell_fn tell, void *baton);

/* Whoever reads stops between two pages once this is true: APR_EINTR. */
void rs_marks_stream_set_stop(rs_marks_stream_t *stream, const atomic_bool *stop);

/* Entries that are read at a time, and how often: to the end, however long it may be, or a little,
 * by somebody who has other things to do. */
#define RS_MARKS_PAGE 500
#define RS_MARKS_PAGES_ALL (RS_MARKS_MAX / RS_MARKS_PAGE + 1)
#define RS_MARKS_PAGES_SOME 8

/* Read what is new. By one thread at a time, like what follows. APR_SUCCESS: it was read. */
apr_status_t rs_marks_stream_poll(rs_marks_stream_t *stream, apr_time_t now, apr_pool_t *ptemp);

/* Behind that, when it was read: go on with reading all of it from the beginning of the retention.
 * Begun at first, soon after a failure, and now and then, for whatever was lost or came with an
 * earlier id; between these times it does nothing. */
apr_status_t rs_marks_stream_read_again(rs_marks_stream_t *stream, unsigned pages_max,
                                        apr_time_t now, apr_pool_t *ptemp);

/* All of it was read once. */
bool rs_marks_stream_is_whole(const rs_marks_stream_t *stream);

/* For all processes of all hosts. From any thread. */
apr_status_t rs_marks_stream_publish(rs_marks_stream_t *stream, const rs_mark_t *mark,
                                     apr_time_t now, apr_pool_t *p);

#endif
