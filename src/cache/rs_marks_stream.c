/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The stream of marks. */
#include "cache/rs_marks_stream.h"
#include "base/rs_clock.h"
#include "base/rs_limits.h"
#include "cache/rs_tier_redis.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define STREAM "revocations"
#define FAILURES 3 /* fewer are not worth a line */
#define VALUE "v"
#define MAC "m"
/* What is too much to be read at once, or comes too late, is asked for in so much smaller pages. */
#define SMALLER 8
/* Entries that are earlier than what was read already: a replica took over that had not got the
 * last ones, and its clock lags. */
#define BEGIN_AGAIN apr_time_from_sec(300)
/* Likewise where that is likely: Redis has failed, or counts ahead of our clock. */
#define BEGIN_AGAIN_SOON apr_time_from_sec(10)

/* "1700000000000-1": milliseconds, and a number within them. */
typedef struct {
    apr_uint64_t ms, number;
} entry_id_t;

/* How far somebody has read. */
typedef struct {
    entry_id_t last;
    unsigned count;      /* entries since he began */
    apr_time_t first_at; /* of the first of them */
    unsigned page;       /* entries to ask for; 0: the next one, without what is not ours */
    bool too_large;      /* that one */
} cursor_t;

struct rs_marks_stream_t {
    rs_marks_t *marks;
    rs_tier_t *tier;
    const rs_seal_t *seal;
    const rs_log_t *log;
    rs_marks_tell_fn tell;
    void *tell_baton;
    const atomic_bool *stop; /* NULL: nobody says so */
    cursor_t news;           /* behind all that was there */
    cursor_t again;          /* from the beginning of the retention to the end */
    apr_time_t begun_at;     /* again; 0: never yet */
    bool under_way;          /* again */
    bool doubtful;           /* Redis has failed since it began */
    bool whole;              /* it has come to the end once */
    unsigned failures;       /* in a row */
    rs_log_quiet_t lost, foreign, large, stuck;
};

apr_status_t rs_marks_stream_create(rs_marks_stream_t **self, rs_marks_t *marks, rs_tier_t *tier,
                                    const rs_seal_t *seal, const rs_log_t *log, apr_pool_t *p)
{
    rs_marks_stream_t *made = apr_pcalloc(p, sizeof *made);

    made->marks = marks;
    made->tier = tier;
    made->seal = seal;
    made->log = log;
    *self = made;
    return APR_SUCCESS;
}

void rs_marks_stream_set_tell(rs_marks_stream_t *self, rs_marks_tell_fn tell, void *baton)
{
    self->tell = tell;
    self->tell_baton = baton;
}

void rs_marks_stream_set_stop(rs_marks_stream_t *self, const atomic_bool *stop)
{
    self->stop = stop;
}

bool rs_marks_stream_is_whole(const rs_marks_stream_t *self)
{
    return self->whole;
}

/* ---- entries ---- */

static bool read_id(entry_id_t *id, const char *text)
{
    char *end;

    errno = 0;
    if (!apr_isdigit(*text))
        return false;
    id->ms = strtoull(text, &end, 10);
    if (*end != '-' || !apr_isdigit(end[1]))
        return false;
    id->number = strtoull(end + 1, &end, 10);
    return !*end && !errno;
}

static bool is_later(const entry_id_t *a, const entry_id_t *b)
{
    return a->ms > b->ms || (a->ms == b->ms && a->number > b->number);
}

/* Whoever adds an entry may give it any id. */
static apr_time_t time_of(const entry_id_t *id)
{
    return id->ms < APR_INT64_MAX / 1000 ? (apr_time_t)id->ms * 1000 : APR_INT64_MAX;
}

/* By the clock of Redis, which may lag; never later than now. */
static apr_time_t latest_time_of(apr_time_t at, apr_time_t now)
{
    return at < now - RS_CLOCK_SKEW_MAX ? at + RS_CLOCK_SKEW_MAX : now;
}

/* The value of a field of an entry; NULL: it has none. */
static const rs_redis_reply_t *field(const rs_redis_reply_t *fields, const char *name)
{
    unsigned i;

    for (i = 0; i + 1 < fields->count; i += 2)
        if (fields->elements[i]->type == RS_REDIS_STRING &&
            strcmp(fields->elements[i]->text, name) == 0 &&
            fields->elements[i + 1]->type == RS_REDIS_STRING)
            return fields->elements[i + 1];
    return NULL;
}

static bool is_ours(const rs_marks_stream_t *self, const rs_redis_reply_t *value,
                    const rs_redis_reply_t *mac)
{
    unsigned which = 0;
    rs_sha256_t wanted;

    while (rs_seal_mac(self->seal, which++, value->text, value->len, &wanted))
        if (mac->len == RS_SHA256_BYTES &&
            CRYPTO_memcmp(mac->text, wanted.bytes, RS_SHA256_BYTES) == 0)
            return true;
    return false;
}

static void take_fields(rs_marks_stream_t *self, const rs_redis_reply_t *fields,
                        apr_time_t heard_at, apr_time_t now)
{
    const rs_redis_reply_t *value = field(fields, VALUE), *mac = field(fields, MAC);
    apr_uint32_t kept_back;
    rs_mark_t mark;

    if (!value || !mac || !is_ours(self, value, mac) ||
        !rs_mark_decode(&mark, (const unsigned char *)value->text, value->len)) {
        if (rs_log_quiet_ask(&self->foreign, now, &kept_back))
            rs_log(self->log, RS_LOG_WARNING,
                   "RS0432: a revocation in Redis was not made with the cache secrets of this "
                   "server, or is none; passed over (%u more since the last line)",
                   kept_back);
        return;
    }
    if (self->tell && !rs_marks_has(self->marks, &mark))
        self->tell(self->tell_baton, &mark, heard_at);
    (void)rs_marks_add(self->marks, &mark, heard_at);
}

/* [id, [name, value, ...]]. False: it is no entry, or not behind the one before. */
static bool take_entry(rs_marks_stream_t *self, cursor_t *cursor, const rs_redis_reply_t *entry,
                       apr_time_t now)
{
    entry_id_t id;

    if (entry->type != RS_REDIS_ARRAY || entry->count != 2 ||
        entry->elements[0]->type != RS_REDIS_STRING || entry->elements[1]->type != RS_REDIS_ARRAY ||
        !read_id(&id, entry->elements[0]->text) || !is_later(&id, &cursor->last))
        return false;
    cursor->last = id;
    if (!cursor->count++)
        cursor->first_at = time_of(&id);
    take_fields(self, entry->elements[1], latest_time_of(time_of(&id), now), now);
    return true;
}

/* [[stream, [entry, ...]]], or nothing. A page that does not lead on would be read for ever. */
static apr_status_t take_page(rs_marks_stream_t *self, cursor_t *cursor,
                              const rs_redis_reply_t *reply, apr_time_t now, bool *at_end)
{
    const rs_redis_reply_t *stream = reply->count ? reply->elements[0] : NULL, *entries;
    unsigned i;

    if (!stream) {
        *at_end = true;
        return APR_SUCCESS;
    }
    if (stream->type != RS_REDIS_ARRAY || stream->count != 2 ||
        stream->elements[1]->type != RS_REDIS_ARRAY)
        return APR_EINVAL;
    entries = stream->elements[1];
    for (i = 0; i < entries->count; i++)
        if (!take_entry(self, cursor, entries->elements[i], now))
            return APR_EINVAL;
    *at_end = entries->count < cursor->page;
    return APR_SUCCESS;
}

/* ---- reading ---- */

static void tell_large(rs_marks_stream_t *self, const cursor_t *cursor, apr_status_t status,
                       apr_time_t now)
{
    apr_uint32_t kept_back;

    if (status != APR_SUCCESS && rs_log_quiet_ask(&self->stuck, now, &kept_back))
        rs_log(self->log, RS_LOG_WARNING,
               "RS0437: the entry behind %" APR_UINT64_T_FMT "-%" APR_UINT64_T_FMT
               " of the revocations in Redis is too large, and revocations behind it are not felt: "
               "remove it (XRANGE tells its id, XDEL removes it) (%u more since the last line)",
               cursor->last.ms, cursor->last.number, kept_back);
    if (status == APR_SUCCESS && rs_log_quiet_ask(&self->large, now, &kept_back))
        rs_log(self->log, RS_LOG_WARNING,
               "RS0436: the entry %" APR_UINT64_T_FMT "-%" APR_UINT64_T_FMT
               " of the revocations in Redis is too large and not made by this module: each "
               "process stumbles over it; remove it (XDEL) (%u more since the last line)",
               cursor->last.ms, cursor->last.number, kept_back);
}

static apr_status_t read_many(rs_marks_stream_t *self, cursor_t *cursor, const char *after,
                              apr_time_t now, bool *at_end, apr_pool_t *ptemp)
{
    const rs_redis_reply_t *reply;
    apr_status_t status =
        rs_tier_redis_read_stream(self->tier, STREAM, after, cursor->page, &reply, now, ptemp);

    return status == APR_SUCCESS ? take_page(self, cursor, reply, now, at_end) : status;
}

static apr_status_t read_one(rs_marks_stream_t *self, cursor_t *cursor, const char *after,
                             apr_time_t now, bool *at_end, apr_pool_t *ptemp)
{
    static const char *const names[2] = { VALUE, MAC };
    const rs_redis_reply_t *reply;
    apr_status_t status =
        rs_tier_redis_read_entry(self->tier, STREAM, after, names, &reply, now, ptemp);

    if (status == APR_SUCCESS && reply->count == 0) {
        *at_end = true;
        return APR_SUCCESS;
    }
    if (status == APR_SUCCESS && !take_entry(self, cursor, reply, now))
        status = APR_EINVAL;
    if (cursor->too_large)
        tell_large(self, cursor, status, now);
    return status;
}

/* What somebody else has put there does not stop what stands behind it, however large it is. A page
 * that is too large counts as read: the next one is smaller. */
static apr_status_t read_page(rs_marks_stream_t *self, cursor_t *cursor, apr_time_t now,
                              bool *at_end, apr_pool_t *ptemp)
{
    const char *after = apr_psprintf(ptemp, "%" APR_UINT64_T_FMT "-%" APR_UINT64_T_FMT,
                                     cursor->last.ms, cursor->last.number);
    unsigned asked = cursor->page;
    apr_status_t status = asked ? read_many(self, cursor, after, now, at_end, ptemp)
                                : read_one(self, cursor, after, now, at_end, ptemp);

    if (status == APR_SUCCESS) {
        cursor->page = asked ? 2 * asked : 1;
        if (cursor->page > RS_MARKS_PAGE)
            cursor->page = RS_MARKS_PAGE;
        cursor->too_large = false;
    }
    else if (status == RS_REDIS_TOO_LARGE || APR_STATUS_IS_TIMEUP(status))
        cursor->page = asked > 1 ? (asked + SMALLER - 1) / SMALLER : 0;
    if (status != RS_REDIS_TOO_LARGE || !asked)
        return status;
    cursor->too_large = asked == 1;
    return APR_SUCCESS;
}

/* Until there is no more, or more than anybody should have to read in one go: the next one goes on
 * from there, after a failure, too. */
static apr_status_t read_on(rs_marks_stream_t *self, cursor_t *cursor, unsigned pages_max,
                            apr_time_t now, bool *at_end, apr_pool_t *ptemp)
{
    apr_status_t status = APR_SUCCESS;
    apr_pool_t *page; /* the stream is long */
    unsigned pages;

    *at_end = false;
    apr_pool_create(&page, ptemp);
    for (pages = 0; pages < pages_max && !*at_end && status == APR_SUCCESS; pages++) {
        apr_pool_clear(page);
        status = self->stop && atomic_load(self->stop) ? APR_EINTR
                                                       : read_page(self, cursor, now, at_end, page);
    }
    apr_pool_destroy(page);
    /* So long a stream has been trimmed (rs_tier_redis_append()), and what was before its first
     * entry is not known. */
    if (cursor->count >= RS_MARKS_MAX)
        rs_marks_close(self->marks, latest_time_of(cursor->first_at, now));
    /* Redis may have lost what it had, and count anew; not when it was not even asked. */
    if (status != APR_SUCCESS && status != APR_EINTR && status != APR_EBUSY &&
        !APR_STATUS_IS_EAGAIN(status))
        self->doubtful = true;
    return status;
}

static cursor_t cursor_at(apr_time_t at)
{
    cursor_t made = { .last = { at > 0 ? (apr_uint64_t)at / 1000 : 0, 0 }, .page = RS_MARKS_PAGE };

    return made;
}

static bool is_time_to_begin(const rs_marks_stream_t *self, apr_time_t now)
{
    apr_interval_time_t since = now - self->begun_at;
    bool soon = self->doubtful || time_of(&self->news.last) > now + RS_CLOCK_SKEW_MAX;

    return !self->begun_at || since < 0 || since >= (soon ? BEGIN_AGAIN_SOON : BEGIN_AGAIN);
}

static void begin_again(rs_marks_stream_t *self, apr_time_t now)
{
    apr_interval_time_t kept = rs_marks_retention(self->marks) + RS_MARK_AHEAD_MAX;

    self->again = cursor_at(now - kept - RS_CLOCK_SKEW_MAX);
    self->begun_at = now;
    self->under_way = true;
    self->doubtful = false;
}

/* All that there is was read. Where that ends earlier than the news did, the stream is another one,
 * and what comes has lower ids. */
static void end_again(rs_marks_stream_t *self)
{
    self->news = self->again;
    self->under_way = false;
    self->whole = true;
}

static void tell(rs_marks_stream_t *self, apr_status_t status, apr_time_t now)
{
    apr_uint32_t kept_back;

    if (status == APR_EINTR)
        return;
    self->failures = status == APR_SUCCESS ? 0 : self->failures + 1;
    if (status == APR_SUCCESS) {
        if (rs_log_quiet_over(&self->lost))
            rs_log(self->log, RS_LOG_NOTICE, "RS0431: revocations are read from Redis again");
    }
    else if (self->failures >= FAILURES && rs_log_quiet_ask(&self->lost, now, &kept_back))
        rs_log(self->log, RS_LOG_WARNING,
               "RS0430: revocations cannot be read from Redis: those that are made now are felt "
               "when it answers again (%u more since the last line)",
               kept_back);
}

apr_status_t rs_marks_stream_poll(rs_marks_stream_t *self, apr_time_t now, apr_pool_t *ptemp)
{
    apr_status_t status;
    bool at_end;

    /* What is older is not new: it is for whoever reads all. */
    if (!self->news.last.ms)
        self->news = cursor_at(now - RS_CLOCK_SKEW_MAX);
    status = read_on(self, &self->news, RS_MARKS_PAGES_ALL, now, &at_end, ptemp);
    if (status != APR_SUCCESS || !self->under_way)
        tell(self, status, now);
    return status;
}

apr_status_t rs_marks_stream_read_again(rs_marks_stream_t *self, unsigned pages_max, apr_time_t now,
                                        apr_pool_t *ptemp)
{
    apr_status_t status;
    bool at_end;

    if (!self->under_way && is_time_to_begin(self, now))
        begin_again(self, now);
    if (!self->under_way)
        return APR_SUCCESS;
    status = read_on(self, &self->again, pages_max, now, &at_end, ptemp);
    if (status == APR_SUCCESS && at_end)
        end_again(self);
    tell(self, status, now);
    return status;
}

apr_status_t rs_marks_stream_publish(rs_marks_stream_t *self, const rs_mark_t *mark, apr_time_t now,
                                     apr_pool_t *p)
{
    unsigned char value[RS_MARK_BYTES];
    rs_sha256_t mac;
    const rs_redis_field_t fields[] = { { VALUE, value, sizeof value },
                                        { MAC, mac.bytes, sizeof mac.bytes } };

    rs_mark_encode(mark, value);
    if (!rs_seal_mac(self->seal, 0, value, sizeof value, &mac))
        return APR_EGENERAL;
    return rs_tier_redis_append(self->tier, STREAM, fields, now, p);
}
