/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The tier in Redis against a scripted one: what is said, what answers mean, who is asked again,
 * and what a Redis that lies or is silent costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rs_clock.h"
#include "cache/rs_tier_redis.h"
#include "fakes.h"
#include "http_server.h"

#include <apr_strings.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define BYTES_MAX 65536
#define HEARD_MAX 8192

/* The clock that measures, put forward by the tests. */
static _Atomic apr_interval_time_t later;

apr_time_t rs_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return apr_time_from_sec(now.tv_sec) + now.tv_nsec / 1000 + later;
}

#define SILENCE ((const char *)-1) /* no answer at all */
#define HANG_UP NULL

/* The first word that a command begins with decides. */
typedef struct {
    const char *command, *answer;
} line_t;

/* Of one scenario at a time. */
static struct {
    const line_t *lines;   /* ended by command NULL, whose answer is for all others */
    char heard[HEARD_MAX]; /* the words of all commands, a blank behind each */
    _Atomic unsigned commands, gets;
    unsigned closes_after;      /* commands on a connection; 0: never */
    unsigned gather;            /* no GET is answered before so many have come */
    _Atomic int late;           /* so many GETs find no answer */
    _Atomic int moving;         /* so many GETs come while the slot moves */
    _Atomic unsigned deaf;      /* so many connections, the first ones, hear nothing any more */
    apr_interval_time_t thinks; /* about each question to a Sentinel */
    pthread_mutex_t lock;
} script = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* One command in the protocol's form: its length in bytes, 0 when it is not complete. */
static size_t take_command(const char *bytes, size_t len, char *words, size_t size)
{
    const char *at = bytes, *end = bytes + len;
    int count, i, size_of_word, used;

    *words = '\0';
    if (sscanf(at, "*%d\r\n%n", &count, &used) != 1)
        return 0;
    at += used;
    for (i = 0; i < count; i++) {
        if (at >= end || sscanf(at, "$%d\r\n%n", &size_of_word, &used) != 1 ||
            at + used + size_of_word + 2 > end)
            return 0;
        at += used;
        if (strlen(words) + (size_t)size_of_word + 2 < size) {
            strncat(words, at, (size_t)size_of_word);
            strcat(words, " ");
        }
        at += size_of_word + 2;
    }
    return (size_t)(at - bytes);
}

static const char *answer_to(const char *words, const line_t *line)
{
    unsigned patience = 1000;

    if (strncmp(words, "SENTINEL", 8) == 0)
        apr_sleep(script.thinks);
    if (strncmp(words, "GET", 3) == 0) {
        script.gets++;
        while (script.gets < script.gather && patience-- > 0)
            apr_sleep(1000);
        if (script.late > 0 && script.late-- > 0)
            return SILENCE;
        if (script.moving > 0 && script.moving-- > 0)
            return "-TRYAGAIN Multiple keys request during rehashing of slot\r\n";
    }
    while (line->command && strncmp(words, line->command, strlen(line->command)) != 0)
        line++;
    return line->answer;
}

/* baton: lines of its own, or NULL. */
static void be_redis(http_stream_t *stream, const void *baton)
{
    char *bytes = calloc(1, BYTES_MAX), words[1024];
    size_t len = 0, used;
    unsigned served = 0;
    ssize_t got;

    while ((got = recv(stream->fd, bytes + len, BYTES_MAX - len - 1, 0)) > 0) {
        len += (size_t)got;
        while ((used = take_command(bytes, len, words, sizeof words)) > 0) {
            const char *answer;
            pthread_mutex_lock(&script.lock);
            if (strlen(script.heard) + strlen(words) < HEARD_MAX)
                strcat(script.heard, words);
            pthread_mutex_unlock(&script.lock);
            script.commands++;
            answer = stream->nth <= script.deaf ? SILENCE
                                                : answer_to(words, baton ? baton : script.lines);
            memmove(bytes, bytes + used, len - used + 1);
            len -= used;
            if (answer == HANG_UP || (script.closes_after && ++served > script.closes_after)) {
                free(bytes);
                return;
            }
            if (answer != SILENCE)
                http_stream_write(stream, answer, strlen(answer));
        }
    }
    free(bytes);
}

typedef struct {
    http_server_t *server;
    rs_redis_config_t config;
    rs_redis_address_t address;
    fake_log_t log;
    rs_tier_t *tier;
    apr_time_t now;
    apr_pool_t *p;
} world_t;

static world_t *draft(const line_t *lines, apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof *w);

    script.lines = lines;
    script.commands = script.gets = script.closes_after = script.gather = 0;
    script.late = script.moving = 0;
    script.deaf = 0;
    script.thinks = 0;
    *script.heard = '\0';
    fake_log_init(&w->log);
    w->server = http_server_start(be_redis, NULL, NULL, NULL);
    w->address.host = "127.0.0.1";
    w->address.port = http_server_port(w->server);
    w->config.addresses = &w->address;
    w->config.address_count = 1;
    w->config.prefix = "p:";
    w->config.connect_timeout = 2 * SECOND;
    w->config.command_timeout = SECOND;
    w->config.pool_max = 2;
    w->now = NOW;
    w->p = p;
    return w;
}

static world_t *begin(world_t *w)
{
    assert_int_equal(rs_tier_redis_create(&w->tier, &w->config, &w->log.log, w->p), APR_SUCCESS);
    return w;
}

static rs_cache_key_t key_of(rs_kind_t kind)
{
    rs_cache_key_t key = { kind, fake_digest("token") };

    return key;
}

static apr_status_t fetch(world_t *w, const unsigned char **value)
{
    rs_cache_key_t key = key_of(RS_KIND_VERDICT);
    apr_size_t len;

    return w->tier->fetch(w->tier, &key, value, &len, w->now, w->p);
}

static apr_status_t get(world_t *w)
{
    const unsigned char *value;

    return fetch(w, &value);
}

static apr_status_t put(world_t *w, apr_interval_time_t life)
{
    rs_cache_key_t key = key_of(RS_KIND_VERDICT);

    return w->tier->store(w->tier, &key, (const unsigned char *)"v", 1, w->now + life, w->now,
                          w->p);
}

static apr_status_t add(world_t *w)
{
    rs_cache_key_t key = key_of(RS_KIND_CLAIM);

    return w->tier->add(w->tier, &key, (const unsigned char *)"me", 2, w->now + SECOND, w->now,
                        w->p);
}

static apr_status_t drop(world_t *w, const char *value)
{
    rs_cache_key_t key = key_of(RS_KIND_CLAIM);

    return w->tier->remove(w->tier, &key, (const unsigned char *)value, value ? strlen(value) : 0,
                           w->now, w->p);
}

static void end(world_t *w)
{
    http_server_stop(w->server);
}

/* ---- what is said ---- */

static void the_commands(void **state)
{
    static const line_t lines[] = { { "GET", "$5\r\nvalue\r\n" },
                                    { "SET", "+OK\r\n" },
                                    { "DEL", ":1\r\n" },
                                    { "EVAL", ":1\r\n" },
                                    { NULL, "-ERR\r\n" } };
    world_t *w = begin(draft(lines, *state));
    const unsigned char *value;

    assert_int_equal(fetch(w, &value), APR_SUCCESS);
    assert_memory_equal(value, "value", 5);
    assert_non_null(strstr(script.heard, "GET p:"));
    assert_int_equal(put(w, 90 * SECOND), APR_SUCCESS);
    assert_non_null(strstr(script.heard, " v PX 90000 "));
    assert_int_equal(add(w), APR_SUCCESS);
    assert_non_null(strstr(script.heard, "SET p:c:"));
    assert_non_null(strstr(script.heard, " me NX PX 1000 "));
    assert_int_equal(drop(w, "me"), APR_SUCCESS);
    assert_non_null(strstr(script.heard, "EVAL "));
    assert_int_equal(drop(w, NULL), APR_SUCCESS);
    assert_non_null(strstr(script.heard, "DEL p:c:"));
    assert_int_equal(http_server_accepted(w->server), 1);
    end(w);
}

/* Redis takes no time of zero. */
static void what_is_over_is_not_sent(void **state)
{
    static const line_t lines[] = { { NULL, "+OK\r\n" } };
    world_t *w = begin(draft(lines, *state));

    assert_int_equal(put(w, 0), APR_SUCCESS);
    assert_int_equal(put(w, 999), APR_SUCCESS);
    assert_int_equal(put(w, -SECOND), APR_SUCCESS);
    assert_int_equal(script.commands, 0);
    end(w);
}

static void greetings_are_said_once_for_a_connection(void **state)
{
    static const line_t lines[] = { { "AUTH", "+OK\r\n" },
                                    { "SELECT", "+OK\r\n" },
                                    { NULL, "$-1\r\n" } };
    world_t *w = draft(lines, *state);

    w->config.user = "us";
    w->config.password = "word";
    w->config.database = 3;
    begin(w);
    assert_int_equal(get(w), APR_NOTFOUND);
    assert_int_equal(get(w), APR_NOTFOUND);
    assert_int_equal(strncmp(script.heard, "AUTH us word SELECT 3 GET ", 26), 0);
    assert_int_equal(script.commands, 4);
    end(w);
}

static void greetings_may_be_refused(void **state)
{
    static const line_t refuses[] = { { "AUTH", "-WRONGPASS word is wrong\r\n" },
                                      { NULL, "$-1\r\n" } };
    world_t *w = draft(refuses, *state);
    unsigned i;

    w->config.password = "word";
    begin(w);
    for (i = 0; i < 3; i++)
        assert_int_not_equal(get(w), APR_NOTFOUND);
    assert_non_null(strstr(w->log.text, "OAuth2RSRedisCredentials"));
    assert_null(strstr(w->log.text, "word is"));
    assert_null(strstr(script.heard, "GET"));
    end(w);
}

/* A Sentinel or a cluster names it; the start could not look. 127.0.0.1 is written so that it does
 * not look like loopback. */
static void credentials_are_not_sent_in_the_clear_to_another_host(void **state)
{
    static const line_t lines[] = { { NULL, "+OK\r\n" } };
    world_t *w = draft(lines, *state);
    unsigned i;

    w->address.host = "2130706433";
    w->config.password = "word";
    begin(w);
    for (i = 0; i < 3; i++)
        assert_int_not_equal(get(w), APR_SUCCESS);
    assert_int_equal(script.commands, 0);
    assert_non_null(strstr(w->log.text, "OAuth2RSRedisPlaintext"));
    w->config.plaintext = true;
    begin(w);
    assert_int_not_equal(get(w), APR_SUCCESS);
    assert_non_null(strstr(script.heard, "AUTH word"));
    end(w);
}

/* ---- what answers mean ---- */

static void answers_of_each_act(void **state)
{
    static const struct {
        const char *answer;
        apr_status_t get, put, add, drop;
    } rows[] = {
        { "$-1\r\n", APR_NOTFOUND, APR_EINVAL, APR_EEXIST, APR_EINVAL },
        { "+OK\r\n", APR_EINVAL, APR_SUCCESS, APR_SUCCESS, APR_EINVAL },
        { ":0\r\n", APR_EINVAL, APR_EINVAL, APR_EINVAL, APR_NOTFOUND },
        { ":1\r\n", APR_EINVAL, APR_EINVAL, APR_EINVAL, APR_SUCCESS },
        { "*0\r\n", APR_EINVAL, APR_EINVAL, APR_EINVAL, APR_EINVAL },
        { "-OOM full\r\n", APR_ENOSPC, APR_ENOSPC, APR_ENOSPC, APR_ENOSPC },
        { "-NOPERM no\r\n", APR_EACCES, APR_EACCES, APR_EACCES, APR_EACCES },
        { "-WRONGTYPE\r\n", APR_EGENERAL, APR_EGENERAL, APR_EGENERAL, APR_EGENERAL },
        { "-never heard of\r\n", APR_EGENERAL, APR_EGENERAL, APR_EGENERAL, APR_EGENERAL },
        { "*100000000\r\n", RS_REDIS_TOO_LARGE, RS_REDIS_TOO_LARGE, RS_REDIS_TOO_LARGE,
          RS_REDIS_TOO_LARGE },
        { "$536870912\r\n", APR_TIMEUP, APR_TIMEUP, APR_TIMEUP, APR_TIMEUP },
        { "HTTP/1.1 400 Bad\r\n", APR_EINVAL, APR_EINVAL, APR_EINVAL, APR_EINVAL },
    };
    unsigned i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        line_t lines[] = { { NULL, rows[i].answer } };
        world_t *w = begin(draft(lines, *state));
        assert_int_equal(get(w), rows[i].get);
        w->now += 2 * SECOND;
        assert_int_equal(put(w, SECOND), rows[i].put);
        w->now += 2 * SECOND;
        begin(w); /* without the failures so far */
        assert_int_equal(add(w), rows[i].add);
        w->now += 2 * SECOND;
        assert_int_equal(drop(w, "me"), rows[i].drop);
        end(w);
    }
}

/* Whoever writes to a stream of ours can make it too large for us, but not make Redis ill. */
static void a_stream_that_is_too_large_opens_no_breaker(void **state)
{
    static const char *const names[2] = { "v", "m" };
    static const line_t lines[] = { { "XREAD", "*100000000\r\n" },
                                    { "EVAL", "*2\r\n$3\r\n7-0\r\n*0\r\n" },
                                    { NULL, "$-1\r\n" } };
    world_t *w = begin(draft(lines, *state));
    const rs_redis_reply_t *reply;
    unsigned i;

    for (i = 0; i < 5; i++)
        assert_int_equal(rs_tier_redis_read_stream(w->tier, "s", "6-0", 9, &reply, w->now, w->p),
                         RS_REDIS_TOO_LARGE);
    assert_string_equal(script.heard + 4 * 30, "XREAD COUNT 9 STREAMS p:s 6-0 ");
    assert_true(w->tier->healthy(w->tier, w->now));
    assert_int_equal(w->log.lines[RS_LOG_WARNING], 0);
    *script.heard = '\0';
    assert_int_equal(rs_tier_redis_read_entry(w->tier, "s", "6-0", names, &reply, w->now, w->p),
                     APR_SUCCESS);
    assert_string_equal(reply->elements[0]->text, "7-0");
    assert_non_null(strstr(script.heard, " 1 p:s 6-0 v m "));
    /* Of a value it is a failure. */
    script.lines = (const line_t[]){ { NULL, "*100000000\r\n" } };
    for (i = 0; i < 3; i++)
        assert_int_equal(get(w), RS_REDIS_TOO_LARGE);
    assert_false(w->tier->healthy(w->tier, w->now));
    end(w);
}

/* An answer that came too much is not the answer to the next question. */
static void a_connection_with_rests_is_not_used_again(void **state)
{
    static const line_t lines[] = { { NULL, "$1\r\na\r\n$5\r\nwrong\r\n" } };
    world_t *w = begin(draft(lines, *state));
    const unsigned char *value;
    unsigned i;

    for (i = 0; i < 3; i++) {
        assert_int_equal(fetch(w, &value), APR_SUCCESS);
        assert_memory_equal(value, "a", 1);
    }
    assert_int_equal(http_server_accepted(w->server), 3);
    end(w);
}

/* ---- trouble ---- */

static void a_silent_one_costs_its_time_and_then_nothing(void **state)
{
    static const line_t lines[] = { { NULL, SILENCE } };
    world_t *w = begin(draft(lines, *state));
    unsigned i;

    for (i = 0; i < 20; i++)
        assert_int_not_equal(get(w), APR_SUCCESS);
    assert_int_equal(script.commands, 3);
    assert_false(w->tier->healthy(w->tier, w->now));
    assert_int_equal(w->log.lines[RS_LOG_WARNING], 1);
    /* One probe a second, and all is well with its answer. */
    script.lines = (const line_t[]){ { NULL, "$-1\r\n" } };
    w->now += 5 * SECOND;
    assert_int_equal(get(w), APR_NOTFOUND);
    assert_true(w->tier->healthy(w->tier, w->now));
    assert_int_equal(w->log.lines[RS_LOG_NOTICE], 1);
    end(w);
}

/* It is left alone from the end of the call that failed, however long that call took. */
static void a_slow_failure_opens_for_the_whole_time(void **state)
{
    static const line_t lines[] = { { NULL, SILENCE } };
    world_t *w = begin(draft(lines, *state));
    unsigned i;

    for (i = 0; i < 3; i++)
        assert_int_equal(get(w), APR_TIMEUP);
    assert_false(w->tier->healthy(w->tier, w->now + SECOND));
    assert_true(w->tier->healthy(w->tier, w->now + 60 * SECOND));
    end(w);
}

static void a_connection_that_was_closed_while_idle_is_replaced(void **state)
{
    static const line_t lines[] = { { NULL, "$-1\r\n" } };
    world_t *w = begin(draft(lines, *state));
    unsigned i;

    script.closes_after = 1;
    for (i = 0; i < 5; i++)
        assert_int_equal(get(w), APR_NOTFOUND);
    assert_int_equal(w->log.lines[RS_LOG_WARNING] + w->log.lines[RS_LOG_DEBUG], 0);
    end(w);
}

/* What is done twice would find itself. */
static void a_claim_is_never_asked_for_twice(void **state)
{
    static const line_t lines[] = { { "GET", "$-1\r\n" }, { NULL, "+OK\r\n" } };
    world_t *w = begin(draft(lines, *state));

    assert_int_equal(get(w), APR_NOTFOUND);
    script.lines = (const line_t[]){ { NULL, HANG_UP } };
    assert_int_not_equal(add(w), APR_SUCCESS);
    assert_int_equal(script.commands, 2);
    end(w);
}

static void one_trouble_is_one_line(void **state)
{
    static const line_t full[] = { { "GET", "$-1\r\n" }, { NULL, "-OOM full of secrets\r\n" } };
    static const line_t well[] = { { "GET", "$-1\r\n" }, { NULL, "+OK\r\n" } };
    world_t *w = begin(draft(full, *state));
    unsigned i;

    for (i = 0; i < 20; i++) {
        assert_int_equal(get(w), APR_NOTFOUND);
        assert_int_equal(put(w, SECOND), APR_ENOSPC);
        assert_int_equal(add(w), APR_ENOSPC);
        w->now += SECOND / 10;
    }
    assert_int_equal(w->log.lines[RS_LOG_WARNING], 1);
    assert_non_null(strstr(w->log.text, "OOM"));
    assert_null(strstr(w->log.text, "secrets"));
    assert_true(w->tier->healthy(w->tier, w->now));
    script.lines = well;
    assert_int_equal(put(w, SECOND), APR_SUCCESS);
    assert_int_equal(w->log.lines[RS_LOG_NOTICE], 0); /* it may be for a moment only */
    w->now += 11 * SECOND;
    assert_int_equal(get(w), APR_NOTFOUND);
    assert_int_equal(w->log.lines[RS_LOG_NOTICE], 0); /* GET never was refused */
    assert_int_equal(put(w, SECOND), APR_SUCCESS);
    assert_int_equal(put(w, SECOND), APR_SUCCESS);
    assert_int_equal(w->log.lines[RS_LOG_NOTICE], 1);
    end(w);
}

/* A replica answers GET: the failures never come in a row. */
static void a_replica_is_told(void **state)
{
    static const line_t lines[] = { { "GET", "$-1\r\n" }, { NULL, "-READONLY\r\n" } };
    world_t *w = begin(draft(lines, *state));
    unsigned i;

    for (i = 0; i < 5; i++) {
        assert_int_equal(get(w), APR_NOTFOUND);
        assert_int_equal(put(w, SECOND), APR_EGENERAL);
    }
    assert_int_equal(w->log.lines[RS_LOG_WARNING], 1);
    assert_non_null(strstr(w->log.text, "replica"));
    end(w);
}

/* ---- threads ---- */

#define THREADS 4

typedef struct {
    world_t *world;
    apr_status_t status;
} caller_t;

static void *get_in_a_thread(void *data)
{
    caller_t *caller = data;
    rs_cache_key_t key = key_of(RS_KIND_VERDICT);
    const unsigned char *value;
    apr_size_t len;
    apr_pool_t *p;

    apr_pool_create_unmanaged_ex(&p, NULL, NULL);
    caller->status =
        caller->world->tier->fetch(caller->world->tier, &key, &value, &len, caller->world->now, p);
    apr_pool_destroy(p);
    return NULL;
}

/* So many at least each on a connection of its own. How many found that there is no such value? */
static unsigned get_together(world_t *w, unsigned connections)
{
    caller_t callers[THREADS];
    pthread_t threads[THREADS];
    unsigned i, found = 0;

    script.gets = 0;
    script.gather = connections;
    for (i = 0; i < THREADS; i++) {
        callers[i].world = w;
        assert_int_equal(pthread_create(&threads[i], NULL, get_in_a_thread, &callers[i]), 0);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        found += callers[i].status == APR_NOTFOUND;
    }
    script.gather = 0;
    return found;
}

static void no_more_connections_than_allowed(void **state)
{
    static const line_t lines[] = { { NULL, "$-1\r\n" } };
    world_t *w = begin(draft(lines, *state));

    assert_int_equal(get_together(w, 2), THREADS);
    assert_int_equal(http_server_accepted(w->server), 2);
    end(w);
}

static world_t *with_idle_ones(apr_pool_t *p)
{
    static const line_t lines[] = { { NULL, "$-1\r\n" } };
    world_t *w = draft(lines, p);

    w->config.pool_max = THREADS;
    begin(w);
    assert_int_equal(get_together(w, THREADS), THREADS);
    return w;
}

/* Firewalls forget connections and tell nobody. */
static void dead_connections_cost_one_command(void **state)
{
    world_t *w = with_idle_ones(*state);

    script.deaf = THREADS;
    assert_int_equal(get(w), APR_TIMEUP);
    assert_int_equal(get(w), APR_NOTFOUND);
    assert_int_equal(http_server_accepted(w->server), THREADS + 1);
    end(w);
}

static void a_connection_that_was_idle_for_long_is_not_used(void **state)
{
    world_t *w = with_idle_ones(*state);

    later += 40 * SECOND;
    assert_int_equal(get(w), APR_NOTFOUND);
    later += 40 * SECOND;
    assert_int_equal(get(w), APR_NOTFOUND);
    assert_int_equal(http_server_accepted(w->server), THREADS);
    later += 61 * SECOND;
    assert_int_equal(get(w), APR_NOTFOUND);
    assert_int_equal(http_server_accepted(w->server), THREADS + 1);
    end(w);
}

/* ---- Sentinel ---- */

/* One server that is both, with the answers to the commands for values behind it. */
static const line_t *sentinel_lines(int master, line_t get, line_t set, apr_pool_t *p)
{
    const line_t lines[] = { { "SENTINEL",
                               apr_psprintf(p, "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%05d\r\n", master) },
                             { "ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n" },
                             get,
                             set,
                             { NULL, "-ERR\r\n" } };

    return apr_pmemdup(p, lines, sizeof lines);
}

static const line_t get_nil = { "GET", "$-1\r\n" }, set_hangs_up = { "SET", HANG_UP };

static world_t *behind_sentinel(apr_pool_t *p)
{
    world_t *w = draft(NULL, p);

    script.lines = sentinel_lines(w->address.port, get_nil, set_hangs_up, p);
    w->config.topology = RS_REDIS_SENTINEL;
    w->config.sentinel_name = "main";
    w->config.pool_max = THREADS;
    return begin(w);
}

static unsigned count_heard(const char *word)
{
    const char *at = script.heard;
    unsigned count = 0;

    while ((at = strstr(at, word)) != NULL) {
        at += strlen(word);
        count++;
    }
    return count;
}

static void one_thread_asks_the_sentinels_for_all(void **state)
{
    world_t *w = behind_sentinel(*state);

    script.thinks = apr_time_from_msec(50);
    assert_int_equal(get_together(w, THREADS), THREADS);
    assert_int_equal(count_heard("SENTINEL"), 1);
    end(w);
}

static void a_late_command_costs_no_other_connection(void **state)
{
    world_t *w = behind_sentinel(*state);

    script.late = 1;
    assert_int_equal(get_together(w, THREADS), THREADS - 1);
    later += 2 * SECOND;
    assert_int_equal(get_together(w, THREADS), THREADS);
    assert_int_equal(count_heard("SENTINEL"), 2);
    /* Two to the Sentinel; and the late one's successor. */
    assert_int_equal(http_server_accepted(w->server), 2 + THREADS + 1);
    end(w);
}

static void sentinels_are_asked_again_after_a_while(void **state)
{
    world_t *w = behind_sentinel(*state);
    unsigned i;

    assert_int_equal(get(w), APR_NOTFOUND);
    for (i = 1; i <= 2; i++) {
        unsigned fails;
        for (fails = 0; fails < 3; fails++) {
            assert_int_not_equal(add(w), APR_SUCCESS);
            assert_int_equal(get(w), APR_NOTFOUND);
        }
        assert_int_equal(count_heard("SENTINEL"), i);
        later += 2 * SECOND;
        assert_int_equal(get(w), APR_NOTFOUND);
    }
    assert_int_equal(count_heard("SENTINEL"), 3);
    end(w);
}

/* What they said last holds. */
static void sentinels_that_are_gone_take_no_master_along(void **state)
{
    world_t *w = behind_sentinel(*state);

    assert_int_equal(get(w), APR_NOTFOUND);
    assert_int_not_equal(add(w), APR_SUCCESS);
    later += 2 * SECOND;
    script.lines = (const line_t[]){ { "SENTINEL", HANG_UP },
                                     { "ROLE", "*1\r\n$6\r\nmaster\r\n" },
                                     { NULL, "$-1\r\n" } };
    assert_int_equal(get(w), APR_NOTFOUND);
    assert_int_equal(count_heard("SENTINEL"), 2);
    end(w);
}

/* In the same call; but a server is not asked twice in vain. */
static void a_master_that_became_a_replica_is_left(void **state)
{
    world_t *w = behind_sentinel(*state);
    const line_t demoted = { "GET", "-READONLY\r\n" }, promoted = { "GET", "$1\r\na\r\n" };
    const line_t *lines = sentinel_lines(0, promoted, promoted, *state);
    http_server_t *other = http_server_start(be_redis, lines, NULL, NULL);

    assert_int_equal(get(w), APR_NOTFOUND);
    script.lines = sentinel_lines(w->address.port, demoted, demoted, *state);
    later += 2 * SECOND;
    assert_int_equal(get(w), APR_EGENERAL);
    assert_int_equal(script.gets, 2);
    assert_int_equal(count_heard("SENTINEL"), 2);
    script.lines = sentinel_lines(http_server_port(other), demoted, demoted, *state);
    later += 2 * SECOND;
    assert_int_equal(get(w), APR_SUCCESS);
    assert_int_equal(get(w), APR_SUCCESS);
    assert_int_equal(http_server_accepted(other), 1);
    http_server_stop(other);
    end(w);
}

/* ---- cluster ---- */

static world_t *cluster(const line_t *lines, apr_pool_t *p)
{
    world_t *w = draft(lines, p);

    w->config.topology = RS_REDIS_CLUSTER;
    return begin(w);
}

/* What CLUSTER SLOTS says: all are here. */
static const char *all_slots_of(const world_t *w)
{
    return apr_psprintf(w->p, "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n",
                        w->address.port);
}

/* TRYAGAIN. */
static void a_slot_that_moves_is_asked_again_for_a_while(void **state)
{
    world_t *w = draft(NULL, *state);
    line_t lines[] = { { "CLUSTER", all_slots_of(w) }, { NULL, "$-1\r\n" } };

    script.lines = lines;
    w->config.topology = RS_REDIS_CLUSTER;
    begin(w);
    script.moving = 1;
    assert_int_equal(get(w), APR_NOTFOUND);
    assert_int_equal(script.gets, 2);
    script.moving = 1000;
    assert_int_not_equal(get(w), APR_NOTFOUND);
    assert_in_range(script.gets, 4, 12);
    end(w);
}

static void a_cluster_that_sends_around_in_circles_ends(void **state)
{
    world_t *w = draft(NULL, *state);
    line_t lines[] = { { "CLUSTER", all_slots_of(w) },
                       { "GET",
                         apr_psprintf(*state, "-MOVED 1 127.0.0.1:%d\r\n", w->address.port) },
                       { NULL, "+OK\r\n" } };

    script.lines = lines;
    w->config.topology = RS_REDIS_CLUSTER;
    begin(w);
    assert_int_not_equal(get(w), APR_SUCCESS);
    assert_true(script.commands < 12);
    end(w);
}

#define NAMES 200
#define MASTERS_MAX 20

/* The same slots for each; they are on all masters. */
static void get_many(world_t *w)
{
    unsigned i;

    for (i = 0; i < NAMES; i++) {
        rs_cache_key_t key = { RS_KIND_VERDICT, fake_digest(apr_psprintf(w->p, "token %u", i)) };
        const unsigned char *value;
        apr_size_t len;
        assert_int_equal(w->tier->fetch(w->tier, &key, &value, &len, w->now, w->p), APR_NOTFOUND);
    }
}

/* For one thread; the first master is the server of the world. */
static world_t *cluster_of(unsigned masters, http_server_t **servers, apr_pool_t *p)
{
    world_t *w = draft(NULL, p);
    const char *slots = apr_psprintf(p, "*%u\r\n", masters);
    line_t *lines = apr_pcalloc(p, 2 * sizeof *lines);
    unsigned i, width = 16384 / masters;

    servers[0] = w->server;
    for (i = 0; i < masters; i++) {
        if (i > 0)
            servers[i] = http_server_start(be_redis, NULL, NULL, NULL);
        slots = apr_psprintf(p, "%s*3\r\n:%u\r\n:%u\r\n*2\r\n$9\r\n127.0.0.1\r\n:%d\r\n", slots,
                             i * width, i == masters - 1 ? 16383 : (i + 1) * width - 1,
                             http_server_port(servers[i]));
    }
    lines[0] = (line_t){ "CLUSTER", slots };
    lines[1] = (line_t){ NULL, "$-1\r\n" };
    script.lines = lines;
    w->config.topology = RS_REDIS_CLUSTER;
    w->config.pool_max = 1;
    return begin(w);
}

/* Stops them all. How many connections were there? */
static unsigned count_accepted(unsigned masters, http_server_t **servers)
{
    unsigned i, count = 0;

    for (i = 0; i < masters; i++) {
        count += http_server_accepted(servers[i]);
        http_server_stop(servers[i]);
    }
    return count;
}

static void a_connection_to_each_master_is_kept(void **state)
{
    http_server_t *servers[3];
    world_t *w = cluster_of(3, servers, *state);

    get_many(w);
    get_many(w);
    assert_int_equal(count_accepted(3, servers), 3 + 1); /* one for the slots */
}

static void connections_to_masters_have_a_bound(void **state)
{
    http_server_t *servers[MASTERS_MAX];
    world_t *w = cluster_of(MASTERS_MAX, servers, *state);

    get_many(w);
    assert_true(count_accepted(MASTERS_MAX, servers) > MASTERS_MAX + 1);
}

/* Then the server of the configuration is asked: it would send us on. */
static void tables_of_slots_that_are_none(void **state)
{
    static const char *const answers[] = {
        "*0\r\n",
        "+OK\r\n",
        "$-1\r\n",
        "-ERR This instance has cluster support disabled\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:-1\r\n:5\r\n*2\r\n$1\r\na\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n$1\r\na\r\n:0\r\n",
        "*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n$1\r\na\r\n:65536\r\n",
        "*1\r\n*3\r\n:0\r\n:5\r\n*2\r\n:7\r\n:1\r\n",
        "*1\r\n*3\r\n:0\r\n:5\r\n$1\r\na\r\n",
        "*65537\r\n",
    };
    unsigned i;

    for (i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        line_t lines[] = { { "CLUSTER", answers[i] }, { NULL, "$1\r\na\r\n" } };
        world_t *w = cluster(lines, *state);
        if (get(w) != APR_SUCCESS)
            fail_msg("%s", answers[i]);
        end(w);
    }
}

/* ---- seeds ---- */

#define SILENT 4

/* Takes connections and says nothing. */
static int silent_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port); /* open to the end of the tests */
}

/* The time of a call is over before the one that would answer is asked; the next call begins
 * further on. */
static void silent_seeds_before_a_live_one(void **state)
{
    static const rs_redis_topology_t topologies[] = { RS_REDIS_SENTINEL, RS_REDIS_CLUSTER };
    rs_redis_address_t seeds[SILENT + 1];
    unsigned i, calls;

    for (i = 0; i < SILENT; i++) {
        seeds[i].host = "127.0.0.1";
        seeds[i].port = silent_port();
    }
    for (i = 0; i < sizeof topologies / sizeof topologies[0]; i++) {
        world_t *w = draft(NULL, *state);
        line_t lines[] = { { "CLUSTER", apr_psprintf(*state,
                                                     "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n"
                                                     "127.0.0.1\r\n:%d\r\n",
                                                     w->address.port) },
                           { "SENTINEL",
                             apr_psprintf(*state, "*2\r\n$9\r\n127.0.0.1\r\n$5\r\n%05d\r\n",
                                          w->address.port) },
                           { "ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n" },
                           { "GET", "$1\r\na\r\n" },
                           { NULL, "-ERR\r\n" } };
        script.lines = lines;
        seeds[SILENT] = w->address;
        w->config.topology = topologies[i];
        w->config.sentinel_name = "main";
        w->config.addresses = seeds;
        w->config.address_count = SILENT + 1;
        begin(w);
        for (calls = 1; get(w) != APR_SUCCESS; calls++, w->now += 2 * SECOND) {
            assert_true(calls < 6);
            later += SECOND; /* a cluster is not asked more often */
        }
        assert_true(calls > 1);
        end(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(the_commands),
        FAKE_TEST(what_is_over_is_not_sent),
        FAKE_TEST(greetings_are_said_once_for_a_connection),
        FAKE_TEST(greetings_may_be_refused),
        FAKE_TEST(credentials_are_not_sent_in_the_clear_to_another_host),
        FAKE_TEST(answers_of_each_act),
        FAKE_TEST(a_stream_that_is_too_large_opens_no_breaker),
        FAKE_TEST(a_connection_with_rests_is_not_used_again),
        FAKE_TEST(a_silent_one_costs_its_time_and_then_nothing),
        FAKE_TEST(a_slow_failure_opens_for_the_whole_time),
        FAKE_TEST(a_connection_that_was_closed_while_idle_is_replaced),
        FAKE_TEST(a_claim_is_never_asked_for_twice),
        FAKE_TEST(one_trouble_is_one_line),
        FAKE_TEST(a_replica_is_told),
        FAKE_TEST(no_more_connections_than_allowed),
        FAKE_TEST(dead_connections_cost_one_command),
        FAKE_TEST(a_connection_that_was_idle_for_long_is_not_used),
        FAKE_TEST(one_thread_asks_the_sentinels_for_all),
        FAKE_TEST(a_late_command_costs_no_other_connection),
        FAKE_TEST(sentinels_are_asked_again_after_a_while),
        FAKE_TEST(sentinels_that_are_gone_take_no_master_along),
        FAKE_TEST(a_master_that_became_a_replica_is_left),
        FAKE_TEST(a_slot_that_moves_is_asked_again_for_a_while),
        FAKE_TEST(a_cluster_that_sends_around_in_circles_ends),
        FAKE_TEST(a_connection_to_each_master_is_kept),
        FAKE_TEST(connections_to_masters_have_a_bound),
        FAKE_TEST(tables_of_slots_that_are_none),
        FAKE_TEST(silent_seeds_before_a_live_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
