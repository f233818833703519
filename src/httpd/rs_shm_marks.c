/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A ring of marks in shared memory. The mark with number n stands in place n % capacity; `filled`
 * of the place is n + 1 once it can be read, and 0 while somebody writes there. */
#include "httpd/rs_shm_marks.h"

#include <apr_shm.h>
#include <stdatomic.h>
#include <string.h>

/* Whoever takes longer to fill a place has died there. */
#define STUCK_MAX apr_time_from_sec(2)
/* What was passed on lately, of those who hear of a mark in the same moment. */
#define LATELY 4096

typedef struct {
    _Atomic apr_uint64_t filled;
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

apr_status_t rs_shm_marks_publish(rs_shm_marks_t *ring, const rs_mark_t *mark,
                                  apr_interval_time_t retention, apr_time_t now)
{
    shared_t *shared = ring->shared;
    apr_uint64_t number = atomic_fetch_add(&shared->taken, 1);
    place_t *place = &shared->places[number % ring->capacity];
    apr_int64_t counts_from = atomic_load(&place->counts_from);
    bool early = number >= ring->capacity && now - counts_from < retention;

    if (early)
        close_ring(shared, now > counts_from ? now : counts_from);
    atomic_store(&place->filled, 0);
    atomic_thread_fence(memory_order_seq_cst);
    place->mark = *mark;
    atomic_store(&place->counts_from, rs_mark_counts_from(mark, now));
    atomic_store(&place->filled, number + 1);
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
    apr_uint64_t filled = atomic_load(&place->filled);

    if (filled < number + 1)
        return PLACE_LATER;
    *mark = place->mark;
    *counts_from = atomic_load(&place->counts_from);
    atomic_thread_fence(memory_order_seq_cst);
    /* Another one has been written over it, or is being. */
    return filled == number + 1 && atomic_load(&place->filled) == filled ? PLACE_READ : PLACE_LOST;
}

/* Is it worth waiting for this place? */
static bool is_stuck(rs_shm_marks_cursor_t *cursor, apr_time_t now)
{
    if (!cursor->stuck_since)
        cursor->stuck_since = now;
    return now - cursor->stuck_since < STUCK_MAX;
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
        place_state_t state = read_place(&ring->shared->places[cursor->next % ring->capacity],
                                         cursor->next, &mark, &counts_from);
        if (state == PLACE_LATER && is_stuck(cursor, now))
            return;
        cursor->stuck_since = 0;
        /* The ring keeps a mark until its place is taken again, whenever that is. */
        if (state == PLACE_READ && counts_from + rs_marks_retention(marks) > now)
            (void)rs_marks_add(marks, &mark, counts_from);
    }
}
