/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Who waits for an issuer, and how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes.h"
#include "provider/rs_waiting.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define TOTAL (5 * SECOND) /* OAuth2RSTimeout */

typedef struct {
    fake_log_t log;
    rs_services_t services;
    rs_provider_spec_t *spec;
    rs_waiting_t *waiting;
} world_t;

static world_t *world(unsigned seats, bool one_thread, apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof *w);

    fake_log_init(&w->log);
    w->services.log = &w->log.log;
    w->services.waiting_max = seats;
    w->services.one_thread = one_thread;
    w->spec = rs_provider_spec_create("test", p);
    w->waiting = rs_waiting_create(w->spec, &w->services, p);
    return w;
}

static void there_are_so_many_seats(void **state)
{
    world_t *w = world(2, false, *state);
    rs_seat_t seats[3] = { { 0, 0 } };
    unsigned i;

    for (i = 0; i < 3; i++)
        assert_int_equal(rs_waiting_sit(w->waiting, &seats[i], NOW), i < 2);
    assert_true(rs_waiting_sit(w->waiting, &seats[0], NOW)); /* has one */
    assert_int_equal(rs_waiting_count(w->waiting, NOW), 2);
    assert_int_equal(rs_waiting_crowded(w->waiting, NOW).outcome, RS_TOKEN_UNDECIDED);
    assert_non_null(strstr(w->log.text, "RS0523"));
    for (i = 0; i < 3; i++)
        rs_waiting_rise(w->waiting, &seats[i]);
    assert_int_equal(rs_waiting_count(w->waiting, NOW), 0);
}

static void the_provider_may_say_how_many(void **state)
{
    world_t *w = world(2, false, *state);
    rs_seat_t seats[2] = { { 0, 0 } };

    w->spec->introspection.waiting_max = 1;
    w->waiting = rs_waiting_create(w->spec, &w->services, *state);
    assert_true(rs_waiting_sit(w->waiting, &seats[0], NOW));
    assert_false(rs_waiting_sit(w->waiting, &seats[1], NOW));
}

static void without_a_limit_everybody_sits(void **state)
{
    world_t *w = world(0, false, *state);
    rs_seat_t seat = { 0, 0 };
    unsigned i;

    for (i = 0; i < 100; i++)
        assert_true(rs_waiting_sit(w->waiting, &seat, NOW));
    assert_int_equal(rs_waiting_patience(w->waiting, &seat, TOTAL, NOW), TOTAL);
    rs_waiting_rise(w->waiting, &seat);
}

/* Who has no seat waits for others only while they have not waited for long. */
static void patience_ends_when_the_issuer_is_slow(void **state)
{
    world_t *w = world(2, false, *state);
    rs_seat_t one = { 0, 0 }, two = { 0, 0 }, me = { 0, 0 };

    assert_int_equal(rs_waiting_patience(w->waiting, &one, TOTAL, NOW), TOTAL);
    assert_int_equal(rs_waiting_patience(w->waiting, &two, TOTAL, NOW), TOTAL);
    assert_int_equal(rs_waiting_patience(w->waiting, &me, TOTAL, NOW + SECOND / 10),
                     RS_STANDING_MAX);
    assert_int_equal(rs_waiting_patience(w->waiting, &me, SECOND / 10, NOW + SECOND / 10),
                     SECOND / 10);
    /* A claim in a Redis that does not answer may have taken that long. */
    assert_int_equal(rs_waiting_patience(w->waiting, &me, TOTAL, NOW + SECOND / 2),
                     RS_STANDING_MAX);
    assert_int_equal(rs_waiting_patience(w->waiting, &me, TOTAL, NOW + SECOND), 0);
}

static void nobody_stands_for_long(void **state)
{
    world_t *w = world(1, false, *state);
    rs_seat_t one = { 0, 0 }, me = { 0, 0 };
    apr_time_t now = NOW;

    assert_true(rs_waiting_sit(w->waiting, &one, NOW));
    assert_false(rs_waiting_stand(w->waiting, &me, &now));
    assert_true(now >= NOW + RS_STANDING_MAX && now < NOW + TOTAL);
    /* The one who sits has been sitting for a while now: not worth waiting. */
    now = NOW + SECOND;
    assert_false(rs_waiting_stand(w->waiting, &me, &now));
    assert_true(now == NOW + SECOND);
    rs_waiting_rise(w->waiting, &one);
    assert_true(rs_waiting_stand(w->waiting, &me, &now));
}

/* A process of the prefork MPM has one thread: all of them together are counted. */
static void processes_of_one_thread_have_one_set_of_seats(void **state)
{
    world_t *w = world(1, true, *state);
    rs_seat_t seat = { 0, 0 };
    int status;

    if (fork() == 0)
        _exit(!rs_waiting_sit(w->waiting, &seat, NOW));
    assert_true(wait(&status) > 0);
    assert_int_equal(status, 0);
    assert_false(rs_waiting_sit(w->waiting, &seat, NOW));
    /* The process died with its seat. */
    assert_true(rs_waiting_sit(w->waiting, &seat, NOW + 3 * rs_waiting_time_max(w->spec)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(there_are_so_many_seats),
        FAKE_TEST(the_provider_may_say_how_many),
        FAKE_TEST(without_a_limit_everybody_sits),
        FAKE_TEST(patience_ends_when_the_issuer_is_slow),
        FAKE_TEST(nobody_stands_for_long),
        FAKE_TEST(processes_of_one_thread_have_one_set_of_seats),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
