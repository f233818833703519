/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Asking the issuer: what we send, and what each kind of reply means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes.h"
#include "provider/rs_introspection.h"

#include <apr_strings.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define URL "https://issuer.example/introspect"
#define TOKEN "an.opaque~token+/="
#define ACTIVE "{\"active\":true,\"sub\":\"someone\",\"exp\":1700000600,\"scope\":\"read write\"}"

typedef struct {
    fake_http_t http;
    fake_log_t log;
    rs_services_t services;
    rs_provider_spec_t *spec;
    rs_metadata_t *metadata;
    rs_introspection_t *introspection;
    rs_presented_t presented;
    apr_pool_t *p;
} world_t;

static world_t *draft(apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof *w);

    fake_http_init(&w->http);
    fake_log_init(&w->log);
    w->p = p;
    w->services.http = &w->http.http;
    w->services.log = &w->log.log;
    w->presented.token = TOKEN;
    w->presented.token_len = strlen(TOKEN);
    w->spec = rs_provider_spec_create("test", p);
    w->spec->policy.issuer = "https://issuer.example";
    w->spec->policy.audience_any = true;
    w->spec->introspection.url = URL;
    w->spec->introspection.auth = RS_CLIENT_AUTH_NONE;
    return w;
}

static world_t *begin(world_t *w)
{
    rs_introspection_parts_t parts = { NULL, NULL, NULL, &w->services };
    const char *why = NULL;

    assert_int_equal(rs_metadata_create(&w->metadata, w->spec, &w->services, w->p), APR_SUCCESS);
    parts.metadata = w->metadata;
    assert_int_equal(rs_introspection_create(&w->introspection, w->spec, &parts, &why, w->p),
                     APR_SUCCESS);
    return w;
}

static rs_verdict_t ask(world_t *w, apr_time_t now)
{
    rs_seat_t seat = { 0, 0 };
    bool unreachable;

    return rs_introspection_ask(w->introspection, &w->presented, &seat, &unreachable, now, w->p);
}

static rs_verdict_t ask_with(world_t *w, int status, const char *body)
{
    fake_http_says(&w->http, status, "application/json", body);
    return ask(w, NOW);
}

static void an_active_token_is_accepted(void **state)
{
    world_t *w = begin(draft(*state));
    rs_verdict_t verdict = ask_with(w, 200, ACTIVE);

    assert_int_equal(verdict.outcome, RS_TOKEN_ACCEPTED);
    assert_true(verdict.introspected);
    assert_string_equal(verdict.principal->user, "someone");
    assert_true(rs_scope_has(&verdict.principal->scope, "write"));
    assert_string_equal(w->http.url, URL);
    assert_string_equal(w->http.form,
                        "token=an.opaque%7Etoken%2B%2F%3D&token_type_hint=access_token");
    assert_string_equal(w->http.authorization, "");
}

static void our_credentials_go_along(void **state)
{
    world_t *w = draft(*state);
    const char *path = fake_file(fake_folder(*state), "secret", "open sesame\n", *state);

    w->spec->introspection.auth = RS_CLIENT_AUTH_BASIC;
    w->spec->introspection.client_id = "us";
    w->spec->introspection.client_secret.kind = RS_SOURCE_FILE;
    w->spec->introspection.client_secret.value = path;
    begin(w);
    ask_with(w, 200, ACTIVE);
    assert_string_equal(w->http.authorization, "Basic dXM6b3BlbitzZXNhbWU=");
    assert_null(strstr(w->http.form, "sesame"));
}

static void an_inactive_token_is_refused_for_the_caches(void **state)
{
    world_t *w = begin(draft(*state));
    rs_verdict_t verdict = ask_with(w, 200, "{\"active\":false}");

    assert_int_equal(verdict.outcome, RS_TOKEN_INACTIVE);
    assert_true(verdict.introspected);
    verdict = ask_with(w, 400, "{\"error\":\"unsupported_token_type\"}");
    assert_int_equal(verdict.outcome, RS_TOKEN_INACTIVE);
    verdict = ask_with(w, 400, "{\"error\":\"invalid_token\"}");
    assert_int_equal(verdict.outcome, RS_TOKEN_INACTIVE);
    assert_int_equal(w->log.lines[RS_LOG_WARNING], 0);
}

/* glewlwyd signs no word about a token that is not active. */
static void an_empty_400_refuses_where_signed_replies_have_any_audience(void **state)
{
    world_t *w = draft(*state);

    w->spec->introspection.signed_reply = true;
    assert_int_equal(ask_with(begin(w), 400, "").outcome, RS_TOKEN_UNDECIDED);
    w->spec->introspection.signed_reply_any_audience = true;
    assert_int_equal(ask_with(w, 400, "").outcome, RS_TOKEN_INACTIVE);
    assert_int_equal(ask_with(w, 400, "<html>").outcome, RS_TOKEN_UNDECIDED);
    assert_int_equal(ask_with(w, 401, "").outcome, RS_TOKEN_UNDECIDED);
}

static void the_rules_apply_to_a_reply_too(void **state)
{
    world_t *w = begin(draft(*state));

    assert_int_equal(ask_with(w, 200, "{\"active\":true,\"sub\":\"a\",\"exp\":1699990000}").outcome,
                     RS_TOKEN_EXPIRED);
    assert_int_equal(
        ask_with(w, 200, "{\"active\":true,\"sub\":\"a\",\"iss\":\"https://evil.example\"}")
            .outcome,
        RS_TOKEN_ISSUER_WRONG);
    assert_int_equal(
        ask_with(w, 200, "{\"active\":true,\"sub\":\"a\",\"cnf\":{\"jkt\":\"x\"}}").outcome,
        RS_TOKEN_BOUND);
    assert_int_equal(ask_with(w, 200, "{\"active\":true}").outcome, RS_TOKEN_NAMELESS);
}

/* Whatever is no answer about the token decides nothing about it. */
static void what_is_no_answer_is_undecided(void **state)
{
    static const struct {
        int status;
        const char *body;
    } replies[] = {
        { 200, "{\"active\":\"true\"}" },
        { 200, "{\"active\":1}" },
        { 200, "{\"active\":null}" },
        { 200, "{\"active\":[true]}" },
        { 200, "{\"Active\":true}" },
        { 200, "{}" },
        { 200, "[{\"active\":true}]" },
        { 200, "true" },
        { 200, "" },
        { 200, "<html>active</html>" },
        { 200, "{\"active\":true}{\"active\":true}" },
        { 200, "{\"active\":false,\"active\":true}" },
        { 200, "{\"active\":true" },
        { 201, ACTIVE },
        { 204, "" },
        { 302, ACTIVE },
        { 400, "" },
        { 400, "{\"error\":\"invalid_request\"}" },
        { 400, "{\"error\":\"invalid_client\"}" },
        { 400, "{\"error\":\"unauthorized_client\"}" },
        { 401, ACTIVE },
        { 401, "{\"error\":\"invalid_token\"}" },
        { 403, "{\"active\":false}" },
        { 404, "{\"active\":false}" },
        { 405, "" },
        { 429, "" },
        { 500, ACTIVE },
        { 502, "<html>" },
        { 503, "" },
    };
    unsigned i;

    for (i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        world_t *w = begin(draft(*state));
        rs_verdict_t verdict = ask_with(w, replies[i].status, replies[i].body);
        assert_int_equal(verdict.outcome, RS_TOKEN_UNDECIDED);
        assert_true(verdict.retry_after > 0);
        assert_int_equal(w->log.lines[RS_LOG_WARNING], 1);
        assert_null(strstr(w->log.text, TOKEN));
    }
}

static void a_transport_that_fails_is_undecided(void **state)
{
    static const apr_status_t results[] = { APR_TIMEUP, APR_ECONNREFUSED, APR_ENOSPC,
                                            APR_EGENERAL };
    unsigned i;

    for (i = 0; i < 4; i++) {
        world_t *w = begin(draft(*state));
        w->http.result = results[i];
        assert_int_equal(ask(w, NOW).outcome, RS_TOKEN_UNDECIDED);
    }
}

static void retry_after_is_heeded_within_bounds(void **state)
{
    static const struct {
        const char *header;
        int seconds;
    } rows[] = { { NULL, 1 },
                 { "7", 7 },
                 { "60", 60 },
                 { "61", 60 },
                 { "86400", 60 },
                 { "-5", 1 },
                 { "soon", 1 },
                 { "", 1 },
                 { "Tue, 14 Nov 2023 22:13:30 GMT", 10 }, /* NOW and ten seconds */
                 { "Tue, 14 Nov 2023 22:13:10 GMT", 1 },
                 { "Wed, 15 Nov 2023 22:13:20 GMT", 60 } };
    unsigned i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world_t *w = begin(draft(*state));
        apr_time_t end = NOW + rows[i].seconds * SECOND;
        fake_http_says(&w->http, rows[i].header && i % 2 ? 503 : 429, "text/plain", "");
        w->http.reply.retry_after = rows[i].header;
        assert_int_equal(ask(w, NOW).retry_after, rows[i].seconds * SECOND);
        fake_http_says(&w->http, 200, "application/json", ACTIVE);
        assert_int_equal(ask(w, end - 1).outcome, RS_TOKEN_UNDECIDED);
        assert_int_equal(w->http.calls, 1);
        /* It counts from the reply on, which takes a moment. */
        assert_int_equal(ask(w, end + SECOND / 2).outcome, RS_TOKEN_ACCEPTED);
        assert_int_equal(w->http.calls, 2);
        assert_false(rs_introspection_state(w->introspection, end).open);
    }
}

/* Of a gateway whose server is gone, as a rule. */
static void a_503_without_a_time_is_a_failure(void **state)
{
    world_t *w = begin(draft(*state));
    unsigned i;

    for (i = 0; i < 20; i++)
        ask_with(w, 503, "");
    assert_int_equal(w->http.calls, 5);
}

/* Whatever it says: else a client whose tokens nobody can read could keep it shut for all others.
 */
static void any_complete_reply_closes_the_breaker(void **state)
{
    static const struct {
        int status;
        const char *body;
    } replies[] = { { 200, "<html>" }, { 429, "" }, { 403, "" } };
    unsigned i, failed;

    for (i = 0; i < 3; i++) {
        world_t *w = begin(draft(*state));
        w->http.result = APR_TIMEUP;
        for (failed = 0; failed < 5; failed++)
            (void)ask(w, NOW);
        assert_true(rs_introspection_state(w->introspection, NOW).open);
        w->http.result = APR_SUCCESS;
        fake_http_says(&w->http, replies[i].status, "text/html", replies[i].body);
        assert_int_equal(ask(w, NOW + 11 * SECOND).outcome, RS_TOKEN_UNDECIDED);
        assert_false(rs_introspection_state(w->introspection, NOW + 11 * SECOND).open);
    }
}

static void a_clock_that_is_set_back_ends_retry_after(void **state)
{
    world_t *w = begin(draft(*state));

    fake_http_says(&w->http, 429, "text/plain", "");
    w->http.reply.retry_after = "60";
    assert_int_equal(ask(w, NOW).outcome, RS_TOKEN_UNDECIDED);
    fake_http_says(&w->http, 200, "application/json", ACTIVE);
    assert_int_equal(ask(w, NOW - 3600 * SECOND).outcome, RS_TOKEN_ACCEPTED);
}

static void the_breaker_opens_and_one_probe_closes_it(void **state)
{
    world_t *w = begin(draft(*state));
    apr_time_t now = NOW;
    unsigned i;

    w->http.result = APR_TIMEUP;
    for (i = 0; i < 20; i++)
        assert_int_equal(ask(w, now += 1000).outcome, RS_TOKEN_UNDECIDED);
    assert_int_equal(w->http.calls, 5);
    assert_true(ask(w, now).retry_after > 9 * SECOND);
    assert_int_equal(ask(w, now + 11 * SECOND).outcome, RS_TOKEN_UNDECIDED);
    assert_int_equal(ask(w, now + 12 * SECOND).outcome, RS_TOKEN_UNDECIDED);
    assert_int_equal(w->http.calls, 6);
    w->http.result = APR_SUCCESS;
    fake_http_says(&w->http, 200, "application/json", ACTIVE);
    assert_int_equal(ask(w, now + 22 * SECOND).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(ask(w, now + 22 * SECOND).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(w->http.calls, 8);
    assert_int_equal(w->log.lines[RS_LOG_WARNING], 1);
    assert_int_equal(w->log.lines[RS_LOG_NOTICE], 1);
}

/* Else a client could shut the issuer off for all others by sending bad tokens. */
static void no_token_can_open_the_breaker(void **state)
{
    static const struct {
        int status;
        const char *body;
    } replies[] = {
        { 200, "{\"active\":false}" },
        { 400, "{\"error\":\"unsupported_token_type\"}" },
        { 400, "{\"error\":\"invalid_request\"}" },
        { 200, "{\"active\":true,\"exp\":1}" },
        { 401, "" },
        { 413, "" },
        { 414, "" },
        { 422, "{}" },
        { 431, "" },
        /* What stands in a token comes back in its reply: numbers and texts that we cannot read. */
        { 200, "{\"active\":true,\"sub\":\"a\",\"amount\":10000000000000000000}" },
        { 200, "{\"active\":true,\"sub\":\"a\",\"note\":\"\\u0000\"}" },
        { 200, "eyJhbGciOiJSUzI1NiJ9.e30.c2ln" },
        { 200, "" },
    };
    unsigned i, kind;

    for (kind = 0; kind < sizeof replies / sizeof replies[0]; kind++) {
        world_t *w = begin(draft(*state));
        for (i = 0; i < 20; i++)
            ask_with(w, replies[kind].status, replies[kind].body);
        assert_int_equal(w->http.calls, 20);
        w->http.result = APR_ENOSPC; /* a reply that is too large */
        for (i = 0; i < 20; i++)
            assert_int_equal(ask(w, NOW).outcome, RS_TOKEN_UNDECIDED);
        assert_int_equal(w->http.calls, 40);
    }
}

static void the_endpoint_may_come_from_the_metadata(void **state)
{
    world_t *w = draft(*state);

    w->spec->introspection.url = NULL;
    begin(w);
    fake_http_says(&w->http, 200, "application/json", "{\"issuer\":\"https://issuer.example\"}");
    assert_int_equal(ask(w, NOW).outcome, RS_TOKEN_UNDECIDED);
    assert_string_equal(w->http.form, "");
    assert_non_null(strstr(w->log.text, "introspection_endpoint"));
    w = draft(*state);
    w->spec->introspection.url = NULL;
    fake_http_says(&w->http, 200, "application/json",
                   "{\"issuer\":\"https://issuer.example\",\"introspection_endpoint\":\"" URL
                   "\",\"iss\":\"https://issuer.example\",\"active\":true,\"sub\":\"a\"}");
    assert_int_equal(ask(begin(w), NOW).outcome, RS_TOKEN_ACCEPTED);
    assert_string_equal(w->http.url, URL);
}

/* One client with five tokens could open it for all else, after one failure of the metadata. */
static void what_was_not_asked_moves_no_breaker(void **state)
{
    const apr_status_t results[] = { APR_TIMEUP, APR_EBUSY };
    const unsigned failures[] = { 1, 0 };
    unsigned i, j;

    for (i = 0; i < 2; i++) {
        world_t *w = draft(*state);
        w->spec->introspection.url = NULL;
        w->http.result = results[i];
        begin(w);
        for (j = 0; j < 10; j++)
            assert_int_equal(ask(w, NOW + j * SECOND / 50).outcome, RS_TOKEN_UNDECIDED);
        assert_int_equal(rs_introspection_state(w->introspection, NOW).failures, failures[i]);
        assert_false(rs_introspection_state(w->introspection, NOW).open);
        assert_int_equal(w->http.calls, 1);
    }
}

static void a_process_without_transport_moves_no_breaker(void **state)
{
    world_t *w = begin(draft(*state));
    unsigned i;

    w->services.http = NULL;
    for (i = 0; i < 10; i++)
        assert_int_equal(ask(w, NOW).outcome, RS_TOKEN_UNDECIDED);
    assert_false(rs_introspection_state(w->introspection, NOW).open);
}

/* ---- tokeninfo, userinfo ---- */

static world_t *draft_of(rs_introspection_kind_t kind, apr_pool_t *p)
{
    world_t *w = draft(p);

    w->spec->introspection.kind = kind;
    return begin(w);
}

static void tokeninfo_is_asked_in_a_form_without_credentials(void **state)
{
    world_t *w = draft_of(RS_INTROSPECTION_TOKENINFO, *state);

    ask_with(w, 200, "{\"sub\":\"someone\",\"exp\":\"1700000600\"}");
    assert_string_equal(w->http.form, "access_token=an.opaque%7Etoken%2B%2F%3D");
    assert_string_equal(w->http.authorization, "");
}

static void both_spellings_of_tokeninfo_are_read(void **state)
{
    static const struct {
        const char *body;
        int ends_in; /* seconds */
    } replies[] = {
        { "{\"azp\":\"app\",\"aud\":\"app\",\"sub\":\"117\",\"scope\":\"a "
          "b\",\"exp\":\"1700000600\","
          "\"expires_in\":\"3\"}",
          600 },
        { "{\"issued_to\":\"app\",\"audience\":\"app\",\"user_id\":\"117\",\"scope\":\"a b\","
          "\"expires_in\":436}",
          436 },
    };
    unsigned i;

    for (i = 0; i < 2; i++) {
        world_t *w = draft(*state);
        static const char *const audience[] = { "app" };
        rs_verdict_t verdict;

        w->spec->introspection.kind = RS_INTROSPECTION_TOKENINFO;
        w->spec->policy.audience_any = false;
        w->spec->policy.audiences = audience;
        w->spec->policy.audience_count = 1;
        verdict = ask_with(begin(w), 200, replies[i].body);
        assert_int_equal(verdict.outcome, RS_TOKEN_ACCEPTED);
        assert_string_equal(verdict.principal->user, "117");
        assert_string_equal(verdict.principal->client, "app");
        assert_true(rs_scope_has(&verdict.principal->scope, "b"));
        assert_int_equal(verdict.valid_until - NOW, replies[i].ends_in * SECOND);
    }
}

typedef struct {
    int status;
    const char *body;
    rs_outcome_t outcome;
} reply_t;

static void try_replies(rs_introspection_kind_t kind, const reply_t *replies, unsigned count,
                        apr_pool_t *p)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        rs_verdict_t verdict = ask_with(draft_of(kind, p), replies[i].status, replies[i].body);
        if (verdict.outcome != replies[i].outcome)
            fail_msg("%d %s: %d", replies[i].status, replies[i].body, verdict.outcome);
    }
}

static void replies_of_tokeninfo(void **state)
{
    static const reply_t replies[] = {
        { 400, "{\"error\":\"invalid_token\"}", RS_TOKEN_INACTIVE },
        { 400, "{\"error\":\"invalid_request\"}", RS_TOKEN_UNDECIDED },
        { 401, "{\"error\":\"invalid_token\"}", RS_TOKEN_UNDECIDED },
        { 200, "{\"sub\":\"a\",\"exp\":\"1600000000\"}", RS_TOKEN_EXPIRED },
        { 200, "{\"sub\":\"a\",\"exp\":0}", RS_TOKEN_EXPIRED },
        { 200, "{\"sub\":\"a\",\"expires_in\":\"0\"}", RS_TOKEN_EXPIRED },
        { 200, "{\"sub\":\"a\",\"expires_in\":-5}", RS_TOKEN_UNDECIDED },
        { 200, "{\"sub\":\"a\",\"expires_in\":9223372036854775807}", RS_TOKEN_UNDECIDED },
        { 200, "{\"sub\":\"a\",\"expires_in\":\"soon\"}", RS_TOKEN_UNDECIDED },
        { 200, "{\"sub\":\"a\",\"expires_in\":\"\"}", RS_TOKEN_UNDECIDED },
        { 200, "{\"sub\":\"a\",\"exp\":\"1700000600 \"}", RS_TOKEN_UNDECIDED },
        { 200, "{\"sub\":\"a\",\"exp\":\"17000006001700000600\"}", RS_TOKEN_UNDECIDED },
        { 200, "{\"sub\":\"a\",\"exp\":1700000600.5}", RS_TOKEN_UNDECIDED },
        { 200, "{\"sub\":\"a\"}", RS_TOKEN_UNDECIDED },
        { 200, "{\"exp\":\"1700000600\"}", RS_TOKEN_NAMELESS },
        { 200, "{\"active\":false,\"sub\":\"a\",\"exp\":1700000600}", RS_TOKEN_INACTIVE },
        { 200, "{\"active\":\"false\",\"sub\":\"a\",\"exp\":1700000600}", RS_TOKEN_INACTIVE },
    };

    try_replies(RS_INTROSPECTION_TOKENINFO, replies, sizeof replies / sizeof replies[0], *state);
}

static void userinfo_is_asked_with_the_token_itself(void **state)
{
    world_t *w = draft_of(RS_INTROSPECTION_USERINFO, *state);
    rs_verdict_t verdict = ask_with(w, 200, "{\"sub\":\"auth0|1\",\"email\":\"a@b.example\"}");

    assert_string_equal(w->http.form, "");
    assert_string_equal(w->http.authorization, "Bearer " TOKEN);
    assert_int_equal(verdict.outcome, RS_TOKEN_ACCEPTED);
    assert_string_equal(verdict.principal->user, "auth0|1");
}

static void replies_of_userinfo(void **state)
{
    static const reply_t replies[] = {
        { 401, "", RS_TOKEN_INACTIVE },
        { 403, "{\"error\":\"insufficient_scope\"}", RS_TOKEN_INACTIVE },
        { 400, "{\"error\":\"invalid_request\"}", RS_TOKEN_UNDECIDED },
        { 404, "", RS_TOKEN_UNDECIDED },
        { 200, "{\"email\":\"a@b.example\"}", RS_TOKEN_UNDECIDED },
        { 200, "{\"sub\":7}", RS_TOKEN_UNDECIDED },
        { 200, "eyJhbGciOiJub25lIn0.e30.", RS_TOKEN_UNDECIDED },
        { 302, "", RS_TOKEN_UNDECIDED },
        { 429, "", RS_TOKEN_UNDECIDED },
    };

    try_replies(RS_INTROSPECTION_USERINFO, replies, sizeof replies / sizeof replies[0], *state);
}

/* What one process finds out about an issuer counts for all. */
static void processes_have_one_breaker(void **state)
{
    world_t *w = begin(draft(*state));
    int status;

    if (fork() == 0) {
        unsigned i;
        w->http.result = APR_TIMEUP;
        for (i = 0; i < 5; i++)
            (void)ask(w, NOW);
        _exit(0);
    }
    assert_true(wait(&status) > 0);
    fake_http_says(&w->http, 200, "application/json", ACTIVE);
    assert_int_equal(ask(w, NOW).outcome, RS_TOKEN_UNDECIDED);
    assert_int_equal(w->http.calls, 0);
    assert_int_equal(rs_introspection_state(w->introspection, NOW).failures, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(an_active_token_is_accepted),
        FAKE_TEST(our_credentials_go_along),
        FAKE_TEST(tokeninfo_is_asked_in_a_form_without_credentials),
        FAKE_TEST(both_spellings_of_tokeninfo_are_read),
        FAKE_TEST(replies_of_tokeninfo),
        FAKE_TEST(userinfo_is_asked_with_the_token_itself),
        FAKE_TEST(replies_of_userinfo),
        FAKE_TEST(an_inactive_token_is_refused_for_the_caches),
        FAKE_TEST(an_empty_400_refuses_where_signed_replies_have_any_audience),
        FAKE_TEST(the_rules_apply_to_a_reply_too),
        FAKE_TEST(what_is_no_answer_is_undecided),
        FAKE_TEST(a_transport_that_fails_is_undecided),
        FAKE_TEST(retry_after_is_heeded_within_bounds),
        FAKE_TEST(the_breaker_opens_and_one_probe_closes_it),
        FAKE_TEST(no_token_can_open_the_breaker),
        FAKE_TEST(the_endpoint_may_come_from_the_metadata),
        FAKE_TEST(processes_have_one_breaker),
        FAKE_TEST(a_503_without_a_time_is_a_failure),
        FAKE_TEST(any_complete_reply_closes_the_breaker),
        FAKE_TEST(a_clock_that_is_set_back_ends_retry_after),
        FAKE_TEST(what_was_not_asked_moves_no_breaker),
        FAKE_TEST(a_process_without_transport_moves_no_breaker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
