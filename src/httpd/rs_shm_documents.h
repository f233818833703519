/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A few documents in anonymous shared memory: key sets and metadata, so that one process of this
 * httpd fetches and the others find. Knows APR, not httpd.
 *
 * A fixed number of places for documents of a bounded size; when all are taken, the one that was
 * stored first gives way. Losing a document costs a fetch, nothing else. */
#ifndef RS_SHM_DOCUMENTS_H
#define RS_SHM_DOCUMENTS_H

#include "base/rs_digest.h"
#include "httpd/rs_shm_lock.h"

#include <apr_time.h>

#define RS_SHM_DOCUMENT_BYTES_MAX (32 * 1024 - 64) /* with what stands beside it: 32 KiB */

typedef struct rs_shm_documents_t rs_shm_documents_t;

/* Before the fork; all children inherit the memory (at most `bytes`, and one place at least), which
 * lives as long as p. */
apr_status_t rs_shm_documents_create(rs_shm_documents_t **documents, apr_size_t bytes,
                                     rs_shm_lock_t *lock, apr_pool_t *p);

/* The two below: from any thread of any process that inherited the memory. A status that is not
 * named comes from the lock: nothing was done. */

/* APR_SUCCESS: *value is a copy in p. APR_NOTFOUND. */
apr_status_t rs_shm_documents_fetch(rs_shm_documents_t *documents, const rs_sha256_t *key,
                                    const unsigned char **value, apr_size_t *len, apr_time_t now,
                                    apr_pool_t *p);

/* In place of what is there. APR_ENOSPC: larger than RS_SHM_DOCUMENT_BYTES_MAX. */
apr_status_t rs_shm_documents_store(rs_shm_documents_t *documents, const rs_sha256_t *key,
                                    const unsigned char *value, apr_size_t len, apr_time_t expires,
                                    apr_time_t now);

#endif
