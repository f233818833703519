/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* One way for revocations, whichever tier is shared. */
#include "httpd/rs_revocation.h"
#include "base/rs_clock.h"
#include "base/rs_limits.h"
#include "httpd/rs_shm_marks.h"

#include <apr_thread_mutex.h>
#include <stdatomic.h>

/* With the number of the format: a newer module of a graceful restart begins anew. */
#define RING_KEY "mod_oauth2_rs marks 3"
/* Processes that hear of the same mark in the same moment may take two places for it. */
#define RING_PLACES (2 * RS_MARKS_MAX)

/* mod_watchdog looks three times a second. */
#define LOOK_AGAIN apr_time_from_sec(1)
#define LOOK_WAIT_MAX apr_time_from_sec(1)
#define LOOK_WAIT_STEP apr_time_from_msec(1)
/* Of the stream, read again by a request: it has other things to do. */
#define PAGES_OF_REQUEST 2

struct rs_revocation_t {
    rs_revocation_spec_t spec;
    rs_shm_marks_t *ring;
    /* of this process */
    const rs_log_t *log;
    rs_marks_t *marks;
    rs_marks_stream_t *stream;     /* NULL: nobody but this httpd revokes */
    _Atomic apr_int64_t looked_at; /* rs_clock() */
    atomic_bool well;              /* that look: Redis answered */
    atomic_bool leaving;
    apr_thread_mutex_t *lock; /* guards what follows */
    rs_shm_marks_cursor_t cursor;
    apr_time_t closed_at; /* what the log was told */
    rs_log_quiet_t closed, blind;
};

/* The processes that a graceful restart leaves behind, and those that it brings, have one ring. */
static apr_status_t open_ring(rs_shm_marks_t **ring, server_rec *s)
{
    apr_pool_t *pool = s->process->pool;
    void *kept = NULL;
    apr_status_t status = apr_pool_userdata_get(&kept, RING_KEY, pool);

    if (status != APR_SUCCESS || kept) {
        *ring = kept;
        return status;
    }
    status = rs_shm_marks_create(ring, RING_PLACES, pool);
    return status == APR_SUCCESS ? apr_pool_userdata_set(*ring, RING_KEY, NULL, pool) : status;
}

apr_status_t rs_revocation_create(rs_revocation_t **revocation, const rs_revocation_spec_t *spec,
                                  server_rec *s, apr_pool_t *p)
{
    rs_revocation_t *made = apr_pcalloc(p, sizeof *made);

    made->spec = *spec;
    *revocation = made;
    return open_ring(&made->ring, s);
}

/* ---- looking, with the lock held ---- */

static void read_ring(rs_revocation_t *self, apr_time_t now)
{
    rs_shm_marks_read(self->ring, &self->cursor, self->marks, now);
}

/* The stream has what this process did not know. Others read the stream, too. */
static void pass_on(void *baton, const rs_mark_t *mark, apr_time_t heard_at)
{
    rs_revocation_t *self = baton;

    read_ring(self, apr_time_now());
    if (!rs_marks_has(self->marks, mark))
        rs_shm_marks_pass_on(self->ring, mark, self->spec.retention, heard_at);
}

/* What the ring has forgotten stands in the stream, for whoever has read that. */
static void close_with_ring(rs_revocation_t *self, apr_time_t now)
{
    apr_time_t closed_at = rs_shm_marks_closed_at(self->ring);

    if (closed_at && now - closed_at <= self->spec.retention)
        rs_marks_close(self->marks, closed_at);
}

static void tell_closed(rs_revocation_t *self, apr_time_t now)
{
    apr_time_t closed_at = rs_marks_closed_at(self->marks);
    apr_uint32_t kept_back;
    char when[APR_RFC822_DATE_LEN];

    if (closed_at <= self->closed_at || !rs_log_quiet_ask(&self->closed, now, &kept_back))
        return;
    self->closed_at = closed_at;
    apr_rfc822_date(when, closed_at);
    rs_log(self->log, RS_LOG_ERROR,
           "RS0433: more than %d revocations: not all can be kept, so every token that was issued "
           "before %s is refused (%u more since the last line)",
           RS_MARKS_MAX, when, kept_back);
}

static void tell_blind(rs_revocation_t *self, bool blind, apr_time_t now)
{
    apr_uint32_t kept_back;

    if (blind && rs_log_quiet_ask(&self->blind, now, &kept_back))
        rs_log(self->log, RS_LOG_WARNING,
               "RS0434: Redis has not answered since this server was started: what was revoked "
               "before is not known yet, and %s (%u more since the last line)",
               self->spec.required
                   ? "no token is accepted until it is (OAuth2RSRevocation required)"
                   : "is accepted until it is",
               kept_back);
    else if (!blind && rs_log_quiet_over(&self->blind))
        rs_log(self->log, RS_LOG_NOTICE, "RS0435: what was revoked before is known now");
}

static void note_look(rs_revocation_t *self, bool well)
{
    atomic_store(&self->well, well);
    atomic_store(&self->looked_at, rs_clock());
}

/* What is new, and then, while nobody waits for it any more, some of what may have been missed. */
static void look_into_stream(rs_revocation_t *self, unsigned pages, apr_time_t now,
                             apr_pool_t *ptemp)
{
    bool well = rs_marks_stream_poll(self->stream, now, ptemp) == APR_SUCCESS;

    note_look(self, well);
    if (well)
        (void)rs_marks_stream_read_again(self->stream, pages, now, ptemp);
}

/* pages: of the stream, see rs_marks_stream_read_again(). */
static void look(rs_revocation_t *self, unsigned pages, apr_time_t now, apr_pool_t *ptemp)
{
    bool whole;

    /* First: what others have passed on need not be passed on again. */
    read_ring(self, now);
    if (self->stream)
        look_into_stream(self, pages, now, ptemp);
    whole = !self->stream || rs_marks_stream_is_whole(self->stream);
    if (self->stream && whole)
        rs_shm_marks_set_whole(self->ring, self->spec.where);
    else
        close_with_ring(self, now);
    whole = whole || rs_shm_marks_is_whole(self->ring, self->spec.where);
    rs_marks_set_blind(self->marks, self->spec.required && !whole);
    rs_marks_sweep(self->marks, now);
    tell_blind(self, !whole, now);
    tell_closed(self, now);
    if (!self->stream)
        note_look(self, true);
}

/* ---- when ---- */

static bool is_late(rs_revocation_t *self)
{
    return rs_clock() - atomic_load(&self->looked_at) > LOOK_AGAIN;
}

/* Somebody looks: who judges before he has seen all would accept what was revoked meanwhile. Of a
 * Redis that was not well nobody expects news. */
static void wait_for_look(rs_revocation_t *self)
{
    apr_time_t end = rs_clock() + LOOK_WAIT_MAX;

    while (is_late(self) && atomic_load(&self->well) && rs_clock() < end)
        apr_sleep(LOOK_WAIT_STEP);
}

/* mod_watchdog leaves a process before its last requests are served, and those may take long: its
 * marks would stay as they are. */
static void look_late(void *baton, apr_pool_t *p)
{
    rs_revocation_t *self = baton;
    apr_pool_t *ptemp;

    if (!is_late(self))
        return;
    if (apr_thread_mutex_trylock(self->lock) != APR_SUCCESS) {
        wait_for_look(self);
        return;
    }
    if (is_late(self)) {
        apr_pool_create(&ptemp, p);
        look(self, PAGES_OF_REQUEST, apr_time_now(), ptemp);
        apr_pool_destroy(ptemp);
    }
    apr_thread_mutex_unlock(self->lock);
}

static void look_now(rs_revocation_t *self, unsigned pages, apr_time_t now, apr_pool_t *ptemp)
{
    apr_thread_mutex_lock(self->lock);
    look(self, pages, now, ptemp);
    apr_thread_mutex_unlock(self->lock);
}

void rs_revocation_poll(rs_revocation_t *revocation, apr_time_t now, apr_pool_t *ptemp)
{
    if (revocation->marks)
        look_now(revocation, RS_MARKS_PAGES_SOME, now, ptemp);
}

void rs_revocation_leave(rs_revocation_t *revocation)
{
    atomic_store(&revocation->leaving, true);
}

apr_status_t rs_revocation_child_init(rs_revocation_t *revocation, rs_tier_t *tier,
                                      const rs_seal_t *seal, const rs_log_t *log,
                                      apr_pool_t *pchild)
{
    rs_marks_t *marks;
    apr_pool_t *ptemp;
    apr_status_t status = rs_marks_create(&marks, revocation->spec.retention, pchild);

    if (status == APR_SUCCESS)
        status = apr_thread_mutex_create(&revocation->lock, APR_THREAD_MUTEX_DEFAULT, pchild);
    if (status == APR_SUCCESS && tier)
        status = rs_marks_stream_create(&revocation->stream, marks, tier, seal, log, pchild);
    if (status != APR_SUCCESS)
        return status;
    if (revocation->stream) {
        rs_marks_stream_set_tell(revocation->stream, pass_on, revocation);
        rs_marks_stream_set_stop(revocation->stream, &revocation->leaving);
    }
    revocation->log = log;
    revocation->marks = marks;
    rs_marks_set_look(marks, look_late, revocation);
    apr_pool_create(&ptemp, pchild);
    look_now(revocation, RS_MARKS_PAGES_ALL, apr_time_now(), ptemp);
    apr_pool_destroy(ptemp);
    return APR_SUCCESS;
}

rs_marks_t *rs_revocation_marks(const rs_revocation_t *revocation)
{
    return revocation->marks;
}

apr_status_t rs_revocation_publish(rs_revocation_t *revocation, const rs_mark_t *mark,
                                   const char **why, apr_time_t now, apr_pool_t *p)
{
    *why = "this process does not hear of revocations";
    if (!revocation->marks)
        return APR_EGENERAL;
    (void)rs_marks_add(revocation->marks, mark, now);
    *why = "other processes were telling theirs at the same time, and do not know";
    if (!revocation->stream)
        return rs_shm_marks_publish(revocation->ring, mark, revocation->spec.retention, now);
    /* Whatever Redis says: this httpd knows, in processes to come as well. */
    rs_shm_marks_pass_on(revocation->ring, mark, revocation->spec.retention, now);
    *why = "on this host only, since Redis has not taken it";
    /* APR_ENOSPC would say that everybody hears of it: it is also what a full Redis says. */
    return rs_marks_stream_publish(revocation->stream, mark, now, p) == APR_SUCCESS ? APR_SUCCESS
                                                                                    : APR_EGENERAL;
}
