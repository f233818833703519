/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Single flight: one pilot, and passengers who get what it brings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cache/rs_flight.h"
#include "fakes.h"
#include "verdicts.h"

#include <apr_thread_proc.h>
#include <stdatomic.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define PASSENGERS 6

static rs_flights_t *create(apr_pool_t *p)
{
    rs_flights_t *flights = NULL;

    assert_int_equal(rs_flights_create(&flights, p), APR_SUCCESS);
    return flights;
}

static rs_entry_t *entry_of(const char *user, apr_pool_t *p)
{
    rs_verdict_t verdict = verdict_accepted(user, true, NOW, NOW + 60 * SECOND, p);

    return rs_entry_of_verdict(&verdict, p);
}

typedef struct {
    rs_flights_t *flights;
    rs_sha256_t key;
    apr_interval_time_t wait;
    _Atomic unsigned entered, pilots, served, empty;
    _Atomic apr_int64_t waited; /* the longest */
} trip_t;

static rs_entry_t *board(rs_flights_t *flights, const rs_sha256_t *key, rs_flight_t **flight,
                         apr_pool_t *p)
{
    apr_time_t now = NOW;
    rs_entry_t *entry = rs_flight_board(flights, key, SECOND, flight, &now, p);

    assert_int_equal(now, NOW);
    return entry;
}

static void *APR_THREAD_FUNC travel(apr_thread_t *thread, void *data)
{
    trip_t *trip = data;
    apr_time_t now = NOW;
    rs_flight_t *flight;
    rs_entry_t *entry;
    apr_pool_t *p;

    (void)thread;
    apr_pool_create(&p, NULL);
    trip->entered++;
    entry = rs_flight_board(trip->flights, &trip->key, trip->wait, &flight, &now, p);
    if (now - NOW > trip->waited)
        trip->waited = now - NOW;
    if (flight)
        trip->pilots++;
    else if (entry)
        trip->served++;
    else
        trip->empty++;
    if (flight)
        rs_flight_land(flight, NULL);
    rs_entry_release(entry);
    apr_pool_destroy(p);
    return NULL;
}

static void depart(trip_t *trip, apr_thread_t **threads, unsigned count, apr_pool_t *p)
{
    unsigned i;

    for (i = 0; i < count; i++)
        assert_int_equal(apr_thread_create(&threads[i], NULL, travel, trip, p), 0);
    while (trip->entered < count)
        apr_sleep(1000);
    apr_sleep(50000); /* from the door to the seat */
}

static void arrive(apr_thread_t **threads, unsigned count)
{
    apr_status_t ended;
    unsigned i;

    for (i = 0; i < count; i++)
        apr_thread_join(&ended, threads[i]);
}

static void passengers_get_the_pilots_entry(void **state)
{
    trip_t trip = { create(*state), fake_digest("a"), 10 * SECOND, 0, 0, 0, 0, 0 };
    apr_thread_t *threads[PASSENGERS];
    rs_flight_t *flight;
    rs_entry_t *entry = entry_of("someone", *state);

    assert_null(board(trip.flights, &trip.key, &flight, *state));
    assert_non_null(flight);
    depart(&trip, threads, PASSENGERS, *state);
    assert_int_equal(trip.served + trip.empty + trip.pilots, 0);
    rs_flight_land(flight, entry);
    rs_entry_release(entry);
    arrive(threads, PASSENGERS);
    assert_int_equal(trip.served, PASSENGERS);
}

static void a_dying_pilot_lands_empty(void **state)
{
    trip_t trip = { create(*state), fake_digest("a"), 10 * SECOND, 0, 0, 0, 0, 0 };
    apr_thread_t *threads[PASSENGERS];
    rs_flight_t *flight;
    apr_pool_t *request;

    apr_pool_create(&request, *state);
    assert_null(board(trip.flights, &trip.key, &flight, request));
    depart(&trip, threads, PASSENGERS, *state);
    apr_pool_destroy(request);
    arrive(threads, PASSENGERS);
    assert_int_equal(trip.empty, PASSENGERS);
    assert_null(board(trip.flights, &trip.key, &flight, *state));
    assert_non_null(flight);
}

static void nobody_waits_longer_than_told(void **state)
{
    trip_t trip = { create(*state), fake_digest("a"), SECOND / 10, 0, 0, 0, 0, 0 };
    apr_thread_t *threads[2];
    rs_flight_t *flight;

    assert_null(board(trip.flights, &trip.key, &flight, *state));
    depart(&trip, threads, 2, *state);
    arrive(threads, 2);
    assert_int_equal(trip.empty, 2);
    assert_true(trip.waited >= trip.wait); /* and whoever waited knows how long */
    rs_flight_land(flight, NULL);
}

static void other_keys_fly_on_their_own(void **state)
{
    rs_flights_t *flights = create(*state);
    rs_sha256_t a = fake_digest("a"), b = fake_digest("b");
    rs_flight_t *first, *second;

    board(flights, &a, &first, *state);
    board(flights, &b, &second, *state);
    assert_non_null(first);
    assert_non_null(second);
    rs_flight_land(second, NULL);
    rs_flight_land(first, NULL);
}

static void a_landed_flight_is_over(void **state)
{
    rs_flights_t *flights = create(*state);
    rs_sha256_t key = fake_digest("a");
    rs_entry_t *entry = entry_of("someone", *state);
    rs_flight_t *flight;
    unsigned i;

    for (i = 0; i < 3; i++) {
        assert_null(board(flights, &key, &flight, *state));
        assert_non_null(flight);
        rs_flight_land(flight, entry);
    }
    rs_entry_release(entry);
}

static void of_many_threads_one_is_the_pilot_at_a_time(void **state)
{
    trip_t trip = { create(*state), fake_digest("a"), 10 * SECOND, 0, 0, 0, 0, 0 };
    apr_thread_t *threads[16];

    depart(&trip, threads, 16, *state);
    arrive(threads, 16);
    assert_true(trip.pilots >= 1);
    assert_int_equal(trip.pilots + trip.empty, 16);
    assert_int_equal(trip.served, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(passengers_get_the_pilots_entry),
        FAKE_TEST(a_dying_pilot_lands_empty),
        FAKE_TEST(nobody_waits_longer_than_told),
        FAKE_TEST(other_keys_fly_on_their_own),
        FAKE_TEST(a_landed_flight_is_over),
        FAKE_TEST(of_many_threads_one_is_the_pilot_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
