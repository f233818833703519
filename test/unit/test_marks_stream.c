/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The stream of marks, against one in memory: what is read when, what a Redis that lies or forgets
 * does, and when a mark was heard of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rs_limits.h"
#include "cache/rs_marks_stream.h"
#include "cache/rs_tier_redis.h"
#include "fakes.h"

#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define MINUTE (60 * SECOND)
#define RETENTION (3600 * SECOND)
#define SECRET "a cache secret of more than thirty-two bytes"
#define ENTRIES_MAX 110000
#define PAGE RS_MARKS_PAGE

typedef struct {
    apr_uint64_t ms; /* of its id */
    unsigned number;
    bool ours, large;
    rs_mark_t mark;
} entry_t;

/* The Redis of one scenario at a time. */
static struct {
    entry_t entries[ENTRIES_MAX]; /* in the order in which they are given out */
    unsigned count;
    apr_status_t status; /* of the next questions; APR_SUCCESS: it answers */
    bool circles;        /* whatever is asked, the first page comes */
    apr_status_t alone;  /* what is said to a question about one entry alone */
    unsigned alone_count;
    unsigned reads, fails_every; /* every so manyth read comes too late; 0: none */
    atomic_bool *stops;          /* set by the next read */
    char after[64];              /* what was asked last */
} redis;

static const rs_seal_t *seal;

static const rs_redis_reply_t *array(unsigned count, apr_pool_t *p)
{
    rs_redis_reply_t *made = apr_pcalloc(p, sizeof *made);

    made->type = RS_REDIS_ARRAY;
    made->count = count;
    made->elements = apr_pcalloc(p, (count + 1) * sizeof *made->elements);
    return made;
}

static const rs_redis_reply_t *string(const void *bytes, apr_size_t len, apr_pool_t *p)
{
    rs_redis_reply_t *made = apr_pcalloc(p, sizeof *made);

    made->type = RS_REDIS_STRING;
    made->text = apr_pstrmemdup(p, bytes, len);
    made->len = len;
    return made;
}

static const rs_redis_reply_t *fields_of(const entry_t *entry, apr_pool_t *p)
{
    const rs_redis_reply_t *fields = array(4, p);
    unsigned char value[RS_MARK_BYTES];
    rs_sha256_t mac = { { 0 } };

    rs_mark_encode(&entry->mark, value);
    if (entry->ours)
        assert_true(rs_seal_mac(seal, 0, value, sizeof value, &mac));
    fields->elements[0] = string("v", 1, p);
    fields->elements[1] = string(value, sizeof value, p);
    fields->elements[2] = string("m", 1, p);
    fields->elements[3] = string(mac.bytes, sizeof mac.bytes, p);
    return fields;
}

typedef struct {
    unsigned long long ms, number;
} id_of_t;

static bool is_behind(const entry_t *entry, id_of_t after)
{
    return entry->ms > after.ms || (entry->ms == after.ms && entry->number > after.number);
}

static const rs_redis_reply_t *pair_of(const entry_t *entry, apr_pool_t *p)
{
    const char *id = apr_psprintf(p, "%" APR_UINT64_T_FMT "-%u", entry->ms, entry->number);
    const rs_redis_reply_t *pair = array(2, p);

    pair->elements[0] = string(id, strlen(id), p);
    pair->elements[1] = fields_of(entry, p);
    return pair;
}

/* The first one behind the id. */
static unsigned find_behind(const char *after, id_of_t *id)
{
    unsigned at = 0;

    assert_int_equal(sscanf(after, "%llu-%llu", &id->ms, &id->number), 2);
    while (!redis.circles && at < redis.count && !is_behind(&redis.entries[at], *id))
        at++;
    return at;
}

apr_status_t rs_tier_redis_read_stream(rs_tier_t *tier, const char *name, const char *after,
                                       unsigned count, const rs_redis_reply_t **reply,
                                       apr_time_t now, apr_pool_t *p)
{
    const rs_redis_reply_t *stream = array(2, p), *found;
    id_of_t id_after;
    unsigned i, at = find_behind(after, &id_after), found_count = 0;

    (void)tier, (void)now;
    redis.reads++;
    if (redis.stops)
        atomic_store(redis.stops, true);
    if (redis.fails_every && redis.reads % redis.fails_every == 0)
        return APR_TIMEUP;
    apr_cpystrn(redis.after, after, sizeof redis.after);
    if (redis.status != APR_SUCCESS)
        return redis.status;
    for (i = at; i < redis.count && found_count < count; i++) {
        found_count += redis.circles || is_behind(&redis.entries[i], id_after);
        if (redis.entries[i].large)
            return RS_REDIS_TOO_LARGE;
    }
    *reply = array(found_count ? 1 : 0, p);
    if (!found_count)
        return APR_SUCCESS;
    found = array(found_count, p);
    for (i = 0; i < found_count; at++) {
        if (!redis.circles && !is_behind(&redis.entries[at], id_after))
            continue;
        found->elements[i++] = pair_of(&redis.entries[at], p);
    }
    stream->elements[0] = string(name, strlen(name), p);
    stream->elements[1] = found;
    (*reply)->elements[0] = stream;
    return APR_SUCCESS;
}

apr_status_t rs_tier_redis_read_entry(rs_tier_t *tier, const char *name, const char *after,
                                      const char *const names[2], const rs_redis_reply_t **reply,
                                      apr_time_t now, apr_pool_t *p)
{
    id_of_t id;
    unsigned at = find_behind(after, &id);

    (void)tier, (void)name, (void)now;
    redis.alone_count++;
    assert_string_equal(names[0], "v");
    assert_string_equal(names[1], "m");
    if (redis.alone == APR_SUCCESS)
        *reply = at < redis.count ? pair_of(&redis.entries[at], p) : array(0, p);
    return redis.alone;
}

apr_status_t rs_tier_redis_append(rs_tier_t *tier, const char *name,
                                  const rs_redis_field_t fields[2], apr_time_t now, apr_pool_t *p)
{
    (void)tier, (void)name, (void)fields, (void)now, (void)p;
    return redis.status;
}

typedef struct {
    rs_marks_t *marks;
    rs_marks_stream_t *stream;
    fake_log_t log;
    unsigned told;
    apr_time_t told_at; /* the latest */
    apr_pool_t *p;
} world_t;

static void note_told(void *baton, const rs_mark_t *mark, apr_time_t heard_at)
{
    world_t *w = baton;

    assert_false(rs_marks_has(w->marks, mark));
    w->told++;
    if (w->told_at < heard_at)
        w->told_at = heard_at;
}

static world_t *world(apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof *w);
    rs_seal_t *made;

    w->p = p;
    memset(&redis, 0, sizeof redis);
    fake_log_init(&w->log);
    assert_int_equal(rs_seal_create(&made, SECRET, strlen(SECRET), NULL, 0, p), APR_SUCCESS);
    seal = made;
    assert_int_equal(rs_marks_create(&w->marks, RETENTION, p), APR_SUCCESS);
    assert_int_equal(rs_marks_stream_create(&w->stream, w->marks, NULL, seal, &w->log.log, p),
                     APR_SUCCESS);
    rs_marks_stream_set_tell(w->stream, note_told, w);
    return w;
}

static void append(const char *name, apr_time_t at)
{
    entry_t *entry = &redis.entries[redis.count];

    entry->ms = (unsigned long long)at / 1000;
    entry->large = false;
    entry->number = redis.count++;
    entry->ours = name != NULL;
    if (name)
        entry->mark.of = fake_digest(name);
    entry->mark.not_before = at;
}

/* What is new, and then of all of it so many pages. */
static unsigned poll_pages(world_t *w, unsigned pages, apr_time_t now)
{
    if (rs_marks_stream_poll(w->stream, now, w->p) == APR_SUCCESS)
        (void)rs_marks_stream_read_again(w->stream, pages, now, w->p);
    return rs_marks_count(w->marks);
}

static unsigned poll(world_t *w, apr_time_t now)
{
    return poll_pages(w, RS_MARKS_PAGES_ALL, now);
}

static void what_is_new_is_read_once(void **state)
{
    world_t *w = world(*state);

    append("old", NOW - RETENTION - RS_MARK_AHEAD_MAX - 2 * MINUTE);
    append("one", NOW - 2 * MINUTE);
    assert_false(rs_marks_stream_is_whole(w->stream));
    assert_int_equal(poll(w, NOW), 1);
    assert_true(rs_marks_stream_is_whole(w->stream));
    append("two", NOW + SECOND);
    append(NULL, NOW + SECOND); /* not made with our secret */
    assert_int_equal(poll(w, NOW + SECOND), 2);
    assert_int_equal(w->told, 2);
    assert_string_equal(redis.after, "1699999880000-1");
    assert_int_equal(poll(w, NOW + 2 * SECOND), 2);
    assert_string_equal(redis.after, "1700000001000-3");
    assert_int_equal(w->log.lines[RS_LOG_WARNING], 1);
}

static void many_pages_are_read_in_one_go(void **state)
{
    world_t *w = world(*state);
    unsigned i;

    for (i = 0; i < 3 * PAGE; i++)
        append(apr_itoa(w->p, (int)i), NOW);
    assert_int_equal(poll(w, NOW), 3 * PAGE);
    assert_int_equal(redis.reads, 2 * 4);
}

/* Whatever is to be read again: what is new comes first. */
static void what_is_new_waits_for_nothing(void **state)
{
    world_t *w = world(*state);
    unsigned i, reads;

    for (i = 0; i < 120 * PAGE; i++)
        append(NULL, NOW - 30 * MINUTE + i);
    (void)poll(w, NOW);
    assert_true(rs_marks_stream_is_whole(w->stream));
    append("new", NOW + 5 * MINUTE);
    reads = redis.reads;
    assert_int_equal(rs_marks_stream_poll(w->stream, NOW + 5 * MINUTE, w->p), APR_SUCCESS);
    assert_int_equal(rs_marks_count(w->marks), 1);
    assert_int_equal(redis.reads, reads + 1);
    /* Some pages at a time; in between, what is new. */
    for (i = 1; i <= 120 / RS_MARKS_PAGES_SOME; i++) {
        append(apr_itoa(w->p, (int)i), NOW + 5 * MINUTE);
        assert_int_equal(poll_pages(w, RS_MARKS_PAGES_SOME, NOW + 5 * MINUTE), 1 + i);
    }
    (void)poll_pages(w, RS_MARKS_PAGES_SOME, NOW + 5 * MINUTE);
    reads = redis.reads;
    (void)poll_pages(w, RS_MARKS_PAGES_SOME, NOW + 6 * MINUTE);
    assert_int_equal(redis.reads, reads + 1);
}

/* Of a Redis that is late now and then all is read in the end. */
static void a_failure_costs_one_page(void **state)
{
    world_t *w = world(*state);
    unsigned i;

    for (i = 0; i < 120 * PAGE; i++)
        append(NULL, NOW - 30 * MINUTE + i);
    redis.fails_every = 20;
    for (i = 0; i < 10; i++)
        (void)poll(w, NOW + (int)i * SECOND / 3);
    assert_true(rs_marks_stream_is_whole(w->stream));
    assert_true(redis.reads < 2 * 120);
    for (i = 0; i < 100; i++) {
        append(apr_itoa(w->p, (int)i), NOW + 5 * MINUTE + (int)i);
        (void)poll(w, NOW + 5 * MINUTE + (int)i);
        if (rs_marks_count(w->marks) < i) /* in this poll, or in the next one */
            fail_msg("%u", i);
    }
}

/* A process that ends does not read to the end. */
static void who_is_stopped_reads_no_further(void **state)
{
    world_t *w = world(*state);
    atomic_bool stop = false;
    unsigned i;

    for (i = 0; i < 3 * PAGE; i++)
        append(NULL, NOW - 30 * MINUTE + i);
    rs_marks_stream_set_stop(w->stream, &stop);
    assert_int_equal(rs_marks_stream_poll(w->stream, NOW, w->p), APR_SUCCESS);
    redis.reads = 0;
    redis.stops = &stop;
    assert_int_equal(rs_marks_stream_read_again(w->stream, RS_MARKS_PAGES_ALL, NOW, w->p),
                     APR_EINTR);
    assert_int_equal(redis.reads, 1);
    assert_int_equal(rs_marks_stream_poll(w->stream, NOW, w->p), APR_EINTR);
    assert_int_equal(redis.reads, 1);
    assert_false(rs_marks_stream_is_whole(w->stream));
    /* That is no failure. */
    redis.stops = NULL;
    atomic_store(&stop, false);
    (void)poll(w, NOW);
    assert_true(rs_marks_stream_is_whole(w->stream));
    assert_int_equal(redis.reads, 1 + 1 + 3);
}

/* When a mark was heard of, its id says, by a clock that may differ a little. */
static void what_is_read_again_is_not_heard_anew(void **state)
{
    world_t *w = world(*state);
    apr_time_t end = NOW - 30 * MINUTE + MINUTE + RETENTION + RS_MARK_AHEAD_MAX;

    append("one", NOW - 30 * MINUTE);
    append("ahead", NOW + 30 * SECOND);
    assert_int_equal(poll(w, NOW), 2);
    assert_int_equal(w->told_at, NOW);
    redis.status = APR_EGENERAL;
    (void)poll(w, NOW + 29 * MINUTE);
    redis.status = APR_SUCCESS;
    assert_int_equal(poll(w, NOW + 29 * MINUTE), 2); /* from the beginning */
    assert_int_equal(redis.reads, 2 + 1 + 2);
    rs_marks_sweep(w->marks, end);
    assert_int_equal(rs_marks_count(w->marks), 2);
    rs_marks_sweep(w->marks, end + 1);
    assert_int_equal(rs_marks_count(w->marks), 1);
}

/* After a failure the stream may be another one; when nobody was asked it is not. A Redis that
 * fails all the time is not read all the time. */
static void a_failure_begins_again(void **state)
{
    static const struct {
        apr_status_t status;
        bool again;
    } cases[] = { { APR_EGENERAL, true },
                  { APR_TIMEUP, true },
                  { APR_EACCES, true },
                  { APR_EBUSY, false },
                  { APR_EAGAIN, false } };
    unsigned i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world_t *w = world(*state);
        append("one", NOW - MINUTE);
        assert_int_equal(poll(w, NOW), 1);
        redis.status = cases[i].status;
        assert_int_equal(rs_marks_stream_poll(w->stream, NOW, w->p), cases[i].status);
        redis.status = APR_SUCCESS;
        redis.count = 0;
        append("two", NOW - 2 * MINUTE); /* earlier than what was read */
        assert_int_equal(poll(w, NOW + 9 * SECOND), 1);
        assert_int_equal(poll(w, NOW + 10 * SECOND), 1 + cases[i].again);
    }
}

/* A replica that takes over with a clock that lags gives lower ids. */
static void earlier_ids_are_found_in_time(void **state)
{
    world_t *w = world(*state);

    append("one", NOW);
    assert_int_equal(poll(w, NOW), 1);
    redis.count = 0;
    append("two", NOW - MINUTE);
    assert_int_equal(poll(w, NOW + SECOND), 1);
    assert_int_equal(poll(w, NOW + 5 * MINUTE), 2);
    assert_int_equal(w->told, 2);
    /* Ids ahead of our own clock: sooner. */
    w = world(*state);
    append("one", NOW + 10 * MINUTE);
    assert_int_equal(poll(w, NOW), 1);
    redis.count = 0;
    append("two", NOW + SECOND);
    assert_int_equal(poll(w, NOW + SECOND), 1);
    assert_int_equal(poll(w, NOW + 10 * SECOND), 2);
    /* A clock that was set back. */
    redis.count = 0;
    append("three", NOW - 2 * MINUTE);
    assert_int_equal(poll(w, NOW + 11 * SECOND), 2);
    assert_int_equal(poll(w, NOW - MINUTE), 3);
}

/* A page that does not lead on is a failure: it would be read for ever. */
static void a_redis_that_goes_round_in_circles(void **state)
{
    world_t *w = world(*state);
    unsigned i;

    for (i = 0; i < PAGE; i++)
        append(apr_itoa(w->p, (int)i), NOW);
    redis.circles = true;
    assert_int_not_equal(rs_marks_stream_poll(w->stream, NOW, w->p), APR_SUCCESS);
    assert_int_equal(redis.reads, 2);
    assert_false(rs_marks_stream_is_whole(w->stream));
    for (i = 0; i < 3; i++)
        (void)poll(w, NOW);
    assert_non_null(strstr(w->log.text, "RS0430"));
}

/* So long a stream was trimmed: what stood before its first entry is not known. */
static void a_stream_that_was_trimmed_closes(void **state)
{
    world_t *w = world(*state);
    unsigned i;

    for (i = 0; i < RS_MARKS_MAX - 1; i++)
        append(NULL, NOW - 30 * MINUTE + i);
    assert_int_equal(poll(w, NOW), 0);
    assert_int_equal(rs_marks_closed_at(w->marks), 0);
    w = world(*state);
    for (i = 0; i < RS_MARKS_MAX + 100; i++)
        append(NULL, NOW - 30 * MINUTE + i);
    assert_int_equal(poll(w, NOW), 0);
    assert_int_equal(rs_marks_closed_at(w->marks), NOW - 29 * MINUTE);
}

/* However long it is, one poll ends, and the next one goes on. */
static void a_poll_ends(void **state)
{
    world_t *w = world(*state);
    unsigned i, reads;

    for (i = 0; i < ENTRIES_MAX; i++)
        append(NULL, NOW - 30 * MINUTE + i);
    (void)poll(w, NOW);
    assert_false(rs_marks_stream_is_whole(w->stream));
    reads = redis.reads;
    (void)poll(w, NOW);
    assert_true(rs_marks_stream_is_whole(w->stream));
    assert_true(reads < ENTRIES_MAX / PAGE);
    assert_int_equal(redis.reads, ENTRIES_MAX / PAGE + 1 + 2);
}

/* Whoever can write to the stream can give an entry any id, and the next ones have higher ones. */
static void whatever_id_an_entry_has(void **state)
{
    static const apr_uint64_t last[] = { 9223372036854775, 9999999999999999,
                                         18446744073709551615ULL };
    unsigned i;

    for (i = 0; i < sizeof last / sizeof last[0]; i++) {
        world_t *w = world(*state);
        append("before", NOW - MINUTE);
        append(NULL, NOW);
        redis.entries[1].ms = last[i];
        append("behind", NOW);
        redis.entries[2].ms = last[i];
        assert_int_equal(poll(w, NOW), 2);
        assert_true(rs_marks_stream_is_whole(w->stream));
        assert_int_equal(w->told_at, NOW);
        append("new", NOW);
        redis.entries[3].ms = last[i];
        assert_int_equal(poll(w, NOW + SECOND), 3);
        assert_int_equal(rs_marks_closed_at(w->marks), 0);
    }
}

/* Entries that cannot be read as a whole stop nobody: what they say of a mark is enough. */
static void large_entries_stop_nobody(void **state)
{
    static const unsigned large[] = { 0, 5, 6, 300, PAGE - 1, PAGE, 2 * PAGE - 1 };
    world_t *w = world(*state);
    unsigned i;

    for (i = 0; i < 2 * PAGE; i++)
        append(i == 5 ? NULL : apr_itoa(w->p, (int)i), NOW - 30 * MINUTE + i);
    for (i = 0; i < sizeof large / sizeof large[0]; i++)
        redis.entries[large[i]].large = true;
    assert_int_equal(poll(w, NOW), 2 * PAGE - 1);
    assert_true(rs_marks_stream_is_whole(w->stream));
    assert_int_equal(redis.alone_count, sizeof large / sizeof large[0]);
    assert_true(redis.reads < 100);
    assert_non_null(strstr(w->log.text, "RS0436: the entry 1699998200000-0 of"));
    /* Nor what is new. */
    append("large", NOW);
    redis.entries[redis.count - 1].large = true;
    append("new", NOW);
    assert_int_equal(rs_marks_stream_poll(w->stream, NOW + SECOND, w->p), APR_SUCCESS);
    assert_int_equal(rs_marks_count(w->marks), 2 * PAGE + 1);
    redis.reads = 0;
    assert_int_equal(rs_marks_stream_poll(w->stream, NOW + SECOND, w->p), APR_SUCCESS);
    assert_int_equal(redis.reads, 1);
}

/* A Redis that cannot do that, or that lies: the operator hears of it, and each look costs little.
 */
static void a_large_entry_that_cannot_be_passed(void **state)
{
    world_t *w = world(*state);
    unsigned reads;

    append("large", NOW);
    redis.entries[0].large = true;
    append("behind", NOW);
    redis.alone = APR_EGENERAL;
    assert_int_equal(rs_marks_stream_poll(w->stream, NOW, w->p), APR_EGENERAL);
    assert_non_null(strstr(w->log.text, "RS0437: the entry behind 1699999940000-0 of"));
    assert_false(rs_marks_stream_is_whole(w->stream));
    reads = redis.reads;
    assert_int_equal(rs_marks_stream_poll(w->stream, NOW, w->p), APR_EGENERAL);
    assert_int_equal(redis.reads, reads);
    assert_int_equal(redis.alone_count, 2);
    /* It was removed. */
    redis.entries[0] = redis.entries[1];
    redis.count = 1;
    redis.alone = APR_SUCCESS;
    assert_int_equal(poll(w, NOW + SECOND), 1);
    assert_true(rs_marks_stream_is_whole(w->stream));
}

/* What comes too late may come in time when it is less; that is no large entry. */
static void less_is_asked_of_a_slow_one(void **state)
{
    world_t *w = world(*state);
    unsigned i;

    append("one", NOW);
    redis.status = APR_TIMEUP;
    for (i = 0; i < 4; i++)
        assert_int_equal(rs_marks_stream_poll(w->stream, NOW, w->p), APR_TIMEUP);
    assert_int_equal(redis.alone_count, 0);
    (void)rs_marks_stream_poll(w->stream, NOW, w->p);
    assert_int_equal(redis.alone_count, 1);
    assert_int_equal(rs_marks_count(w->marks), 1);
    redis.status = APR_SUCCESS;
    assert_int_equal(poll(w, NOW), 1);
    assert_true(rs_marks_stream_is_whole(w->stream));
    assert_null(strstr(w->log.text, "RS0436"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(what_is_new_is_read_once),
        FAKE_TEST(many_pages_are_read_in_one_go),
        FAKE_TEST(what_is_new_waits_for_nothing),
        FAKE_TEST(a_failure_costs_one_page),
        FAKE_TEST(who_is_stopped_reads_no_further),
        FAKE_TEST(what_is_read_again_is_not_heard_anew),
        FAKE_TEST(a_failure_begins_again),
        FAKE_TEST(earlier_ids_are_found_in_time),
        FAKE_TEST(a_redis_that_goes_round_in_circles),
        FAKE_TEST(a_stream_that_was_trimmed_closes),
        FAKE_TEST(a_poll_ends),
        FAKE_TEST(whatever_id_an_entry_has),
        FAKE_TEST(large_entries_stop_nobody),
        FAKE_TEST(a_large_entry_that_cannot_be_passed),
        FAKE_TEST(less_is_asked_of_a_slow_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
