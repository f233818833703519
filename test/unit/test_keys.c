/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Keys over time: when the issuer is asked, what replaces what, and who gets 503 instead of 401. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes.h"
#include "key_maker.h"
#include "provider/rs_key_source.h"
#include "provider/rs_keys.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <string.h>
#include <unistd.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define KEYS_URL "https://issuer.example/keys"

/* Where nobody counts those who wait, it stays as it is. */
static rs_seat_t seat;

typedef struct {
    fake_http_t http;
    fake_log_t log;
    rs_services_t services;
    rs_provider_spec_t *spec;
    rs_metadata_t *metadata;
    rs_waiting_t *waiting;
    unsigned firsts; /* calls to the first of two addresses */
    rs_keys_t *keys;
    apr_pool_t *p;
    const rs_jwk_t *a, *b;
    const char *set_a, *set_b;
    _Atomic unsigned served;
} world_t;

/* In the middle of its range: what is said for an interval is exactly that long. */
static apr_status_t no_chance(unsigned char *bytes, apr_size_t len)
{
    memset(bytes, 0, len);
    bytes[len - 1] = 0x80;
    return APR_SUCCESS;
}

static world_t *world(apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof *w);

    fake_http_init(&w->http);
    fake_log_init(&w->log);
    w->p = p;
    w->services.http = &w->http.http;
    w->services.log = &w->log.log;
    w->services.random = no_chance;
    w->spec = rs_provider_spec_create("test", p);
    w->spec->policy.issuer = "https://issuer.example";
    w->a = key_make("ED25519", p);
    w->b = key_make("ED25519", p);
    w->set_a = key_set_text(p, key_public_text(w->a, "\"kid\":\"a\",", p), NULL);
    w->set_b = key_set_text(p, key_public_text(w->b, "\"kid\":\"b\",", p), NULL);
    assert_int_equal(rs_metadata_create(&w->metadata, w->spec, &w->services, p), APR_SUCCESS);
    return w;
}

static void begin(world_t *w)
{
    const char *why = NULL;

    w->waiting = rs_waiting_create(w->spec, &w->services, w->p);
    assert_int_equal(rs_keys_create(&w->keys, w->spec, w->metadata, w->waiting, &w->services, w->p),
                     APR_SUCCESS);
    assert_int_equal(rs_keys_load_files(w->keys, NOW, &why, w->p), APR_SUCCESS);
}

static world_t *remote_world(apr_pool_t *p)
{
    world_t *w = world(p);

    APR_ARRAY_PUSH(w->spec->keys.urls, const char *) = KEYS_URL;
    begin(w);
    return w;
}

static void issuer_says(world_t *w, const char *text)
{
    fake_http_says(&w->http, 200, "application/json", text);
}

static bool has(world_t *w, const rs_jwk_t *key, apr_time_t now)
{
    apr_interval_time_t retry_after;
    const rs_jwks_t *set = rs_keys_hold(w->keys, &seat, now, &retry_after, w->p);

    return set && rs_jwks_has(set, rs_jwk_thumbprint(key));
}

static void keys_are_fetched_when_first_needed(void **state)
{
    world_t *w = remote_world(*state);

    issuer_says(w, w->set_a);
    assert_int_equal(w->http.calls, 0);
    assert_true(has(w, w->a, NOW));
    assert_true(has(w, w->a, NOW + SECOND));
    assert_int_equal(w->http.calls, 1);
    assert_string_equal(w->http.url, KEYS_URL);
    assert_true(rs_keys_still_has(w->keys, rs_jwk_thumbprint(w->a), NOW));
    assert_false(rs_keys_still_has(w->keys, rs_jwk_thumbprint(w->b), NOW));
}

static void the_metadata_says_where_keys_are(void **state)
{
    world_t *w = world(*state);

    issuer_says(w, "{\"issuer\":\"https://issuer.example\"}");
    begin(w);
    assert_false(has(w, w->a, NOW));
    assert_non_null(strstr(w->log.text, "RS0501"));
    assert_non_null(strstr(w->log.text, "jwks_uri"));
}

static void a_new_key_is_found_by_asking_again(void **state)
{
    world_t *w = remote_world(*state);
    apr_interval_time_t retry_after = 0;

    issuer_says(w, w->set_a);
    assert_true(has(w, w->a, NOW));
    issuer_says(w, w->set_b);
    assert_int_equal(rs_keys_miss(w->keys, &seat, 0, NOW + SECOND, &retry_after, w->p),
                     APR_SUCCESS);
    assert_true(has(w, w->b, NOW + SECOND));
    assert_false(has(w, w->a, NOW + SECOND));
    assert_int_equal(w->http.calls, 2);
}

static void unknown_kids_ask_once_in_a_cool_down(void **state)
{
    world_t *w = remote_world(*state);
    apr_interval_time_t retry_after = 0, cooldown = w->spec->keys.cooldown;
    unsigned i;

    issuer_says(w, w->set_a);
    assert_true(has(w, w->a, NOW));
    rs_keys_miss(w->keys, &seat, 0, NOW, &retry_after, w->p);
    for (i = 1; i < 30; i++)
        rs_keys_miss(w->keys, &seat, 0, NOW + i * SECOND, &retry_after, w->p);
    assert_int_equal(w->http.calls, 2);
    assert_int_equal(rs_keys_miss(w->keys, &seat, 0, NOW + cooldown, &retry_after, w->p),
                     APR_SUCCESS);
    assert_int_equal(w->http.calls, 3);
}

/* Within the cool-down: a token that is newer than our keys may be good, an older one cannot be. */
static void a_token_newer_than_the_keys_is_undecided(void **state)
{
    world_t *w = remote_world(*state);
    apr_interval_time_t retry_after = 0;

    issuer_says(w, w->set_a);
    assert_true(has(w, w->a, NOW));
    rs_keys_miss(w->keys, &seat, 0, NOW, &retry_after, w->p);
    assert_int_equal(
        rs_keys_miss(w->keys, &seat, NOW + SECOND, NOW + 2 * SECOND, &retry_after, w->p),
        APR_EAGAIN);
    assert_int_equal(retry_after, w->spec->keys.cooldown - 2 * SECOND);
    assert_int_equal(
        rs_keys_miss(w->keys, &seat, NOW - SECOND, NOW + 2 * SECOND, &retry_after, w->p),
        APR_NOTFOUND);
    assert_int_equal(rs_keys_miss(w->keys, &seat, 0, NOW + 2 * SECOND, &retry_after, w->p),
                     APR_NOTFOUND);
}

static void a_miss_while_the_issuer_is_down_is_undecided(void **state)
{
    world_t *w = remote_world(*state);
    apr_interval_time_t retry_after = 0;

    issuer_says(w, w->set_a);
    assert_true(has(w, w->a, NOW));
    w->http.result = APR_TIMEUP;
    assert_int_equal(rs_keys_miss(w->keys, &seat, 0, NOW + SECOND, &retry_after, w->p), APR_EAGAIN);
    assert_int_equal(rs_keys_miss(w->keys, &seat, 0, NOW + 2 * SECOND, &retry_after, w->p),
                     APR_EAGAIN);
    assert_true(has(w, w->a, NOW + 2 * SECOND));
}

static void no_keys_at_all_say_when_to_come_back(void **state)
{
    world_t *w = remote_world(*state);
    apr_interval_time_t retry_after = 0;

    w->http.result = APR_ECONNREFUSED;
    assert_null(rs_keys_hold(w->keys, &seat, NOW, &retry_after, w->p));
    assert_true(retry_after > 0 && retry_after <= 2 * SECOND);
    assert_null(rs_keys_hold(w->keys, &seat, NOW + SECOND / 2, &retry_after, w->p));
    assert_int_equal(w->http.calls, 1);
    w->http.result = APR_SUCCESS;
    issuer_says(w, w->set_a);
    assert_true(has(w, w->a, NOW + 2 * SECOND));
    assert_non_null(strstr(w->log.text, "RS0502"));
}

static void a_failing_refresh_keeps_the_old_keys_until_stale_max(void **state)
{
    world_t *w = remote_world(*state);
    apr_time_t due = NOW + w->spec->keys.refresh_max, end = NOW + w->spec->keys.stale_max;

    issuer_says(w, w->set_a);
    assert_true(has(w, w->a, NOW));
    w->http.result = APR_TIMEUP;
    assert_true(has(w, w->a, due + SECOND));
    assert_int_equal(w->http.calls, 2);
    assert_int_equal(w->log.lines[RS_LOG_WARNING], 1);
    assert_true(has(w, w->a, end));
    assert_false(has(w, w->a, end + 1));
    w->http.result = APR_SUCCESS;
    assert_true(has(w, w->a, end + 120 * SECOND));
}

static void attempts_at_a_broken_issuer_get_rarer(void **state)
{
    world_t *w = remote_world(*state);
    unsigned second;

    w->http.result = APR_TIMEUP;
    for (second = 0; second < 120; second++)
        (void)has(w, w->a, NOW + second * SECOND);
    assert_in_range(w->http.calls, 6, 12);
}

static void what_is_no_key_set_never_replaces_one(void **state)
{
    static const struct {
        int status;
        const char *text;
    } replies[] = {
        { 200, "" },
        { 200, "{\"keys\":[]}" },
        { 200, "<html>Sign in</html>" },
        { 200, "{\"keys\":[{\"kty\":\"new\"}]}" },
        { 200, "{\"keys\":" },
        { 204, "" },
        { 302, "" },
        { 404, "{}" },
        { 500, "oops" },
    };
    world_t *w = remote_world(*state);
    apr_time_t now = NOW;
    apr_interval_time_t retry_after;
    unsigned i;

    issuer_says(w, w->set_a);
    assert_true(has(w, w->a, NOW));
    for (i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        now += 2 * w->spec->keys.cooldown;
        fake_http_says(&w->http, replies[i].status, "text/html", replies[i].text);
        assert_int_equal(rs_keys_miss(w->keys, &seat, 0, now, &retry_after, w->p), APR_EAGAIN);
        assert_true(has(w, w->a, now));
    }
    /* The status counts, not only the body. */
    fake_http_says(&w->http, 500, "application/json", w->set_b);
    now += 2 * w->spec->keys.cooldown;
    assert_int_equal(rs_keys_miss(w->keys, &seat, 0, now, &retry_after, w->p), APR_EAGAIN);
    assert_false(has(w, w->b, now));
}

static unsigned calls_until(world_t *w, apr_time_t now)
{
    (void)has(w, w->a, now);
    return w->http.calls;
}

/* How long a reply with this Cache-Control is good for. */
static void is_good_for(const char *cache_control, const char *age, apr_interval_time_t expected,
                        apr_pool_t *p)
{
    world_t *w = remote_world(p);

    issuer_says(w, w->set_a);
    w->http.reply.cache_control = cache_control;
    w->http.reply.age = age;
    assert_true(has(w, w->a, NOW));
    assert_int_equal(calls_until(w, NOW + expected - SECOND), 1);
    assert_int_equal(calls_until(w, NOW + expected + SECOND), 2);
}

static void cache_control_is_heeded_within_bounds(void **state)
{
    is_good_for(NULL, NULL, 3600 * SECOND, *state);
    is_good_for("max-age=600", NULL, 600 * SECOND, *state);
    is_good_for("public, Max-Age=600, must-revalidate", "100", 500 * SECOND, *state);
    is_good_for("max-age=\"600\"", NULL, 600 * SECOND, *state);
    is_good_for("max-age=5", NULL, 60 * SECOND, *state);
    is_good_for("max-age=0", NULL, 60 * SECOND, *state);
    is_good_for("no-store", NULL, 60 * SECOND, *state);
    is_good_for("no-cache, max-age=600", NULL, 60 * SECOND, *state);
    is_good_for("max-age=999999999999999999999", NULL, 3600 * SECOND, *state);
    is_good_for("max-age=600", "99999999", 60 * SECOND, *state);
    is_good_for("x-max-age=600", NULL, 3600 * SECOND, *state);
    is_good_for("max-age", NULL, 3600 * SECOND, *state);
}

static void tending_fetches_before_a_request_has_to(void **state)
{
    world_t *w = remote_world(*state);

    issuer_says(w, w->set_a);
    rs_keys_tend(w->keys, NOW, w->p);
    assert_int_equal(w->http.calls, 1);
    rs_keys_tend(w->keys, NOW + 3500 * SECOND, w->p);
    assert_int_equal(w->http.calls, 1);
    rs_keys_tend(w->keys, NOW + 3575 * SECOND, w->p);
    assert_int_equal(w->http.calls, 2);
}

static void held_keys_outlive_their_replacement(void **state)
{
    world_t *w = remote_world(*state);
    apr_interval_time_t retry_after;
    const rs_jwks_t *held;

    issuer_says(w, w->set_a);
    held = rs_keys_hold(w->keys, &seat, NOW, &retry_after, w->p);
    issuer_says(w, w->set_b);
    rs_keys_miss(w->keys, &seat, 0, NOW, &retry_after, w->p);
    assert_true(rs_jwks_has(held, rs_jwk_thumbprint(w->a)));
    assert_false(rs_keys_still_has(w->keys, rs_jwk_thumbprint(w->a), NOW));
}

/* ---- files ---- */

static void set_mtime(const char *path, apr_time_t mtime, apr_pool_t *p)
{
    assert_int_equal(apr_file_mtime_set(path, mtime, p), APR_SUCCESS);
}

/* A second process of the same server, or of another: its own keys, the same tier. */
static world_t *neighbour(world_t *w, fake_tier_t *tier)
{
    rs_cache_config_t config = { .shared = &tier->tier };
    world_t *other = apr_pmemdup(w->p, w, sizeof *w);

    fake_http_init(&other->http);
    other->services.http = &other->http.http;
    assert_int_equal(rs_cache_create(&other->services.cache, &config, w->p), APR_SUCCESS);
    assert_int_equal(rs_metadata_create(&other->metadata, other->spec, &other->services, other->p),
                     APR_SUCCESS);
    begin(other);
    return other;
}

/* Two processes with one tier, the first of which has fetched the keys of a. */
typedef struct {
    fake_tier_t tier;
    world_t *first, *second;
} neighbours_t;

static neighbours_t *neighbours(world_t *w)
{
    neighbours_t *made = apr_pcalloc(w->p, sizeof *made);

    fake_tier_init(&made->tier, w->p);
    made->first = neighbour(w, &made->tier);
    made->second = neighbour(w, &made->tier);
    issuer_says(made->first, w->set_a);
    assert_true(has(made->first, w->a, NOW));
    return made;
}

static void what_one_fetched_serves_the_others(void **state)
{
    world_t *w = remote_world(*state);
    neighbours_t *n = neighbours(w);

    assert_int_equal(n->tier.stores, 1);
    assert_true(has(n->second, w->a, NOW + SECOND));
    assert_int_equal(n->second->http.calls, 0);
    /* It gets old at the same time. */
    issuer_says(n->second, w->set_b);
    assert_true(has(n->second, w->a, NOW + 3599 * SECOND));
    assert_true(has(n->second, w->b, NOW + 3600 * SECOND));
    assert_int_equal(n->second->http.calls, 1);
    assert_true(has(n->first, w->b, NOW + 3601 * SECOND));
    assert_int_equal(n->first->http.calls, 1);
}

static void an_unknown_kid_takes_what_others_fetched_just_now(void **state)
{
    world_t *w = remote_world(*state);
    neighbours_t *n = neighbours(w);
    apr_interval_time_t retry_after;

    assert_true(has(n->second, w->a, NOW));
    issuer_says(n->first, w->set_b);
    assert_int_equal(rs_keys_miss(n->first->keys, &seat, 0, NOW + 60 * SECOND, &retry_after, w->p),
                     APR_SUCCESS);
    assert_int_equal(n->first->http.calls, 2);
    assert_int_equal(rs_keys_miss(n->second->keys, &seat, 0, NOW + 70 * SECOND, &retry_after, w->p),
                     APR_SUCCESS);
    assert_int_equal(n->second->http.calls, 0);
    assert_true(has(n->second, w->b, NOW + 70 * SECOND));
    /* What others fetched a while ago says nothing about a new key. */
    issuer_says(n->second, w->set_a);
    assert_int_equal(
        rs_keys_miss(n->second->keys, &seat, 0, NOW + 120 * SECOND, &retry_after, w->p),
        APR_SUCCESS);
    assert_int_equal(n->second->http.calls, 1);
}

static void a_shared_document_is_no_older_and_no_newer_than_it_may_be(void **state)
{
    static const apr_int64_t ages_s[] = { 3601, -61, 1000000000 };
    world_t *w = remote_world(*state);
    unsigned i;

    for (i = 0; i < sizeof ages_s / sizeof ages_s[0]; i++) {
        neighbours_t *n = neighbours(w);
        issuer_says(n->second, w->set_b);
        assert_true(has(n->second, w->b, NOW + ages_s[i] * SECOND));
        assert_int_equal(n->second->http.calls, 1);
    }
}

static void a_shared_document_that_is_no_key_set_is_passed_over(void **state)
{
    world_t *w = remote_world(*state);
    neighbours_t *n = neighbours(w);

    n->tier.places[0].value[20] ^= 1;
    issuer_says(n->second, w->set_b);
    assert_true(has(n->second, w->b, NOW));
    assert_false(has(n->second, w->a, NOW));
}

static void a_changed_file_is_read_again_and_a_bad_one_is_not_taken(void **state)
{
    world_t *w = world(*state);
    const char *folder = fake_folder(*state);
    const char *path = fake_file(folder, "keys.json", w->set_a, *state);
    apr_interval_time_t retry_after;

    set_mtime(path, NOW, *state);
    APR_ARRAY_PUSH(w->spec->keys.files, const char *) = path;
    begin(w);
    assert_true(has(w, w->a, NOW));
    fake_file(folder, "keys.json", w->set_b, *state);
    set_mtime(path, NOW + SECOND, *state);
    assert_true(has(w, w->a, NOW + SECOND));
    assert_true(has(w, w->b, NOW + 6 * SECOND));
    fake_file(folder, "keys.json", "half a fi", *state);
    set_mtime(path, NOW + 2 * SECOND, *state);
    assert_true(has(w, w->b, NOW + 12 * SECOND));
    assert_true(has(w, w->b, NOW + 18 * SECOND));
    assert_int_equal(w->log.lines[RS_LOG_WARNING], 1);
    unlink(path);
    assert_true(has(w, w->b, NOW + 24 * SECOND));
    assert_int_equal(rs_keys_miss(w->keys, &seat, NOW, NOW + 24 * SECOND, &retry_after, *state),
                     APR_NOTFOUND);
    assert_int_equal(w->http.calls, 0);
}

static void a_file_without_keys_is_an_error_at_the_start(void **state)
{
    world_t *w = world(*state);
    const char *why = NULL;

    APR_ARRAY_PUSH(w->spec->keys.files, const char *) =
        fake_file(fake_folder(*state), "keys.json", "{\"keys\":[]}", *state);
    assert_int_equal(rs_keys_create(&w->keys, w->spec, w->metadata,
                                    rs_waiting_create(w->spec, &w->services, w->p), &w->services,
                                    *state),
                     APR_SUCCESS);
    assert_int_not_equal(rs_keys_load_files(w->keys, NOW, &why, *state), APR_SUCCESS);
    assert_non_null(strstr(why, "OAuth2RSKeys file:"));
}

/* ---- threads ---- */

static void *APR_THREAD_FUNC need_keys(apr_thread_t *thread, void *data)
{
    world_t *w = data;
    apr_interval_time_t retry_after;
    apr_pool_t *p;

    (void)thread;
    apr_pool_create(&p, NULL);
    if (rs_keys_hold(w->keys, &seat, NOW, &retry_after, p))
        w->served++;
    apr_pool_destroy(p);
    return NULL;
}

static void many_threads_cause_one_fetch(void **state)
{
    world_t *w = remote_world(*state);
    apr_thread_t *threads[8];
    apr_status_t ended;
    unsigned i;

    issuer_says(w, w->set_a);
    w->http.takes = apr_time_from_msec(900);
    for (i = 0; i < 8; i++)
        assert_int_equal(apr_thread_create(&threads[i], NULL, need_keys, w, *state), 0);
    for (i = 0; i < 8; i++)
        apr_thread_join(&ended, threads[i]);
    assert_int_equal(w->served, 8);
    assert_int_equal(w->http.calls, 1);
}

static void *APR_THREAD_FUNC miss_a_key(apr_thread_t *thread, void *data)
{
    world_t *w = data;
    rs_seat_t own = { 0, 0 };
    apr_interval_time_t retry_after;
    apr_pool_t *p;

    (void)thread;
    apr_pool_create(&p, NULL);
    if (rs_keys_miss(w->keys, &own, 0, NOW + 60 * SECOND, &retry_after, p) == APR_SUCCESS)
        w->served++;
    else
        assert_int_equal(retry_after, SECOND);
    apr_pool_destroy(p);
    return NULL;
}

/* Anybody can write a kid that nobody knows. One asks, one waits for him, the others are sent away
 * and free their threads. */
static void few_wait_for_the_keys_of_a_slow_issuer(void **state)
{
    world_t *w = world(*state);
    apr_thread_t *threads[8];
    apr_status_t ended;
    unsigned i;

    w->services.waiting_max = 2;
    APR_ARRAY_PUSH(w->spec->keys.urls, const char *) = KEYS_URL;
    begin(w);
    issuer_says(w, w->set_a);
    assert_true(has(w, w->a, NOW));
    rs_waiting_rise(w->waiting, &seat);
    w->http.takes = apr_time_from_sec(3);
    for (i = 0; i < 8; i++)
        assert_int_equal(apr_thread_create(&threads[i], NULL, miss_a_key, w, *state), 0);
    for (i = 0; i < 8; i++)
        apr_thread_join(&ended, threads[i]);
    assert_int_equal(w->served, 2);
    assert_int_equal(w->http.calls, 2);
}

/* Else each request that comes after a hanging one would hang as well. */
static void a_pause_begins_when_the_call_ends(void **state)
{
    world_t *w = remote_world(*state);

    w->http.result = APR_TIMEUP;
    w->http.takes = apr_time_from_msec(700);
    assert_false(has(w, w->a, NOW));
    assert_false(has(w, w->a, NOW + SECOND * 3 / 2));
    assert_int_equal(w->http.calls, 1);
    assert_false(has(w, w->a, NOW + SECOND * 5));
    assert_int_equal(w->http.calls, 2);
}

/* It had been set ahead when the keys were fetched: nothing would be due for a year. */
static void a_clock_that_is_set_back_stops_no_refresh(void **state)
{
    world_t *w = remote_world(*state);
    apr_time_t ahead = NOW + 365 * 86400 * SECOND;
    apr_interval_time_t retry_after;

    issuer_says(w, w->set_a);
    assert_true(has(w, w->a, ahead));
    assert_int_equal(rs_keys_miss(w->keys, &seat, 0, ahead, &retry_after, w->p), APR_SUCCESS);
    issuer_says(w, w->set_b);
    assert_int_equal(w->http.calls, 2);
    assert_int_equal(rs_keys_miss(w->keys, &seat, 0, NOW, &retry_after, w->p), APR_SUCCESS);
    assert_true(has(w, w->b, NOW));
    assert_true(has(w, w->b, NOW + SECOND));
    assert_int_equal(w->http.calls, 3);
}

/* Two addresses; the second is never there. */
static void first_only(fake_http_t *http, const rs_http_request_t *request,
                       rs_http_response_t *reply)
{
    world_t *w = http->baton;

    bool first = strcmp(request->url, KEYS_URL) == 0;

    w->firsts += first;
    reply->content_type = "application/json";
    reply->status = first ? 200 : 404;
    reply->body = w->set_a;
}

static world_t *world_of_two_sources(apr_pool_t *p)
{
    world_t *w = world(p);

    APR_ARRAY_PUSH(w->spec->keys.urls, const char *) = KEYS_URL;
    APR_ARRAY_PUSH(w->spec->keys.urls, const char *) = KEYS_URL "/2";
    w->http.answer = first_only;
    w->http.baton = w;
    return w;
}

static void each_source_has_a_time_of_its_own(void **state)
{
    world_t *w = world_of_two_sources(*state);
    apr_time_t now;

    begin(w);
    /* One that is never there does not end the keys of the other, and is asked again for itself. */
    for (now = NOW; now < NOW + 48 * 3600 * SECOND; now += 600 * SECOND)
        assert_true(has(w, w->a, now));
    assert_int_equal(w->firsts, 48);
    assert_int_equal(w->http.calls, 48 + 48 * 6);
    /* Nor does it keep them beyond their time. */
    w->http.answer = NULL;
    w->http.result = APR_TIMEUP;
    for (; now < NOW + 71 * 3600 * SECOND; now += 600 * SECOND)
        assert_true(has(w, w->a, now));
    assert_false(has(w, w->a, NOW + 73 * 3600 * SECOND));
    /* Nor what was found good with them. */
    assert_false(rs_keys_still_has(w->keys, rs_jwk_thumbprint(w->a), NOW + 73 * 3600 * SECOND));
}

/* A miss that fails says so of a set that would not be due for long. */
static void a_source_that_failed_is_asked_again(void **state)
{
    world_t *w = remote_world(*state);
    apr_interval_time_t retry_after;

    issuer_says(w, w->set_a);
    assert_true(has(w, w->a, NOW));
    w->http.result = APR_TIMEUP;
    assert_int_equal(rs_keys_miss(w->keys, &seat, 0, NOW + SECOND, &retry_after, w->p), APR_EAGAIN);
    assert_int_equal(w->http.calls, 2);
    assert_true(has(w, w->a, NOW + 3 * SECOND));
    assert_int_equal(w->http.calls, 3);
    assert_true(rs_keys_state(w->keys).failing);
}

static void keys_of_a_file_stay_when_an_address_is_gone_for_good(void **state)
{
    world_t *w = world_of_two_sources(*state);

    APR_ARRAY_PUSH(w->spec->keys.files, const char *) =
        fake_file(fake_folder(*state), "keys.json", w->set_b, *state);
    begin(w);
    assert_true(has(w, w->a, NOW));
    assert_true(has(w, w->b, NOW));
    w->http.answer = NULL;
    w->http.result = APR_TIMEUP;
    assert_true(has(w, w->a, NOW + 23 * 3600 * SECOND));
    assert_false(has(w, w->a, NOW + 25 * 3600 * SECOND));
    assert_true(has(w, w->b, NOW + 25 * 3600 * SECOND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(keys_are_fetched_when_first_needed),
        FAKE_TEST(the_metadata_says_where_keys_are),
        FAKE_TEST(a_new_key_is_found_by_asking_again),
        FAKE_TEST(unknown_kids_ask_once_in_a_cool_down),
        FAKE_TEST(a_token_newer_than_the_keys_is_undecided),
        FAKE_TEST(a_miss_while_the_issuer_is_down_is_undecided),
        FAKE_TEST(no_keys_at_all_say_when_to_come_back),
        FAKE_TEST(a_failing_refresh_keeps_the_old_keys_until_stale_max),
        FAKE_TEST(attempts_at_a_broken_issuer_get_rarer),
        FAKE_TEST(what_is_no_key_set_never_replaces_one),
        FAKE_TEST(cache_control_is_heeded_within_bounds),
        FAKE_TEST(tending_fetches_before_a_request_has_to),
        FAKE_TEST(held_keys_outlive_their_replacement),
        FAKE_TEST(what_one_fetched_serves_the_others),
        FAKE_TEST(an_unknown_kid_takes_what_others_fetched_just_now),
        FAKE_TEST(a_shared_document_is_no_older_and_no_newer_than_it_may_be),
        FAKE_TEST(a_shared_document_that_is_no_key_set_is_passed_over),
        FAKE_TEST(a_changed_file_is_read_again_and_a_bad_one_is_not_taken),
        FAKE_TEST(a_file_without_keys_is_an_error_at_the_start),
        FAKE_TEST(many_threads_cause_one_fetch),
        FAKE_TEST(few_wait_for_the_keys_of_a_slow_issuer),
        FAKE_TEST(a_pause_begins_when_the_call_ends),
        FAKE_TEST(each_source_has_a_time_of_its_own),
        FAKE_TEST(a_source_that_failed_is_asked_again),
        FAKE_TEST(keys_of_a_file_stay_when_an_address_is_gone_for_good),
        FAKE_TEST(a_clock_that_is_set_back_stops_no_refresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
