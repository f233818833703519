/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A ring of marks in shared memory. The mark with number n stands in place n % capacity, whose
 * state says which number it is about and what is with it; zeroes say: none yet.
 *
 *     of an earlier number --writer--> BUSY(n) --writer--> FILLED(n)
 *              |                          |
 *              +---------reader-----------+--> LOST(n)
 *
 * A state goes up only, by compare and exchange: of a writer who is slow and a reader who gives him
 * up one wins, and both know who. All of that is sequentially consistent; the mark itself is plain
 * memory between two changes of the state, and fences keep its bytes there: a reader takes what he
 * has read only if the place was FILLED(n) before and is after it. Who sleeps while BUSY(n) for a
 * whole round of the ring writes over another one's mark when he wakes; a round is as many marks as
 * can be kept at all. */
#include "httpd/rs_shm_marks.h"

#include <apr_shm.h>
#include <stdatomic.h>
#include <string.h>

/* Whoever takes longer to fill a place has died there, or sleeps. */
#define STUCK_MAX apr_time_from_sec(2)
/* Places that a writer takes for one mark, when readers have given him up. */
#define PLACES_MAX 3
/* What was passed on lately, of those who hear of a mark in the same moment. */
#define LATELY 4096

typedef enum { BUSY = 1, FILLED = 2, LOST = 3 } what_t;

typedef struct {
    _Atomic apr_uint64_t state;      /* state_of() */
    _Atomic apr_int64_t counts_from; /* rs_mark_counts_from() */
    rs_mark_t mark;
} place_t;

typedef struct {
    _Atomic apr_uint64_t taken;          /* places, ever */
    _Atomic apr_int64_t closed_at;       /* 0: never */
    _Atomic apr_uint64_t whole_of;       /* 0: of nothing */
    _Atomic apr_uint64_t lately[LATELY]; /* names of marks; 0: none */
    place_t places[];
} shared_t;

struct rs_shm_marks_t {
    shared_t *shared;
    apr_uint32_t capacity;
};

apr_status_t rs_shm_marks_create(rs_shm_marks_t **ring, apr_uint32_t capacity, apr_pool_t *p)
{
    rs_shm_marks_t *made = apr_pcalloc(p, sizeof *made);
    apr_shm_t *shm;
    apr_status_t status;

    made->capacity = capacity;
    /* Comes as zeroes; writing them would take all of the memory at once. */
    status = apr_shm_create(&shm, sizeof(shared_t) + capacity * sizeof(place_t), NULL, p);
    if (status != APR_SUCCESS)
        return status;
    made->shared = apr_shm_baseaddr_get(shm);
    *ring = made;
    return APR_SUCCESS;
}

static void close_ring(shared_t *shared, apr_time_t now)
{
    apr_int64_t was = atomic_load(&shared->closed_at);

    while (was < now && !atomic_compare_exchange_weak(&shared->closed_at, &was, now))
        ;
}

/* A later number is a larger state, whatever is with it. */
static apr_uint64_t state_of(apr_uint64_t number, what_t what)
{
    return (number + 1) << 2 | what;
}

/* False: nobody will read this number any more. It was given up, or the ring has come round. */
static bool fill(place_t *place, apr_uint64_t number, const rs_mark_t *mark, apr_time_t now)
{
    apr_uint64_t was = atomic_load(&place->state), busy = state_of(number, BUSY);

    do {
        if (was >= busy)
            return false;
    } while (!atomic_compare_exchange_weak(&place->state, &was, busy));
    atomic_thread_fence(memory_order_seq_cst);
    place->mark = *mark;
    atomic_store(&place->counts_from, rs_mark_counts_from(mark, now));
    return atomic_compare_exchange_strong(&place->state, &busy, state_of(number, FILLED));
}

apr_status_t rs_shm_marks_publish(rs_shm_marks_t *ring, const rs_mark_t *mark,
                                  apr_interval_time_t retention, apr_time_t now)
{
    shared_t *shared = ring->shared;
    bool filled = false, early = false;
    unsigned tries;

    for (tries = 0; tries < PLACES_MAX && !filled; tries++) {
        apr_uint64_t number = atomic_fetch_add(&shared->taken, 1);
        place_t *place = &shared->places[number % ring->capacity];
        apr_int64_t counts_from = atomic_load(&place->counts_from);
        if (number >= ring->capacity && !rs_mark_is_spent(counts_from, retention, now)) {
            early = true;
            close_ring(shared, now > counts_from ? now : counts_from);
        }
        filled = fill(place, number, mark, now);
    }
    if (!filled)
        return APR_TIMEUP;
    return early ? APR_ENOSPC : APR_SUCCESS;
}

/* Two marks of one name are hardly to be found: it is a part of a digest. */
static apr_uint64_t name_of(const rs_mark_t *mark)
{
    apr_uint64_t name;

    memcpy(&name, mark->of.bytes, sizeof name);
    return name ^ (apr_uint64_t)mark->not_before;
}

void rs_shm_marks_pass_on(rs_shm_marks_t *ring, const rs_mark_t *mark,
                          apr_interval_time_t retention, apr_time_t heard_at)
{
    apr_uint64_t name = name_of(mark);

    if (atomic_exchange(&ring->shared->lately[name % LATELY], name) != name)
        (void)rs_shm_marks_publish(ring, mark, retention, heard_at);
}

void rs_shm_marks_set_whole(rs_shm_marks_t *ring, apr_uint64_t where)
{
    if (atomic_load(&ring->shared->whole_of) != where)
        atomic_store(&ring->shared->whole_of, where);
}

bool rs_shm_marks_is_whole(const rs_shm_marks_t *ring, apr_uint64_t where)
{
    return atomic_load(&ring->shared->whole_of) == where;
}

apr_time_t rs_shm_marks_closed_at(const rs_shm_marks_t *ring)
{
    return atomic_load(&ring->shared->closed_at);
}

typedef enum { PLACE_READ, PLACE_LATER, PLACE_LOST } place_state_t;

static place_state_t read_place(place_t *place, apr_uint64_t number, rs_mark_t *mark,
                                apr_time_t *counts_from)
{
    apr_uint64_t was = atomic_load(&place->state), filled = state_of(number, FILLED);

    if (was < filled)
        return PLACE_LATER;
    *mark = place->mark;
    *counts_from = atomic_load(&place->counts_from);
    atomic_thread_fence(memory_order_seq_cst);
    /* Given up; or another one has been written over it, or is being. */
    return was == filled && atomic_load(&place->state) == filled ? PLACE_READ : PLACE_LOST;
}

/* Is it not worth waiting for this place any more? Then it is lost for all readers: who comes later
 * passes it at once, and its writer, should he live, sees it and takes another. */
static bool give_up(rs_shm_marks_cursor_t *cursor, place_t *place, apr_time_t now)
{
    apr_uint64_t was = atomic_load(&place->state);

    if (!cursor->stuck_since)
        cursor->stuck_since = now;
    return now - cursor->stuck_since >= STUCK_MAX && was < state_of(cursor->next, FILLED) &&
           atomic_compare_exchange_strong(&place->state, &was, state_of(cursor->next, LOST));
}

void rs_shm_marks_read(rs_shm_marks_t *ring, rs_shm_marks_cursor_t *cursor, rs_marks_t *marks,
                       apr_time_t now)
{
    apr_uint64_t taken = atomic_load(&ring->shared->taken);
    apr_time_t counts_from;
    rs_mark_t mark;

    if (cursor->next + ring->capacity < taken)
        cursor->next = taken - ring->capacity;
    for (; cursor->next < taken; cursor->next++) {
        place_t *place = &ring->shared->places[cursor->next % ring->capacity];
        place_state_t state = read_place(place, cursor->next, &mark, &counts_from);
        if (state == PLACE_LATER && !give_up(cursor, place, now))
            return;
        cursor->stuck_since = 0;
        /* The ring keeps a mark until its place is taken again, whenever that is. */
        if (state == PLACE_READ && !rs_mark_is_spent(counts_from, rs_marks_retention(marks), now))
            (void)rs_marks_add(marks, &mark, counts_from);
    }
}
