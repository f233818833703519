/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* From the checked configuration to something that runs: providers and shared memory before the
 * children fork; HTTP client, Redis connections and local cache in each child. */
#include "httpd/rs_runtime.h"
#include "base/rs_limits.h"
#include "cache/rs_seal.h"
#include "httpd/rs_background.h"
#include "httpd/rs_log_httpd.h"
#include "httpd/rs_revocation.h"
#include "net/rs_http_curl.h"

#include <ap_mpm.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(oauth2_rs);

#define USER_AGENT "mod_oauth2_rs"
#define LOCAL_ENTRIES_THREADED 16384
#define LOCAL_ENTRIES_PREFORK 1024
/* 2 KiB an entry is what the largest usual tokens take; a cache of giants is bounded by bytes. */
#define LOCAL_BYTES_PER_ENTRY 2048
#define WAITING_PROCESSES_MIN 8

static unsigned mpm_number(int query)
{
    int number = 1;

    return ap_mpm_query(query, &number) == APR_SUCCESS && number > 0 ? (unsigned)number : 1;
}

static unsigned threads_per_child(void)
{
    return mpm_number(AP_MPMQ_MAX_THREADS);
}

/* mod_http2 has threads of its own for requests: by default half as many again. */
static unsigned request_threads(void)
{
    unsigned threads = threads_per_child();

    return ap_find_linked_module("mod_http2.c") ? 2 * threads + (threads + 1) / 2 : threads;
}

/* ---- before the fork ---- */

/* Half of those who serve may wait for one issuer: of a process's threads, or where it has but one,
 * of all processes (of a handful of them, all: there is nothing to keep free). */
static void limit_waiting(rs_services_t *services)
{
    unsigned threads = threads_per_child();
    unsigned all = threads > 1 ? threads : mpm_number(AP_MPMQ_MAX_DAEMONS);

    services->one_thread = threads == 1;
    services->waiting_max = all > 1 ? all / 2 : 1;
    if (services->one_thread && services->waiting_max < WAITING_PROCESSES_MIN)
        services->waiting_max = WAITING_PROCESSES_MIN;
}

static int failed(server_rec *s, const char *id, apr_status_t status, const char *sentence)
{
    ap_log_error(APLOG_MARK, APLOG_EMERG, status, s, "%s: %s", id, sentence);
    return HTTP_INTERNAL_SERVER_ERROR;
}

int rs_runtime_build_slot(rs_runtime_t *runtime, server_rec *s, rs_slot_t *slot, apr_pool_t *p)
{
    const char *why = rs_provider_spec_load(slot->spec, p);
    apr_status_t status = why ? APR_EINVAL
                              : rs_provider_create(&slot->provider, slot->spec, &runtime->services,
                                                   apr_time_now(), &why, p);

    if (status != APR_SUCCESS)
        return failed(s, "RS0611", status,
                      apr_psprintf(p, "<OAuth2RSProvider %s> (%s:%d): %s", slot->spec->name,
                                   slot->section->filename, slot->section->line_num,
                                   why ? why : "it could not be built"));
    APR_ARRAY_PUSH(runtime->slots, rs_slot_t *) = slot;
    return OK;
}

static int build_slots(rs_runtime_t *runtime, server_rec *main_server, apr_pool_t *p)
{
    server_rec *s;
    int i, result;

    for (s = main_server; s; s = s->next) {
        const apr_array_header_t *slots = rs_server_config(s)->slots;
        for (i = 0; i < slots->nelts; i++) {
            rs_slot_t *slot = APR_ARRAY_IDX(slots, i, rs_slot_t *);
            if (!slot->provider && (result = rs_runtime_build_slot(runtime, s, slot, p)) != OK)
                return result;
        }
    }
    return OK;
}

static const char *read_source(const rs_source_t *source, const char **bytes, apr_size_t *len,
                               apr_pool_t *p)
{
    apr_status_t status = rs_source_read(source, bytes, len, p);

    return status == APR_SUCCESS ? NULL : rs_source_failure(source, status, p);
}

static int read_password(const char **password, const rs_source_t *source, server_rec *s,
                         apr_pool_t *p)
{
    apr_size_t len;
    const char *why = source->value ? read_source(source, password, &len, p) : NULL;

    return why ? failed(s, "RS0612", 0,
                        apr_pstrcat(p, "a password for Redis could not be read: ", why, NULL))
               : OK;
}

static int build_seal(rs_runtime_t *runtime, rs_cache_spec_t *cache, server_rec *s, apr_pool_t *p)
{
    const char *secret, *previous = NULL, *why;
    apr_size_t len, previous_len = 0;
    apr_status_t status;

    why = read_source(&cache->secret, &secret, &len, p);
    if (!why && cache->previous_secret.value)
        why = read_source(&cache->previous_secret, &previous, &previous_len, p);
    if (why)
        return failed(s, "RS0613", 0,
                      apr_pstrcat(p, "OAuth2RSCacheSecret could not be read: ", why, NULL));
    status = rs_seal_create(&runtime->seal, secret, len, previous, previous_len, p);
    if (status != APR_SUCCESS)
        return failed(s, "RS0614", status, "OAuth2RSCacheSecret is too short: at least 32 bytes");
    return OK;
}

int rs_runtime_build_redis(rs_runtime_t *runtime, rs_cache_spec_t *cache, server_rec *s,
                           apr_pool_t *p)
{
    const char *trouble = NULL;
    int result;

    if (cache->secret.value && (result = build_seal(runtime, cache, s, p)) != OK)
        return result;
    if ((result = read_password(&cache->redis.password, &cache->redis_password, s, p)) != OK ||
        (result =
             read_password(&cache->redis.sentinel_password, &cache->sentinel_password, s, p)) != OK)
        return result;
    if (rs_tier_redis_prepare(&cache->redis, &trouble, p) != APR_SUCCESS)
        return failed(s, "RS0416", 0, apr_pstrcat(p, "TLS towards Redis: ", trouble, NULL));
    return OK;
}

int rs_runtime_create_shm(rs_cache_spec_t *cache, server_rec *s, apr_pool_t *p)
{
    const char *trouble = NULL;

    if (!cache->shm)
        trouble = rs_tier_shm_create(&cache->shm, cache->shm_size, p, p);
    return trouble ? failed(s, "RS0615", 0, trouble) : OK;
}

static int build_cache(rs_runtime_t *runtime, rs_cache_spec_t *cache, server_rec *s, apr_pool_t *p)
{
    apr_status_t status;
    int result;

    runtime->cache = cache;
    if (cache->shared == RS_SHARED_REDIS)
        return rs_runtime_build_redis(runtime, cache, s, p);
    if (cache->shared == RS_SHARED_NONE)
        return OK;
    if ((result = rs_runtime_create_shm(cache, s, p)) != OK)
        return result;
    if ((status = rs_tier_shm_open(cache->shm, s, p)) != APR_SUCCESS)
        return failed(
            s, "RS0616", status,
            "the shared-memory cache could not be made: try OAuth2RSCache shm:1m or none");
    return OK;
}

static int build_budget(rs_runtime_t *runtime, server_rec *s, apr_pool_t *p)
{
    const rs_cache_spec_t *cache = runtime->cache;
    apr_status_t status = cache->failures_max
                              ? rs_budget_create(&runtime->services.failures, cache->failures_max,
                                                 cache->failures_period, p)
                              : APR_SUCCESS;

    return status == APR_SUCCESS
               ? OK
               : failed(s, "RS0627", status, "OAuth2RSFailureLimit: there are no random numbers");
}

/* A number for the stream of revocations: what Redis, what key, whose words, how far back. */
static apr_uint64_t number_of_stream(const rs_runtime_t *runtime)
{
    static const char use[] = "mod_oauth2_rs stream of revocations";
    const rs_cache_spec_t *cache = runtime->cache;
    const char *url = cache->directive ? cache->directive->args : "";
    const char *prefix = cache->redis.prefix ? cache->redis.prefix : "";
    rs_sha256_t secret = { { 0 } }, digest;
    rs_span_t spans[] = { { use, sizeof use },
                          { url, strlen(url) + 1 },
                          { prefix, strlen(prefix) + 1 },
                          { secret.bytes, sizeof secret.bytes },
                          { &cache->revocation, sizeof cache->revocation } };
    apr_uint64_t number;

    if (runtime->seal)
        (void)rs_seal_mac(runtime->seal, 0, use, sizeof use, &secret);
    rs_sha256(spans, sizeof spans / sizeof spans[0], &digest);
    memcpy(&number, digest.bytes, sizeof number);
    return number ? number : 1;
}

static int build_revocation(rs_runtime_t *runtime, server_rec *s, apr_pool_t *p)
{
    const rs_cache_spec_t *cache = runtime->cache;
    rs_revocation_spec_t spec = { cache->revocation, cache->revocation_required,
                                  number_of_stream(runtime) };
    apr_status_t status;

    if (!cache->revocation)
        return OK;
    status = rs_revocation_create(&runtime->revocation, &spec, s, p);
    return status == APR_SUCCESS
               ? OK
               : failed(s, "RS0626", status, "there is no shared memory for OAuth2RSRevocation");
}

int rs_runtime_load_identity_key(rs_identity_key_t *key, server_rec *s, apr_pool_t *p)
{
    const char *trouble = rs_identity_key_load(key, p);

    if (!trouble)
        return OK;
    return failed(
        s, "RS0618", 0,
        apr_psprintf(p, "%s (%s:%d)", trouble, key->directive->filename, key->directive->line_num));
}

/* ---- the hooks ---- */

int rs_runtime_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    (void)plog, (void)ptemp;
    return rs_tier_shm_register(pconf) == APR_SUCCESS ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

int rs_runtime_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                           server_rec *main_server)
{
    rs_runtime_t *runtime;
    rs_notices_t *notices;
    server_rec *s;
    int result;

    (void)plog, (void)ptemp;
    /* httpd reads its configuration twice at start; what is built now would be thrown away. */
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG)
        return OK;
    /* Without providers, too: a Location may want one. */
    notices = rs_notices_create(pconf);
    for (s = main_server; s; s = s->next)
        rs_server_config(s)->notices = notices;
    runtime = apr_pcalloc(pconf, sizeof *runtime);
    runtime->slots = apr_array_make(pconf, 4, sizeof(rs_slot_t *));
    runtime->services.log = rs_log_httpd(main_server, pconf);
    runtime->services.random = rs_random_bytes;
    limit_waiting(&runtime->services);
    if ((result = build_slots(runtime, main_server, pconf)) != OK)
        return result;
    if (!runtime->slots->nelts)
        return OK;
    if ((result = build_cache(runtime, rs_server_config(main_server)->cache, main_server, pconf)) !=
        OK)
        return result;
    if ((result = build_budget(runtime, main_server, pconf)) != OK ||
        (result = build_revocation(runtime, main_server, pconf)) != OK ||
        (result = rs_runtime_load_identity_key(rs_server_config(main_server)->identity_key,
                                               main_server, pconf)) != OK)
        return result;
    for (s = main_server; s; s = s->next)
        rs_server_config(s)->runtime = runtime;
    return rs_background_create(&runtime->background, runtime, main_server, pconf);
}

/* ---- in each child ---- */

static void tell_deaf(rs_runtime_t *runtime, apr_status_t status, server_rec *s)
{
    runtime->services.deaf = runtime->cache->revocation_required;
    ap_log_error(APLOG_MARK, APLOG_CRIT, status, s,
                 "RS0625: this process does not hear of revocations, and %s: there is no memory, "
                 "lock or connection for them",
                 runtime->services.deaf ? "answers with 503 (OAuth2RSRevocation required)"
                                        : "accepts tokens that are revoked");
}

static void open_revocation(rs_runtime_t *runtime, rs_tier_t *redis, server_rec *s,
                            apr_pool_t *pchild)
{
    apr_status_t status = rs_revocation_child_init(runtime->revocation, redis, runtime->seal,
                                                   runtime->services.log, pchild);

    if (status != APR_SUCCESS)
        tell_deaf(runtime, status, s);
    runtime->services.marks = rs_revocation_marks(runtime->revocation);
}

static rs_tier_t *open_redis(rs_runtime_t *runtime, server_rec *s, apr_pool_t *pchild)
{
    rs_redis_config_t *config = apr_pmemdup(pchild, &runtime->cache->redis, sizeof *config);
    rs_tier_t *tier;
    apr_status_t status;

    if (!config->pool_max)
        config->pool_max = threads_per_child() + RS_BACKGROUND_THREADS;
    status = rs_tier_redis_create(&tier, config, runtime->services.log, pchild);
    if (status != APR_SUCCESS) {
        ap_log_error(
            APLOG_MARK, APLOG_ERR, status, s,
            "RS0621: this process works without the cache in Redis: it could not be set up");
        if (runtime->revocation)
            tell_deaf(runtime, status, s);
        return NULL;
    }
    if (runtime->revocation)
        open_revocation(runtime, tier, s, pchild);
    tier = rs_tier_sealed(tier, runtime->seal, pchild);
    rs_tier_sealed_tells(tier, runtime->services.log);
    return tier;
}

static rs_tier_t *open_shared(rs_runtime_t *runtime, server_rec *s, apr_pool_t *pchild)
{
    switch (runtime->cache->shared) {
    case RS_SHARED_REDIS:
        return open_redis(runtime, s, pchild);
    case RS_SHARED_SHM:
        if (runtime->revocation)
            open_revocation(runtime, NULL, s, pchild);
        if (rs_tier_shm_child_init(runtime->cache->shm, s, pchild) == APR_SUCCESS)
            return rs_tier_shm_tier(runtime->cache->shm);
        ap_log_error(
            APLOG_MARK, APLOG_ERR, 0, s,
            "RS0622: this process works without the shared-memory cache: it could not be opened");
        return NULL;
    case RS_SHARED_NONE:
        break;
    }
    return NULL;
}

static apr_status_t open_cache(rs_runtime_t *runtime, server_rec *s, apr_pool_t *pchild)
{
    rs_cache_config_t config = { .local_ttl = runtime->cache->local_ttl,
                                 .shared = open_shared(runtime, s, pchild),
                                 .revocation = runtime->cache->revocation > 0 };
    rs_local_config_t local;
    apr_status_t status;

    local.entries_max = runtime->cache->local_entries;
    if (local.entries_max == RS_UNSET_COUNT)
        local.entries_max =
            threads_per_child() > 1 ? LOCAL_ENTRIES_THREADED : LOCAL_ENTRIES_PREFORK;
    local.bytes_max = (apr_size_t)local.entries_max * LOCAL_BYTES_PER_ENTRY;
    if (local.entries_max &&
        (status = rs_local_create(&config.local, &local, pchild)) != APR_SUCCESS)
        return status;
    return rs_cache_create(&runtime->services.cache, &config, pchild);
}

/* The pool of the configuration is not cleared in a child. */
static apr_status_t leave_child(void *data)
{
    const rs_server_config_t *config = data;
    rs_runtime_t *runtime = config->runtime;
    int i;

    for (i = 0; i < runtime->slots->nelts; i++)
        rs_provider_forget(APR_ARRAY_IDX(runtime->slots, i, rs_slot_t *)->provider);
    if (runtime->seal)
        rs_seal_forget(runtime->seal);
    rs_tier_redis_forget(&runtime->cache->redis);
    if (config->identity_key->pool)
        apr_pool_destroy(config->identity_key->pool);
    return APR_SUCCESS;
}

void rs_runtime_child_init(apr_pool_t *pchild, server_rec *s)
{
    rs_runtime_t *runtime = rs_server_config(s)->runtime;
    apr_status_t status;

    if (!runtime)
        return;
    apr_pool_cleanup_register(pchild, rs_server_config(s), leave_child, apr_pool_cleanup_null);
    status = open_cache(runtime, s, pchild);
    if (status != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_ERR, status, s,
                     "RS0623: this process works without a cache");
    /* One for each thread, and for background work: nobody waits for a connection that another
     * issuer keeps busy. */
    status =
        rs_http_curl_create(&runtime->services.http, request_threads() + 1, USER_AGENT, pchild);
    if (status != APR_SUCCESS)
        ap_log_error(
            APLOG_MARK, APLOG_CRIT, status, s,
            "RS0624: no HTTP client in this process: issuers cannot be asked, such tokens get 503");
    if (runtime->background &&
        (status = rs_background_child_init(runtime->background, pchild)) != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_ERR, status, s,
                     "RS0628: no background work in this process: requests refresh keys and look "
                     "for revocations themselves");
}
