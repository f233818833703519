/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Something immutable in a pool of its own, reference-counted: readers keep the version they began
 * with while another takes its place. */
#ifndef RS_SNAPSHOT_H
#define RS_SNAPSHOT_H

#include <apr_pools.h>

typedef struct rs_snapshot_t rs_snapshot_t;

/* An unmanaged pool for what will be a snapshot's content; NULL: no memory. */
apr_pool_t *rs_snapshot_pool(const char *tag);

/* With one reference; pool is the snapshot's from here on, and goes with the last one. */
rs_snapshot_t *rs_snapshot_create(const void *content, apr_pool_t *pool);
const void *rs_snapshot_content(const rs_snapshot_t *snapshot);

/* One reference more. The caller has one, or the lock that guards the pointer to it. */
rs_snapshot_t *rs_snapshot_retain(rs_snapshot_t *snapshot);
void rs_snapshot_release(rs_snapshot_t *snapshot); /* NULL is fine */
/* Release when p is cleared. */
void rs_snapshot_release_with(rs_snapshot_t *snapshot, apr_pool_t *p);

#endif
