/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What a process knows of revocations. */
#include "base/rs_limits.h"
#include "cases.h"
#include "cache/rs_marks.h"

#define RETENTION (3600 * SECOND)
#define KEPT (RETENTION + RS_MARK_AHEAD_MAX)
#define ISSUER "https://issuer.example"

static rs_marks_t *table(apr_pool_t *p)
{
    rs_marks_t *made;

    assert_int_equal(rs_marks_create(&made, RETENTION, p), APR_SUCCESS);
    return made;
}

static rs_mark_t mark(rs_mark_kind_t kind, const char *value, apr_time_t not_before)
{
    rs_mark_t made = { .not_before = not_before };

    rs_mark_digest(&made.of, kind, kind == RS_MARK_TOKEN ? "" : ISSUER, value);
    return made;
}

static const char *refuse(rs_marks_t *marks, apr_time_t issued, bool introspected, apr_time_t now,
                          apr_pool_t *p)
{
    const char *text = apr_psprintf(p, "{\"iat\":%" APR_INT64_T_FMT ",\"sid\":\"s1\"}",
                                    (apr_int64_t)apr_time_sec(issued));
    rs_principal_t principal = {
        .user = "bob", .issuer = ISSUER, .subject = "bob", .client = "app"
    };
    rs_presented_t presented = { .token = "token", .token_len = 5, .fingerprint = "-" };
    rs_verdict_t verdict;
    const char *why;

    principal.claims =
        rs_claims_from_json(rs_json_object(text, strlen(text), &rs_json_token_limits, &why, p), p);
    verdict = rs_accept(&principal, now, RS_TIME_NEVER);
    verdict.introspected = introspected;
    return rs_marks_refuse(marks, &presented, &verdict, now, p);
}

static void what_was_issued_before_is_revoked(void **state)
{
    static const struct {
        rs_mark_kind_t kind;
        const char *value;
        bool hit;
    } cases[] = {
        { RS_MARK_SUBJECT, "bob", true },  { RS_MARK_SUBJECT, "alice", false },
        { RS_MARK_CLIENT, "app", true },   { RS_MARK_CLIENT, "bob", false },
        { RS_MARK_SESSION, "s1", true },   { RS_MARK_ISSUER, "", true },
        { RS_MARK_SUBJECT, "app", false },
    };
    unsigned i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rs_marks_t *marks = table(*state);
        rs_mark_t made = mark(cases[i].kind, cases[i].value, NOW);
        assert_null(refuse(marks, NOW - SECOND, false, NOW, *state));
        assert_true(rs_marks_add(marks, &made, NOW));
        assert_int_equal(refuse(marks, NOW - SECOND, false, NOW, *state) != NULL, cases[i].hit);
        assert_int_equal(refuse(marks, NOW - SECOND, true, NOW, *state) != NULL, cases[i].hit);
        assert_null(refuse(marks, NOW, false, NOW, *state));
    }
}

static void a_marked_token_is_revoked_whenever_it_was_issued(void **state)
{
    rs_marks_t *marks = table(*state);
    rs_mark_t made = mark(RS_MARK_TOKEN, "token", 0);

    assert_true(rs_marks_add(marks, &made, NOW));
    assert_non_null(refuse(marks, NOW + SECOND, false, NOW + SECOND, *state));
}

/* Whoever holds a JWT can write its ECDSA signature in another way that is as good. */
static void the_signature_does_not_name_a_token(void **state)
{
    static const struct {
        const char *revoked, *shown;
        bool same;
    } cases[] = {
        { "eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "eyJhbGciOiJFUzI1NiJ9.e30.BBBB", true },
        { "eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "eyJhbGciOiJFUzI1NiJ9.e30.", true },
        { "IHsiYWxnIjoiIn0.e30.AAAA", "IHsiYWxnIjoiIn0.e30.BBBB", true }, /* a blank first */
        { "eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "eyJhbGciOiJFUzI1NiJ9.e31.AAAA", false },
        { "eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA.AAAA", false },
        { "eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "eyJhbGciOiJFUzI1NiJ9.e30", true }, /* no token */
        { "eyJ.b.c.d.e", "eyJ.b.c.d.f", false },
        /* Opaque: the secret stands behind the last dot. */
        { "v4.local.AAAA", "v4.local.BBBB", false },
        { "v2.0.AAAA", "v2.0.BBBB", false },
        { "..AAAA", "..BBBB", false },
        { "e30=.e30.AAAA", "e30=.e30.BBBB", false },
        { "one.two", "one.three", false },
        { "opaque", "opaque", true },
    };
    unsigned i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rs_sha256_t revoked, shown;
        rs_mark_digest_token(&revoked, cases[i].revoked, strlen(cases[i].revoked), *state);
        rs_mark_digest_token(&shown, cases[i].shown, strlen(cases[i].shown), *state);
        if (rs_sha256_equal(&revoked, &shown) != cases[i].same)
            fail_msg("%s %s", cases[i].revoked, cases[i].shown);
    }
}

static void the_latest_moment_counts(void **state)
{
    rs_marks_t *marks = table(*state);
    rs_mark_t late = mark(RS_MARK_SUBJECT, "bob", NOW),
              early = mark(RS_MARK_SUBJECT, "bob", NOW - 10 * SECOND);

    assert_true(rs_marks_add(marks, &late, NOW));
    assert_true(rs_marks_add(marks, &early, NOW));
    assert_int_equal(rs_marks_count(marks), 1);
    assert_non_null(refuse(marks, NOW - SECOND, false, NOW, *state));
}

static void what_is_older_than_the_marks_is_refused(void **state)
{
    rs_marks_t *marks = table(*state);

    assert_null(refuse(marks, NOW - RETENTION, false, NOW, *state));
    assert_non_null(refuse(marks, NOW - RETENTION - SECOND, false, NOW, *state));
    assert_null(refuse(marks, NOW - RETENTION - SECOND, true, NOW, *state));
}

static void marks_are_forgotten_in_time(void **state)
{
    rs_marks_t *marks = table(*state);
    rs_mark_t made = mark(RS_MARK_SUBJECT, "bob", NOW);

    assert_true(rs_marks_add(marks, &made, NOW));
    rs_marks_sweep(marks, NOW + KEPT);
    assert_int_equal(rs_marks_count(marks), 1);
    rs_marks_sweep(marks, NOW + KEPT + 1);
    assert_int_equal(rs_marks_count(marks), 0);
}

/* By the clock of an issuer that is ahead, a revoked token is younger than its revocation. */
static void no_token_outlives_its_mark(void **state)
{
    apr_time_t issued = NOW + RS_MARK_AHEAD_MAX, now;
    rs_marks_t *marks = table(*state);
    rs_mark_t made = mark(RS_MARK_TOKEN, "token", NOW);

    assert_true(rs_marks_add(marks, &made, NOW));
    for (now = NOW; now < NOW + 2 * RETENTION; now += 60 * SECOND) {
        rs_marks_sweep(marks, now);
        assert_non_null(refuse(marks, issued, false, now, *state));
    }
    assert_int_equal(rs_marks_count(marks), 0);
}

/* What is read again, from wherever, does not count anew. */
static void a_mark_that_is_read_again_is_no_news(void **state)
{
    rs_marks_t *marks = table(*state);
    rs_mark_t made = mark(RS_MARK_SUBJECT, "bob", NOW), later = made;

    later.not_before = NOW + 1;
    assert_false(rs_marks_has(marks, &made));
    assert_true(rs_marks_add(marks, &made, NOW));
    assert_true(rs_marks_has(marks, &made));
    assert_false(rs_marks_has(marks, &later));
    assert_true(rs_marks_add(marks, &made, NOW - SECOND));
    rs_marks_sweep(marks, NOW + KEPT);
    assert_int_equal(rs_marks_count(marks), 1);
    assert_true(rs_marks_add(marks, &made, NOW));
    rs_marks_sweep(marks, NOW + KEPT + 1);
    assert_int_equal(rs_marks_count(marks), 0);
}

/* A mark that reaches beyond now, as an issuer's clock does, stays as long as what it covers; one
 * that reaches to the end of time does not stay for ever. */
static void a_mark_is_kept_as_long_as_what_it_covers(void **state)
{
    rs_marks_t *marks = table(*state);
    rs_mark_t ahead = mark(RS_MARK_SUBJECT, "bob", NOW + 60 * SECOND),
              endless = mark(RS_MARK_SUBJECT, "eve", APR_INT64_MAX);

    assert_true(rs_marks_add(marks, &ahead, NOW));
    assert_true(rs_marks_add(marks, &endless, NOW));
    rs_marks_sweep(marks, NOW + 60 * SECOND + KEPT);
    assert_int_equal(rs_marks_count(marks), 2);
    rs_marks_sweep(marks, NOW + RS_MARK_AHEAD_MAX + KEPT + 1);
    assert_int_equal(rs_marks_count(marks), 0);
}

static void note_look(void *baton, apr_pool_t *ptemp)
{
    (void)ptemp;
    ++*(unsigned *)baton;
}

/* Whoever is asked looks for news first; and who knows nothing decides nothing. */
static void the_last_word(void **state)
{
    rs_marks_t *marks = table(*state);
    rs_principal_t principal = { .user = "bob", .issuer = ISSUER, .subject = "bob" };
    rs_presented_t presented = { .token = "token", .token_len = 5, .fingerprint = "-" };
    rs_verdict_t accepted = rs_accept(&principal, NOW, RS_TIME_NEVER), verdict;
    rs_mark_t made = mark(RS_MARK_SUBJECT, "bob", NOW);
    unsigned looks = 0;

    principal.claims = rs_claims_from_json(NULL, *state);
    accepted.introspected = true;
    rs_marks_set_look(marks, note_look, &looks);
    verdict = rs_marks_judge(marks, &presented, &accepted, NOW, *state);
    assert_true(rs_verdict_is_accepted(&verdict) && verdict.principal == &principal);
    assert_int_equal(looks, 1);
    rs_marks_set_blind(marks, true);
    verdict = rs_marks_judge(marks, &presented, &accepted, NOW, *state);
    assert_int_equal(verdict.outcome, RS_TOKEN_UNDECIDED);
    assert_true(verdict.retry_after > 0);
    rs_marks_set_blind(marks, false);
    assert_true(rs_marks_add(marks, &made, NOW));
    verdict = rs_marks_judge(marks, &presented, &accepted, NOW, *state);
    assert_int_equal(verdict.outcome, RS_TOKEN_REVOKED);
    assert_int_equal(looks, 3);
}

static void a_full_table_fails_closed(void **state)
{
    rs_marks_t *marks = table(*state);
    unsigned i;

    for (i = 0; i <= RS_MARKS_MAX; i++) {
        rs_mark_t made = mark(RS_MARK_SUBJECT, apr_psprintf(*state, "u%u", i), NOW);
        assert_int_equal(rs_marks_add(marks, &made, NOW), i < RS_MARKS_MAX);
    }
    assert_non_null(refuse(marks, NOW - SECOND, false, NOW, *state));
    assert_null(refuse(marks, NOW, false, NOW, *state));
    rs_marks_sweep(marks, NOW + KEPT + SECOND);
    assert_int_equal(rs_marks_count(marks), 0);
    assert_null(refuse(marks, NOW - SECOND, false, NOW - SECOND, *state));
}

static void a_mark_has_one_form(void **state)
{
    unsigned char bytes[RS_MARK_BYTES + 1] = { 1, [RS_MARK_BYTES - 1] = 7 };
    rs_mark_t made;

    (void)state;
    assert_true(rs_mark_decode(&made, bytes, RS_MARK_BYTES));
    assert_int_equal(made.not_before, 7);
    assert_false(rs_mark_decode(&made, bytes, RS_MARK_BYTES - 1));
    assert_false(rs_mark_decode(&made, bytes, RS_MARK_BYTES + 1));
    bytes[1 + RS_SHA256_BYTES] = 0x80;
    assert_false(rs_mark_decode(&made, bytes, RS_MARK_BYTES));
    bytes[0] = 2;
    assert_false(rs_mark_decode(&made, bytes, RS_MARK_BYTES));
}

static void what_is_encoded_is_decoded(void **state)
{
    static const apr_time_t times[] = { 0, 1, 255, 256, NOW, APR_INT64_MAX };
    unsigned char bytes[RS_MARK_BYTES];
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof times / sizeof times[0]; i++) {
        rs_mark_t was = mark(RS_MARK_SUBJECT, "bob", times[i]), is;
        rs_mark_encode(&was, bytes);
        assert_true(rs_mark_decode(&is, bytes, sizeof bytes));
        assert_int_equal(is.not_before, was.not_before);
        assert_true(rs_sha256_equal(&is.of, &was.of));
    }
}

/* Of two closings the later counts. */
static void closed_from_outside(void **state)
{
    rs_marks_t *marks = table(*state);

    rs_marks_close(marks, NOW);
    rs_marks_close(marks, NOW - 10 * SECOND);
    assert_non_null(refuse(marks, NOW - SECOND, false, NOW, *state));
    assert_null(refuse(marks, NOW, false, NOW, *state));
    rs_marks_sweep(marks, NOW + RETENTION + 1);
    assert_null(refuse(marks, NOW - SECOND, true, NOW + RETENTION + 1, *state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_issued_before_is_revoked),
        CASE(a_marked_token_is_revoked_whenever_it_was_issued),
        CASE(the_signature_does_not_name_a_token),
        CASE(the_latest_moment_counts),
        CASE(what_is_older_than_the_marks_is_refused),
        CASE(marks_are_forgotten_in_time),
        CASE(no_token_outlives_its_mark),
        CASE(a_mark_that_is_read_again_is_no_news),
        CASE(a_mark_is_kept_as_long_as_what_it_covers),
        CASE(the_last_word),
        CASE(a_full_table_fails_closed),
        CASE(a_mark_has_one_form),
        CASE(what_is_encoded_is_decoded),
        CASE(closed_from_outside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
