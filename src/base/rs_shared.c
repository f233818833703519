/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Anonymous shared memory. */
#include "base/rs_shared.h"

#include <apr_shm.h>

void *rs_shared_memory(apr_size_t bytes, apr_pool_t *p)
{
    apr_shm_t *shm;

    /* Comes as zeroes; the segment goes with p. */
    if (apr_shm_create(&shm, bytes, NULL, p) == APR_SUCCESS)
        return apr_shm_baseaddr_get(shm);
    return apr_pcalloc(p, bytes);
}
