/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Decryption keys over time. */
#include "provider/rs_decryption.h"
#include "base/rs_digest.h"
#include "base/rs_limits.h"
#include "base/rs_watched_file.h"
#include "provider/rs_snapshot.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>

typedef struct {
    rs_watched_file_t file;
    rs_snapshot_t *current; /* rs_jwe_keys_t; guarded by the lock */
} key_file_t;

struct rs_decryption_t {
    const char *provider;
    const rs_services_t *services;
    key_file_t *files;
    unsigned count;
    apr_thread_mutex_t *lock; /* guards what follows */
    apr_time_t due;
};

/* APR_SUCCESS with *fresh NULL: it has not changed. */
static apr_status_t load(key_file_t *key, rs_snapshot_t **fresh, const char **why, apr_pool_t *p)
{
    apr_pool_t *pool;
    const rs_jwe_keys_t *keys;
    bool changed;
    char *text;
    apr_size_t len;
    apr_status_t status =
        rs_watched_file_read(&key->file, RS_SECRET_BYTES_MAX, &changed, &text, &len, p);

    *fresh = NULL;
    *why = status == APR_SUCCESS ? NULL : "it cannot be read";
    if (status != APR_SUCCESS || !changed)
        return changed ? status : APR_SUCCESS;
    pool = rs_snapshot_pool("rs_decryption");
    if (!pool)
        return APR_ENOMEM;
    keys = rs_jwe_keys_parse(text, len, why, pool);
    rs_wipe(text, len);
    if (keys)
        *fresh = rs_snapshot_create(keys, pool);
    else {
        *why = apr_pstrdup(p, *why);
        apr_pool_destroy(pool);
    }
    return keys ? APR_SUCCESS : APR_EINVAL;
}

static apr_status_t forget(void *data)
{
    rs_decryption_forget(data);
    return APR_SUCCESS;
}

apr_status_t rs_decryption_create(rs_decryption_t **decryption, const rs_provider_spec_t *spec,
                                  const rs_services_t *services, apr_time_t now, const char **why,
                                  apr_pool_t *p)
{
    rs_decryption_t *made = apr_pcalloc(p, sizeof *made);
    const apr_array_header_t *paths = spec->keys.decryption_files;
    apr_status_t status = apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, p);

    made->provider = spec->name;
    made->services = services;
    made->due = now + RS_WATCHED_FILE_INTERVAL;
    made->files = apr_pcalloc(p, (paths->nelts + 1) * sizeof *made->files);
    apr_pool_cleanup_register(p, made, forget, apr_pool_cleanup_null);
    for (; status == APR_SUCCESS && made->count < (unsigned)paths->nelts; made->count++) {
        key_file_t *key = &made->files[made->count];
        key->file.path = APR_ARRAY_IDX(paths, made->count, const char *);
        status = load(key, &key->current, why, p);
        if (status != APR_SUCCESS)
            *why = apr_psprintf(p, "OAuth2RSDecryptionKey file:%s: %s", key->file.path,
                                *why ? *why : "there is no memory for it");
    }
    *decryption = made;
    return status;
}

void rs_decryption_forget(rs_decryption_t *decryption)
{
    unsigned i;

    apr_thread_mutex_lock(decryption->lock);
    for (i = 0; i < decryption->count; i++) {
        rs_snapshot_release(decryption->files[i].current);
        decryption->files[i].current = NULL;
    }
    apr_thread_mutex_unlock(decryption->lock);
}

/* With the lock held: files are small, and changes are rare. */
static void look_for_changes(rs_decryption_t *decryption, apr_pool_t *p)
{
    unsigned i;

    for (i = 0; i < decryption->count; i++) {
        key_file_t *key = &decryption->files[i];
        rs_snapshot_t *fresh;
        const char *why;
        apr_status_t status = load(key, &fresh, &why, p);
        if (status != APR_SUCCESS)
            rs_log(decryption->services->log, RS_LOG_WARNING,
                   "RS0542: provider %s: the decryption key %s has changed, but %s: the one it had "
                   "stays in use (a key that only root can read is read at a graceful restart)",
                   decryption->provider, key->file.path, why ? why : "there is no memory for it");
        else if (fresh) {
            rs_log(decryption->services->log, RS_LOG_INFO,
                   "RS0541: provider %s: the decryption key %s has changed and was read again",
                   decryption->provider, key->file.path);
            rs_snapshot_release(key->current);
            key->current = fresh;
        }
    }
}

static rs_snapshot_t *hold(rs_decryption_t *decryption, unsigned which, apr_time_t now,
                           apr_pool_t *p)
{
    rs_snapshot_t *held = NULL;

    apr_thread_mutex_lock(decryption->lock);
    if (decryption->due <= now) {
        decryption->due = now + RS_WATCHED_FILE_INTERVAL;
        look_for_changes(decryption, p);
    }
    if (decryption->files[which].current)
        held = rs_snapshot_retain(decryption->files[which].current);
    apr_thread_mutex_unlock(decryption->lock);
    return held;
}

rs_outcome_t rs_decryption_open(rs_decryption_t *decryption, const char *token, apr_size_t len,
                                rs_jwe_plain_t *plain, apr_time_t now, apr_pool_t *p)
{
    rs_outcome_t outcome = RS_TOKEN_DECRYPTION_FAILED;
    unsigned i;

    for (i = 0; i < decryption->count && outcome == RS_TOKEN_DECRYPTION_FAILED; i++) {
        rs_snapshot_t *held = hold(decryption, i, now, p);
        if (!held)
            continue;
        outcome = rs_jwe_decrypt(rs_snapshot_content(held), token, len, plain, p);
        rs_snapshot_release(held);
    }
    return outcome;
}
