/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Replies of Redis: hiredis' reader with object functions of our own. The default ones allocate
 * whatever number of elements the other side writes down. */
#include "cache/rs_redis_reply.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <hiredis/hiredis.h>
#include <limits.h>
#include <string.h>

#define CODE_CHARS_MAX 20

/* The count of an array has another type in each release. */
#if HIREDIS_MAJOR >= 1
typedef size_t element_count_t;
#else
typedef int element_count_t;
#endif

struct rs_redis_reader_t {
    redisReader *parser;
    apr_pool_t *p; /* of the question under way */
    unsigned elements_left;
    apr_size_t bytes_left;
    bool too_large;
};

static rs_redis_reply_t *make(const redisReadTask *task, rs_redis_reply_type_t type)
{
    rs_redis_reader_t *reader = task->privdata;
    rs_redis_reply_t *reply = apr_pcalloc(reader->p, sizeof *reply);

    reply->type = type;
    if (task->parent) {
        rs_redis_reply_t *parent = task->parent->obj;
        parent->elements[task->idx] = reply;
    }
    return reply;
}

static void *make_string(const redisReadTask *task, char *text, size_t len)
{
    rs_redis_reader_t *reader = task->privdata;
    rs_redis_reply_t *reply;

    reply = make(task, task->type == REDIS_REPLY_ERROR    ? RS_REDIS_ERROR
                       : task->type == REDIS_REPLY_STATUS ? RS_REDIS_STATUS
                                                          : RS_REDIS_STRING);
    reply->text = apr_pstrmemdup(reader->p, text, len);
    reply->len = len;
    return reply;
}

/* NULL ends the reading: the parser takes it for lack of memory. */
static void *make_array(const redisReadTask *task, element_count_t count)
{
    rs_redis_reader_t *reader = task->privdata;
    unsigned long long wanted = (unsigned long long)count;
    rs_redis_reply_t *reply;

    if (wanted > reader->elements_left) {
        reader->too_large = true;
        return NULL;
    }
    reader->elements_left -= (unsigned)wanted;
    reply = make(task, RS_REDIS_ARRAY);
    reply->count = (unsigned)wanted;
    reply->elements = apr_pcalloc(reader->p, (reply->count + 1) * sizeof *reply->elements);
    return reply;
}

static void *make_integer(const redisReadTask *task, long long value)
{
    rs_redis_reply_t *reply = make(task, RS_REDIS_INTEGER);

    reply->integer = value;
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    return make(task, RS_REDIS_NIL);
}

static void leave_to_pool(void *object)
{
    (void)object;
}

#if HIREDIS_MAJOR >= 1
/* RESP3 is never asked for. */
static void *refuse_double(const redisReadTask *task, double value, char *text, size_t len)
{
    (void)task;
    (void)value;
    (void)text;
    (void)len;
    return NULL;
}

static void *refuse_bool(const redisReadTask *task, int value)
{
    (void)task;
    (void)value;
    return NULL;
}

#define REFUSE_RESP3 .createDouble = refuse_double, .createBool = refuse_bool,
#else
#define REFUSE_RESP3
#endif

static redisReplyObjectFunctions functions = {
    .createString = make_string,
    .createArray = make_array,
    .createInteger = make_integer,
    .createNil = make_nil,
    REFUSE_RESP3.freeObject = leave_to_pool,
};

static apr_status_t reader_free(void *data)
{
    redisReaderFree(data);
    return APR_SUCCESS;
}

apr_status_t rs_redis_reader_create(rs_redis_reader_t **reader, apr_pool_t *p)
{
    rs_redis_reader_t *made = apr_pcalloc(p, sizeof *made);

    made->parser = redisReaderCreateWithFunctions(&functions);
    if (!made->parser)
        return APR_ENOMEM;
    apr_pool_cleanup_register(p, made->parser, reader_free, apr_pool_cleanup_null);
    made->parser->privdata = made;
    *reader = made;
    return APR_SUCCESS;
}

void rs_redis_reader_begin(rs_redis_reader_t *reader, unsigned elements_max, apr_size_t bytes_max,
                           apr_pool_t *p)
{
    reader->p = p;
    reader->elements_left = elements_max;
    reader->bytes_left = bytes_max;
}

apr_status_t rs_redis_reader_feed(rs_redis_reader_t *reader, const char *bytes, apr_size_t len)
{
    if (len > reader->bytes_left)
        return RS_REDIS_TOO_LARGE;
    reader->bytes_left -= len;
    return redisReaderFeed(reader->parser, bytes, len) == REDIS_OK ? APR_SUCCESS : APR_ENOMEM;
}

apr_status_t rs_redis_reader_next(rs_redis_reader_t *reader, const rs_redis_reply_t **reply)
{
    void *object = NULL;

    if (redisReaderGetReply(reader->parser, &object) != REDIS_OK)
        return reader->too_large ? RS_REDIS_TOO_LARGE : APR_EINVAL;
    if (!object)
        return APR_EAGAIN;
    *reply = object;
    return APR_SUCCESS;
}

bool rs_redis_reader_is_empty(const rs_redis_reader_t *reader)
{
    return reader->parser->pos == reader->parser->len;
}

bool rs_redis_reply_is_error(const rs_redis_reply_t *reply, const char *code)
{
    apr_size_t len = strlen(code);

    return reply->type == RS_REDIS_ERROR && reply->len >= len &&
           strncmp(reply->text, code, len) == 0 && (!reply->text[len] || reply->text[len] == ' ');
}

const char *rs_redis_reply_code(const rs_redis_reply_t *reply, apr_pool_t *p)
{
    apr_size_t len = 0;

    if (reply->type != RS_REDIS_ERROR)
        return "no error";
    while (len < CODE_CHARS_MAX && len < reply->len && apr_isupper(reply->text[len]))
        len++;
    return len ? apr_pstrmemdup(p, reply->text, len) : "an error";
}
