/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The way of a token: who judges it, who is asked, what the caches answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rs_limits.h"
#include "fakes.h"
#include "key_maker.h"
#include "provider/rs_provider.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <string.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define ACTIVE "{\"active\":true,\"sub\":\"someone\",\"exp\":1700000600}"
#define INACTIVE "{\"active\":false}"
#define PROVIDERS_MAX 3

typedef struct {
    fake_http_t http;
    fake_log_t log;
    fake_tier_t tier;
    rs_services_t services;
    rs_provider_t *providers[PROVIDERS_MAX];
    unsigned count;
    const rs_jwk_t *key;
    const char *key_sets[PROVIDERS_MAX]; /* what each issuer publishes */
    const char *reply;                   /* of introspection */
    int status;
    const char *replies[PROVIDERS_MAX]; /* of this issuer's; NULL: the one above */
    int statuses[PROVIDERS_MAX];        /* likewise; 0 */
    unsigned _Atomic key_calls, introspections;
    rs_question_t question;
    const rs_provider_t *by;
    unsigned _Atomic accepted;
    bool own_tokens; /* each thread brings another one */
    unsigned _Atomic tokens;
    apr_interval_time_t late; /* when threads ask */
    apr_pool_t *p;
} world_t;

/* https://issuerN.example publishes /keys and answers at /introspect. */
static void answer(fake_http_t *http, const rs_http_request_t *request, rs_http_response_t *reply)
{
    world_t *w = http->baton;
    unsigned which = (unsigned)(request->url[strlen("https://issuer")] - '0');

    reply->content_type = "application/json";
    if (strstr(request->url, "/keys") && which < PROVIDERS_MAX) {
        w->key_calls++;
        reply->status = 200;
        reply->body = w->key_sets[which];
    }
    else {
        w->introspections++;
        reply->status = w->statuses[which] ? w->statuses[which] : w->status;
        reply->body = w->replies[which] ? w->replies[which] : w->reply;
    }
}

static world_t *world(apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof *w);
    rs_local_config_t size = { 1000, 1 << 20 };
    rs_cache_config_t config = { .local_ttl = 5 * SECOND };
    unsigned i;

    fake_http_init(&w->http);
    fake_log_init(&w->log);
    fake_tier_init(&w->tier, p);
    w->http.answer = answer;
    w->http.baton = w;
    w->p = p;
    w->reply = ACTIVE;
    w->status = 200;
    w->key = key_make("ED25519", p);
    for (i = 0; i < PROVIDERS_MAX; i++)
        w->key_sets[i] = key_set_text(p, key_public_text(w->key, "\"kid\":\"a\",", p), NULL);
    config.shared = &w->tier.tier;
    assert_int_equal(rs_local_create(&config.local, &size, p), APR_SUCCESS);
    assert_int_equal(rs_cache_create(&w->services.cache, &config, p), APR_SUCCESS);
    w->services.http = &w->http.http;
    w->services.log = &w->log.log;
    w->question.providers = w->providers;
    w->question.ttl_positive = w->question.ttl_negative = RS_TTL_UNLIMITED;
    return w;
}

/* Of issuer number `issuer`, judging that way. */
static rs_provider_spec_t *spec_of(world_t *w, unsigned issuer, rs_validate_t validate)
{
    rs_provider_spec_t *spec = rs_provider_spec_create(apr_psprintf(w->p, "p%u", w->count), w->p);

    spec->policy.issuer = apr_psprintf(w->p, "https://issuer%u.example", issuer);
    spec->policy.audience_any = true;
    spec->validate = validate;
    spec->metadata.off = true;
    APR_ARRAY_PUSH(spec->keys.urls, const char *) =
        apr_pstrcat(w->p, spec->policy.issuer, "/keys", NULL);
    if (validate != RS_VALIDATE_JWT) {
        spec->introspection.url = apr_pstrcat(w->p, spec->policy.issuer, "/introspect", NULL);
        spec->introspection.auth = RS_CLIENT_AUTH_NONE;
    }
    return spec;
}

static void add_spec(world_t *w, const rs_provider_spec_t *spec)
{
    const char *why = NULL;

    assert_int_equal(
        rs_provider_create(&w->providers[w->count], spec, &w->services, NOW, &why, w->p),
        APR_SUCCESS);
    w->question.provider_count = ++w->count;
}

static void add(world_t *w, unsigned issuer, rs_validate_t validate)
{
    add_spec(w, spec_of(w, issuer, validate));
}

static rs_presented_t present(const char *token, apr_pool_t *p)
{
    rs_presented_t presented = { .token = token,
                                 .token_len = strlen(token),
                                 .fingerprint = rs_token_fingerprint(token, strlen(token), p) };

    return presented;
}

static rs_verdict_t judge(world_t *w, const char *token, apr_time_t now)
{
    rs_presented_t presented = present(token, w->p);

    w->question.presented = &presented;
    return rs_providers_judge(&w->question, &w->by, now, w->p);
}

static const char *jwt_of(world_t *w, unsigned issuer)
{
    return key_sign(w->key, "EdDSA", "\"kid\":\"a\"",
                    apr_psprintf(w->p,
                                 "{\"iss\":\"https://issuer%u.example\",\"sub\":\"someone\","
                                 "\"exp\":1700000600,\"iat\":1699999999}",
                                 issuer),
                    w->p);
}

static void the_iss_of_a_jwt_picks_its_judge(void **state)
{
    world_t *w = world(*state);

    add(w, 0, RS_VALIDATE_JWT);
    add(w, 1, RS_VALIDATE_JWT);
    assert_int_equal(judge(w, jwt_of(w, 1), NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_ptr_equal(w->by, w->providers[1]);
    assert_string_equal(w->http.url, "https://issuer1.example/keys");
    assert_int_equal(w->http.calls, 1);
}

/* Two providers of issuer 0: the second asks at another place, as another client perhaps. */
static world_t *world_of_two_clients(apr_pool_t *p)
{
    world_t *w = world(p);
    rs_provider_spec_t *second = spec_of(w, 0, RS_VALIDATE_INTROSPECTION);

    add(w, 0, RS_VALIDATE_INTROSPECTION);
    second->introspection.url = "https://issuer1.example/introspect";
    add_spec(w, second);
    return w;
}

static void what_one_provider_refuses_another_may_accept(void **state)
{
    world_t *w = world_of_two_clients(*state);
    const char *token = jwt_of(w, 0);
    unsigned i;

    w->replies[0] = INACTIVE;
    for (i = 0; i < 3; i++) {
        assert_int_equal(judge(w, token, NOW + i).outcome, RS_TOKEN_ACCEPTED);
        assert_ptr_equal(w->by, w->providers[1]);
    }
    assert_int_equal(w->introspections, 2);
}

static void a_refusal_decides_nothing_while_another_is_undecided(void **state)
{
    world_t *w = world_of_two_clients(*state);

    w->replies[0] = INACTIVE;
    w->statuses[1] = 500;
    assert_int_equal(judge(w, jwt_of(w, 0), NOW).outcome, RS_TOKEN_UNDECIDED);
    w->replies[1] = INACTIVE;
    w->statuses[1] = 200;
    assert_int_equal(judge(w, jwt_of(w, 0), NOW).outcome, RS_TOKEN_INACTIVE);
    w->replies[0] = NULL;
    w->statuses[0] = 500;
    assert_int_equal(judge(w, jwt_of(w, 0), NOW + 11 * SECOND).outcome, RS_TOKEN_UNDECIDED);
}

/* Nor while another one was not asked, because of this client. */
static void a_refusal_decides_nothing_while_another_is_not_asked(void **state)
{
    world_t *w = world_of_two_clients(*state);

    assert_int_equal(rs_budget_create(&w->services.failures, 1, 60 * SECOND, w->p), APR_SUCCESS);
    w->question.client = "192.0.2.1";
    w->replies[0] = INACTIVE;
    w->statuses[1] = 500;
    assert_int_equal(judge(w, jwt_of(w, 0), NOW).outcome, RS_TOKEN_UNDECIDED);
    assert_int_equal(w->introspections, 2);
    /* The first one's refusal is known, and counted. */
    assert_int_equal(judge(w, jwt_of(w, 0), NOW).outcome, RS_CLIENT_THROTTLED);
    assert_int_equal(w->introspections, 2);
}

static void who_is_accepted_by_one_has_not_failed_with_another(void **state)
{
    world_t *w = world_of_two_clients(*state);

    assert_int_equal(rs_budget_create(&w->services.failures, 1, 60 * SECOND, w->p), APR_SUCCESS);
    w->question.client = "192.0.2.1";
    w->replies[0] = INACTIVE;
    assert_int_equal(judge(w, jwt_of(w, 0), NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(rs_budget_wait(w->services.failures, "192.0.2.1", NOW + SECOND), 0);
    w->replies[1] = INACTIVE;
    assert_int_equal(judge(w, jwt_of(w, 0), NOW + 400 * SECOND).outcome, RS_TOKEN_INACTIVE);
    assert_true(rs_budget_wait(w->services.failures, "192.0.2.1", NOW + 401 * SECOND) > 0);
}

static void an_unknown_issuer_causes_no_call(void **state)
{
    world_t *w = world(*state);
    rs_verdict_t verdict;

    add(w, 0, RS_VALIDATE_AUTO);
    add(w, 1, RS_VALIDATE_INTROSPECTION);
    verdict = judge(w, jwt_of(w, 2), NOW);
    assert_int_equal(verdict.outcome, RS_TOKEN_ISSUER_WRONG);
    assert_null(w->by);
    assert_int_equal(w->http.calls, 0);
}

static void a_token_is_never_shown_to_another_issuer(void **state)
{
    world_t *w = world(*state);

    add(w, 0, RS_VALIDATE_JWT);
    add(w, 1, RS_VALIDATE_INTROSPECTION);
    assert_int_equal(judge(w, jwt_of(w, 0), NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(w->introspections, 0);
    assert_int_equal(judge(w, jwt_of(w, 1), NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_string_equal(w->http.url, "https://issuer1.example/introspect");
    assert_ptr_equal(w->by, w->providers[1]);
}

static void an_opaque_token_goes_to_the_one_candidate(void **state)
{
    world_t *w = world(*state);

    add(w, 0, RS_VALIDATE_JWT);
    add(w, 1, RS_VALIDATE_AUTO);
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_ptr_equal(w->by, w->providers[1]);
    assert_string_equal(w->http.url, "https://issuer1.example/introspect");
}

static void several_candidates_are_a_misconfiguration(void **state)
{
    world_t *w = world(*state);
    rs_verdict_t verdict;

    add(w, 0, RS_VALIDATE_INTROSPECTION);
    add(w, 1, RS_VALIDATE_AUTO);
    verdict = judge(w, "opaque", NOW);
    assert_int_equal(verdict.outcome, RS_SERVER_MISCONFIGURED);
    judge(w, "opaque", NOW + SECOND);
    assert_int_equal(w->http.calls, 0);
    assert_int_equal(w->log.lines[RS_LOG_ERROR], 1);
    assert_null(strstr(w->log.text, "opaque token opaque"));
}

static void an_opaque_token_without_candidate_is_malformed(void **state)
{
    world_t *w = world(*state);

    add(w, 0, RS_VALIDATE_JWT);
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_MALFORMED);
    assert_int_equal(judge(w, "a.b.c", NOW).outcome, RS_TOKEN_MALFORMED);
    assert_int_equal(judge(w, "", NOW).outcome, RS_TOKEN_MALFORMED);
    assert_int_equal(w->http.calls, 0);
    w->question.provider_count = 0;
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_MALFORMED);
}

static void a_token_that_is_too_large_reaches_nobody(void **state)
{
    world_t *w = world(*state);
    char *token = apr_pcalloc(*state, RS_TOKEN_BYTES_MAX + 2);

    add(w, 0, RS_VALIDATE_INTROSPECTION);
    memset(token, 'a', RS_TOKEN_BYTES_MAX + 1);
    assert_int_equal(judge(w, token, NOW).outcome, RS_TOKEN_MALFORMED);
    assert_int_equal(w->http.calls, 0);
    token[RS_TOKEN_BYTES_MAX] = '\0';
    assert_int_equal(judge(w, token, NOW).outcome, RS_TOKEN_ACCEPTED);
}

static void two_providers_of_one_issuer_may_differ(void **state)
{
    world_t *w = world(*state);
    rs_provider_spec_t *strict = spec_of(w, 0, RS_VALIDATE_JWT);

    strict->policy.types = RS_TYPES_RFC9068;
    add_spec(w, strict);
    assert_int_equal(judge(w, jwt_of(w, 0), NOW).outcome, RS_TOKEN_TYPE_WRONG);
    add(w, 0, RS_VALIDATE_JWT);
    assert_int_equal(judge(w, jwt_of(w, 0), NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_ptr_equal(w->by, w->providers[1]);
    /* What one accepted is not the other's verdict. */
    w->question.provider_count = 1;
    assert_int_equal(judge(w, jwt_of(w, 0), NOW).outcome, RS_TOKEN_TYPE_WRONG);
}

/* ---- both ---- */

static void in_both_mode_both_must_say_yes(void **state)
{
    world_t *w = world(*state);
    const char *token;

    add(w, 0, RS_VALIDATE_BOTH);
    token = jwt_of(w, 0);
    assert_int_equal(judge(w, token, NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(w->introspections, 1);
    assert_int_equal(judge(w, token, NOW + SECOND).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(w->introspections, 1);
    w->reply = INACTIVE;
    assert_int_equal(judge(w, token, NOW + 301 * SECOND).outcome, RS_TOKEN_INACTIVE);
    w->status = 500;
    assert_int_equal(judge(w, token, NOW + 400 * SECOND).outcome, RS_TOKEN_UNDECIDED);
}

static void in_both_mode_a_bad_signature_is_not_asked_about(void **state)
{
    world_t *w = world(*state);
    const rs_jwk_t *good;

    add(w, 0, RS_VALIDATE_BOTH);
    good = w->key;
    w->key = key_make("ED25519", *state);
    assert_int_equal(judge(w, jwt_of(w, 0), NOW).outcome, RS_TOKEN_SIGNATURE_WRONG);
    assert_int_equal(w->introspections, 0);
    w->key = good;
}

/* ---- caches ---- */

static void a_verdict_is_asked_for_once(void **state)
{
    world_t *w = world(*state);

    add(w, 0, RS_VALIDATE_INTROSPECTION);
    judge(w, "opaque", NOW);
    assert_int_equal(judge(w, "opaque", NOW + 299 * SECOND).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(w->introspections, 1);
    judge(w, "opaque", NOW + 301 * SECOND);
    judge(w, "another", NOW);
    assert_int_equal(w->introspections, 3);
}

static void inactive_is_kept_for_a_moment_and_undecided_never(void **state)
{
    world_t *w = world(*state);

    add(w, 0, RS_VALIDATE_INTROSPECTION);
    w->reply = INACTIVE;
    judge(w, "opaque", NOW);
    assert_int_equal(judge(w, "opaque", NOW + 9 * SECOND).outcome, RS_TOKEN_INACTIVE);
    assert_int_equal(w->introspections, 1);
    w->status = 500;
    assert_int_equal(judge(w, "opaque", NOW + 11 * SECOND).outcome, RS_TOKEN_UNDECIDED);
    w->status = 200;
    w->reply = ACTIVE;
    assert_int_equal(judge(w, "opaque", NOW + 11 * SECOND).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(w->introspections, 3);
}

static void ttl_zero_asks_each_time(void **state)
{
    world_t *w = world(*state);

    add(w, 0, RS_VALIDATE_INTROSPECTION);
    judge(w, "opaque", NOW);
    w->question.ttl_positive = w->question.ttl_negative = 0;
    judge(w, "opaque", NOW);
    w->reply = INACTIVE;
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_INACTIVE);
    assert_int_equal(w->introspections, 3);
}

/* Two servers on this host have one URL, as a rule. */
static void what_one_socket_says_is_no_verdict_of_another(void **state)
{
    world_t *w = world(*state);
    unsigned i;

    for (i = 0; i < 2; i++) {
        rs_provider_spec_t *spec = spec_of(w, 0, RS_VALIDATE_INTROSPECTION);
        spec->introspection.unix_socket = i ? "/run/one.sock" : "/run/other.sock";
        add_spec(w, spec);
    }
    w->question.provider_count = 1;
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_ACCEPTED);
    w->question.providers = w->providers + 1;
    w->reply = INACTIVE;
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_INACTIVE);
}

/* However long it took. */
static void an_answer_that_comes_after_the_end_of_a_token_is_no_grant(void **state)
{
    world_t *w = world(*state);
    rs_provider_spec_t *spec = spec_of(w, 0, RS_VALIDATE_INTROSPECTION);
    apr_time_t almost = NOW + SECOND - apr_time_from_msec(100);

    spec->introspection.ttl_positive = SECOND / 2;
    spec->introspection.stale = 600 * SECOND;
    add_spec(w, spec);
    w->reply = "{\"active\":true,\"sub\":\"someone\",\"exp\":1700000001}";
    assert_int_equal(judge(w, "stale", NOW).outcome, RS_TOKEN_ACCEPTED);
    w->http.takes = apr_time_from_msec(150);
    assert_int_equal(judge(w, "new", almost).outcome, RS_TOKEN_EXPIRED);
    w->http.result = APR_TIMEUP;
    assert_int_equal(judge(w, "stale", almost).outcome, RS_TOKEN_UNDECIDED);
}

/* Else whoever has a token for somebody else could have the issuer asked as often as he likes. */
static void what_our_rules_refuse_is_asked_about_once(void **state)
{
    world_t *w = world(*state);
    rs_provider_spec_t *spec = spec_of(w, 0, RS_VALIDATE_INTROSPECTION);
    static const char *const audience[] = { "us" };
    unsigned i;

    spec->policy.audience_any = false;
    spec->policy.audiences = audience;
    spec->policy.audience_count = 1;
    add_spec(w, spec);
    w->reply = "{\"active\":true,\"sub\":\"someone\",\"aud\":\"them\",\"exp\":1700000600}";
    for (i = 0; i < 5; i++)
        assert_int_equal(judge(w, "opaque", NOW + i).outcome, RS_TOKEN_AUDIENCE_WRONG);
    assert_int_equal(w->introspections, 1);
    /* As long as what is inactive. */
    assert_int_equal(judge(w, "opaque", NOW + 11 * SECOND).outcome, RS_TOKEN_AUDIENCE_WRONG);
    assert_int_equal(w->introspections, 2);
    /* What begins later must not be refused when it has begun. */
    w->reply = "{\"active\":true,\"sub\":\"someone\",\"aud\":\"us\",\"nbf\":1700000500,"
               "\"exp\":1700000600}";
    assert_int_equal(judge(w, "later", NOW).outcome, RS_TOKEN_NOT_YET_VALID);
    assert_int_equal(judge(w, "later", NOW).outcome, RS_TOKEN_NOT_YET_VALID);
    assert_int_equal(w->introspections, 4);
}

static void a_location_may_only_shorten_the_ttl(void **state)
{
    world_t *w = world(*state);

    add(w, 0, RS_VALIDATE_INTROSPECTION);
    w->question.ttl_positive = 10000 * SECOND;
    judge(w, "opaque", NOW);
    judge(w, "opaque", NOW + 301 * SECOND);
    assert_int_equal(w->introspections, 2);
    w->question.ttl_positive = SECOND;
    judge(w, "opaque", NOW + 303 * SECOND);
    assert_int_equal(w->introspections, 3);
}

static void a_key_that_is_left_out_ends_its_verdicts(void **state)
{
    world_t *w = world(*state);
    const char *token;

    add(w, 0, RS_VALIDATE_JWT);
    token = jwt_of(w, 0);
    assert_int_equal(judge(w, token, NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(judge(w, token, NOW + SECOND).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(w->key_calls, 1);
    w->key_sets[0] = key_set_text(
        *state, key_public_text(key_make("ED25519", *state), "\"kid\":\"b\",", *state), NULL);
    rs_provider_tend(w->providers[0], NOW + 2 * 3600 * SECOND, *state);
    assert_int_equal(w->key_calls, 2);
    assert_int_equal(judge(w, token, NOW + 2 * SECOND).outcome, RS_TOKEN_KEY_UNKNOWN);
}

static void without_keys_a_jwt_is_undecided(void **state)
{
    world_t *w = world(*state);
    rs_verdict_t verdict;

    add(w, 0, RS_VALIDATE_JWT);
    w->http.result = APR_TIMEUP;
    verdict = judge(w, jwt_of(w, 0), NOW);
    assert_int_equal(verdict.outcome, RS_TOKEN_UNDECIDED);
    assert_true(verdict.retry_after > 0);
}

static void no_cache_is_no_obstacle(void **state)
{
    world_t *w = world(*state);

    w->services.cache = NULL;
    add(w, 0, RS_VALIDATE_AUTO);
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(judge(w, jwt_of(w, 0), NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(w->introspections, 2);
}

/* It might be one that was revoked. A refusal stays one. */
static void who_must_hear_of_revocations_and_cannot_accepts_nothing(void **state)
{
    world_t *w = world(*state);

    add(w, 0, RS_VALIDATE_AUTO);
    w->services.deaf = true;
    assert_int_equal(judge(w, jwt_of(w, 0), NOW).outcome, RS_TOKEN_UNDECIDED);
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_UNDECIDED);
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_UNDECIDED); /* from the cache */
    w->reply = INACTIVE;
    assert_int_equal(judge(w, "another", NOW).outcome, RS_TOKEN_INACTIVE);
    w->services.deaf = false;
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_ACCEPTED);
}

static void the_limit_of_one_client_is_no_answer_for_another(void **state)
{
    world_t *w = world(*state);

    assert_int_equal(rs_budget_create(&w->services.failures, 1, 60 * SECOND, w->p), APR_SUCCESS);
    add(w, 0, RS_VALIDATE_INTROSPECTION);
    rs_budget_count(w->services.failures, "192.0.2.1", NOW);
    w->question.client = "192.0.2.1";
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_CLIENT_THROTTLED);
    assert_int_equal(w->introspections, 0);
    w->question.client = "192.0.2.2";
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_ACCEPTED);
    /* What is known costs nobody anything. */
    w->question.client = "192.0.2.1";
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(w->introspections, 1);
}

/* ---- threads ---- */

#define THREADS 8

static void *APR_THREAD_FUNC judge_in_thread(apr_thread_t *thread, void *data)
{
    world_t *w = data;
    rs_presented_t presented;
    rs_question_t question = w->question;
    const rs_provider_t *by;
    rs_verdict_t verdict;
    apr_pool_t *p;

    (void)thread;
    apr_pool_create(&p, NULL);
    presented = present(w->own_tokens ? apr_psprintf(p, "opaque%u", w->tokens++) : "opaque", p);
    question.presented = &presented;
    verdict = rs_providers_judge(&question, &by, NOW + w->late, p);
    w->accepted +=
        verdict.outcome == RS_TOKEN_ACCEPTED && strcmp(verdict.principal->user, "someone") == 0;
    apr_pool_destroy(p);
    return NULL;
}

/* How many were accepted. */
static unsigned judge_in_threads(world_t *w, apr_interval_time_t takes)
{
    apr_thread_t *threads[THREADS];
    apr_status_t ended;
    unsigned i;

    w->http.takes = takes;
    for (i = 0; i < THREADS; i++)
        assert_int_equal(apr_thread_create(&threads[i], NULL, judge_in_thread, w, w->p), 0);
    for (i = 0; i < THREADS; i++)
        apr_thread_join(&ended, threads[i]);
    return w->accepted;
}

/* The second one comes while the first waits for the answer. */
static unsigned judge_two(world_t *first, world_t *second, apr_interval_time_t takes)
{
    apr_thread_t *threads[2];
    apr_status_t ended;

    first->http.takes = takes;
    assert_int_equal(apr_thread_create(&threads[0], NULL, judge_in_thread, first, first->p), 0);
    apr_sleep(takes / 3);
    assert_int_equal(apr_thread_create(&threads[1], NULL, judge_in_thread, second, first->p), 0);
    apr_thread_join(&ended, threads[0]);
    apr_thread_join(&ended, threads[1]);
    return first->accepted + second->accepted;
}

static void many_threads_cause_one_call(void **state)
{
    world_t *w = world(*state);

    add(w, 0, RS_VALIDATE_INTROSPECTION);
    assert_int_equal(judge_in_threads(w, apr_time_from_msec(900)), THREADS);
    assert_int_equal(w->introspections, 1);
}

/* Two may wait. All want the answer to one question: of a quick one everybody gets it. */
static void a_crowd_gets_the_answer_to_a_quick_question(void **state)
{
    world_t *w = world(*state);

    w->services.waiting_max = 2;
    add(w, 0, RS_VALIDATE_INTROSPECTION);
    assert_int_equal(judge_in_threads(w, apr_time_from_msec(20)), THREADS);
    assert_int_equal(w->introspections, 1);
}

/* Of a slow one who asks and one who waits; the others are sent away and free their threads. */
static void a_crowd_does_not_wait_for_a_slow_answer(void **state)
{
    world_t *w = world(*state);

    w->services.waiting_max = 2;
    add(w, 0, RS_VALIDATE_INTROSPECTION);
    assert_int_equal(judge_in_threads(w, apr_time_from_sec(3)), 2);
    assert_int_equal(w->introspections, 1);
    assert_non_null(strstr(w->log.text, "RS0523"));
}

/* Questions of their own, more than seats: nobody is sent away while the issuer is quick. */
static void a_crowd_with_many_questions_is_served_by_a_quick_issuer(void **state)
{
    world_t *w = world(*state);

    w->services.waiting_max = 2;
    w->own_tokens = true;
    add(w, 0, RS_VALIDATE_INTROSPECTION);
    assert_int_equal(judge_in_threads(w, apr_time_from_msec(10)), THREADS);
    assert_int_equal(w->introspections, THREADS);
}

/* Of a slow one only those who have a seat wait for the answer. */
static void a_crowd_with_many_questions_does_not_wait_for_a_slow_issuer(void **state)
{
    world_t *w = world(*state);

    w->services.waiting_max = 2;
    w->own_tokens = true;
    add(w, 0, RS_VALIDATE_INTROSPECTION);
    assert_int_equal(judge_in_threads(w, apr_time_from_sec(3)), 2);
    assert_int_equal(w->introspections, 2);
}

/* ---- others that ask the same ---- */

static apr_status_t not_there_yet(rs_tier_t *self, const rs_cache_key_t *key,
                                  const unsigned char **value, apr_size_t *len, apr_time_t now,
                                  apr_pool_t *p)
{
    (void)self, (void)key, (void)value, (void)len, (void)now, (void)p;
    return APR_NOTFOUND;
}

static apr_status_t (*fetch_of_tier)(rs_tier_t *, const rs_cache_key_t *, const unsigned char **,
                                     apr_size_t *, apr_time_t, apr_pool_t *);
static apr_status_t (*add_to_tier)(rs_tier_t *, const rs_cache_key_t *, const unsigned char *,
                                   apr_size_t, apr_time_t, apr_time_t, apr_pool_t *);

static apr_status_t now_it_is_there(rs_tier_t *self, const rs_cache_key_t *key,
                                    const unsigned char *value, apr_size_t len, apr_time_t expires,
                                    apr_time_t now, apr_pool_t *p)
{
    self->fetch = fetch_of_tier;
    return add_to_tier(self, key, value, len, expires, now, p);
}

/* Another process answered and gave its claim back between our look and our claim. */
static void who_claims_looks_again(void **state)
{
    world_t *w = world(*state);
    rs_cache_config_t config = { .shared = &w->tier.tier };

    add(w, 0, RS_VALIDATE_INTROSPECTION);
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(rs_cache_create(&w->services.cache, &config, *state), APR_SUCCESS);
    fetch_of_tier = w->tier.tier.fetch;
    add_to_tier = w->tier.tier.add;
    w->tier.tier.fetch = not_there_yet;
    w->tier.tier.add = now_it_is_there;
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(w->introspections, 1);
    assert_int_equal(w->tier.count, 1); /* the claim was given back */
}

/* ---- claims that others hold ---- */

static struct {
    apr_interval_time_t takes;
    unsigned claims, fetches, given_back;
} held;

static apr_status_t give_back(void *data)
{
    (void)data;
    held.given_back++;
    return APR_SUCCESS;
}

static apr_status_t fetch_nothing(rs_tier_t *self, const rs_cache_key_t *key,
                                  const unsigned char **value, apr_size_t *len, apr_time_t now,
                                  apr_pool_t *p)
{
    (void)self, (void)key, (void)value, (void)len, (void)now;
    held.fetches++;
    apr_pool_cleanup_register(p, NULL, give_back, apr_pool_cleanup_null);
    apr_sleep(held.takes);
    return APR_NOTFOUND;
}

static apr_status_t somebody_holds_it(rs_tier_t *self, const rs_cache_key_t *key,
                                      const unsigned char *value, apr_size_t len,
                                      apr_time_t expires, apr_time_t now, apr_pool_t *p)
{
    (void)self, (void)key, (void)value, (void)len, (void)expires, (void)now, (void)p;
    held.claims++;
    apr_sleep(held.takes);
    return APR_EEXIST;
}

static void hold(world_t *w, apr_interval_time_t takes)
{
    rs_provider_spec_t *spec = spec_of(w, 0, RS_VALIDATE_INTROSPECTION);

    memset(&held, 0, sizeof held);
    held.takes = takes;
    w->tier.tier.fetch = fetch_nothing;
    w->tier.tier.add = somebody_holds_it;
    spec->peer.total_timeout = SECOND;
    add_spec(w, spec);
}

static void what_a_slow_tier_takes_counts_for_who_waits(void **state)
{
    world_t *w = world(*state);

    hold(w, apr_time_from_msec(400));
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(w->introspections, 1);
    assert_in_range(held.claims, 2, 5); /* two seconds of rounds of 0.8 s */
}

static void who_waits_takes_no_more_memory_with_each_look(void **state)
{
    world_t *w = world(*state);

    hold(w, 0);
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_true(held.claims > 4);
    assert_true(held.fetches - held.given_back <= 4); /* those of the first look and of the last */
}

/* A Location whose results must be newer than what another one's question brought. */
static void a_passenger_takes_nothing_older_than_its_location_allows(void **state)
{
    world_t *w = world(*state);
    rs_provider_spec_t *spec = spec_of(w, 0, RS_VALIDATE_INTROSPECTION);
    world_t strict;

    spec->introspection.stale = 200 * SECOND;
    add_spec(w, spec);
    assert_int_equal(judge(w, "opaque", NOW).outcome, RS_TOKEN_ACCEPTED);
    w->http.result = APR_TIMEUP;
    w->late = 400 * SECOND;
    strict = *w;
    strict.question.ttl_positive = 5 * SECOND;
    assert_int_equal(judge_two(w, &strict, apr_time_from_msec(900)), 1);
    assert_int_equal(w->accepted, 1);
}

/* An answer that was under way when the question came is older than the question. */
static void with_ttl_zero_nobody_takes_anothers_answer(void **state)
{
    world_t *w = world(*state);

    add(w, 0, RS_VALIDATE_INTROSPECTION);
    w->question.ttl_positive = w->question.ttl_negative = 0;
    assert_int_equal(judge_in_threads(w, apr_time_from_msec(900)), THREADS);
    assert_int_equal(w->introspections, THREADS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(the_iss_of_a_jwt_picks_its_judge),
        FAKE_TEST(what_one_provider_refuses_another_may_accept),
        FAKE_TEST(a_refusal_decides_nothing_while_another_is_undecided),
        FAKE_TEST(a_refusal_decides_nothing_while_another_is_not_asked),
        FAKE_TEST(who_is_accepted_by_one_has_not_failed_with_another),
        FAKE_TEST(an_unknown_issuer_causes_no_call),
        FAKE_TEST(a_token_is_never_shown_to_another_issuer),
        FAKE_TEST(an_opaque_token_goes_to_the_one_candidate),
        FAKE_TEST(several_candidates_are_a_misconfiguration),
        FAKE_TEST(an_opaque_token_without_candidate_is_malformed),
        FAKE_TEST(a_token_that_is_too_large_reaches_nobody),
        FAKE_TEST(two_providers_of_one_issuer_may_differ),
        FAKE_TEST(in_both_mode_both_must_say_yes),
        FAKE_TEST(in_both_mode_a_bad_signature_is_not_asked_about),
        FAKE_TEST(a_verdict_is_asked_for_once),
        FAKE_TEST(inactive_is_kept_for_a_moment_and_undecided_never),
        FAKE_TEST(ttl_zero_asks_each_time),
        FAKE_TEST(what_one_socket_says_is_no_verdict_of_another),
        FAKE_TEST(an_answer_that_comes_after_the_end_of_a_token_is_no_grant),
        FAKE_TEST(what_our_rules_refuse_is_asked_about_once),
        FAKE_TEST(a_location_may_only_shorten_the_ttl),
        FAKE_TEST(a_key_that_is_left_out_ends_its_verdicts),
        FAKE_TEST(without_keys_a_jwt_is_undecided),
        FAKE_TEST(no_cache_is_no_obstacle),
        FAKE_TEST(who_must_hear_of_revocations_and_cannot_accepts_nothing),
        FAKE_TEST(the_limit_of_one_client_is_no_answer_for_another),
        FAKE_TEST(many_threads_cause_one_call),
        FAKE_TEST(a_crowd_gets_the_answer_to_a_quick_question),
        FAKE_TEST(a_crowd_does_not_wait_for_a_slow_answer),
        FAKE_TEST(a_crowd_with_many_questions_is_served_by_a_quick_issuer),
        FAKE_TEST(a_crowd_with_many_questions_does_not_wait_for_a_slow_issuer),
        FAKE_TEST(who_claims_looks_again),
        FAKE_TEST(what_a_slow_tier_takes_counts_for_who_waits),
        FAKE_TEST(who_waits_takes_no_more_memory_with_each_look),
        FAKE_TEST(a_passenger_takes_nothing_older_than_its_location_allows),
        FAKE_TEST(with_ttl_zero_nobody_takes_anothers_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
