/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A lock between processes that nobody waits for without end. */
#ifndef RS_SHM_LOCK_H
#define RS_SHM_LOCK_H

#include <apr_global_mutex.h>
#include <stdbool.h>

/* What it guards takes microseconds; whoever waits longer than this meets a holder that is stopped
 * or swapped out. On a busy machine with many processes a holder may have to wait for its turn. */
#define RS_SHM_LOCK_WAIT apr_time_from_msec(500)
/* After such a failure. */
#define RS_SHM_LOCK_WAIT_IN_TROUBLE apr_time_from_msec(10)

/* Told when the lock cannot be had, and when it can be had again; of several threads at once, by
 * each that saw it. */
typedef void rs_shm_lock_changed_fn(void *data, bool in_trouble);

/* The members are each process's own; only the mutex is shared.
 *
 * A holder that dies: APR's pthread mutexes are robust where the system has that (Linux), fcntl,
 * flock and sysvsem give the lock back as well; posixsem does not, and then every attempt fails,
 * none hangs. */
typedef struct {
    apr_global_mutex_t *mutex;
    apr_interval_time_t wait;
    volatile apr_uint32_t
        in_trouble; /* 1: the last attempt failed; hardly any waiting until one succeeds */
    rs_shm_lock_changed_fn *changed; /* NULL: nobody wants to know */
    void *data;
} rs_shm_lock_t;

void rs_shm_lock_init(rs_shm_lock_t *lock, apr_global_mutex_t *mutex, apr_interval_time_t wait);
void rs_shm_lock_on_change(rs_shm_lock_t *lock, rs_shm_lock_changed_fn *changed, void *data);

/* Waits at most lock->wait, and hardly after a failure. Any status but APR_SUCCESS: not
 * acquired. */
apr_status_t rs_shm_lock_acquire(rs_shm_lock_t *lock);
void rs_shm_lock_release(rs_shm_lock_t *lock);

#endif
