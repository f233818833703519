/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The stream of marks. */
#include "cache/rs_marks_stream.h"
#include "base/rs_limits.h"
#include "cache/rs_tier_redis.h"

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <string.h>

#define STREAM "revocations"
#define ENTRIES_PER_READ 500
#define ID_BYTES_MAX 64
#define FAILURES 3 /* fewer are not worth a line */

struct rs_marks_stream_t {
    rs_marks_t *marks;
    rs_tier_t *tier;
    const rs_seal_t *seal;
    const rs_log_t *log;
    char last[ID_BYTES_MAX]; /* "": from the beginning of the retention */
    unsigned failures;       /* in a row */
    rs_log_quiet_t lost, foreign, full;
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

static void take_fields(rs_marks_stream_t *self, const rs_redis_reply_t *fields, apr_time_t now)
{
    const rs_redis_reply_t *value = field(fields, "v"), *mac = field(fields, "m");
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
    if (!rs_marks_add(self->marks, &mark, now) && rs_log_quiet_ask(&self->full, now, &kept_back))
        rs_log(self->log, RS_LOG_ERROR,
               "RS0433: more than %d revocations: none can be kept any more, so every token that "
               "was issued before now is refused (%u more since the last line)",
               RS_MARKS_MAX, kept_back);
}

/* [[stream, [[id, [name, value, ...]], ...]]]; how many entries. */
static unsigned take_entries(rs_marks_stream_t *self, const rs_redis_reply_t *reply, apr_time_t now)
{
    const rs_redis_reply_t *stream = reply->count ? reply->elements[0] : NULL, *entries;
    unsigned i;

    if (!stream || stream->type != RS_REDIS_ARRAY || stream->count != 2 ||
        stream->elements[1]->type != RS_REDIS_ARRAY)
        return 0;
    entries = stream->elements[1];
    for (i = 0; i < entries->count; i++) {
        const rs_redis_reply_t *entry = entries->elements[i];
        if (entry->type != RS_REDIS_ARRAY || entry->count != 2 ||
            entry->elements[0]->type != RS_REDIS_STRING || entry->elements[0]->len >= ID_BYTES_MAX)
            continue;
        if (entry->elements[1]->type == RS_REDIS_ARRAY)
            take_fields(self, entry->elements[1], now);
        apr_cpystrn(self->last, entry->elements[0]->text, sizeof self->last);
    }
    return entries->count;
}

static const char *begin_id(const rs_marks_stream_t *self, apr_time_t now, apr_pool_t *p)
{
    apr_time_t begin = now - rs_marks_retention(self->marks);

    return *self->last ? self->last
                       : apr_psprintf(p, "%" APR_INT64_T_FMT, (apr_int64_t)(begin / 1000));
}

static void tell(rs_marks_stream_t *self, apr_status_t status, apr_time_t now)
{
    apr_uint32_t kept_back;

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

void rs_marks_stream_poll(rs_marks_stream_t *self, apr_time_t now, apr_pool_t *ptemp)
{
    const rs_redis_reply_t *reply;
    apr_pool_t *page; /* the stream is long */
    apr_status_t status;
    unsigned count;

    apr_pool_create(&page, ptemp);
    do {
        apr_pool_clear(page);
        status = rs_tier_redis_read_stream(self->tier, STREAM, begin_id(self, now, page),
                                           ENTRIES_PER_READ, &reply, now, page);
        count = status == APR_SUCCESS ? take_entries(self, reply, now) : 0;
    } while (count == ENTRIES_PER_READ);
    apr_pool_destroy(page);
    /* Redis may have lost what it had, and count anew. */
    if (status != APR_SUCCESS)
        *self->last = '\0';
    tell(self, status, now);
    rs_marks_sweep(self->marks, now);
}

apr_status_t rs_marks_stream_publish(rs_marks_stream_t *self, const rs_mark_t *mark, apr_time_t now,
                                     apr_pool_t *p)
{
    unsigned char value[RS_MARK_BYTES];
    rs_sha256_t mac;
    const rs_redis_field_t fields[] = { { "v", value, sizeof value },
                                        { "m", mac.bytes, sizeof mac.bytes } };

    rs_mark_encode(mark, value);
    if (!rs_seal_mac(self->seal, 0, value, sizeof value, &mac))
        return APR_EGENERAL;
    return rs_tier_redis_append(self->tier, STREAM, fields, now, p);
}
