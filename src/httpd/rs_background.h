/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What a process does besides its requests, in threads of mod_watchdog: keys are fetched anew
 * before they are too old, and news of revocations are read. */
#ifndef RS_BACKGROUND_H
#define RS_BACKGROUND_H

#include "httpd/rs_runtime.h"

/* Threads that may each need a connection at a time: keys, revocations. */
#define RS_BACKGROUND_THREADS 2

typedef struct rs_background_t rs_background_t;

/* OK, or a line in the log of s (NULL: where httpd tells what is wrong with its configuration):
 * without mod_watchdog the request that finds keys old refreshes them; revocations have no such
 * request. */
int rs_background_check(const rs_cache_spec_t *cache, server_rec *s);

/* Before the fork. *background is NULL without mod_watchdog. Lives as long as p, which must outlive
 * the children. OK, or a line in the log of s. */
int rs_background_create(rs_background_t **background, rs_runtime_t *runtime, server_rec *s,
                         apr_pool_t *p);

/* In each child, when all is there that the work needs; before that none is done. The end of pchild
 * begins with the end of the work: what is under way is broken off or waited for. */
apr_status_t rs_background_child_init(rs_background_t *background, apr_pool_t *pchild);

#endif
