/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Seats: so many, given back once, and free again when their taker is gone. */
#include "base/rs_seats.h"
#include "cases.h"

#define LONGEST (10 * SECOND)

static rs_seats_t *seats_of(unsigned count, apr_pool_t *p)
{
    rs_seats_t *seats = apr_pcalloc(p, rs_seats_bytes(count));

    rs_seats_init(seats, count, LONGEST);
    return seats;
}

static void there_are_so_many(void **state)
{
    rs_seats_t *seats = seats_of(2, *state);
    rs_seat_t one, two, three;

    assert_true(rs_seats_take(seats, &one, NOW));
    assert_true(rs_seats_take(seats, &two, NOW));
    assert_false(rs_seats_take(seats, &three, NOW));
    rs_seats_give(seats, &three);
    assert_int_equal(rs_seats_taken(seats, 0, NOW), 2);
    rs_seats_give(seats, &one);
    assert_int_equal(rs_seats_taken(seats, 0, NOW), 1);
    assert_true(rs_seats_take(seats, &three, NOW));
    assert_false(rs_seats_take(seats, &one, NOW));
}

static void a_seat_falls_free_by_the_clock(void **state)
{
    rs_seats_t *seats = seats_of(1, *state);
    rs_seat_t dead, next, more;

    assert_true(rs_seats_take(seats, &dead, NOW));
    assert_false(rs_seats_take(seats, &next, NOW + LONGEST - 1));
    assert_true(rs_seats_take(seats, &next, NOW + LONGEST));
    /* Who comes back late does not take it from the next one. */
    rs_seats_give(seats, &dead);
    assert_false(rs_seats_take(seats, &more, NOW + LONGEST));
    rs_seats_give(seats, &next);
    rs_seats_give(seats, &next);
    assert_true(rs_seats_take(seats, &more, NOW + LONGEST));
}

/* Its "now" is the time when it began. */
static void a_request_that_began_earlier_takes_no_seat_away(void **state)
{
    rs_seats_t *seats = seats_of(1, *state);
    rs_seat_t one, two;

    assert_true(rs_seats_take(seats, &one, NOW));
    assert_false(rs_seats_take(seats, &two, NOW - 1));
    assert_false(rs_seats_take(seats, &two, NOW - 5 * SECOND));
}

static void a_clock_that_is_set_back_locks_nobody_out(void **state)
{
    rs_seats_t *seats = seats_of(1, *state);
    rs_seat_t seat;

    assert_true(rs_seats_take(seats, &seat, NOW));
    assert_true(rs_seats_take(seats, &seat, NOW - 3600 * SECOND));
}

static void there_may_be_none(void **state)
{
    rs_seats_t *seats = seats_of(0, *state);
    rs_seat_t seat;

    assert_false(rs_seats_take(seats, &seat, NOW));
    rs_seats_give(seats, &seat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(there_are_so_many),
        CASE(a_seat_falls_free_by_the_clock),
        CASE(a_request_that_began_earlier_takes_no_seat_away),
        CASE(a_clock_that_is_set_back_locks_nobody_out),
        CASE(there_may_be_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
