/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Single flight: a list of the flights in the air, as long as threads are waiting for issuers. */
#include "cache/rs_flight.h"
#include "base/rs_clock.h"

#include <apr_ring.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <stdlib.h>

struct rs_flight_t {
    APR_RING_ENTRY(rs_flight_t) link;
    rs_flights_t *airport;
    rs_sha256_t key;
    unsigned aboard; /* passengers, and the pilot until the landing */
    bool landed;
    rs_entry_t *entry; /* what the pilot brought */
    apr_pool_t *pilot; /* lands the flight empty when it is cleared */
};
APR_RING_HEAD(flight_ring_t, rs_flight_t);

struct rs_flights_t {
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *landing; /* of any flight: there are few, and passengers look which */
    struct flight_ring_t in_air;
};

apr_status_t rs_flights_create(rs_flights_t **flights, apr_pool_t *p)
{
    rs_flights_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status = apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, p);

    if (status == APR_SUCCESS)
        status = apr_thread_cond_create(&made->landing, p);
    if (status != APR_SUCCESS)
        return status;
    APR_RING_INIT(&made->in_air, rs_flight_t, link);
    *flights = made;
    return APR_SUCCESS;
}

/* ---- with the lock held ---- */

static rs_flight_t *find(rs_flights_t *flights, const rs_sha256_t *key)
{
    rs_flight_t *flight;

    APR_RING_FOREACH(flight, &flights->in_air, rs_flight_t, link)
    {
        if (rs_sha256_equal(&flight->key, key))
            return flight;
    }
    return NULL;
}

static void leave(rs_flight_t *flight)
{
    if (--flight->aboard > 0)
        return;
    rs_entry_release(flight->entry);
    free(flight);
}

static rs_entry_t *ride(rs_flights_t *flights, rs_flight_t *flight, apr_interval_time_t wait,
                        apr_time_t *now)
{
    rs_entry_t *entry = NULL;
    apr_time_t begun = rs_clock();
    apr_interval_time_t waited = 0;

    flight->aboard++;
    while (!flight->landed && waited < wait) {
        (void)apr_thread_cond_timedwait(flights->landing, flights->lock, wait - waited);
        waited = rs_clock() - begun;
    }
    *now += waited;
    if (flight->landed && flight->entry)
        entry = rs_entry_retain(flight->entry);
    leave(flight);
    return entry;
}

/* ---- the interface ---- */

static apr_status_t land_empty(void *data)
{
    rs_flight_t *flight = data;

    flight->pilot = NULL;
    rs_flight_land(flight, NULL);
    return APR_SUCCESS;
}

/* NULL: no memory; the caller asks for itself. */
static rs_flight_t *take_off(rs_flights_t *flights, const rs_sha256_t *key, apr_pool_t *p)
{
    rs_flight_t *flight = calloc(1, sizeof *flight);

    if (!flight)
        return NULL;
    flight->airport = flights;
    flight->key = *key;
    flight->aboard = 1;
    flight->pilot = p;
    APR_RING_INSERT_TAIL(&flights->in_air, flight, rs_flight_t, link);
    return flight;
}

rs_entry_t *rs_flight_board(rs_flights_t *flights, const rs_sha256_t *key, apr_interval_time_t wait,
                            rs_flight_t **flight, apr_time_t *now, apr_pool_t *p)
{
    rs_flight_t *found;
    rs_entry_t *entry = NULL;

    *flight = NULL;
    apr_thread_mutex_lock(flights->lock);
    found = find(flights, key);
    if (found)
        entry = ride(flights, found, wait, now);
    else
        *flight = take_off(flights, key, p);
    apr_thread_mutex_unlock(flights->lock);
    if (*flight)
        apr_pool_cleanup_register(p, *flight, land_empty, apr_pool_cleanup_null);
    return entry;
}

void rs_flight_land(rs_flight_t *flight, rs_entry_t *entry)
{
    rs_flights_t *flights = flight->airport;

    if (flight->pilot)
        apr_pool_cleanup_kill(flight->pilot, flight, land_empty);
    apr_thread_mutex_lock(flights->lock);
    APR_RING_REMOVE(flight, link);
    flight->landed = true;
    flight->entry = entry ? rs_entry_retain(entry) : NULL;
    leave(flight);
    apr_thread_cond_broadcast(flights->landing);
    apr_thread_mutex_unlock(flights->lock);
}
