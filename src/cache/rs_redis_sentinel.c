/* Licensed under the Apache License, Version 2.0; see LICENSE. */
#include "cache/rs_redis_map.h"
apr_status_t rs_redis_map_sentinel(rs_redis_map_t **map, const rs_redis_dial_t *dial,
                                   rs_redis_pool_t *pool, apr_pool_t *p)
{
    (void)map;
    (void)dial;
    (void)pool;
    (void)p;
    return APR_ENOTIMPL;
}
