/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Snapshots: a count and a pool. */
#include "provider/rs_snapshot.h"

#include <stdatomic.h>
#include <stddef.h>

struct rs_snapshot_t {
    atomic_uint references;
    apr_pool_t *pool;
    const void *content;
};

apr_pool_t *rs_snapshot_pool(const char *tag)
{
    apr_pool_t *pool;

    if (apr_pool_create_unmanaged(&pool) != APR_SUCCESS)
        return NULL;
    apr_pool_tag(pool, tag);
    return pool;
}

rs_snapshot_t *rs_snapshot_create(const void *content, apr_pool_t *pool)
{
    rs_snapshot_t *snapshot = apr_palloc(pool, sizeof *snapshot);

    atomic_init(&snapshot->references, 1);
    snapshot->pool = pool;
    snapshot->content = content;
    return snapshot;
}

const void *rs_snapshot_content(const rs_snapshot_t *snapshot)
{
    return snapshot->content;
}

rs_snapshot_t *rs_snapshot_retain(rs_snapshot_t *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void rs_snapshot_release(rs_snapshot_t *snapshot)
{
    if (snapshot && atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) == 1)
        apr_pool_destroy(snapshot->pool);
}

static apr_status_t release_late(void *data)
{
    rs_snapshot_release(data);
    return APR_SUCCESS;
}

void rs_snapshot_release_with(rs_snapshot_t *snapshot, apr_pool_t *p)
{
    apr_pool_cleanup_register(p, snapshot, release_late, apr_pool_cleanup_null);
}
