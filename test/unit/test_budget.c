/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* So many in so much time, for each. */
#include "cases.h"
#include "base/rs_budget.h"

static rs_budget_t *budget(unsigned events, apr_pool_t *p)
{
    rs_budget_t *made;

    assert_int_equal(rs_budget_create(&made, events, 60 * SECOND, p), APR_SUCCESS);
    return made;
}

static void each_has_his_own(void **state)
{
    rs_budget_t *b = budget(2, *state);

    assert_int_equal(rs_budget_wait(b, "a", NOW), 0);
    rs_budget_count(b, "a", NOW);
    assert_int_equal(rs_budget_wait(b, "a", NOW + SECOND), 0);
    rs_budget_count(b, "a", NOW + SECOND);
    assert_int_equal(rs_budget_wait(b, "a", NOW + 10 * SECOND), 50 * SECOND);
    assert_int_equal(rs_budget_wait(b, "b", NOW + 10 * SECOND), 0);
}

static void time_gives_it_back(void **state)
{
    rs_budget_t *b = budget(1, *state);

    rs_budget_count(b, "a", NOW);
    assert_int_equal(rs_budget_wait(b, "a", NOW + 59 * SECOND), SECOND);
    assert_int_equal(rs_budget_wait(b, "a", NOW + 60 * SECOND), 0);
    rs_budget_count(b, "a", NOW + 60 * SECOND);
    assert_int_equal(rs_budget_wait(b, "a", NOW + 61 * SECOND), 59 * SECOND);
}

static void a_clock_that_is_set_back_locks_nobody_out(void **state)
{
    rs_budget_t *b = budget(1, *state);

    rs_budget_count(b, "a", NOW);
    assert_int_equal(rs_budget_wait(b, "a", NOW - 3600 * SECOND), 0);
}

/* Who counts may have begun before the one who counted first: calls overtake each other. */
static void calls_that_end_in_another_order_count_all_the_same(void **state)
{
    rs_budget_t *b = budget(2, *state);

    rs_budget_count(b, "a", NOW + SECOND);
    rs_budget_count(b, "a", NOW);
    assert_int_equal(rs_budget_wait(b, "a", NOW + SECOND), 60 * SECOND);
    assert_int_equal(rs_budget_wait(b, "a", NOW), 60 * SECOND);
}

/* A hundred thousand others do not free who is at it, as long as he is. */
static void memory_is_bounded(void **state)
{
    rs_budget_t *b = budget(1, *state);
    unsigned i, kept = 0;

    for (i = 0; i < 100000; i++) {
        char who[16];
        apr_snprintf(who, sizeof who, "%u", i);
        rs_budget_count(b, who, NOW + i);
        rs_budget_count(b, "busy", NOW + i);
        kept += rs_budget_wait(b, "busy", NOW + i) > 0;
    }
    assert_int_equal(kept, 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_has_his_own),
        CASE(time_gives_it_back),
        CASE(a_clock_that_is_set_back_locks_nobody_out),
        CASE(calls_that_end_in_another_order_count_all_the_same),
        CASE(memory_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
