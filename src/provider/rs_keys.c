/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Keys over time.
 *
 * Readers take a reference to the current snapshot under a lock that is held for moments only.
 * Whoever finds work (keys are old, a file has changed, a kid is unknown) becomes the one worker:
 * it sets `busy`, works without the lock, and puts a new snapshot in place. Others use the old one
 * meanwhile; only when there is none do they wait. */
#include "provider/rs_keys.h"
#include "base/rs_clock.h"
#include "base/rs_limits.h"
#include "provider/rs_document.h"
#include "provider/rs_key_source.h"
#include "provider/rs_snapshot.h"

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST apr_time_from_sec(1)
/* Background work begins so much of the interval earlier than a request would: at most half a
 * minute. */
#define LEAD_SHARE 10
#define LEAD_MAX apr_time_from_sec(30)
#define FILES_DUE_NEVER RS_TIME_NEVER
#define BUSY_RETRY_AFTER apr_time_from_sec(1)
struct rs_keys_t {
    const rs_provider_spec_t *spec;
    rs_metadata_t *metadata;
    rs_waiting_t *waiting;
    const rs_services_t *services;
    const rs_jwk_t *shared_key; /* NULL: none */
    rs_key_source_t *sources;   /* the worker's */
    unsigned source_count;
    bool remote; /* one of them is an address */
    bool local;  /* one of them is a file */

    apr_thread_mutex_t *lock; /* guards what follows */
    apr_thread_cond_t *done;
    bool busy;
    rs_snapshot_t *current; /* rs_jwks_t; NULL: none */
    bool failing;           /* the last fetch was no success */
    apr_time_t fetched_at;  /* the last time that any source answered; 0: never */
    apr_time_t missed_at;   /* 0: never */
    apr_time_t fetch_due, files_due;
    apr_interval_time_t interval, backoff;
    rs_log_quiet_t trouble;
};

/* ---- snapshots ---- */

/* Everything that is known now, parsed anew. NULL: not one key. Without the lock. */
static rs_snapshot_t *snapshot_build(const rs_keys_t *keys)
{
    const rs_jwks_t **sets;
    const char *why;
    apr_pool_t *pool = rs_snapshot_pool("rs_keys");
    unsigned i, count = 0;

    if (!pool)
        return NULL;
    sets = apr_palloc(pool, (keys->source_count + 1) * sizeof *sets);
    for (i = 0; i < keys->source_count; i++) {
        const rs_key_source_t *source = &keys->sources[i];
        if (source->text &&
            (sets[count] = rs_jwks_parse(source->text, source->len, &why, pool)) != NULL)
            count++;
    }
    if (keys->shared_key)
        sets[count++] = rs_jwks_of(keys->shared_key, pool);
    if (!count) {
        apr_pool_destroy(pool);
        return NULL;
    }
    return rs_snapshot_create(rs_jwks_join(sets, count, pool), pool);
}

/* ---- creation ---- */

void rs_keys_forget(rs_keys_t *keys)
{
    unsigned i;

    apr_thread_mutex_lock(keys->lock);
    rs_snapshot_release(keys->current);
    keys->current = NULL;
    /* A worker that is still about has its hands on the texts: they end with the process. */
    for (i = 0; i < keys->source_count && !keys->busy; i++) {
        free(keys->sources[i].text);
        keys->sources[i].text = NULL;
    }
    apr_thread_mutex_unlock(keys->lock);
}

static apr_status_t keys_destroy(void *data)
{
    rs_keys_forget(data);
    return APR_SUCCESS;
}

static void add_sources(rs_keys_t *keys, apr_pool_t *p)
{
    const rs_keys_spec_t *spec = &keys->spec->keys;
    int i;

    keys->sources =
        apr_pcalloc(p, (spec->urls->nelts + spec->files->nelts + 1) * sizeof *keys->sources);
    for (i = 0; i < spec->files->nelts; i++)
        keys->sources[keys->source_count++].file.path = APR_ARRAY_IDX(spec->files, i, const char *);
    keys->files_due = keys->source_count ? 0 : FILES_DUE_NEVER;
    for (i = 0; i < spec->urls->nelts; i++)
        keys->sources[keys->source_count++].url = APR_ARRAY_IDX(spec->urls, i, const char *);
    keys->remote = spec->urls->nelts > 0;
    keys->local = spec->files->nelts > 0;
    if (!keys->source_count && !spec->shared_key.value && !keys->spec->metadata.off) {
        keys->source_count = 1;
        keys->remote = true;
    }
}

apr_status_t rs_keys_create(rs_keys_t **keys, const rs_provider_spec_t *spec,
                            rs_metadata_t *metadata, rs_waiting_t *waiting,
                            const rs_services_t *services, apr_pool_t *p)
{
    rs_keys_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status = apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, p);

    if (status == APR_SUCCESS)
        status = apr_thread_cond_create(&made->done, p);
    if (status != APR_SUCCESS)
        return status;
    made->spec = spec;
    made->metadata = metadata;
    made->waiting = waiting;
    made->services = services;
    add_sources(made, p);
    apr_pool_cleanup_register(p, made, keys_destroy, apr_pool_cleanup_null);
    *keys = made;
    return APR_SUCCESS;
}

/* In a pool of its own: what parsing needs must not live as long as the configuration. */
static const char *load_file(rs_keys_t *keys, rs_key_source_t *source, apr_pool_t *p)
{
    const char *remarks = "", *trouble = NULL, *why = NULL;
    apr_pool_t *ptemp;
    bool changed;

    apr_pool_create(&ptemp, p);
    if (rs_key_source_read(source, &changed, &trouble, &remarks, ptemp) != APR_SUCCESS)
        why = apr_psprintf(p, "OAuth2RSKeys file:%s: %s", source->file.path, trouble);
    else if (*remarks)
        rs_log(keys->services->log, RS_LOG_INFO,
               "RS0503: provider %s: keys of %s that are not used: %s", keys->spec->name,
               source->file.path, remarks);
    apr_pool_destroy(ptemp);
    return why;
}

static const char *load_shared_key(rs_keys_t *keys, apr_pool_t *p)
{
    const rs_source_t *source = &keys->spec->keys.shared_key;
    const char *secret, *why = NULL;
    apr_size_t len;
    apr_status_t status;

    if (!source->value)
        return NULL;
    status = rs_source_read(source, &secret, &len, p);
    if (status != APR_SUCCESS)
        return apr_psprintf(p, "OAuth2RSSharedKey cannot be read: %s",
                            rs_source_failure(source, status, p));
    keys->shared_key = rs_jwk_shared((const unsigned char *)secret, len, &why, p);
    return why ? apr_pstrcat(p, "OAuth2RSSharedKey: ", why, NULL) : NULL;
}

apr_status_t rs_keys_load_files(rs_keys_t *keys, apr_time_t now, const char **why, apr_pool_t *p)
{
    unsigned i;

    *why = load_shared_key(keys, p);
    for (i = 0; i < keys->source_count && !*why; i++) {
        if (keys->sources[i].file.path)
            *why = load_file(keys, &keys->sources[i], p);
    }
    if (*why)
        return APR_EINVAL;
    if (keys->files_due != FILES_DUE_NEVER)
        keys->files_due = now + RS_WATCHED_FILE_INTERVAL;
    keys->current = snapshot_build(keys);
    return APR_SUCCESS;
}

/* ---- the worker's work: without the lock ---- */

static void tell_remarks(const rs_keys_t *keys, const char *place, const char *remarks)
{
    if (*remarks)
        rs_log(keys->services->log, RS_LOG_INFO,
               "RS0504: provider %s: keys of %s that are not used: %s", keys->spec->name, place,
               remarks);
}

/* True when a file has new keys. */
static bool reread_files(rs_keys_t *keys, apr_pool_t *ptemp)
{
    bool any = false, changed;
    unsigned i;

    for (i = 0; i < keys->source_count; i++) {
        rs_key_source_t *source = &keys->sources[i];
        const char *why = NULL, *remarks = "";
        apr_status_t status;
        if (!source->file.path)
            continue;
        status = rs_key_source_read(source, &changed, &why, &remarks, ptemp);
        if (status == APR_SUCCESS && changed) {
            rs_log(keys->services->log, RS_LOG_INFO,
                   "RS0505: provider %s: %s has changed and was read again", keys->spec->name,
                   source->file.path);
            tell_remarks(keys, source->file.path, remarks);
            any = true;
        }
        else if (status != APR_SUCCESS)
            rs_log(keys->services->log, RS_LOG_WARNING,
                   "RS0506: provider %s: %s has changed, but %s: the keys it had stay in use",
                   keys->spec->name, source->file.path, why);
    }
    return any;
}

typedef struct {
    const char *place, *why; /* of the first failure; NULL: there was none */
    apr_interval_time_t fresh;
    apr_time_t earliest, latest; /* that sources were fetched at; earliest: of those that were */
    bool any;
} fetching_t;

/* What another process has fetched is as good as what we would fetch. */
static bool take_over(rs_keys_t *keys, rs_key_source_t *source, const rs_document_place_t *place,
                      rs_document_t *document, apr_time_t now, apr_pool_t *ptemp)
{
    const char *why, *remarks;

    if (!rs_document_find(document, place, source->fetched_at, now, ptemp) ||
        now - document->fetched_at > rs_keys_spec_interval(&keys->spec->keys, document->fresh) ||
        rs_key_source_take(source, document->text, document->len, &why, &remarks, ptemp) !=
            APR_SUCCESS)
        return false;
    rs_log(keys->services->log, RS_LOG_DEBUG,
           "RS0507: provider %s: keys taken over from the shared cache, %" APR_INT64_T_FMT " s old",
           keys->spec->name, (apr_int64_t)apr_time_sec(now - document->fetched_at));
    return true;
}

/* NULL, or why not. */
static const char *fetch_anew(rs_keys_t *keys, rs_key_source_t *source, rs_document_place_t place,
                              rs_document_t *document, apr_time_t now, apr_pool_t *ptemp)
{
    rs_key_fetch_t fetch = { keys->services->http, &keys->spec->peer, place.url };
    const char *why = NULL, *remarks = "";

    document->fresh = -1;
    if (rs_key_source_fetch(source, &fetch, &document->fresh, &why, &remarks, ptemp) != APR_SUCCESS)
        return why ? why : "no reason is known";
    tell_remarks(keys, place.url, remarks);
    document->text = source->text;
    document->len = source->len;
    document->fetched_at = now;
    place.age_max = keys->spec->keys.refresh_max;
    rs_document_share(document, &place, now, ptemp);
    return NULL;
}

static const char *url_of(rs_keys_t *keys, const rs_key_source_t *source, const char **why,
                          apr_time_t now, apr_pool_t *ptemp)
{
    rs_metadata_document_t document;

    if (source->url)
        return source->url;
    if (rs_metadata_get(keys->metadata, &document, now, why, ptemp) != APR_SUCCESS) {
        if (!*why)
            *why = "its metadata cannot be had";
        return NULL;
    }
    if (!document.jwks_uri)
        *why = "its metadata names no acceptable jwks_uri: add OAuth2RSKeys URL";
    return document.jwks_uri;
}

static void note_source(const rs_key_source_t *source, fetching_t *result)
{
    if (source->fresh >= 0 && (result->fresh < 0 || source->fresh < result->fresh))
        result->fresh = source->fresh;
    if (source->fetched_at < result->earliest)
        result->earliest = source->fetched_at;
    if (source->fetched_at > result->latest)
        result->latest = source->fetched_at;
}

/* Another source is asked again because it fails: no reason to ask this one as often. */
static bool is_well(const rs_keys_t *keys, const rs_key_source_t *source, apr_time_t now)
{
    apr_interval_time_t age = now - source->fetched_at;

    return keys->failing && !source->failing && source->text && age >= 0 &&
           age < rs_keys_spec_interval(&keys->spec->keys, source->fresh);
}

static void fetch_one(rs_keys_t *keys, rs_key_source_t *source, apr_interval_time_t age_max,
                      fetching_t *result, apr_time_t now, apr_pool_t *ptemp)
{
    const char *why = NULL;
    rs_document_t document;
    rs_document_place_t place = { url_of(keys, source, &why, now, ptemp), age_max, keys->spec,
                                  keys->services };

    if (place.url && !take_over(keys, source, &place, &document, now, ptemp))
        why = fetch_anew(keys, source, place, &document, now, ptemp);
    else if (place.url)
        why = NULL;
    if (why && !result->why) {
        result->place = place.url ? place.url : keys->spec->policy.issuer;
        result->why = why;
    }
    source->failing = why != NULL;
    if (why)
        return;
    result->any = true;
    source->fetched_at = document.fetched_at;
    source->fresh = document.fresh;
    note_source(source, result);
}

/* A source that has not answered for too long takes its keys with it, whatever others do. */
static void drop_stale(rs_keys_t *keys, fetching_t *result, apr_time_t now)
{
    unsigned i;

    for (i = 0; i < keys->source_count; i++) {
        rs_key_source_t *source = &keys->sources[i];
        if (source->file.path || !source->text ||
            now - source->fetched_at <= keys->spec->keys.stale_max)
            continue;
        free(source->text);
        source->text = NULL;
        result->any = true;
    }
}

/* With the lock held: what the fetch means for the next one. */
static void note_fetch(rs_keys_t *keys, const fetching_t *result, apr_time_t now)
{
    keys->failing = result->why != NULL;
    if (result->latest)
        keys->fetched_at = result->latest;
    if (!keys->failing) {
        keys->backoff = 0;
        keys->interval = rs_keys_spec_interval(&keys->spec->keys, result->fresh);
        keys->fetch_due = result->earliest + rs_jitter(keys->services->random, keys->interval);
        return;
    }
    keys->backoff = keys->backoff ? 2 * keys->backoff : BACKOFF_FIRST;
    if (keys->backoff > keys->spec->keys.cooldown)
        keys->backoff =
            keys->spec->keys.cooldown > BACKOFF_FIRST ? keys->spec->keys.cooldown : BACKOFF_FIRST;
    keys->fetch_due = now + rs_jitter(keys->services->random, keys->backoff);
}

static void tell_fetch(rs_keys_t *keys, const fetching_t *result, apr_time_t now)
{
    const rs_http_t *http = keys->services->http;
    apr_uint32_t kept_back;

    if (!result->why) {
        if (rs_log_quiet_over(&keys->trouble))
            rs_log(keys->services->log, RS_LOG_NOTICE,
                   "RS0502: provider %s: the issuer's keys can be had again", keys->spec->name);
        return;
    }
    if (!(http && atomic_load(&http->ending)) && rs_log_quiet_ask(&keys->trouble, now, &kept_back))
        rs_log(keys->services->log, RS_LOG_WARNING,
               "RS0501: provider %s: keys could not be fetched from %s: %s; %s (%u more failures "
               "since the last line)",
               keys->spec->name, result->place, result->why,
               keys->current ? "the old ones stay in use" : "its JWTs get 503 until they can",
               kept_back);
}

typedef enum { WORK_NONE, WORK_FETCH, WORK_MISS, WORK_FILES } work_t;

/* `busy` is ours; the lock is not held, and not held on return. */
static bool work_on(rs_keys_t *keys, work_t work, apr_time_t now, apr_pool_t *ptemp)
{
    fetching_t result = { NULL, NULL, -1, now, 0, false };
    const rs_keys_spec_t *spec = &keys->spec->keys;
    apr_interval_time_t age_max = work == WORK_MISS ? spec->cooldown : spec->refresh_max;
    rs_snapshot_t *fresh = NULL;
    rs_moment_t moment = rs_moment_at(now);
    unsigned i;

    if (work == WORK_FILES)
        result.any = reread_files(keys, ptemp);
    for (i = 0; work != WORK_FILES && i < keys->source_count; i++) {
        rs_key_source_t *source = &keys->sources[i];
        if (source->file.path)
            continue;
        if (work == WORK_FETCH && is_well(keys, source, now))
            note_source(source, &result);
        else
            fetch_one(keys, source, age_max, &result, now, ptemp);
    }
    if (result.why)
        drop_stale(keys, &result, now);
    if (result.any)
        fresh = snapshot_build(keys);
    /* A pause begins when the trouble ends: a fetch that hangs lasts longer than the first ones. */
    now = rs_moment_now(&moment);
    apr_thread_mutex_lock(keys->lock);
    if (work != WORK_FILES) {
        note_fetch(keys, &result, now);
        tell_fetch(keys, &result, now);
    }
    else
        keys->files_due = now + RS_WATCHED_FILE_INTERVAL;
    if (fresh) {
        rs_snapshot_release(keys->current);
        keys->current = fresh;
    }
    keys->busy = false;
    apr_thread_cond_broadcast(keys->done);
    apr_thread_mutex_unlock(keys->lock);
    return !result.why;
}

/* In a pool of its own: what a fetch needs is not kept as long as a request. */
static bool work_apart(rs_keys_t *keys, work_t work, apr_time_t now, apr_pool_t *p)
{
    apr_pool_t *ptemp;
    bool fine;

    apr_pool_create(&ptemp, p);
    fine = work_on(keys, work, now, ptemp);
    apr_pool_destroy(ptemp);
    return fine;
}

/* ---- with the lock held ---- */

static bool usable(const rs_keys_t *keys, apr_time_t now)
{
    if (!keys->current)
        return false;
    return !keys->remote || keys->local || !keys->failing ||
           now - keys->fetched_at <= keys->spec->keys.stale_max;
}

/* longest: how far ahead it can lie. What lies further was due before the clock was set back. */
static bool is_due(apr_time_t due, apr_interval_time_t longest, apr_time_t now)
{
    return due <= now || due - now > longest + RS_CLOCK_SKEW_MAX;
}

/* The work that is due, which is the caller's from then on. seat NULL: background work. */
static work_t take_work(rs_keys_t *keys, rs_seat_t *seat, apr_interval_time_t lead, apr_time_t now)
{
    const rs_keys_spec_t *spec = &keys->spec->keys;
    apr_interval_time_t longest =
        spec->refresh_max > spec->cooldown ? spec->refresh_max : spec->cooldown;
    work_t work = WORK_NONE;

    if (keys->busy)
        return WORK_NONE;
    if (keys->remote && is_due(keys->fetch_due - lead, 2 * longest, now)) {
        if (!seat || rs_waiting_sit(keys->waiting, seat, now))
            work = WORK_FETCH;
    }
    else if (keys->files_due != FILES_DUE_NEVER &&
             is_due(keys->files_due, RS_WATCHED_FILE_INTERVAL, now))
        work = WORK_FILES;
    keys->busy = work != WORK_NONE;
    return work;
}

/* False: it is still at work. */
static bool wait_for_worker(rs_keys_t *keys, rs_seat_t *seat, apr_time_t now)
{
    /* Metadata and keys are two calls. */
    apr_interval_time_t longest = 2 * keys->spec->peer.total_timeout;
    apr_time_t end = rs_clock() + rs_waiting_patience(keys->waiting, seat, longest, now);

    while (keys->busy) {
        apr_interval_time_t left = end - rs_clock();
        if (left <= 0)
            return false;
        (void)apr_thread_cond_timedwait(keys->done, keys->lock, left);
    }
    return true;
}

/* ---- the interface ---- */

const rs_jwks_t *rs_keys_hold(rs_keys_t *keys, rs_seat_t *seat, apr_time_t now,
                              apr_interval_time_t *retry_after, apr_pool_t *p)
{
    rs_snapshot_t *held = NULL;
    work_t work;

    apr_thread_mutex_lock(keys->lock);
    work = take_work(keys, seat, 0, now);
    if (work != WORK_NONE) {
        apr_thread_mutex_unlock(keys->lock);
        (void)work_apart(keys, work, now, p);
        apr_thread_mutex_lock(keys->lock);
    }
    else if (!usable(keys, now) && keys->busy)
        (void)wait_for_worker(keys, seat, now);
    if (usable(keys, now))
        held = rs_snapshot_retain(keys->current);
    *retry_after = !keys->busy && keys->fetch_due > now ? keys->fetch_due - now : BUSY_RETRY_AFTER;
    apr_thread_mutex_unlock(keys->lock);
    if (!held)
        return NULL;
    rs_snapshot_release_with(held, p);
    return rs_snapshot_content(held);
}

apr_status_t rs_keys_miss(rs_keys_t *keys, rs_seat_t *seat, apr_time_t issued, apr_time_t now,
                          apr_interval_time_t *retry_after, apr_pool_t *p)
{
    apr_interval_time_t cooldown = keys->spec->keys.cooldown;
    apr_status_t status = APR_SUCCESS;
    bool fetch = false;

    if (!keys->remote)
        return APR_NOTFOUND;
    apr_thread_mutex_lock(keys->lock);
    *retry_after = BUSY_RETRY_AFTER;
    if (keys->busy)
        status = wait_for_worker(keys, seat, now) && !keys->failing ? APR_SUCCESS : APR_EAGAIN;
    else if (keys->missed_at && !is_due(keys->missed_at + cooldown, cooldown, now)) {
        status = keys->failing || issued > keys->fetched_at ? APR_EAGAIN : APR_NOTFOUND;
        *retry_after = keys->missed_at + cooldown - now;
    }
    else if (!rs_waiting_sit(keys->waiting, seat, now))
        status = APR_EAGAIN;
    else {
        fetch = keys->busy = true;
        keys->missed_at = now;
        *retry_after = cooldown;
    }
    apr_thread_mutex_unlock(keys->lock);
    if (fetch && !work_apart(keys, WORK_MISS, now, p))
        status = APR_EAGAIN;
    return status;
}

bool rs_keys_still_has(rs_keys_t *keys, const rs_sha256_t *thumbprint, apr_time_t now)
{
    bool has;

    apr_thread_mutex_lock(keys->lock);
    has = usable(keys, now) && rs_jwks_has(rs_snapshot_content(keys->current), thumbprint);
    apr_thread_mutex_unlock(keys->lock);
    return has;
}

void rs_keys_tend(rs_keys_t *keys, apr_time_t now, apr_pool_t *ptemp)
{
    apr_interval_time_t lead;
    work_t work;

    apr_thread_mutex_lock(keys->lock);
    lead = keys->interval / LEAD_SHARE < LEAD_MAX ? keys->interval / LEAD_SHARE : LEAD_MAX;
    if (keys->failing)
        lead = 0;
    work = take_work(keys, NULL, lead, now);
    apr_thread_mutex_unlock(keys->lock);
    if (work != WORK_NONE)
        (void)work_apart(keys, work, now, ptemp);
}

rs_keys_state_t rs_keys_state(rs_keys_t *keys)
{
    rs_keys_state_t state = { 0 };

    apr_thread_mutex_lock(keys->lock);
    if (keys->current)
        state.count = rs_jwks_count(rs_snapshot_content(keys->current));
    state.failing = keys->failing;
    state.fetched_at = keys->fetched_at;
    apr_thread_mutex_unlock(keys->lock);
    return state;
}
