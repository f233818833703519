/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What is built from a checked configuration, and what each process adds to it. */
#ifndef RS_RUNTIME_H
#define RS_RUNTIME_H

#include "httpd/rs_config.h"

/* One for the whole httpd. Made in post_config; each child sets the members of services in
 * child_init, before its first request; nothing changes after that. */
typedef struct rs_runtime_t {
    rs_services_t services;
    apr_array_header_t *slots; /* rs_slot_t * of all hosts */
    rs_cache_spec_t *cache;
    struct rs_seal_t *seal;             /* NULL: no Redis */
    struct rs_revocation_t *revocation; /* NULL: off */
    struct rs_background_t *background; /* NULL: there is no mod_watchdog */
} rs_runtime_t;

int rs_runtime_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
int rs_runtime_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);
void rs_runtime_child_init(apr_pool_t *pchild, server_rec *s);

/* The steps of post_config that check_config rehearses with copies (rs_rehearsal.h). OK, or a line
 * in the log of s (NULL: where httpd tells what is wrong with its configuration). */
int rs_runtime_build_slot(rs_runtime_t *runtime, server_rec *s, rs_slot_t *slot, apr_pool_t *p);
int rs_runtime_build_redis(rs_runtime_t *runtime, rs_cache_spec_t *cache, server_rec *s,
                           apr_pool_t *p);
int rs_runtime_create_shm(rs_cache_spec_t *cache, server_rec *s, apr_pool_t *p);
int rs_runtime_load_identity_key(rs_identity_key_t *key, server_rec *s, apr_pool_t *p);

#endif
