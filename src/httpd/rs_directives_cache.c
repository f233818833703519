/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The directives of the caches. */
#include "base/rs_limits.h"
#include "httpd/rs_directives.h"
#include "httpd/rs_words.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_main.h>

#define REDIS_TIME_MAX apr_time_from_sec(10)
#define LOCAL_TTL_MAX apr_time_from_sec(3600)
#define LOCAL_ENTRIES_MAX 10000000
#define REDIS_POOL_MAX 1024
#define RETENTION_DEFAULT apr_time_from_sec(24 * 3600)
#define RETENTION_MAX apr_time_from_sec(30 * 24 * 3600)
#define PREFIX_BYTES_MAX 64

/* The cache of the whole httpd, or a sentence. */
static const char *spec_of(rs_cache_spec_t **spec, cmd_parms *cmd)
{
    const char *trouble = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    *spec = rs_server_config(cmd->server)->cache;
    if (trouble || !*spec)
        return apr_psprintf(
            cmd->pool,
            "%s belongs into the main server's configuration, outside of any section: there "
            "is one cache",
            cmd->cmd->name);
    return NULL;
}

static const char *about(cmd_parms *cmd, const char *trouble)
{
    return trouble ? apr_psprintf(cmd->pool, "%s: %s", cmd->cmd->name, trouble) : NULL;
}

static bool begins(const char *text, const char *with)
{
    return strncasecmp(text, with, strlen(with)) == 0;
}

const char *rs_cache_where(cmd_parms *cmd, void *dir, const char *where)
{
    static const char *const kinds[] = { "shm", "none", NULL };
    rs_cache_spec_t *spec;
    const char *trouble = spec_of(&spec, cmd), *nearest;

    (void)dir;
    if (trouble)
        return trouble;
    spec->directive = cmd->directive;
    if (strcasecmp(where, "none") == 0)
        spec->shared = RS_SHARED_NONE;
    else if (strcasecmp(where, "shm") == 0 || begins(where, "shm:")) {
        spec->shared = RS_SHARED_SHM;
        spec->shm_size = where[3] ? where + 4 : NULL;
        trouble = rs_tier_shm_create(&spec->shm, spec->shm_size, cmd->temp_pool, cmd->pool);
    }
    else if (begins(where, "redis") || begins(where, "unix:")) {
        spec->shared = RS_SHARED_REDIS;
        trouble = rs_redis_url_parse(&spec->redis, where, cmd->pool);
    }
    else {
        nearest = rs_word_nearest(where, kinds, cmd->pool);
        trouble = apr_psprintf(
            cmd->pool,
            "\"%s\" is no cache: write shm[:SIZE], redis://HOST[:PORT][/DB], rediss://..., "
            "unix:PATH or none%s%s%s",
            where, nearest ? " (did you mean " : "", nearest ? nearest : "", nearest ? "?)" : "");
    }
    return about(cmd, trouble);
}

const char *rs_cache_secret(cmd_parms *cmd, void *dir, const char *current, const char *previous)
{
    rs_cache_spec_t *spec;
    const char *trouble = spec_of(&spec, cmd);

    (void)dir;
    if (trouble)
        return trouble;
    trouble = rs_source_check_secret(&spec->secret, current, ap_server_root, cmd->pool);
    if (!trouble && previous)
        trouble =
            rs_source_check_secret(&spec->previous_secret, previous, ap_server_root, cmd->pool);
    return about(cmd, trouble);
}

const char *rs_cache_prefix(cmd_parms *cmd, void *dir, const char *prefix)
{
    rs_cache_spec_t *spec;
    const char *trouble = spec_of(&spec, cmd), *at;

    (void)dir;
    if (trouble)
        return trouble;
    for (at = prefix; apr_isgraph(*at) && !strchr("*?[]\\", *at); at++)
        ;
    if (*at || !*prefix || at - prefix > PREFIX_BYTES_MAX)
        return about(cmd,
                     "printable characters without *, ?, [, ] and \\, at most 64, as in oauth2rs:");
    spec->redis.prefix = prefix;
    return NULL;
}

const char *rs_local_cache(cmd_parms *cmd, void *dir, const char *entries, const char *ttl)
{
    rs_cache_spec_t *spec;
    const char *trouble = spec_of(&spec, cmd);

    (void)dir;
    if (trouble)
        return trouble;
    trouble = rs_count_parse(&spec->local_entries, entries, 0, LOCAL_ENTRIES_MAX, cmd->pool);
    if (!trouble && ttl)
        trouble = rs_time_parse(&spec->local_ttl, ttl, LOCAL_TTL_MAX, cmd->pool);
    return about(cmd, trouble);
}

/* on [RETENTION] [required], or off */
const char *rs_revocation(cmd_parms *cmd, void *dir, const char *on, const char *retention,
                          const char *required)
{
    rs_cache_spec_t *spec;
    const char *trouble = spec_of(&spec, cmd);

    (void)dir;
    if (trouble)
        return trouble;
    spec->revocation = 0;
    if (strcasecmp(on, "off") == 0 && !retention)
        return NULL;
    if (retention && !required && strcasecmp(retention, "required") == 0) {
        required = retention;
        retention = NULL;
    }
    if (strcasecmp(on, "on") != 0 || (required && strcasecmp(required, "required") != 0))
        return about(cmd, "write on, on RETENTION, on RETENTION required, or off");
    spec->revocation = RETENTION_DEFAULT;
    spec->revocation_required = required != NULL;
    if (retention)
        trouble = rs_time_parse(&spec->revocation, retention, RETENTION_MAX, cmd->pool);
    return about(cmd,
                 !trouble && spec->revocation < apr_time_from_sec(60) ? "at least 1m" : trouble);
}

/* N/TIME; a unit alone is one of it: 60/min. */
const char *rs_failure_limit(cmd_parms *cmd, void *dir, const char *limit)
{
    rs_cache_spec_t *spec;
    const char *trouble = spec_of(&spec, cmd), *slash = strchr(limit, '/'), *time;

    (void)dir;
    if (trouble)
        return trouble;
    spec->failures_max = 0;
    if (strcasecmp(limit, "off") == 0)
        return NULL;
    if (!slash || !slash[1])
        return about(cmd, "write N/TIME, as in 60/1m, or off");
    time = apr_isdigit(slash[1]) ? slash + 1 : apr_pstrcat(cmd->pool, "1", slash + 1, NULL);
    trouble = rs_count_parse(&spec->failures_max,
                             apr_pstrmemdup(cmd->pool, limit, (apr_size_t)(slash - limit)), 1,
                             1000000, cmd->pool);
    if (!trouble)
        trouble = rs_time_parse(&spec->failures_period, time, apr_time_from_sec(86400), cmd->pool);
    if (!trouble && spec->failures_period < APR_USEC_PER_SEC)
        trouble = "at least 1s";
    return about(cmd, trouble);
}

/* [USER] SOURCE */
static const char *credentials(const char **user, rs_source_t *password, cmd_parms *cmd,
                               const char *first, const char *second)
{
    if (second)
        *user = first;
    return about(
        cmd, rs_source_check_secret(password, second ? second : first, ap_server_root, cmd->pool));
}

const char *rs_redis_credentials(cmd_parms *cmd, void *dir, const char *first, const char *second)
{
    rs_cache_spec_t *spec;
    const char *trouble = spec_of(&spec, cmd);

    (void)dir;
    return trouble ? trouble
                   : credentials(&spec->redis.user, &spec->redis_password, cmd, first, second);
}

const char *rs_sentinel_credentials(cmd_parms *cmd, void *dir, const char *first,
                                    const char *second)
{
    rs_cache_spec_t *spec;
    const char *trouble = spec_of(&spec, cmd);

    (void)dir;
    return trouble ? trouble
                   : credentials(&spec->redis.sentinel_user, &spec->sentinel_password, cmd, first,
                                 second);
}

const char *rs_redis_trust(cmd_parms *cmd, void *dir, const char *source)
{
    rs_cache_spec_t *spec;
    rs_source_t file = { RS_SOURCE_FILE, NULL };
    const char *trouble = spec_of(&spec, cmd);

    (void)dir;
    if (trouble)
        return trouble;
    trouble = rs_source_check_public(&file, source, ap_server_root, cmd->pool);
    spec->redis.ca_file = file.value;
    return about(cmd, trouble);
}

const char *rs_redis_certificate(cmd_parms *cmd, void *dir, const char *certificate,
                                 const char *key)
{
    rs_cache_spec_t *spec;
    rs_source_t public = { RS_SOURCE_FILE, NULL }, private = { RS_SOURCE_FILE, NULL };
    const char *trouble = spec_of(&spec, cmd);

    (void)dir;
    if (trouble)
        return trouble;
    trouble = rs_source_check_public(&public, certificate, ap_server_root, cmd->pool);
    if (!trouble)
        trouble = rs_source_check_secret(&private, key, ap_server_root, cmd->pool);
    if (!trouble && private.kind != RS_SOURCE_FILE)
        trouble = "the key must be written as file:PATH";
    spec->redis.client_cert = public.value;
    spec->redis.client_key = private.value;
    return about(cmd, trouble);
}

const char *rs_redis_timeout(cmd_parms *cmd, void *dir, const char *connect, const char *command)
{
    rs_cache_spec_t *spec;
    const char *trouble = spec_of(&spec, cmd);

    (void)dir;
    if (trouble)
        return trouble;
    trouble = rs_time_parse(&spec->redis.connect_timeout, connect, REDIS_TIME_MAX, cmd->pool);
    if (!trouble)
        trouble = rs_time_parse(&spec->redis.command_timeout, command, REDIS_TIME_MAX, cmd->pool);
    if (!trouble && (spec->redis.connect_timeout < 1000 || spec->redis.command_timeout < 1000))
        trouble = "at least 1ms";
    return about(cmd, trouble);
}

const char *rs_redis_pool(cmd_parms *cmd, void *dir, const char *count)
{
    rs_cache_spec_t *spec;
    const char *trouble = spec_of(&spec, cmd);

    (void)dir;
    return trouble ? trouble
                   : about(cmd, rs_count_parse(&spec->redis.pool_max, count, 1, REDIS_POOL_MAX,
                                               cmd->pool));
}

const char *rs_redis_plaintext(cmd_parms *cmd, void *dir, int on)
{
    rs_cache_spec_t *spec;
    const char *trouble = spec_of(&spec, cmd);

    (void)dir;
    if (!trouble)
        spec->redis.plaintext = on;
    return trouble;
}
