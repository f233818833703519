/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What the tests of base and token share: a pool for each test. */
#ifndef CASES_H
#define CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <apr_time.h>
#include <string.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define CASE(name) cmocka_unit_test_setup_teardown(name, pool_set_up, pool_tear_down)

static inline int pool_set_up(void **state)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    *state = p;
    return 0;
}

static inline int pool_tear_down(void **state)
{
    apr_pool_destroy(*state);
    return 0;
}

#endif
