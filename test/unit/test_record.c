/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Records of verdicts. */
#include "cases.h"
#include "token/rs_record.h"
#include "verdicts.h"

#include <stdlib.h>

static void a_verdict_comes_back(void **state)
{
    rs_verdict_t verdict = verdict_accepted("alice", true, NOW, NOW + 60 * SECOND, *state);
    const unsigned char *bytes;
    apr_size_t len;
    rs_record_t record;

    rs_record_encode(&verdict, &bytes, &len, *state);
    assert_int_equal(rs_record_decode(bytes, len, &record), APR_SUCCESS);
    assert_true(rs_verdict_is_accepted(&record.verdict));
    assert_string_equal(record.principal.user, "alice");
    assert_true(record.verdict.introspected);
    assert_true(record.verdict.valid_until == NOW + 60 * SECOND &&
                record.verdict.decided_at == NOW);
}

static void refused_and_undecided_ones_come_back_too(void **state)
{
    rs_verdict_t verdicts[] = { verdict_inactive(NOW), rs_undecided("why", 7 * SECOND, NOW) };
    const unsigned char *bytes;
    apr_size_t len;
    rs_record_t record;
    unsigned i;

    for (i = 0; i < 2; i++) {
        rs_record_encode(&verdicts[i], &bytes, &len, *state);
        assert_int_equal(rs_record_decode(bytes, len, &record), APR_SUCCESS);
        assert_int_equal(record.verdict.outcome, verdicts[i].outcome);
        assert_true(record.verdict.retry_after == verdicts[i].retry_after);
        assert_null(record.verdict.principal);
    }
}

static apr_status_t decode(const unsigned char *bytes, apr_size_t len, rs_record_t *record,
                           unsigned char **copy)
{
    *copy = malloc(len ? len : 1);
    memcpy(*copy, bytes, len);
    return rs_record_decode(*copy, len, record);
}

static void what_was_cut_is_refused(void **state)
{
    rs_verdict_t verdict = verdict_accepted("alice", true, NOW, NOW + SECOND, *state);
    const unsigned char *bytes;
    apr_size_t len, cut;
    rs_record_t record;
    unsigned char *copy;

    rs_record_encode(&verdict, &bytes, &len, *state);
    for (cut = 0; cut < len; cut++) {
        assert_int_equal(decode(bytes, cut, &record, &copy), APR_EINVAL);
        free(copy);
    }
}

static void what_was_changed_is_refused_or_read_within_its_bounds(void **state)
{
    rs_verdict_t verdict = verdict_accepted("alice", true, NOW, NOW + SECOND, *state);
    const unsigned char *bytes;
    unsigned char *changed, *copy;
    apr_size_t len, i;
    rs_record_t record;
    unsigned value;

    rs_record_encode(&verdict, &bytes, &len, *state);
    changed = apr_pmemdup(*state, bytes, len);
    for (i = 0; i < len; i++) {
        for (value = 0; value < 256; value += 17) {
            changed[i] = (unsigned char)value;
            if (decode(changed, len, &record, &copy) == APR_SUCCESS && record.verdict.principal)
                assert_true(strlen(record.principal.user) < len);
            free(copy);
        }
        changed[i] = bytes[i];
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_verdict_comes_back),
        CASE(refused_and_undecided_ones_come_back_too),
        CASE(what_was_cut_is_refused),
        CASE(what_was_changed_is_refused_or_read_within_its_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
