/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Memory that the processes of one httpd share. What stands in it must be atomic: there is no lock.
 */
#ifndef RS_SHARED_H
#define RS_SHARED_H

#include <apr_pools.h>

/* Before the fork: `bytes` of zeroes that all children have in common, as long as p lives. Where
 * the system has no such memory, of this process alone: each child then goes on with a copy. */
void *rs_shared_memory(apr_size_t bytes, apr_pool_t *p);

#endif
