/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Secrets from where they are, and commands that do not end as they should. */
#include "base/rs_limits.h"
#include "base/rs_source.h"
#include "cases.h"

#include <stdlib.h>

#define SHELL "/bin/sh -c "

static apr_status_t run(const char *script, apr_interval_time_t timeout, const char **bytes,
                        apr_pool_t *p)
{
    apr_size_t len = 0;
    apr_status_t status =
        rs_source_run(apr_psprintf(p, SHELL "'%s'", script), timeout, bytes, &len, p);

    if (status == APR_SUCCESS)
        assert_int_equal(strlen(*bytes), len);
    return status;
}

static void a_command_says_the_secret(void **state)
{
    const char *bytes = NULL;

    assert_int_equal(run("echo secret", 10 * SECOND, &bytes, *state), APR_SUCCESS);
    assert_string_equal(bytes, "secret");
    assert_int_equal(run("printf \"a b\"; sleep 0.1; echo c", 10 * SECOND, &bytes, *state),
                     APR_SUCCESS);
    assert_string_equal(bytes, "a bc");
}

/* Each of them would take half a minute and more. */
static void a_command_has_one_deadline_whatever_it_does(void **state)
{
    static const char *const slow[] = {
        "exec sleep 30",
        "echo secret; exec >&-; exec sleep 30",
        "for i in 1 2 3 4 5 6 7 8 9 0; do printf x; sleep 0.2; done; exec sleep 30",
        "trap : TERM INT; exec >&-; while :; do sleep 0.2; done",
    };
    unsigned i;

    for (i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        const char *bytes = NULL;
        apr_time_t begin = apr_time_now();
        assert_int_equal(run(slow[i], SECOND / 2, &bytes, *state), APR_TIMEUP);
        assert_null(bytes);
        assert_true(apr_time_now() - begin >= SECOND / 2);
        assert_true(apr_time_now() - begin < 5 * SECOND);
    }
}

static void what_happened_to_a_command_is_told(void **state)
{
    static const struct {
        const char *script, *sentence;
    } rows[] = {
        { "echo secret; exit 3", "its command ended with exit status 3" },
        { "exit 255", "its command ended with exit status 255" },
        { "kill -9 $$", "its command was ended by signal 9" },
        { "true", "its command wrote nothing" },
        { "echo", "its command wrote nothing" },
        { "yes | head -c 70000", "it is larger than 65536 bytes" },
    };
    const rs_source_t source = { RS_SOURCE_EXEC, "/bin/sh" };
    const char *bytes = NULL;
    unsigned i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        apr_status_t status = run(rows[i].script, 10 * SECOND, &bytes, *state);
        assert_int_not_equal(status, APR_SUCCESS);
        assert_string_equal(rs_source_failure(&source, status, *state), rows[i].sentence);
    }
    assert_string_equal(rs_source_failure(&source, APR_TIMEUP, *state),
                        "its command did not end within 10 seconds");
}

static void what_happened_to_a_file_or_a_variable_is_told(void **state)
{
    const rs_source_t nowhere = { RS_SOURCE_FILE, "/nowhere/at/all" },
                      empty = { RS_SOURCE_FILE, "/dev/null" },
                      endless = { RS_SOURCE_FILE, "/dev/zero" },
                      unset = { RS_SOURCE_ENV, "RS_NOT_SET" };
    const char *bytes = NULL;
    apr_size_t len;
    apr_status_t status = rs_source_read(&nowhere, &bytes, &len, *state);

    assert_string_equal(rs_source_failure(&nowhere, status, *state), "No such file or directory");
    status = rs_source_read(&empty, &bytes, &len, *state);
    assert_string_equal(rs_source_failure(&empty, status, *state), "it is empty");
    status = rs_source_read(&endless, &bytes, &len, *state);
    assert_string_equal(rs_source_failure(&endless, status, *state),
                        "it is larger than 65536 bytes");
    status = rs_source_read(&unset, &bytes, &len, *state);
    assert_string_equal(rs_source_failure(&unset, status, *state),
                        "the variable is not set, or empty");
    assert_null(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_command_says_the_secret),
        CASE(a_command_has_one_deadline_whatever_it_does),
        CASE(what_happened_to_a_command_is_told),
        CASE(what_happened_to_a_file_or_a_variable_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
