/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The outcome table, the expiry rule, challenges and event lines: what is said about a verdict. */
#include "cases.h"
#include "token/rs_challenge.h"
#include "token/rs_event.h"
#include "token/rs_verdict.h"

static void each_row_stands_at_its_number_and_is_consistent(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < RS_OUTCOME_COUNT; i++) {
        const rs_outcome_row_t *row = rs_outcome_row((rs_outcome_t)i);
        assert_int_equal(row->outcome, i);
        assert_non_null(row->name);
        assert_true(row->status == 0 ? i == RS_TOKEN_ACCEPTED
                                     : row->status >= 400 && row->status < 600);
        assert_true(row->error == NULL ||
                    row->challenge); /* an error code has a challenge to stand in */
        assert_true(row->status != 503 || (!row->challenge && !row->stored));
        assert_true(row->status != 401 || row->challenge);
    }
    assert_int_equal(rs_outcome_row((rs_outcome_t)9999)->outcome, RS_TOKEN_UNDECIDED);
}

static void only_accepted_and_inactive_are_stored(void **state)
{
    unsigned i;

    (void)state;
    for (i = 0; i < RS_OUTCOME_COUNT; i++)
        assert_int_equal(rs_outcome_row((rs_outcome_t)i)->stored,
                         i == RS_TOKEN_ACCEPTED || i == RS_TOKEN_INACTIVE);
}

static void the_ttl_counts_for_introspected_verdicts_alone(void **state)
{
    rs_verdict_t verdict = rs_refuse(RS_TOKEN_INACTIVE, NULL, NOW);

    (void)state;
    verdict.valid_until = NOW + 60 * SECOND;
    assert_true(rs_verdict_until(&verdict, SECOND) == NOW + 60 * SECOND);
    verdict.introspected = true;
    assert_true(rs_verdict_until(&verdict, SECOND) == NOW + SECOND);
    assert_true(rs_verdict_until(&verdict, 3600 * SECOND) == NOW + 60 * SECOND);
    assert_true(rs_verdict_until(&verdict, 0) == NOW);
}

static void a_challenge_has_its_order_and_its_bytes(void **state)
{
    rs_challenge_t challenge = { .scheme = "Bearer",
                                 .realm = "a \"b\" \\c",
                                 .error = "invalid_token",
                                 .error_description = "x\"y\\z\nw",
                                 .scope = "a b" };

    assert_string_equal(rs_challenge_format(&challenge, *state),
                        "Bearer realm=\"a \\\"b\\\" \\\\c\", error=\"invalid_token\", "
                        "error_description=\"x?y?z?w\", "
                        "scope=\"a b\"");
    challenge = (rs_challenge_t){ .scheme = "Bearer", .realm = "api", .scope = "" };
    assert_string_equal(rs_challenge_format(&challenge, *state), "Bearer realm=\"api\"");
}

static void an_event_is_one_line(void **state)
{
    rs_event_t event = { .outcome = RS_SCOPE_INSUFFICIENT,
                         .token = "3f9a01c2",
                         .user = "alice",
                         .client = "app",
                         .provider = "acme",
                         .method = "GET",
                         .uri = "/x",
                         .rule = "Require oauth2-scope a",
                         .file = "httpd.conf",
                         .line = 7,
                         .scope = "a" };

    assert_string_equal(
        rs_event_text(&event, *state),
        "scope_insufficient (403): token 3f9a01c2, user alice, client app, provider acme, GET /x: "
        "\"Require oauth2-scope a\" (httpd.conf:7) is not met; needed: scope a");
    event = (rs_event_t){ .outcome = RS_TOKEN_ABSENT };
    assert_string_equal(rs_event_text(&event, *state), "token_absent (401): token -");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_row_stands_at_its_number_and_is_consistent),
        CASE(only_accepted_and_inactive_are_stored),
        CASE(the_ttl_counts_for_introspected_verdicts_alone),
        CASE(a_challenge_has_its_order_and_its_bytes),
        CASE(an_event_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
