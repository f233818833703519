/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The verdict cache: which tier holds what, and until when. */
#include "cache/rs_cache.h"
#include "base/rs_clock.h"

#include <stdatomic.h>

struct rs_cache_t {
    rs_cache_config_t config;
    rs_flights_t *flights;
    _Atomic apr_int64_t trouble_at; /* of the shared tier, the last time; 0: never */
};

apr_status_t rs_cache_create(rs_cache_t **cache, const rs_cache_config_t *config, apr_pool_t *p)
{
    rs_cache_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status = rs_flights_create(&made->flights, p);

    made->config = *config;
    if (status == APR_SUCCESS)
        *cache = made;
    return status;
}

static apr_time_t usable_until(const rs_verdict_t *verdict, const rs_cache_ttl_t *ttl)
{
    apr_interval_time_t ours = rs_verdict_is_accepted(verdict) ? ttl->positive : ttl->negative;

    /* TTL 0: never, not even by who came before it was decided. */
    return verdict->introspected && ours <= 0 ? 0 : rs_verdict_until(verdict, ours);
}

static apr_time_t kept_until(const rs_verdict_t *verdict, const rs_cache_ttl_t *ttl)
{
    rs_cache_ttl_t with_stale = { ttl->positive + ttl->stale, ttl->negative, 0 };

    return usable_until(verdict, ttl->positive > 0 ? &with_stale : ttl);
}

/* The short local life lets a purge through; without a shared tier there is none to wait for. Where
 * revocations matter, the issuer is then asked the oftener. */
static apr_time_t local_until(rs_cache_t *cache, const rs_verdict_t *verdict, apr_time_t until,
                              apr_time_t now)
{
    const rs_cache_config_t *config = &cache->config;

    if (!verdict->introspected || !config->shared ||
        (!config->revocation && !config->shared->healthy(config->shared, now)))
        return until;
    return now + config->local_ttl < until ? now + config->local_ttl : until;
}

static void keep_local(rs_cache_t *cache, const rs_sha256_t *key, rs_entry_t *entry,
                       apr_time_t until, apr_time_t now)
{
    const rs_verdict_t *verdict = rs_entry_verdict(entry);

    if (cache->config.local)
        rs_local_store(cache->config.local, key, entry, !rs_verdict_is_accepted(verdict),
                       local_until(cache, verdict, until, now), now);
}

/* Verdicts and negatives have different places in a tier; which one a key has is not known before
 * it is found. */
static rs_entry_t *fetch_shared(rs_cache_t *cache, const rs_sha256_t *key, apr_time_t now,
                                apr_pool_t *p)
{
    static const rs_kind_t kinds[] = { RS_KIND_VERDICT, RS_KIND_NEGATIVE };
    rs_tier_t *shared = cache->config.shared;
    const unsigned char *bytes;
    apr_size_t len;
    unsigned i;

    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        rs_cache_key_t place = { kinds[i], *key };
        apr_status_t status = shared->fetch(shared, &place, &bytes, &len, now, p);
        rs_cache_note(cache, status, now);
        if (status == APR_SUCCESS)
            return rs_entry_of_record(bytes, len);
        if (status != APR_NOTFOUND || shared->one_place)
            break;
    }
    return NULL;
}

/* The clock of the host that asked runs ahead, or ours was set back: what the verdict says would
 * count too long. */
static bool is_from_the_future(const rs_verdict_t *verdict, apr_time_t now)
{
    return verdict->decided_at > now + RS_CLOCK_SKEW_MAX;
}

static rs_entry_t *fetch_local(rs_cache_t *cache, const rs_sha256_t *key, apr_time_t now)
{
    rs_entry_t *entry = cache->config.local ? rs_local_fetch(cache->config.local, key, now) : NULL;

    if (!entry || !is_from_the_future(rs_entry_verdict(entry), now))
        return entry;
    rs_entry_release(entry);
    rs_cache_forget(cache, key);
    return NULL;
}

const rs_verdict_t *rs_cache_fetch(rs_cache_t *cache, const rs_sha256_t *key,
                                   const rs_cache_ttl_t *ttl, bool local_only, apr_time_t now,
                                   apr_pool_t *p)
{
    rs_entry_t *entry = fetch_local(cache, key, now);
    const rs_verdict_t *verdict;
    apr_time_t until;

    if (entry && usable_until(rs_entry_verdict(entry), ttl) > now) {
        rs_entry_release_with(entry, p);
        return rs_entry_verdict(entry);
    }
    rs_entry_release(entry);
    if (local_only || !cache->config.shared || !(entry = fetch_shared(cache, key, now, p)))
        return NULL;
    rs_entry_release_with(entry, p);
    verdict = rs_entry_verdict(entry);
    until = usable_until(verdict, ttl);
    if (is_from_the_future(verdict, now))
        return NULL;
    /* Only introspected verdicts are put there; anything else did not come from us. */
    if (until <= now || !verdict->introspected || !rs_verdict_is_storable(verdict))
        return NULL;
    keep_local(cache, key, entry, kept_until(verdict, ttl), now);
    return verdict;
}

const rs_verdict_t *rs_cache_fetch_stale(rs_cache_t *cache, const rs_sha256_t *key,
                                         const rs_cache_ttl_t *ttl, apr_time_t now, apr_pool_t *p)
{
    rs_cache_ttl_t with_stale = { ttl->positive + ttl->stale, 0, 0 };
    const rs_verdict_t *verdict;

    if (ttl->positive <= 0 || ttl->stale <= 0)
        return NULL;
    verdict = rs_cache_fetch(cache, key, &with_stale, false, now, p);
    return verdict && rs_verdict_is_accepted(verdict) ? verdict : NULL;
}

/* True: it stands in the shared tier. */
static bool keep_shared(rs_cache_t *cache, const rs_sha256_t *key, const rs_verdict_t *verdict,
                        apr_time_t until, apr_time_t now, apr_pool_t *p)
{
    rs_tier_t *shared = cache->config.shared;
    rs_cache_key_t place = { rs_verdict_is_accepted(verdict) ? RS_KIND_VERDICT : RS_KIND_NEGATIVE,
                             *key };
    const unsigned char *bytes;
    apr_status_t status;
    apr_size_t len;

    if (!shared || !verdict->introspected)
        return false;
    rs_record_encode(verdict, &bytes, &len, p);
    /* The tier tells its troubles itself. */
    status = shared->store(shared, &place, bytes, len, until, now, p);
    rs_cache_note(cache, status, now);
    return status == APR_SUCCESS;
}

/* The issuer says no now: what somebody with a longer TTL was told before is not true any more.
 * replaced: the new verdict was written over it, where both have one place. */
static void forget_accepted(rs_cache_t *cache, const rs_sha256_t *key, bool replaced,
                            apr_time_t now, apr_pool_t *p)
{
    rs_tier_t *shared = cache->config.shared;
    rs_cache_key_t place = { RS_KIND_VERDICT, *key };

    if (shared && !(replaced && shared->one_place))
        (void)shared->remove(shared, &place, NULL, 0, now, p);
}

rs_entry_t *rs_cache_store(rs_cache_t *cache, const rs_sha256_t *key, const rs_verdict_t *verdict,
                           const rs_cache_ttl_t *ttl, apr_time_t now, apr_pool_t *p)
{
    rs_entry_t *entry = rs_entry_of_verdict(verdict, p);
    bool refused = verdict->introspected && !rs_verdict_is_accepted(verdict), kept = false;
    apr_time_t until;

    if (refused)
        rs_cache_forget(cache, key);
    if (entry && rs_verdict_is_storable(verdict) && usable_until(verdict, ttl) > now) {
        until = kept_until(verdict, ttl);
        keep_local(cache, key, entry, until, now);
        kept = keep_shared(cache, key, verdict, until, now, p);
    }
    if (refused)
        forget_accepted(cache, key, kept, now, p);
    return entry;
}

void rs_cache_forget(rs_cache_t *cache, const rs_sha256_t *key)
{
    if (cache->config.local)
        rs_local_remove(cache->config.local, key);
}

void rs_cache_note(rs_cache_t *cache, apr_status_t status, apr_time_t now)
{
    if (!cache->config.shared->certain && status != APR_SUCCESS && status != APR_NOTFOUND &&
        status != APR_EEXIST && status != APR_ENOSPC)
        atomic_store(&cache->trouble_at, now);
}

bool rs_cache_was_in_trouble(rs_cache_t *cache, apr_interval_time_t period, apr_time_t now)
{
    apr_int64_t at = atomic_load(&cache->trouble_at);

    return at && now - at < period && at - now < period;
}

rs_flights_t *rs_cache_flights(rs_cache_t *cache)
{
    return cache->flights;
}

rs_tier_t *rs_cache_shared(rs_cache_t *cache)
{
    return cache->config.shared;
}

rs_local_t *rs_cache_local(rs_cache_t *cache)
{
    return cache->config.local;
}
