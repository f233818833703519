/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* One way for revocations, whichever tier is shared. */
#include "httpd/rs_revocation.h"
#include "base/rs_limits.h"
#include "httpd/rs_shm_marks.h"

/* With the number of the format: a newer module of a graceful restart begins anew. */
#define RING_KEY "mod_oauth2_rs marks 1"

struct rs_revocation_t {
    apr_interval_time_t retention;
    rs_shm_marks_t *ring; /* NULL: Redis */
    rs_shm_marks_cursor_t cursor;
    rs_marks_stream_t *stream; /* of this process; NULL: shared memory */
    rs_marks_t *marks;         /* of this process */
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
    status = rs_shm_marks_create(ring, RS_MARKS_MAX, pool);
    return status == APR_SUCCESS ? apr_pool_userdata_set(*ring, RING_KEY, NULL, pool) : status;
}

apr_status_t rs_revocation_create(rs_revocation_t **revocation, apr_interval_time_t retention,
                                  bool shm, server_rec *s, apr_pool_t *p)
{
    rs_revocation_t *made = apr_pcalloc(p, sizeof *made);

    made->retention = retention;
    *revocation = made;
    return shm ? open_ring(&made->ring, s) : APR_SUCCESS;
}

apr_status_t rs_revocation_child_init(rs_revocation_t *revocation, rs_tier_t *tier,
                                      const rs_seal_t *seal, const rs_log_t *log,
                                      apr_pool_t *pchild)
{
    rs_marks_t *marks;
    apr_status_t status = rs_marks_create(&marks, revocation->retention, pchild);

    if (status == APR_SUCCESS && !revocation->ring)
        status = rs_marks_stream_create(&revocation->stream, marks, tier, seal, log, pchild);
    if (status != APR_SUCCESS)
        return status;
    revocation->marks = marks;
    rs_revocation_poll(revocation, apr_time_now(), pchild);
    return APR_SUCCESS;
}

rs_marks_t *rs_revocation_marks(const rs_revocation_t *revocation)
{
    return revocation->marks;
}

void rs_revocation_poll(rs_revocation_t *revocation, apr_time_t now, apr_pool_t *ptemp)
{
    if (!revocation->marks)
        return;
    if (revocation->stream) {
        rs_marks_stream_poll(revocation->stream, now, ptemp);
        return;
    }
    rs_shm_marks_read(revocation->ring, &revocation->cursor, revocation->marks, now);
    rs_marks_sweep(revocation->marks, now);
}

apr_status_t rs_revocation_publish(rs_revocation_t *revocation, const rs_mark_t *mark,
                                   apr_time_t now, apr_pool_t *p)
{
    if (!revocation->marks)
        return APR_EGENERAL;
    (void)rs_marks_add(revocation->marks, mark, now);
    if (revocation->stream)
        return rs_marks_stream_publish(revocation->stream, mark, now, p);
    return rs_shm_marks_publish(revocation->ring, mark, revocation->retention, now);
}
