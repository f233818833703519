/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A ring of marks in shared memory. The mark with number n stands in place n % capacity; `filled`
 * of the place is n + 1 once it can be read, and 0 while somebody writes there. */
#include "httpd/rs_shm_marks.h"

#include <apr_shm.h>
#include <stdatomic.h>
#include <string.h>

/* Whoever takes longer to fill a place has died there. */
#define STUCK_MAX apr_time_from_sec(2)

typedef struct {
    _Atomic apr_uint64_t filled;
    _Atomic apr_int64_t written_at;
    rs_mark_t mark;
} place_t;

typedef struct {
    _Atomic apr_uint64_t taken;    /* places, ever */
    _Atomic apr_int64_t closed_at; /* 0: never */
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
    apr_int64_t written_at = atomic_load(&place->written_at);
    bool early = number >= ring->capacity && now - written_at < retention;

    if (early)
        close_ring(shared, now);
    atomic_store(&place->filled, 0);
    atomic_thread_fence(memory_order_seq_cst);
    place->mark = *mark;
    atomic_store(&place->written_at, now);
    atomic_store(&place->filled, number + 1);
    return early ? APR_ENOSPC : APR_SUCCESS;
}

typedef enum { PLACE_READ, PLACE_LATER, PLACE_LOST } place_state_t;

static place_state_t read_place(place_t *place, apr_uint64_t number, rs_mark_t *mark)
{
    apr_uint64_t filled = atomic_load(&place->filled);

    if (filled < number + 1)
        return PLACE_LATER;
    *mark = place->mark;
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
    shared_t *shared = ring->shared;
    apr_uint64_t taken = atomic_load(&shared->taken);
    apr_int64_t closed_at;
    rs_mark_t mark;

    if (cursor->next + ring->capacity < taken)
        cursor->next = taken - ring->capacity;
    for (; cursor->next < taken; cursor->next++) {
        place_state_t state =
            read_place(&shared->places[cursor->next % ring->capacity], cursor->next, &mark);
        if (state == PLACE_LATER && is_stuck(cursor, now))
            return;
        cursor->stuck_since = 0;
        if (state == PLACE_READ)
            (void)rs_marks_add(marks, &mark, now);
    }
    closed_at = atomic_load(&shared->closed_at);
    if (closed_at && now - closed_at <= rs_marks_retention(marks))
        rs_marks_close(marks, closed_at);
}
