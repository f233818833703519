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
        assert_true(row->status != 503 || (!row->challenge && row->stored == RS_STORED_NEVER));
        assert_true(row->status != 401 || row->challenge);
    }
    assert_int_equal(rs_outcome_row((rs_outcome_t)9999)->outcome, RS_TOKEN_UNDECIDED);
}

/* Judging a JWT again costs less than remembering that it is refused; asking the issuer does not.
 * What will be good later is not remembered either way. */
static void refusals_are_stored_when_the_issuer_was_asked(void **state)
{
    static const rs_outcome_t refusals[] = {
        RS_TOKEN_ISSUER_WRONG,   RS_TOKEN_AUDIENCE_WRONG, RS_TOKEN_EXPIRED,
        RS_TOKEN_LIFETIME_WRONG, RS_TOKEN_TYPE_WRONG,     RS_TOKEN_CLAIM_WRONG,
        RS_TOKEN_BOUND,          RS_TOKEN_INACTIVE,       RS_TOKEN_NAMELESS,
    };
    unsigned i, stored = 0, asked;

    (void)state;
    for (asked = 0; asked < 2; asked++) {
        for (i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
            rs_verdict_t verdict = rs_refuse(refusals[i], NULL, NOW);
            verdict.introspected = asked;
            assert_int_equal(rs_verdict_is_storable(&verdict), asked);
        }
    }
    for (i = 0; i < RS_OUTCOME_COUNT; i++)
        stored += rs_outcome_row((rs_outcome_t)i)->stored != RS_STORED_NEVER;
    assert_int_equal(stored, 1 + sizeof refusals / sizeof refusals[0]); /* and accepted */
    assert_int_equal(rs_outcome_row(RS_TOKEN_ACCEPTED)->stored, RS_STORED_ALWAYS);
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
        CASE(refusals_are_stored_when_the_issuer_was_asked),
        CASE(the_ttl_counts_for_introspected_verdicts_alone),
        CASE(a_challenge_has_its_order_and_its_bytes),
        CASE(an_event_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
