/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The one judgement, with the clock handed in. Each case changes one claim of a good token. */
#include "cases.h"
#include "provider/rs_provider_spec.h"

#define T0 1700000000
#define ISSUER "https://login.example.com"

static rs_policy_t policy_of(apr_pool_t *p)
{
    static const char *const audiences[] = { "https://api.example.com", "other" };
    rs_policy_t policy = rs_provider_spec_create("test", p)->policy;

    policy.issuer = ISSUER;
    policy.audiences = audiences;
    policy.audience_count = 2;
    return policy;
}

/* {good claims, less those that more names, and more}. */
static rs_verdict_t judge_at(const rs_policy_t *policy, bool reply, const char *more,
                             apr_time_t now, apr_pool_t *p)
{
    static const char *const good[][2] = {
        { "iss", "\"" ISSUER "\"" }, { "aud", "\"other\"" },  { "sub", "\"alice\"" },
        { "exp", "1700000300" },     { "iat", "1699999900" }, { "scope", "\"a b\"" },
        { "client_id", "\"app\"" },  { "jti", "\"1\"" },
    };
    const char *text = apr_pstrcat(p, "{", more, NULL);
    rs_evidence_t evidence = { .reply = reply };
    rs_claims_t claims;
    unsigned i;

    for (i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!strstr(more, apr_psprintf(p, "\"%s\"", good[i][0])))
            text =
                apr_psprintf(p, "%s%s\"%s\":%s", text, text[1] ? "," : "", good[i][0], good[i][1]);
    text = apr_pstrcat(p, text, "}", NULL);
    claims =
        rs_claims_from_json(rs_json_object(text, strlen(text), &rs_json_token_limits, NULL, p), p);
    evidence.claims = &claims;
    return rs_policy_judge(policy, &evidence, now, p);
}

static rs_outcome_t outcome(const rs_policy_t *policy, bool reply, const char *more, apr_pool_t *p)
{
    return judge_at(policy, reply, more, NOW, p).outcome;
}

static void a_good_token_has_a_principal(void **state)
{
    rs_policy_t policy = policy_of(*state);
    rs_verdict_t verdict = judge_at(&policy, false, "", NOW, *state);

    assert_true(rs_verdict_is_accepted(&verdict));
    assert_string_equal(verdict.principal->user, "alice");
    assert_string_equal(verdict.principal->client, "app");
    assert_string_equal(rs_scope_text(&verdict.principal->scope, *state), "a b");
    assert_true(verdict.valid_until == apr_time_from_sec(1700000300 + 30));
    verdict = judge_at(&policy, true, "", NOW, *state);
    assert_true(verdict.valid_until == apr_time_from_sec(1700000300));
}

typedef struct {
    const char *more;
    rs_outcome_t jwt, reply;
} row_t;

static const row_t rows[] = {
    { "\"iss\":\"" ISSUER "/\"", RS_TOKEN_ISSUER_WRONG, RS_TOKEN_ISSUER_WRONG },
    { "\"iss\":\"https://LOGIN.example.com\"", RS_TOKEN_ISSUER_WRONG, RS_TOKEN_ISSUER_WRONG },
    { "\"iss\":5", RS_TOKEN_ISSUER_WRONG, RS_TOKEN_ISSUER_WRONG },
    { "\"aud\":\"https://api.example.com\"", RS_TOKEN_ACCEPTED, RS_TOKEN_ACCEPTED },
    { "\"aud\":[\"x\",\"other\"]", RS_TOKEN_ACCEPTED, RS_TOKEN_ACCEPTED },
    { "\"aud\":\"https://api.example.com/\"", RS_TOKEN_AUDIENCE_WRONG, RS_TOKEN_AUDIENCE_WRONG },
    { "\"aud\":\"Other\"", RS_TOKEN_AUDIENCE_WRONG, RS_TOKEN_AUDIENCE_WRONG },
    { "\"aud\":[]", RS_TOKEN_AUDIENCE_WRONG, RS_TOKEN_AUDIENCE_WRONG },
    { "\"aud\":null", RS_TOKEN_AUDIENCE_WRONG, RS_TOKEN_AUDIENCE_WRONG },
    { "\"aud\":\"\"", RS_TOKEN_AUDIENCE_WRONG, RS_TOKEN_AUDIENCE_WRONG },
    { "\"exp\":1700000000", RS_TOKEN_ACCEPTED, RS_TOKEN_EXPIRED },
    { "\"exp\":1699999971", RS_TOKEN_ACCEPTED, RS_TOKEN_EXPIRED },
    { "\"exp\":1699999969", RS_TOKEN_EXPIRED, RS_TOKEN_EXPIRED },
    { "\"exp\":1700000300.5", RS_TOKEN_ACCEPTED, RS_TOKEN_ACCEPTED },
    { "\"nbf\":1700000029", RS_TOKEN_ACCEPTED, RS_TOKEN_ACCEPTED },
    { "\"nbf\":1700000032", RS_TOKEN_NOT_YET_VALID, RS_TOKEN_NOT_YET_VALID },
    { "\"iat\":1700000032", RS_TOKEN_NOT_YET_VALID, RS_TOKEN_NOT_YET_VALID },
    { "\"cnf\":{\"jkt\":\"x\"}", RS_TOKEN_BOUND, RS_TOKEN_BOUND },
    { "\"cnf\":{}", RS_TOKEN_BOUND, RS_TOKEN_BOUND },
    { "\"sub\":null,\"client_id\":null", RS_TOKEN_NAMELESS, RS_TOKEN_NAMELESS },
};

static void each_rule_holds_for_jwts_and_for_replies(void **state)
{
    rs_policy_t policy = policy_of(*state);
    unsigned i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rs_outcome_t jwt = outcome(&policy, false, rows[i].more, *state);
        rs_outcome_t reply = outcome(&policy, true, rows[i].more, *state);
        if (jwt != rows[i].jwt || reply != rows[i].reply)
            fail_msg("%s: %s and %s", rows[i].more, rs_outcome_row(jwt)->name,
                     rs_outcome_row(reply)->name);
    }
}

static void strings_are_no_times(void **state)
{
    static const char *const more[] = {
        "\"exp\":\"1700000300\"", "\"exp\":true", "\"exp\":null", "\"exp\":1e300", "\"exp\":-1",
        "\"nbf\":\"0\"",          "\"iat\":[1]"
    };
    rs_policy_t policy = policy_of(*state);
    unsigned i;

    for (i = 0; i < sizeof more / sizeof more[0]; i++)
        assert_int_not_equal(outcome(&policy, false, more[i], *state), RS_TOKEN_ACCEPTED);
}

static void an_absent_audience_needs_the_word(void **state)
{
    rs_policy_t policy = policy_of(*state);

    policy.audience_or_absent = true;
    assert_int_equal(outcome(&policy, true, "\"aud\":null", *state), RS_TOKEN_ACCEPTED);
    assert_int_equal(outcome(&policy, true, "\"aud\":\"wrong\"", *state), RS_TOKEN_AUDIENCE_WRONG);
    policy = policy_of(*state);
    policy.audience_any = true;
    assert_int_equal(outcome(&policy, false, "\"aud\":\"wrong\"", *state), RS_TOKEN_ACCEPTED);
}

static void a_client_of_its_own_right_has_a_name(void **state)
{
    rs_policy_t policy = policy_of(*state);
    rs_verdict_t verdict = judge_at(&policy, false, "\"sub\":null", NOW, *state);

    assert_string_equal(verdict.principal->user, "client:app");
    policy.user_prefix = "acme:";
    verdict = judge_at(&policy, false, "", NOW, *state);
    assert_string_equal(verdict.principal->user, "acme:alice");
}

static void a_lifetime_may_be_bounded(void **state)
{
    rs_policy_t policy = policy_of(*state);

    policy.lifetime_max = apr_time_from_sec(400);
    assert_int_equal(outcome(&policy, false, "", *state), RS_TOKEN_ACCEPTED);
    policy.lifetime_max = apr_time_from_sec(399);
    assert_int_equal(outcome(&policy, false, "", *state), RS_TOKEN_LIFETIME_WRONG);
    assert_int_equal(outcome(&policy, false, "\"iat\":null", *state), RS_TOKEN_LIFETIME_WRONG);
}

static void the_last_second_of_a_jwt_is_exp_and_leeway(void **state)
{
    rs_policy_t policy = policy_of(*state);
    apr_time_t end = apr_time_from_sec(1700000300 + 30);

    assert_int_equal(judge_at(&policy, false, "", end - 1, *state).outcome, RS_TOKEN_ACCEPTED);
    assert_int_equal(judge_at(&policy, false, "", end, *state).outcome, RS_TOKEN_EXPIRED);
}

/* A value of the issuer's is as long as it likes; a line of the log is not. */
static void the_detail_of_a_long_value_is_short(void **state)
{
    rs_policy_t policy = policy_of(*state);
    char *aud = apr_psprintf(*state, "\"aud\":[\"%01000d\",\"x\"]", 0);
    rs_verdict_t verdict = judge_at(&policy, true, aud, NOW, *state);

    assert_int_equal(verdict.outcome, RS_TOKEN_AUDIENCE_WRONG);
    assert_non_null(strstr(verdict.detail, "audience [\"00000"));
    assert_non_null(strstr(verdict.detail, "00000... is not among"));
    assert_true(strlen(verdict.detail) < 200);
    verdict = judge_at(&policy, true, "\"aud\":[\"x\",1]", NOW, *state);
    assert_non_null(strstr(verdict.detail, "audience [\"x\",1] is not among"));
}

/* Those beyond the bound would be unknown to `Require not oauth2-scope`. */
static void a_token_of_too_many_scopes_is_refused(void **state)
{
    rs_policy_t policy = policy_of(*state);
    const char *scopes = "\"scope\":\"";
    unsigned i;

    for (i = 0; i < 1023; i++)
        scopes = apr_psprintf(*state, "%s%u ", scopes, i);
    assert_int_equal(outcome(&policy, false, apr_pstrcat(*state, scopes, "\"", NULL), *state),
                     RS_TOKEN_ACCEPTED);
    assert_int_equal(outcome(&policy, false, apr_pstrcat(*state, scopes, "evil\"", NULL), *state),
                     RS_TOKEN_CLAIM_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_good_token_has_a_principal),
        CASE(each_rule_holds_for_jwts_and_for_replies),
        CASE(strings_are_no_times),
        CASE(an_absent_audience_needs_the_word),
        CASE(a_client_of_its_own_right_has_a_name),
        CASE(a_lifetime_may_be_bounded),
        CASE(the_last_second_of_a_jwt_is_exp_and_leeway),
        CASE(the_detail_of_a_long_value_is_short),
        CASE(a_token_of_too_many_scopes_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
