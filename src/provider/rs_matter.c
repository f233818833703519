/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The way of a question through one provider: caches, the issuer's keys, the issuer itself. */
#include "provider/rs_matter.h"
#include "cache/rs_cache_claim.h"
#include "provider/rs_jwt.h"

static apr_interval_time_t shorter(apr_interval_time_t ours, apr_interval_time_t cap)
{
    return cap == RS_TTL_UNLIMITED || ours < cap ? ours : cap;
}

rs_matter_t rs_matter_of(rs_inquiry_t *inquiry, unsigned which)
{
    static const char use[] = "mod_oauth2_rs verdict of token";
    const rs_question_t *question = inquiry->question;
    rs_provider_t *provider = question->providers[which];
    const rs_introspection_spec_t *spec = &provider->spec->introspection;
    rs_matter_t matter = { .provider = provider,
                           .inquiry = inquiry,
                           .ttl = { shorter(spec->ttl_positive, question->ttl_positive),
                                    shorter(spec->ttl_negative, question->ttl_negative),
                                    spec->stale },
                           .now = rs_moment_now(&inquiry->time),
                           .p = inquiry->p };
    rs_span_t spans[] = { { use, sizeof use },
                          { provider->fingerprint.bytes, RS_SHA256_BYTES },
                          { question->presented->token, question->presented->token_len } };

    /* Who wants to ask every time is not served what was found inactive before, either. */
    if (matter.ttl.positive <= 0)
        matter.ttl.negative = 0;
    rs_sha256(spans, 3, &matter.key);
    return matter;
}

const rs_verdict_t *rs_matter_from_cache(const rs_matter_t *matter, bool local_only)
{
    rs_cache_t *cache = matter->provider->services->cache;
    const rs_verdict_t *verdict;

    if (!cache)
        return NULL;
    verdict = rs_cache_fetch(cache, &matter->key, &matter->ttl, local_only, matter->now, matter->p);
    if (!verdict || !verdict->key ||
        rs_keys_still_has(matter->provider->keys, verdict->key, matter->now))
        return verdict;
    rs_cache_forget(cache, &matter->key);
    return NULL;
}

static rs_entry_t *to_cache(const rs_matter_t *matter, const rs_verdict_t *verdict)
{
    rs_cache_t *cache = matter->provider->services->cache;

    return cache
               ? rs_cache_store(cache, &matter->key, verdict, &matter->ttl, matter->now, matter->p)
               : NULL;
}

static rs_verdict_t judge_jwt(const rs_matter_t *matter, const rs_jws_t *jws)
{
    rs_provider_t *provider = matter->provider;
    rs_seat_t seat = { 0, 0 };
    rs_jwt_issuer_t issuer = { provider->spec, provider->keys, &seat };
    rs_verdict_t verdict;

    atomic_store(&provider->keys_wanted, true);
    verdict = rs_jwt_judge(&issuer, jws, matter->now, matter->p);
    rs_waiting_rise(provider->waiting, &seat);
    return verdict;
}

/* A client that brings one bad token after the other must not make us ask for each. What the issuer
 * calls active and our rules refuse is a question to it as well. */
static apr_interval_time_t wait_of_client(const rs_matter_t *matter)
{
    rs_budget_t *failures = matter->provider->services->failures;
    const char *client = matter->inquiry->question->client;

    return failures && client ? rs_budget_wait(failures, client, matter->now) : 0;
}

/* OAuth2RSStaleIfError: better what the issuer said a while ago than nothing. NULL: there is
 * nothing. */
static const rs_verdict_t *stale_instead(const rs_matter_t *matter)
{
    rs_provider_t *provider = matter->provider;
    rs_cache_t *cache = provider->services->cache;
    const rs_verdict_t *known =
        cache ? rs_cache_fetch_stale(cache, &matter->key, &matter->ttl, matter->now, matter->p)
              : NULL;
    apr_uint32_t kept_back;

    if (known && rs_log_quiet_ask(&provider->stale, matter->now, &kept_back))
        rs_log(provider->services->log, RS_LOG_WARNING,
               "RS0532: provider %s: the issuer cannot be reached; tokens that it accepted before "
               "are taken a while longer (OAuth2RSStaleIfError; %u more since the last line)",
               provider->spec->name, kept_back);
    return known;
}

static rs_verdict_t throttled(apr_interval_time_t wait, apr_time_t now)
{
    rs_verdict_t verdict =
        rs_refuse(RS_CLIENT_THROTTLED, "too many inactive tokens from this address", now);

    verdict.retry_after = wait;
    return verdict;
}

/* `both`: the issuer must say yes as well; whose claims count is the token's own matter. */
static rs_verdict_t ask_issuer(rs_matter_t *matter, const rs_verdict_t *local)
{
    const rs_verdict_t *known;
    rs_verdict_t asked;
    apr_time_t until;
    bool unreachable;

    asked =
        rs_introspection_ask(matter->provider->introspection, matter->inquiry->question->presented,
                             &matter->seat, &unreachable, matter->now, matter->p);
    matter->now = rs_moment_now(&matter->inquiry->time);
    matter->inquiry->in_vain |=
        !rs_verdict_is_accepted(&asked) && asked.outcome != RS_TOKEN_UNDECIDED;
    if (asked.outcome == RS_TOKEN_UNDECIDED && unreachable &&
        (known = stale_instead(matter)) != NULL)
        return *known;
    if (!local || !rs_verdict_is_accepted(&asked))
        return asked;
    until = asked.valid_until;
    asked = *local;
    asked.introspected = true;
    if (until < asked.valid_until)
        asked.valid_until = until;
    return asked;
}

#define CLAIM_POLL_FIRST (2 * 1000)
#define CLAIM_POLL_MAX (50 * 1000)

/* Somebody on this host or another asks the same: wait for what he finds, no longer than a call
 * takes. NULL: the asking is ours. */
static const rs_verdict_t *wait_for_others(rs_matter_t *matter, rs_cache_claim_t *claim)
{
    rs_cache_t *cache = matter->provider->services->cache;
    apr_interval_time_t longest = rs_waiting_time_max(matter->provider->spec);
    apr_interval_time_t pause = CLAIM_POLL_FIRST;
    apr_time_t begun = matter->now;
    rs_matter_t look = *matter; /* what one look takes is given back before the next */
    const rs_verdict_t *known;

    apr_pool_create(&look.p, matter->p);
    while (!rs_cache_claim_take(claim, cache, &matter->key, longest, matter->now, look.p)) {
        if (matter->now - begun >= longest)
            return NULL;
        apr_sleep(pause);
        look.now = matter->now = rs_moment_now(&matter->inquiry->time);
        apr_pool_clear(look.p);
        if ((known = rs_matter_from_cache(&look, false)) != NULL)
            return known;
        pause = 2 * pause < CLAIM_POLL_MAX ? 2 * pause : CLAIM_POLL_MAX;
    }
    /* Somebody may have answered between our look and our claim. */
    return claim->tier ? rs_matter_from_cache(&look, false) : NULL;
}

/* Ask, keep the answer, and let those know who wait for it. */
static rs_verdict_t ask_and_tell(rs_matter_t *matter, const rs_verdict_t *local,
                                 rs_flight_t *flight)
{
    rs_cache_claim_t claim = { .tier = NULL };
    const rs_verdict_t *known = flight ? wait_for_others(matter, &claim) : NULL;
    rs_verdict_t verdict = known ? *known : ask_issuer(matter, local);
    rs_entry_t *entry;

    /* From here on nobody waits for the issuer, but for the cache perhaps. */
    rs_waiting_rise(matter->provider->waiting, &matter->seat);
    entry = known ? rs_entry_of_verdict(known, matter->p) : to_cache(matter, &verdict);
    rs_cache_claim_end(&claim, matter->now, matter->p);
    if (flight)
        rs_flight_land(flight, entry);
    rs_entry_release(entry);
    return verdict;
}

static rs_verdict_t sent_away(const rs_matter_t *matter)
{
    const rs_verdict_t *known = stale_instead(matter);

    return known ? *known : rs_waiting_crowded(matter->provider->waiting, matter->now);
}

static rs_verdict_t judge_alone(rs_matter_t *matter, const rs_verdict_t *local)
{
    return rs_waiting_stand(matter->provider->waiting, &matter->seat, &matter->now)
               ? ask_and_tell(matter, local, NULL)
               : sent_away(matter);
}

/* What another's question brought may be older than this Location allows: a stale verdict. */
static bool is_fresh_enough(const rs_matter_t *matter, const rs_verdict_t *verdict)
{
    const rs_cache_ttl_t *ttl = &matter->ttl;

    return !rs_verdict_is_accepted(verdict) ||
           rs_verdict_until(verdict, ttl->positive > 0 ? ttl->positive + ttl->stale : 0) >
               matter->inquiry->time.began;
}

/* A crowd that wants the answer to one quick question gets it; of a slow one only those with a seat
 * wait for the end. */
static rs_verdict_t judge_with_others(rs_matter_t *matter, const rs_verdict_t *local)
{
    rs_waiting_t *waiting = matter->provider->waiting;
    rs_flights_t *flights = rs_cache_flights(matter->provider->services->cache);
    const rs_verdict_t *known;
    rs_flight_t *flight;
    rs_entry_t *entry = rs_flight_board(flights, &matter->key, 0, &flight, &matter->now, matter->p);

    /* Somebody flies: sit down behind him, and not before, lest he find his passengers on all
     * seats. */
    if (!entry && !flight)
        entry = rs_flight_board(flights, &matter->key,
                                rs_waiting_patience(waiting, &matter->seat,
                                                    rs_waiting_time_max(matter->provider->spec),
                                                    matter->now),
                                &flight, &matter->now, matter->p);
    if (entry) {
        rs_entry_release_with(entry, matter->p);
        if (is_fresh_enough(matter, rs_entry_verdict(entry)))
            return *rs_entry_verdict(entry);
    }
    /* Who waited in vain asks for himself: the answer may be too large to be handed on. */
    if (!flight)
        return rs_waiting_sit(waiting, &matter->seat, matter->now)
                   ? ask_and_tell(matter, local, NULL)
                   : sent_away(matter);
    if (!rs_waiting_stand(waiting, &matter->seat, &matter->now)) {
        rs_flight_land(flight, NULL);
        return sent_away(matter);
    }
    /* Somebody may have landed between our look and our boarding. */
    if ((known = rs_matter_from_cache(matter, true)) != NULL) {
        entry = rs_entry_of_verdict(known, matter->p);
        rs_flight_land(flight, entry);
        rs_entry_release(entry);
        return *known;
    }
    return ask_and_tell(matter, local, flight);
}

rs_verdict_t rs_matter_judge_by_issuer(const rs_matter_t *matter, const rs_verdict_t *local)
{
    rs_provider_t *provider = matter->provider;
    /* TTL 0: this answer must be newer than the question. */
    bool alone =
        !provider->services->cache || (matter->ttl.positive <= 0 && matter->ttl.negative <= 0);
    const rs_verdict_t *known = alone ? NULL : rs_matter_from_cache(matter, false);
    apr_interval_time_t wait;
    rs_matter_t asked = *matter; /* at another time: waiting takes some */
    rs_verdict_t verdict;

    if (known)
        return *known;
    /* Before he boards: his limit is no answer for others who bring the same token. */
    if ((wait = wait_of_client(matter)) > 0)
        return throttled(wait, matter->now);
    verdict = alone ? judge_alone(&asked, local) : judge_with_others(&asked, local);
    rs_waiting_rise(provider->waiting, &asked.seat);
    return verdict;
}

rs_verdict_t rs_matter_judge_locally(const rs_matter_t *matter, const rs_jws_t *jws)
{
    rs_verdict_t verdict = judge_jwt(matter, jws);
    rs_matter_t later = *matter; /* by what was waited for keys */

    later.now = rs_moment_now(&matter->inquiry->time);
    if (matter->provider->spec->validate == RS_VALIDATE_BOTH && rs_verdict_is_accepted(&verdict))
        return rs_matter_judge_by_issuer(&later, &verdict);
    rs_entry_release(to_cache(matter, &verdict));
    return verdict;
}
