/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Making and merging configurations. */
#include "httpd/rs_config.h"

#include <apr_strings.h>

static rs_cache_spec_t *cache_spec_create(apr_pool_t *p)
{
    rs_cache_spec_t *cache = apr_pcalloc(p, sizeof *cache);

    cache->local_entries = RS_UNSET_COUNT;
    cache->local_ttl = apr_time_from_sec(10);
    cache->failures_max = 60;
    cache->failures_period = apr_time_from_sec(60);
    cache->redis.prefix = "oauth2rs:";
    cache->redis.connect_timeout = 200 * 1000;
    cache->redis.command_timeout = 100 * 1000;
    return cache;
}

void *rs_server_config_create(apr_pool_t *p, server_rec *s)
{
    rs_server_config_t *config = apr_pcalloc(p, sizeof *config);

    config->slots = apr_array_make(p, 2, sizeof(rs_slot_t *));
    config->mentions = apr_array_make(p, 2, sizeof(rs_mention_t *));
    config->header_names = apr_array_make(p, 2, sizeof(const char *));
    config->cache = s->is_virtual ? NULL : cache_spec_create(p);
    return config;
}

/* Providers never merge: a host sees the main server's beside its own. */
void *rs_server_config_merge(apr_pool_t *p, void *base_config, void *overlay_config)
{
    const rs_server_config_t *base = base_config, *overlay = overlay_config;
    rs_server_config_t *merged = apr_pcalloc(p, sizeof *merged);

    merged->slots = apr_array_append(p, base->slots, overlay->slots);
    merged->mentions = overlay->mentions;
    merged->header_names = apr_array_append(p, base->header_names, overlay->header_names);
    merged->cache = base->cache;
    merged->runtime = base->runtime;
    return merged;
}

void *rs_dir_config_create(apr_pool_t *p, char *path)
{
    rs_dir_config_t *config = apr_pcalloc(p, sizeof *config);

    (void)path;
    config->require_https = -1;
    config->error_detail = -1;
    config->error_body = RS_ERROR_BODY_UNSET;
    config->optional = config->preflight = config->forward_token = -1;
    config->scope_rules.wildcard = -1;
    config->ttl_positive = RS_TTL_UNLIMITED;
    config->ttl_negative = RS_TTL_UNLIMITED;
    return config;
}

/* An inner Location can only shorten. */
static apr_interval_time_t shorter(apr_interval_time_t a, apr_interval_time_t b)
{
    if (a == RS_TTL_UNLIMITED || b == RS_TTL_UNLIMITED)
        return a == RS_TTL_UNLIMITED ? b : a;
    return a < b ? a : b;
}

static int inner_or_outer(int inner, int outer)
{
    return inner != -1 ? inner : outer;
}

void *rs_dir_config_merge(apr_pool_t *p, void *base_config, void *overlay_config)
{
    const rs_dir_config_t *base = base_config, *overlay = overlay_config;
    rs_dir_config_t *merged = apr_pcalloc(p, sizeof *merged);

    merged->use = overlay->use ? overlay->use : base->use;
    merged->require_https = inner_or_outer(overlay->require_https, base->require_https);
    merged->error_detail = inner_or_outer(overlay->error_detail, base->error_detail);
    merged->optional = inner_or_outer(overlay->optional, base->optional);
    merged->preflight = inner_or_outer(overlay->preflight, base->preflight);
    merged->forward_token = inner_or_outer(overlay->forward_token, base->forward_token);
    merged->ttl_positive = shorter(base->ttl_positive, overlay->ttl_positive);
    merged->ttl_negative = shorter(base->ttl_negative, overlay->ttl_negative);
    merged->scope_rules.wildcard =
        inner_or_outer(overlay->scope_rules.wildcard, base->scope_rules.wildcard);
    merged->scope_rules.implications = overlay->scope_rules.implications
                                           ? overlay->scope_rules.implications
                                           : base->scope_rules.implications;
    merged->error_body =
        overlay->error_body != RS_ERROR_BODY_UNSET ? overlay->error_body : base->error_body;
    merged->signed_identity =
        overlay->signed_identity ? overlay->signed_identity : base->signed_identity;
    merged->places = overlay->places ? overlay->places : base->places;
    merged->identities = rs_identity_merge(base->identities, overlay->identities, p);
    /* Too often set costs one more look at the Require lines; too seldom would open. */
    merged->negated = base->negated || overlay->negated;
    return merged;
}

rs_server_config_t *rs_server_config(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &oauth2_rs_module);
}

rs_dir_config_t *rs_dir_config(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &oauth2_rs_module);
}

rs_dir_config_t *rs_dir_config_of(ap_conf_vector_t *section, apr_pool_t *p)
{
    rs_dir_config_t *config = ap_get_module_config(section, &oauth2_rs_module);

    if (!config) {
        config = rs_dir_config_create(p, NULL);
        ap_set_module_config(section, &oauth2_rs_module, config);
    }
    return config;
}

rs_slot_t *rs_slot_find(const server_rec *s, const char *name)
{
    const apr_array_header_t *slots = rs_server_config(s)->slots;
    int i;

    for (i = 0; i < slots->nelts; i++) {
        rs_slot_t *slot = APR_ARRAY_IDX(slots, i, rs_slot_t *);
        if (strcmp(slot->spec->name, name) == 0)
            return slot;
    }
    return NULL;
}

const char *const *rs_slot_names(const server_rec *s, apr_pool_t *p)
{
    const apr_array_header_t *slots = rs_server_config(s)->slots;
    const char **names = apr_pcalloc(p, (slots->nelts + 1) * sizeof *names);
    int i;

    for (i = 0; i < slots->nelts; i++)
        names[i] = APR_ARRAY_IDX(slots, i, rs_slot_t *)->spec->name;
    return names;
}
