/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Replies of Redis (RESP2) from a stream of bytes. hiredis parses; what it makes is made here, in a
 * pool, within a budget: an array that announces more elements than are expected, or more bytes
 * than may come, ends the reading before anything of that size is allocated. */
#ifndef RS_REDIS_REPLY_H
#define RS_REDIS_REPLY_H

#include <apr_errno.h>
#include <apr_pools.h>
#include <errno.h>
#include <stdbool.h>

/* A reply, but beyond our own bounds. */
#define RS_REDIS_TOO_LARGE APR_FROM_OS_ERROR(EMSGSIZE)

typedef enum {
    RS_REDIS_NIL,
    RS_REDIS_STATUS, /* +OK */
    RS_REDIS_STRING,
    RS_REDIS_INTEGER,
    RS_REDIS_ARRAY,
    RS_REDIS_ERROR /* -CODE words */
} rs_redis_reply_type_t;

typedef struct rs_redis_reply_t rs_redis_reply_t;
struct rs_redis_reply_t {
    rs_redis_reply_type_t type;
    const char *text; /* of status, string, error; ended with a zero byte that len does not count */
    apr_size_t len;
    long long integer;
    const rs_redis_reply_t **elements;
    unsigned count;
};

typedef struct rs_redis_reader_t rs_redis_reader_t;

apr_status_t rs_redis_reader_create(rs_redis_reader_t **reader, apr_pool_t *p);

/* A new question: its replies go into p, their arrays have elements_max elements in all (0: no
 * array is expected), and they are read from bytes_max bytes at most. */
void rs_redis_reader_begin(rs_redis_reader_t *reader, unsigned elements_max, apr_size_t bytes_max,
                           apr_pool_t *p);

/* RS_REDIS_TOO_LARGE: more bytes than may come. */
apr_status_t rs_redis_reader_feed(rs_redis_reader_t *reader, const char *bytes, apr_size_t len);

/* APR_EAGAIN: not complete. APR_EINVAL: not a reply. RS_REDIS_TOO_LARGE: more elements than are
 * expected. After these two the reader is of no more use. */
apr_status_t rs_redis_reader_next(rs_redis_reader_t *reader, const rs_redis_reply_t **reply);

/* Nothing is left behind the replies that were taken. */
bool rs_redis_reader_is_empty(const rs_redis_reader_t *reader);

/* Is it this error? The first word of an error is its code. */
bool rs_redis_reply_is_error(const rs_redis_reply_t *reply, const char *code);

/* The code alone, for the log: what stands behind it may quote keys and values. */
const char *rs_redis_reply_code(const rs_redis_reply_t *reply, apr_pool_t *p);

#endif
