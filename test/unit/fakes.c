/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Stand-ins for the outside world. */
#include "fakes.h"

#include <apr_errno.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Guards what fakes remember: some are asked by several threads. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- pools, digests, files ---- */

int fake_pool(void **state)
{
    static bool ready;
    apr_pool_t *p;

    if (!ready && apr_initialize() != APR_SUCCESS)
        return -1;
    ready = true;
    if (apr_pool_create(&p, NULL) != APR_SUCCESS)
        return -1;
    *state = p;
    return 0;
}

int fake_pool_end(void **state)
{
    apr_pool_destroy(*state);
    return 0;
}

rs_sha256_t fake_digest(const char *text)
{
    rs_span_t span = { text, strlen(text) };
    rs_sha256_t digest;

    rs_sha256(&span, 1, &digest);
    return digest;
}

const char *fake_vector(const char *name, apr_pool_t *p)
{
    const char *path = apr_pstrcat(p, TEST_VECTORS "/", name, NULL);
    apr_file_t *file;
    apr_finfo_t info;
    char *text;

    if (apr_file_open(&file, path, APR_READ, 0, p) != APR_SUCCESS ||
        apr_file_info_get(&info, APR_FINFO_SIZE, file) != APR_SUCCESS) {
        fprintf(stderr, "cannot read %s\n", path);
        abort();
    }
    text = apr_pcalloc(p, (apr_size_t)info.size + 1);
    if (apr_file_read_full(file, text, (apr_size_t)info.size, NULL) != APR_SUCCESS)
        abort();
    apr_file_close(file);
    return text;
}

static apr_status_t remove_folder(void *data)
{
    rmdir(data);
    return APR_SUCCESS;
}

static apr_status_t remove_file(void *data)
{
    unlink(data);
    return APR_SUCCESS;
}

const char *fake_folder(apr_pool_t *p)
{
    const char *base = getenv("TMPDIR");
    char *folder = apr_pstrcat(p, base ? base : "/tmp", "/rs-unit-XXXXXX", NULL);

    if (!mkdtemp(folder))
        abort();
    apr_pool_cleanup_register(p, folder, remove_folder, apr_pool_cleanup_null);
    return folder;
}

const char *fake_file(const char *folder, const char *name, const char *text, apr_pool_t *p)
{
    char *path = apr_pstrcat(p, folder, "/", name, NULL);
    FILE *file = fopen(path, "w");

    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
    apr_pool_cleanup_register(p, path, remove_file, apr_pool_cleanup_null);
    return path;
}

/* ---- the transport ---- */

static void remember(fake_http_t *fake, const rs_http_request_t *request)
{
    unsigned i;

    apr_cpystrn(fake->url, request->url, sizeof fake->url);
    apr_cpystrn(fake->form, request->form ? request->form : "", sizeof fake->form);
    *fake->authorization = '\0';
    for (i = 0; i < request->header_count; i++) {
        if (strcmp(request->headers[i].name, "Authorization") == 0)
            apr_cpystrn(fake->authorization, request->headers[i].value, sizeof fake->authorization);
    }
}

static apr_status_t perform(rs_http_t *self, const rs_http_request_t *request,
                            rs_http_response_t **response, const char **why, apr_pool_t *p)
{
    fake_http_t *fake = (fake_http_t *)self;

    if (fake->takes)
        apr_sleep(fake->takes);
    pthread_mutex_lock(&lock);
    remember(fake, request);
    pthread_mutex_unlock(&lock);
    fake->calls++;
    *response = apr_pmemdup(p, &fake->reply, sizeof fake->reply);
    if (fake->answer)
        fake->answer(fake, request, *response);
    if (fake->result != APR_SUCCESS)
        *why = "the transport was told to fail";
    else if ((*response)->body) {
        (*response)->body_len = strlen((*response)->body);
        (*response)->body = apr_pstrdup(p, (*response)->body);
    }
    return fake->result;
}

void fake_http_init(fake_http_t *fake)
{
    memset(fake, 0, sizeof *fake);
    fake->http.perform = perform;
    fake_http_says(fake, 404, "text/plain", "");
}

void fake_http_says(fake_http_t *fake, int status, const char *content_type, const char *body)
{
    memset(&fake->reply, 0, sizeof fake->reply);
    fake->reply.status = status;
    fake->reply.content_type = content_type;
    fake->reply.body = body;
}

/* ---- the tier ---- */

static bool tier_healthy(rs_tier_t *self, apr_time_t now)
{
    (void)now;
    return !((fake_tier_t *)self)->sick;
}

static int tier_find(const fake_tier_t *fake, const rs_cache_key_t *key)
{
    unsigned i;

    for (i = 0; i < fake->count; i++) {
        if (fake->places[i].key.kind == key->kind &&
            rs_sha256_equal(&fake->places[i].key.digest, &key->digest))
            return (int)i;
    }
    return -1;
}

static apr_status_t tier_fetch(rs_tier_t *self, const rs_cache_key_t *key,
                               const unsigned char **value, apr_size_t *len, apr_time_t now,
                               apr_pool_t *p)
{
    fake_tier_t *fake = (fake_tier_t *)self;
    int at = tier_find(fake, key);

    (void)now;
    fake->fetches++;
    if (fake->fetch_status != APR_SUCCESS)
        return fake->fetch_status;
    if (at < 0)
        return APR_NOTFOUND;
    *value = apr_pmemdup(p, fake->places[at].value, fake->places[at].len);
    *len = fake->places[at].len;
    return APR_SUCCESS;
}

static apr_status_t tier_store(rs_tier_t *self, const rs_cache_key_t *key,
                               const unsigned char *value, apr_size_t len, apr_time_t expires,
                               apr_time_t now, apr_pool_t *p)
{
    fake_tier_t *fake = (fake_tier_t *)self;
    int at = tier_find(fake, key);

    (void)now, (void)p;
    if (fake->store_status != APR_SUCCESS)
        return fake->store_status;
    if (at < 0 && fake->count == FAKE_PLACES)
        return APR_ENOSPC;
    if (at < 0)
        at = (int)fake->count++;
    fake->places[at].key = *key;
    fake->places[at].value = apr_pmemdup(fake->p, value, len);
    fake->places[at].len = len;
    fake->expires = expires;
    fake->stores++;
    return APR_SUCCESS;
}

static apr_status_t tier_add(rs_tier_t *self, const rs_cache_key_t *key, const unsigned char *value,
                             apr_size_t len, apr_time_t expires, apr_time_t now, apr_pool_t *p)
{
    if (tier_find((fake_tier_t *)self, key) >= 0)
        return APR_EEXIST;
    return tier_store(self, key, value, len, expires, now, p);
}

static apr_status_t tier_remove(rs_tier_t *self, const rs_cache_key_t *key,
                                const unsigned char *value, apr_size_t len, apr_time_t now,
                                apr_pool_t *p)
{
    fake_tier_t *fake = (fake_tier_t *)self;
    int at = tier_find(fake, key);

    (void)now, (void)p;
    if (at < 0 ||
        (value && (fake->places[at].len != len || memcmp(fake->places[at].value, value, len) != 0)))
        return APR_NOTFOUND;
    fake->places[at] = fake->places[--fake->count];
    return APR_SUCCESS;
}

/* Tests with threads share a tier. */
static apr_status_t locked_fetch(rs_tier_t *self, const rs_cache_key_t *key,
                                 const unsigned char **value, apr_size_t *len, apr_time_t now,
                                 apr_pool_t *p)
{
    apr_status_t status;

    pthread_mutex_lock(&lock);
    status = tier_fetch(self, key, value, len, now, p);
    pthread_mutex_unlock(&lock);
    return status;
}

static apr_status_t locked_store(rs_tier_t *self, const rs_cache_key_t *key,
                                 const unsigned char *value, apr_size_t len, apr_time_t expires,
                                 apr_time_t now, apr_pool_t *p)
{
    apr_status_t status;

    pthread_mutex_lock(&lock);
    status = tier_store(self, key, value, len, expires, now, p);
    pthread_mutex_unlock(&lock);
    return status;
}

void fake_tier_init(fake_tier_t *fake, apr_pool_t *p)
{
    memset(fake, 0, sizeof *fake);
    fake->tier.name = "fake";
    fake->tier.healthy = tier_healthy;
    fake->tier.fetch = locked_fetch;
    fake->tier.store = locked_store;
    fake->tier.add = tier_add;
    fake->tier.remove = tier_remove;
    fake->p = p;
}

/* ---- the log ---- */

static bool log_wants(const rs_log_t *self, rs_log_level_t level)
{
    (void)self, (void)level;
    return true;
}

static void log_write(const rs_log_t *self, rs_log_level_t level, const char *line)
{
    fake_log_t *fake = (fake_log_t *)self;
    size_t used;

    pthread_mutex_lock(&lock);
    used = strlen(fake->text);
    fake->lines[level]++;
    snprintf(fake->text + used, sizeof fake->text - used, "%s\n", line);
    pthread_mutex_unlock(&lock);
}

void fake_log_init(fake_log_t *fake)
{
    memset(fake, 0, sizeof *fake);
    fake->log.wants = log_wants;
    fake->log.write = log_write;
}
