/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Seats: a word each. */
#include "base/rs_seats.h"
#include "base/rs_clock.h"

apr_size_t rs_seats_bytes(unsigned count)
{
    return sizeof(rs_seats_t) + count * sizeof(apr_int64_t);
}

void rs_seats_init(rs_seats_t *seats, unsigned count, apr_interval_time_t longest)
{
    seats->longest = longest;
    seats->count = count;
}

bool rs_seats_take(rs_seats_t *seats, rs_seat_t *seat, apr_time_t now)
{
    unsigned i;

    for (i = 0; i < seats->count; i++) {
        apr_int64_t until = atomic_load(&seats->taken_until[i]);
        /* Ahead of all that anybody may keep, by more than requests differ in what they take for
         * now: the clock was set back. */
        if (until > now && until <= now + seats->longest + RS_CLOCK_SKEW_MAX)
            continue;
        if (!atomic_compare_exchange_strong(&seats->taken_until[i], &until, now + seats->longest))
            continue;
        seat->index = i;
        seat->until = now + seats->longest;
        return true;
    }
    seat->until = 0;
    return false;
}

void rs_seats_give(rs_seats_t *seats, rs_seat_t *seat)
{
    apr_int64_t until = seat->until;

    if (until)
        atomic_compare_exchange_strong(&seats->taken_until[seat->index], &until, 0);
    seat->until = 0;
}

unsigned rs_seats_taken(const rs_seats_t *seats, apr_interval_time_t since, apr_time_t now)
{
    unsigned taken = 0, i;

    for (i = 0; i < seats->count; i++) {
        apr_int64_t until = atomic_load(&seats->taken_until[i]);
        taken += until > now && (!since || until - seats->longest <= now - since);
    }
    return taken;
}
