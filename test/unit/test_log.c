/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Lines, and what keeps them from filling the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes.h"

#include <string.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)

static void control_bytes_end_no_line(void **state)
{
    fake_log_t log;

    (void)state;
    fake_log_init(&log);
    rs_log(&log.log, RS_LOG_WARNING, "RS0000: %s", "a\r\nb\x7f");
    assert_non_null(strstr(log.text, "RS0000: a??b?"));
}

static void a_trouble_is_told_once_a_minute(void **state)
{
    rs_log_quiet_t quiet = { 0, 0, 0 };
    apr_uint32_t kept_back = 99;
    unsigned i;

    (void)state;
    assert_true(rs_log_quiet_ask(&quiet, NOW, &kept_back));
    assert_int_equal(kept_back, 0);
    for (i = 1; i < 60; i++)
        assert_false(rs_log_quiet_ask(&quiet, NOW + i * SECOND, &kept_back));
    assert_true(rs_log_quiet_ask(&quiet, NOW + 60 * SECOND, &kept_back));
    assert_int_equal(kept_back, 59);
}

static void its_end_is_told_once(void **state)
{
    rs_log_quiet_t quiet = { 0, 0, 0 };
    apr_uint32_t kept_back;

    (void)state;
    assert_false(rs_log_quiet_over(&quiet));
    assert_true(rs_log_quiet_ask(&quiet, NOW, &kept_back));
    assert_true(rs_log_quiet_is_told(&quiet));
    assert_true(rs_log_quiet_over(&quiet));
    assert_false(rs_log_quiet_over(&quiet));
}

/* Anybody who can bring about a failure and a success could write two lines with each pair. */
static void a_trouble_that_comes_and_goes_is_told_once_a_minute_too(void **state)
{
    rs_log_quiet_t quiet = { 0, 0, 0 };
    apr_uint32_t kept_back;
    unsigned i, begins = 0, ends = 0;

    (void)state;
    for (i = 0; i < 120; i++) {
        begins += rs_log_quiet_ask(&quiet, NOW + i * SECOND, &kept_back);
        ends += rs_log_quiet_over(&quiet);
    }
    assert_int_equal(begins, 2);
    assert_int_equal(ends, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(control_bytes_end_no_line),
        FAKE_TEST(a_trouble_is_told_once_a_minute),
        FAKE_TEST(its_end_is_told_once),
        FAKE_TEST(a_trouble_that_comes_and_goes_is_told_once_a_minute_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
