/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A lock between processes with a bounded wait. */
#include "httpd/rs_shm_lock.h"

#include <apr_atomic.h>
#include <apr_errno.h>

#define POLL_INTERVAL apr_time_from_msec(1)

void rs_shm_lock_init(rs_shm_lock_t *lock, apr_global_mutex_t *mutex, apr_interval_time_t wait)
{
    lock->mutex = mutex;
    lock->wait = wait;
    lock->in_trouble = 0;
    lock->changed = NULL;
}

void rs_shm_lock_on_change(rs_shm_lock_t *lock, rs_shm_lock_changed_fn *changed, void *data)
{
    lock->changed = changed;
    lock->data = data;
}

/* For mechanisms that cannot wait for a limited time. */
static apr_status_t poll_for(rs_shm_lock_t *lock, apr_interval_time_t wait)
{
    apr_interval_time_t waited;
    apr_status_t status;

    for (waited = 0; waited < wait; waited += POLL_INTERVAL) {
        status = apr_global_mutex_trylock(lock->mutex);
        if (!APR_STATUS_IS_EBUSY(status))
            return status;
        apr_sleep(POLL_INTERVAL);
    }
    return APR_TIMEUP;
}

static apr_status_t wait_for(rs_shm_lock_t *lock, apr_interval_time_t wait)
{
    apr_status_t status = apr_global_mutex_timedlock(lock->mutex, wait);

    return APR_STATUS_IS_ENOTIMPL(status) ? poll_for(lock, wait) : status;
}

apr_status_t rs_shm_lock_acquire(rs_shm_lock_t *lock)
{
    apr_uint32_t was_in_trouble = apr_atomic_read32(&lock->in_trouble);
    apr_status_t status = wait_for(lock, was_in_trouble ? RS_SHM_LOCK_WAIT_IN_TROUBLE : lock->wait);
    apr_uint32_t in_trouble = status != APR_SUCCESS;

    if (in_trouble == was_in_trouble)
        return status;
    apr_atomic_set32(&lock->in_trouble, in_trouble);
    if (lock->changed)
        lock->changed(lock->data, in_trouble != 0);
    return status;
}

void rs_shm_lock_release(rs_shm_lock_t *lock)
{
    (void)apr_global_mutex_unlock(lock->mutex);
}
