/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What the administrator wrote, as structs: of a server, and of a Location. Filled by the
 * directives (rs_directives.c), checked by rs_config_check(), built in post_config; constant
 * afterwards. */
#ifndef RS_CONFIG_H
#define RS_CONFIG_H

#include "cache/rs_tier_redis.h"
#include "httpd/rs_identity.h"
#include "httpd/rs_notice.h"
#include "httpd/rs_places.h"
#include "httpd/rs_problem.h"
#include "httpd/rs_scope_rules.h"
#include "httpd/rs_signed_identity.h"
#include "httpd/rs_tier_shm.h"
#include "provider/rs_provider.h"

#include <http_config.h>
#include <httpd.h>

#define RS_AUTH_TYPE "oauth2-rs"

extern module AP_MODULE_DECLARE_DATA oauth2_rs_module;

/* A section <OAuth2RSProvider>. */
typedef struct {
    rs_provider_spec_t *spec;
    const ap_directive_t *section; /* for messages: file and line */
    rs_provider_t *provider;       /* NULL until post_config */
} rs_slot_t;

/* The names of an OAuth2RSUse, kept for the check: a Use may stand before the section it means. */
typedef struct {
    const char *name;
    server_rec *server;
    const ap_directive_t *directive;
} rs_mention_t;

typedef enum { RS_SHARED_SHM, RS_SHARED_REDIS, RS_SHARED_NONE } rs_shared_t;

#define RS_UNSET_COUNT ((unsigned)-1)

/* OAuth2RSCache and what belongs to it; one for the whole httpd. */
typedef struct {
    rs_shared_t shared;
    const char *shm_size;
    rs_tier_shm_t *shm;
    rs_redis_config_t redis;
    rs_source_t secret, previous_secret, redis_password, sentinel_password; /* .value NULL: none */
    unsigned local_entries; /* RS_UNSET_COUNT: by MPM */
    apr_interval_time_t local_ttl;
    apr_interval_time_t revocation; /* how long marks are kept; 0: none are read */
    bool revocation_required;       /* nothing is accepted before they were read once */
    unsigned failures_max;          /* inactive tokens of one address in a period; 0: no limit */
    apr_interval_time_t failures_period;
    const ap_directive_t *directive; /* OAuth2RSCache; NULL: not written */
} rs_cache_spec_t;

struct rs_runtime_t;

typedef struct {
    apr_array_header_t *slots; /* rs_slot_t *: visible here: the main server's, then this host's */
    apr_array_header_t *mentions; /* rs_mention_t * */
    apr_array_header_t
        *header_names;      /* const char *: of every OAuth2RSHeader here and in the main server */
    rs_cache_spec_t *cache; /* the main server's */
    rs_identity_key_t *identity_key;       /* the main server's */
    const ap_directive_t *signed_identity; /* one that wants the key; NULL: none does */
    rs_notices_t *notices;                 /* the main server's; NULL until post_config */
    struct rs_runtime_t *runtime;          /* the main server's; NULL until post_config */
} rs_server_config_t;

/* Of a Location, Directory, If or .htaccess. */
typedef struct {
    apr_array_header_t *use; /* const char *; NULL: not written */
    int require_https;       /* -1: not written; likewise below */
    int error_detail;
    int optional, preflight, forward_token;
    rs_scope_rules_t scope_rules;
    const rs_places_t *places; /* NULL: the Authorization header */
    rs_error_body_t error_body;
    apr_interval_time_t ttl_positive, ttl_negative; /* RS_TTL_UNLIMITED: not written */
    const rs_signed_identity_t *signed_identity;    /* NULL: not written */
    apr_array_header_t *identities;                 /* rs_identity_t; NULL: none */
    int negated;               /* a Require line of ours stands below `not` or RequireNone */
    rs_provider_spec_t *draft; /* only while a provider section is read */
    apr_table_t *seen;         /* directives of that section, to tell repetitions */
} rs_dir_config_t;

void *rs_server_config_create(apr_pool_t *p, server_rec *s);
void *rs_server_config_merge(apr_pool_t *p, void *base, void *overlay);
void *rs_dir_config_create(apr_pool_t *p, char *path);
void *rs_dir_config_merge(apr_pool_t *p, void *base, void *overlay);

rs_server_config_t *rs_server_config(const server_rec *s);
rs_dir_config_t *rs_dir_config(const request_rec *r);
/* Of a section that is being read. httpd makes ours only at our first directive there, and Require
 * is not ours. */
rs_dir_config_t *rs_dir_config_of(ap_conf_vector_t *section, apr_pool_t *p);

/* The slot of that name visible in s; NULL: there is none. */
rs_slot_t *rs_slot_find(const server_rec *s, const char *name);
/* Names of the visible providers, for rs_word_nearest(). */
const char *const *rs_slot_names(const server_rec *s, apr_pool_t *p);

/* The check_config hook: what no directive sees alone. */
int rs_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

#endif
