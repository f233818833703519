/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The circuit breaker, with the clock handed in. */
#include "base/rs_breaker.h"
#include "cases.h"

#define OPEN (10 * SECOND)

static void it_opens_after_so_many_failures_in_a_row(void **state)
{
    rs_breaker_t breaker;

    (void)state;
    rs_breaker_init(&breaker, 3, OPEN);
    assert_false(rs_breaker_failed(&breaker, NOW));
    assert_false(rs_breaker_failed(&breaker, NOW));
    rs_breaker_succeeded(&breaker);
    assert_false(rs_breaker_failed(&breaker, NOW));
    assert_false(rs_breaker_failed(&breaker, NOW));
    assert_true(rs_breaker_allows(&breaker, NOW));
    assert_true(rs_breaker_failed(&breaker, NOW));
    assert_false(rs_breaker_allows(&breaker, NOW));
    assert_true(rs_breaker_is_open(&breaker));
    assert_int_equal(rs_breaker_wait(&breaker, NOW + SECOND), OPEN - SECOND);
}

static void one_caller_probes_after_each_term(void **state)
{
    rs_breaker_t breaker;

    (void)state;
    rs_breaker_init(&breaker, 1, OPEN);
    assert_true(rs_breaker_failed(&breaker, NOW));
    assert_false(rs_breaker_allows(&breaker, NOW + OPEN - 1));
    assert_true(rs_breaker_allows(&breaker, NOW + OPEN));
    assert_false(rs_breaker_allows(&breaker, NOW + OPEN));
    assert_false(rs_breaker_failed(&breaker, NOW + OPEN));
    assert_false(rs_breaker_allows(&breaker, NOW + 2 * OPEN - 1));
    assert_true(rs_breaker_allows(&breaker, NOW + 2 * OPEN));
    assert_true(rs_breaker_succeeded(&breaker));
    assert_true(rs_breaker_allows(&breaker, NOW + 2 * OPEN));
    assert_false(rs_breaker_succeeded(&breaker));
}

/* Its "now" is the time when it began. */
static void a_request_that_began_earlier_is_no_probe(void **state)
{
    rs_breaker_t breaker;

    (void)state;
    rs_breaker_init(&breaker, 1, 10 * SECOND);
    assert_true(rs_breaker_failed(&breaker, NOW));
    assert_false(rs_breaker_allows(&breaker, NOW - 1));
    assert_false(rs_breaker_allows(&breaker, NOW - 20 * SECOND));
    assert_int_equal(rs_breaker_wait(&breaker, NOW - 20 * SECOND), 10 * SECOND);
    assert_true(rs_breaker_allows(&breaker, NOW + 10 * SECOND));
}

static void a_clock_that_was_set_back_locks_nobody_out(void **state)
{
    rs_breaker_t breaker;

    (void)state;
    rs_breaker_init(&breaker, 1, OPEN);
    rs_breaker_failed(&breaker, NOW);
    assert_true(rs_breaker_allows(&breaker, NOW - 3600 * SECOND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(it_opens_after_so_many_failures_in_a_row),
        CASE(one_caller_probes_after_each_term),
        CASE(a_request_that_began_earlier_is_no_probe),
        CASE(a_clock_that_was_set_back_locks_nobody_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
