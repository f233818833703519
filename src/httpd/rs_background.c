/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Work in mod_watchdog's threads.
 *
 * mod_watchdog does not join these threads before pchild goes, with the connections, caches and
 * keys that they may be using, and a child does not join them at all: they run into exit(), with
 * what that takes away. So the end of pchild begins with the end of all work: calls to issuers are
 * broken off, and whoever works gives back what libcrypto keeps for his thread before he says that
 * he has finished. */
#include "httpd/rs_background.h"
#include "base/rs_clock.h"
#include "httpd/rs_revocation.h"

#include <apr_atomic.h>
#include <apr_optional.h>
#include <apr_signal.h>
#include <apr_thread_rwlock.h>
#include <http_log.h>
#include <mod_watchdog.h>

APLOG_USE_MODULE(oauth2_rs);

#define TEND_INTERVAL apr_time_from_sec(1)
#define MARKS_INTERVAL apr_time_from_msec(300)
#define END_WAIT_MAX apr_time_from_sec(5)
#define END_WAIT_STEP apr_time_from_msec(2)

struct rs_background_t {
    rs_runtime_t *runtime;
    apr_pool_t *p;
    apr_thread_rwlock_t *lock; /* read by who works; NULL: not in a child yet */
    apr_uint32_t leaving;
};

/* ---- who works, and who waits for his end ---- */

static bool is_leaving(rs_background_t *background)
{
    return apr_atomic_read32(&background->leaving);
}

/* True: nothing is taken away until end_work(). */
static bool begin_work(rs_background_t *background)
{
    if (!background->lock || is_leaving(background) ||
        apr_thread_rwlock_rdlock(background->lock) != APR_SUCCESS)
        return false;
    if (!is_leaving(background))
        return true;
    apr_thread_rwlock_unlock(background->lock);
    return false;
}

static void end_work(rs_background_t *background)
{
    /* Before the unlock: nobody waits for the thread after that, and exit() ends libcrypto. */
    rs_crypto_leave_thread();
    apr_thread_rwlock_unlock(background->lock);
}

/* With the prefork MPM this may run in a signal handler on top of a request, which may hold what
 * the one who works is waiting for: then nobody ends, and httpd would kill this process after nine
 * seconds. */
static void wait_for_end(rs_background_t *background)
{
    bool bounded = background->runtime->services.one_thread;
    apr_time_t end = rs_clock() + END_WAIT_MAX;
    apr_status_t status = bounded ? apr_thread_rwlock_trywrlock(background->lock)
                                  : apr_thread_rwlock_wrlock(background->lock);

    while (status != APR_SUCCESS && bounded && rs_clock() < end) {
        apr_sleep(END_WAIT_STEP);
        status = apr_thread_rwlock_trywrlock(background->lock);
    }
    if (status == APR_SUCCESS)
        apr_thread_rwlock_unlock(background->lock);
}

static apr_status_t leave(void *data)
{
    rs_background_t *background = data;

    apr_atomic_set32(&background->leaving, 1);
    if (background->runtime->services.http)
        atomic_store(&background->runtime->services.http->ending, true);
    if (background->runtime->revocation)
        rs_revocation_leave(background->runtime->revocation);
    wait_for_end(background);
    return APR_SUCCESS;
}

/* ---- the work ---- */

static void tend(rs_background_t *background, apr_pool_t *ptemp)
{
    rs_runtime_t *runtime = background->runtime;
    int i;

    if (!runtime->services.http)
        return;
    for (i = 0; i < runtime->slots->nelts && !is_leaving(background); i++)
        rs_provider_tend(APR_ARRAY_IDX(runtime->slots, i, rs_slot_t *)->provider, apr_time_now(),
                         ptemp);
}

static void read_marks(rs_background_t *background, apr_pool_t *ptemp)
{
    rs_revocation_poll(background->runtime->revocation, apr_time_now(), ptemp);
}

static apr_status_t work(int state, rs_background_t *background,
                         void (*what)(rs_background_t *, apr_pool_t *), apr_pool_t *ptemp)
{
    /* Else this thread may get the signal that ends a process of the prefork MPM, and wait for
     * itself. */
    if (state == AP_WATCHDOG_STATE_STARTING)
        apr_setup_signal_thread();
    if (state != AP_WATCHDOG_STATE_RUNNING || !begin_work(background))
        return APR_SUCCESS;
    what(background, ptemp);
    end_work(background);
    return APR_SUCCESS;
}

static apr_status_t on_tend(int state, void *data, apr_pool_t *ptemp)
{
    return work(state, data, tend, ptemp);
}

static apr_status_t on_read_marks(int state, void *data, apr_pool_t *ptemp)
{
    return work(state, data, read_marks, ptemp);
}

/* ---- mod_watchdog ---- */

typedef struct {
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) * get;
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) * enroll;
} watchdogs_t;

static bool has_watchdogs(watchdogs_t *watchdogs)
{
    watchdogs->get = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    watchdogs->enroll = APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    return watchdogs->get && watchdogs->enroll;
}

int rs_background_check(const rs_cache_spec_t *cache, server_rec *s)
{
    watchdogs_t watchdogs;

    if (!cache->revocation || has_watchdogs(&watchdogs))
        return OK;
    ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s,
                 "RS0619: OAuth2RSRevocation needs mod_watchdog: add LoadModule watchdog_module");
    return HTTP_INTERNAL_SERVER_ERROR;
}

static apr_status_t enroll(const watchdogs_t *watchdogs, rs_background_t *background,
                           const char *name, apr_interval_time_t interval,
                           ap_watchdog_callback_fn_t *callback)
{
    ap_watchdog_t *watchdog;
    apr_status_t status = watchdogs->get(&watchdog, name, 0, 0, background->p);

    return status == APR_SUCCESS ? watchdogs->enroll(watchdog, interval, background, callback)
                                 : status;
}

int rs_background_create(rs_background_t **background, rs_runtime_t *runtime, server_rec *s,
                         apr_pool_t *p)
{
    rs_background_t *made = apr_pcalloc(p, sizeof *made);
    watchdogs_t watchdogs;
    apr_status_t status;

    *background = NULL;
    if (!has_watchdogs(&watchdogs))
        return rs_background_check(runtime->cache, s);
    made->runtime = runtime;
    made->p = p;
    status = enroll(&watchdogs, made, "_oauth2_rs_", TEND_INTERVAL, on_tend);
    if (status != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_WARNING, status, s,
                     "RS0617: no background refresh of keys: mod_watchdog refused; requests "
                     "refresh them instead");
    /* In a thread of its own: an issuer that is slow delays no revocation. */
    if (runtime->cache->revocation &&
        (status = enroll(&watchdogs, made, "_oauth2_rs_marks_", MARKS_INTERVAL, on_read_marks)) !=
            APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, status, s,
                     "RS0620: OAuth2RSRevocation: mod_watchdog refused");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    *background = made;
    return OK;
}

apr_status_t rs_background_child_init(rs_background_t *background, apr_pool_t *pchild)
{
    apr_status_t status = apr_thread_rwlock_create(&background->lock, background->p);

    if (status == APR_SUCCESS)
        apr_pool_pre_cleanup_register(pchild, background, leave);
    return status;
}
