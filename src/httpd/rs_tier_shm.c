/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The tier in shared memory. Every access to it is under one lock of bounded wait (shmcb is not
 * safe between processes); a lock that cannot be had is a miss. */
#include "httpd/rs_tier_shm.h"
#include "base/rs_limits.h"
#include "base/rs_log.h"
#include "httpd/rs_shm_documents.h"
#include "httpd/rs_shm_lock.h"
#include "httpd/rs_shm_table.h"

#include <ap_provider.h>
#include <ap_socache.h>
#include <apr_atomic.h>
#include <apr_strings.h>
#include <http_log.h>
#include <stdlib.h>
#include <util_mutex.h>

APLOG_USE_MODULE(oauth2_rs);

#define MUTEX_TYPE "oauth2-rs-cache"
#define SIZE_DEFAULT (4 * 1024 * 1024)
#define SIZE_MIN (256 * 1024)
#define SIZE_MAX_BYTES (1024 * 1024 * 1024)
#define SHARE 8 /* negatives, documents and the table get an eighth each, verdicts the rest */
#define OBJECT_SHARE                                                                               \
    128 /* shmcb divides its memory; what is larger than this part of it may not fit, and it would \
           log */
#define INSTANCES 2

typedef struct {
    ap_socache_instance_t *cache;
    apr_size_t object_bytes_max;
} store_t;

struct rs_tier_shm_t {
    rs_tier_t tier;
    apr_size_t size;
    const ap_socache_provider_t *provider;
    store_t stores[INSTANCES]; /* RS_KIND_VERDICT, RS_KIND_NEGATIVE */
    rs_shm_table_t *table;
    rs_shm_documents_t *documents;
    apr_global_mutex_t *mutex;
    rs_shm_lock_t lock;
    server_rec *server;
    rs_log_quiet_t full, late;
};

/* ---- the tier's slots ---- */

static bool in_socache(const rs_cache_key_t *key)
{
    return key->kind == RS_KIND_VERDICT || key->kind == RS_KIND_NEGATIVE;
}

static bool in_table(const rs_cache_key_t *key)
{
    return key->kind == RS_KIND_CLAIM || key->kind == RS_KIND_MARK;
}

static bool shm_healthy(rs_tier_t *tier, apr_time_t now)
{
    rs_tier_shm_t *self = (rs_tier_shm_t *)tier;

    (void)now;
    return apr_atomic_read32(&self->lock.in_trouble) == 0;
}

static apr_status_t shm_fetch(rs_tier_t *tier, const rs_cache_key_t *key,
                              const unsigned char **value, apr_size_t *len, apr_time_t now,
                              apr_pool_t *p)
{
    rs_tier_shm_t *self = (rs_tier_shm_t *)tier;
    unsigned char *bytes;
    unsigned int size;
    apr_status_t status;

    if (in_table(key))
        return rs_shm_table_fetch(self->table, &key->digest, value, len, now, p);
    if (key->kind == RS_KIND_DOCUMENT)
        return rs_shm_documents_fetch(self->documents, &key->digest, value, len, now, p);
    if (!in_socache(key))
        return APR_NOTFOUND;
    size = (unsigned int)self->stores[key->kind].object_bytes_max;
    bytes = apr_palloc(p, size);
    if ((status = rs_shm_lock_acquire(&self->lock)) != APR_SUCCESS)
        return status;
    status = self->provider->retrieve(self->stores[key->kind].cache, self->server,
                                      key->digest.bytes, RS_SHA256_BYTES, bytes, &size, p);
    rs_shm_lock_release(&self->lock);
    if (status != APR_SUCCESS)
        return APR_NOTFOUND;
    *value = bytes;
    *len = size;
    return APR_SUCCESS;
}

/* No warning: all that it costs is that the issuer is asked more often. */
static void lock_changed(void *data, bool in_trouble)
{
    rs_tier_shm_t *self = data;
    apr_uint32_t kept_back;

    if (in_trouble && rs_log_quiet_ask(&self->late, apr_time_now(), &kept_back))
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, self->server,
                     "RS0873: the lock of the shared-memory cache was not to be had within %d ms; "
                     "until it is, this process does without that cache (%u more since the last "
                     "line): is another process stopped, or the machine overloaded?",
                     (int)apr_time_as_msec(RS_SHM_LOCK_WAIT), kept_back);
}

static void say_full(rs_tier_shm_t *self, apr_time_t now)
{
    apr_uint32_t kept_back;

    if (rs_log_quiet_ask(&self->full, now, &kept_back))
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, self->server,
                     "RS0871: the table of claims and marks in shared memory is full (%u more "
                     "since the last line): "
                     "give OAuth2RSCache shm:SIZE more memory",
                     kept_back);
}

static apr_status_t shm_store(rs_tier_t *tier, const rs_cache_key_t *key,
                              const unsigned char *value, apr_size_t len, apr_time_t expires,
                              apr_time_t now, apr_pool_t *p)
{
    rs_tier_shm_t *self = (rs_tier_shm_t *)tier;
    const store_t *store;
    apr_status_t status;

    if (in_table(key)) {
        status = rs_shm_table_store(self->table, &key->digest, value, len, expires, now);
        if (status == APR_ENOSPC)
            say_full(self, now);
        return status;
    }
    if (key->kind == RS_KIND_DOCUMENT)
        return rs_shm_documents_store(self->documents, &key->digest, value, len, expires, now);
    if (!in_socache(key))
        return APR_ENOTIMPL;
    store = &self->stores[key->kind];
    if (len > store->object_bytes_max)
        return APR_ENOSPC;
    if ((status = rs_shm_lock_acquire(&self->lock)) != APR_SUCCESS)
        return status;
    status = self->provider->store(store->cache, self->server, key->digest.bytes, RS_SHA256_BYTES,
                                   expires, (unsigned char *)value, (unsigned int)len, p);
    rs_shm_lock_release(&self->lock);
    return status;
}

static apr_status_t shm_add(rs_tier_t *tier, const rs_cache_key_t *key, const unsigned char *value,
                            apr_size_t len, apr_time_t expires, apr_time_t now, apr_pool_t *p)
{
    rs_tier_shm_t *self = (rs_tier_shm_t *)tier;
    apr_status_t status;

    (void)p;
    if (!in_table(key))
        return APR_ENOTIMPL;
    status = rs_shm_table_add(self->table, &key->digest, value, len, expires, now);
    if (status == APR_ENOSPC)
        say_full(self, now);
    return status;
}

static apr_status_t shm_remove(rs_tier_t *tier, const rs_cache_key_t *key,
                               const unsigned char *value, apr_size_t len, apr_time_t now,
                               apr_pool_t *p)
{
    rs_tier_shm_t *self = (rs_tier_shm_t *)tier;
    apr_status_t status;

    if (in_table(key))
        return rs_shm_table_remove(self->table, &key->digest, value, len, now);
    if (!in_socache(key))
        return APR_NOTFOUND;
    if ((status = rs_shm_lock_acquire(&self->lock)) != APR_SUCCESS)
        return status;
    status = self->provider->remove(self->stores[key->kind].cache, self->server, key->digest.bytes,
                                    RS_SHA256_BYTES, p);
    rs_shm_lock_release(&self->lock);
    return status;
}

/* ---- making it ---- */

static const char *parse_size(apr_size_t *bytes, const char *text, apr_pool_t *p)
{
    char *end;
    apr_int64_t number = text ? apr_strtoi64(text, &end, 10) : SIZE_DEFAULT;
    bool fine = !text || (end != text && number > 0 && number <= SIZE_MAX_BYTES);

    if (fine && text && *end) {
        if ((*end | 0x20) == 'k')
            number *= 1024;
        else if ((*end | 0x20) == 'm')
            number *= 1024 * 1024;
        else
            fine = false;
        fine = fine && !end[1];
    }
    if (!fine || number < SIZE_MIN || number > SIZE_MAX_BYTES)
        return apr_psprintf(p,
                            "\"%s\" is no size of the shared-memory cache: write a number with k "
                            "or m, from 256k to "
                            "1024m, as in shm:4m",
                            text);
    *bytes = (apr_size_t)number;
    return NULL;
}

static const char *create_store(rs_tier_shm_t *shm, rs_kind_t kind, apr_size_t bytes,
                                apr_pool_t *ptemp, apr_pool_t *p)
{
    const char *arg = apr_psprintf(p, "oauth2-rs-%s(%" APR_SIZE_T_FMT ")",
                                   kind == RS_KIND_VERDICT ? "verdicts" : "negatives", bytes);

    shm->stores[kind].object_bytes_max = bytes / OBJECT_SHARE;
    /* Each look-up takes as much memory. */
    if (shm->stores[kind].object_bytes_max > RS_RECORD_BYTES_MAX)
        shm->stores[kind].object_bytes_max = RS_RECORD_BYTES_MAX;
    return shm->provider->create(&shm->stores[kind].cache, arg, ptemp, p);
}

const char *rs_tier_shm_create(rs_tier_shm_t **shm, const char *size, apr_pool_t *ptemp,
                               apr_pool_t *p)
{
    rs_tier_shm_t *made = apr_pcalloc(p, sizeof *made);
    const char *trouble = parse_size(&made->size, size, p);

    if (trouble)
        return trouble;
    made->provider =
        ap_lookup_provider(AP_SOCACHE_PROVIDER_GROUP, "shmcb", AP_SOCACHE_PROVIDER_VERSION);
    if (!made->provider)
        return "the shared-memory cache needs mod_socache_shmcb: enable it (a2enmod socache_shmcb) "
               "or write "
               "OAuth2RSCache none";
    made->tier.name = "shm";
    made->tier.healthy = shm_healthy;
    made->tier.certain = true;
    made->tier.fetch = shm_fetch;
    made->tier.store = shm_store;
    made->tier.add = shm_add;
    made->tier.remove = shm_remove;
    trouble = create_store(made, RS_KIND_VERDICT, made->size - 3 * (made->size / SHARE), ptemp, p);
    if (!trouble)
        trouble = create_store(made, RS_KIND_NEGATIVE, made->size / SHARE, ptemp, p);
    if (!trouble)
        *shm = made;
    return trouble;
}

apr_status_t rs_tier_shm_register(apr_pool_t *p)
{
    return ap_mutex_register(p, MUTEX_TYPE, NULL, APR_LOCK_DEFAULT_TIMED, 0);
}

static apr_status_t close_stores(void *data)
{
    rs_tier_shm_t *shm = data;
    unsigned i;

    for (i = 0; i < INSTANCES; i++)
        shm->provider->destroy(shm->stores[i].cache, shm->server);
    return APR_SUCCESS;
}

static apr_status_t open_store(rs_tier_shm_t *shm, rs_kind_t kind, const char *name, apr_pool_t *p)
{
    struct ap_socache_hints hints = { RS_SHA256_BYTES, kind == RS_KIND_VERDICT ? 800 : 100, 0 };

    return shm->provider->init(shm->stores[kind].cache, name, &hints, shm->server, p);
}

static apr_status_t open_table(rs_tier_shm_t *shm, apr_pool_t *p)
{
    rs_shm_table_config_t config = { .bytes = shm->size / SHARE,
                                     .value_bytes_max = RS_SHM_VALUE_BYTES_MAX,
                                     .lock = &shm->lock };
    apr_status_t status = rs_random_bytes((unsigned char *)config.seed, sizeof config.seed);

    return status == APR_SUCCESS ? rs_shm_table_create(&shm->table, &config, p) : status;
}

static void init_lock(rs_tier_shm_t *shm)
{
    rs_shm_lock_init(&shm->lock, shm->mutex, RS_SHM_LOCK_WAIT);
    rs_shm_lock_on_change(&shm->lock, lock_changed, shm);
}

apr_status_t rs_tier_shm_open(rs_tier_shm_t *shm, server_rec *s, apr_pool_t *p)
{
    apr_status_t status = ap_global_mutex_create(&shm->mutex, NULL, MUTEX_TYPE, NULL, s, p, 0);

    shm->server = s;
    if (status == APR_SUCCESS)
        status = open_store(shm, RS_KIND_VERDICT, "oauth2rs-verdict", p);
    if (status == APR_SUCCESS)
        status = open_store(shm, RS_KIND_NEGATIVE, "oauth2rs-negativ", p);
    if (status != APR_SUCCESS)
        return status;
    init_lock(shm);
    apr_pool_cleanup_register(p, shm, close_stores, apr_pool_cleanup_null);
    if ((status = open_table(shm, p)) != APR_SUCCESS)
        return status;
    return rs_shm_documents_create(&shm->documents, shm->size / SHARE, &shm->lock, p);
}

apr_status_t rs_tier_shm_child_init(rs_tier_shm_t *shm, server_rec *s, apr_pool_t *pchild)
{
    const char *file = apr_global_mutex_lockfile(shm->mutex);
    apr_status_t status = apr_global_mutex_child_init(&shm->mutex, file, pchild);

    if (status != APR_SUCCESS)
        ap_log_error(APLOG_MARK, APLOG_ERR, status, s,
                     "RS0872: the lock of the shared-memory cache could not be opened");
    else
        init_lock(shm);
    return status;
}

rs_tier_t *rs_tier_shm_tier(rs_tier_shm_t *shm)
{
    return &shm->tier;
}
