/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Providers, and the way of a token through them: local cache, choice of the judge, judgement,
 * caches. */
#include "provider/rs_provider.h"
#include "base/rs_clock.h"
#include "base/rs_limits.h"
#include "cache/rs_cache_claim.h"
#include "provider/rs_decryption.h"
#include "provider/rs_introspection.h"
#include "provider/rs_jwt.h"

#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>

struct rs_provider_t {
    const rs_provider_spec_t *spec;
    const rs_services_t *services;
    rs_sha256_t fingerprint;
    rs_waiting_t *waiting;
    rs_metadata_t *metadata;
    rs_keys_t *keys;
    rs_decryption_t *decryption;       /* NULL: no key */
    rs_introspection_t *introspection; /* NULL: it is never asked */
    atomic_bool keys_wanted;           /* a JWT of this issuer was seen */
    rs_log_quiet_t ambiguous, stale;
};

static apr_status_t create_introspection(rs_provider_t *made, const char **why, apr_pool_t *p)
{
    rs_introspection_parts_t parts = { made->metadata, made->keys, made->decryption,
                                       made->services };

    return rs_introspection_create(&made->introspection, made->spec, &parts, why, p);
}

apr_status_t rs_provider_create(rs_provider_t **provider, const rs_provider_spec_t *spec,
                                const rs_services_t *services, apr_time_t now, const char **why,
                                apr_pool_t *p)
{
    rs_provider_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status;

    *why = NULL;
    made->spec = spec;
    made->services = services;
    rs_provider_spec_fingerprint(spec, &made->fingerprint, p);
    made->waiting = rs_waiting_create(spec, services, p);
    status = rs_metadata_create(&made->metadata, spec, services, p);
    if (status == APR_SUCCESS)
        status = rs_keys_create(&made->keys, spec, made->metadata, made->waiting, services, p);
    if (status == APR_SUCCESS)
        status = rs_keys_load_files(made->keys, now, why, p);
    if (status == APR_SUCCESS && spec->keys.decryption_files->nelts)
        status = rs_decryption_create(&made->decryption, spec, services, now, why, p);
    if (status == APR_SUCCESS && rs_provider_spec_introspects(spec))
        status = create_introspection(made, why, p);
    if (status != APR_SUCCESS) {
        if (!*why)
            *why = "there is no memory or no lock for it";
        return status;
    }
    atomic_store(&made->keys_wanted,
                 rs_provider_spec_judges_jwts(spec) && !rs_provider_spec_introspects(spec));
    *provider = made;
    return APR_SUCCESS;
}

const rs_provider_spec_t *rs_provider_spec(const rs_provider_t *provider)
{
    return provider->spec;
}

rs_provider_state_t rs_provider_state(const rs_provider_t *provider, apr_time_t now)
{
    rs_provider_state_t state = { .keys = rs_keys_state(provider->keys),
                                  .waiting = rs_waiting_count(provider->waiting, now),
                                  .introspects = provider->introspection != NULL };

    if (state.introspects)
        state.introspection = rs_introspection_state(provider->introspection, now);
    return state;
}

void rs_provider_tend(rs_provider_t *provider, apr_time_t now, apr_pool_t *ptemp)
{
    /* Where tokens may all be opaque, the issuer need not have keys. */
    if (atomic_load(&provider->keys_wanted))
        rs_keys_tend(provider->keys, now, ptemp);
}

void rs_provider_forget(rs_provider_t *provider)
{
    rs_keys_forget(provider->keys);
    if (provider->decryption)
        rs_decryption_forget(provider->decryption);
    if (provider->introspection)
        rs_introspection_forget(provider->introspection);
}

/* ---- one provider ---- */

/* A question to one provider, with what belongs to it. */
typedef struct {
    rs_provider_t *provider;
    const rs_presented_t *presented;
    const char *client;
    rs_cache_ttl_t ttl;
    rs_sha256_t key; /* of the caches */
    rs_seat_t seat;  /* of who waits for the issuer */
    apr_time_t now;
    apr_pool_t *p;
} matter_t;

static apr_interval_time_t shorter(apr_interval_time_t ours, apr_interval_time_t cap)
{
    return cap == RS_TTL_UNLIMITED || ours < cap ? ours : cap;
}

static matter_t matter_of(const rs_question_t *question, unsigned which, apr_time_t now,
                          apr_pool_t *p)
{
    static const char use[] = "mod_oauth2_rs verdict of token";
    rs_provider_t *provider = question->providers[which];
    const rs_introspection_spec_t *spec = &provider->spec->introspection;
    matter_t matter = { .provider = provider,
                        .presented = question->presented,
                        .client = question->client,
                        .ttl = { shorter(spec->ttl_positive, question->ttl_positive),
                                 shorter(spec->ttl_negative, question->ttl_negative), spec->stale },
                        .now = now,
                        .p = p };
    rs_span_t spans[] = { { use, sizeof use },
                          { provider->fingerprint.bytes, RS_SHA256_BYTES },
                          { question->presented->token, question->presented->token_len } };

    /* Who wants to ask every time is not served what was found inactive before, either. */
    if (matter.ttl.positive <= 0)
        matter.ttl.negative = 0;
    rs_sha256(spans, 3, &matter.key);
    return matter;
}

/* What the caches know. A verdict whose key has left the issuer's set is not served any more. */
static const rs_verdict_t *from_cache(const matter_t *matter, bool local_only)
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

static rs_entry_t *to_cache(const matter_t *matter, const rs_verdict_t *verdict)
{
    rs_cache_t *cache = matter->provider->services->cache;

    return cache
               ? rs_cache_store(cache, &matter->key, verdict, &matter->ttl, matter->now, matter->p)
               : NULL;
}

static rs_verdict_t judge_jwt(const matter_t *matter, const rs_jws_t *jws)
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
static apr_interval_time_t wait_of_client(const matter_t *matter)
{
    rs_budget_t *failures = matter->provider->services->failures;

    return failures && matter->client ? rs_budget_wait(failures, matter->client, matter->now) : 0;
}

static void note_failure(const matter_t *matter, const rs_verdict_t *verdict)
{
    rs_budget_t *failures = matter->provider->services->failures;

    if (failures && matter->client && !rs_verdict_is_accepted(verdict) &&
        verdict->outcome != RS_TOKEN_UNDECIDED)
        rs_budget_count(failures, matter->client, matter->now);
}

/* OAuth2RSStaleIfError: better what the issuer said a while ago than nothing. NULL: there is
 * nothing. */
static const rs_verdict_t *stale_instead(const matter_t *matter)
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
static rs_verdict_t ask_issuer(matter_t *matter, const rs_verdict_t *local)
{
    const rs_verdict_t *known;
    rs_verdict_t asked;
    apr_time_t until;
    bool unreachable;

    asked = rs_introspection_ask(matter->provider->introspection, matter->presented, &matter->seat,
                                 &unreachable, matter->now, matter->p);
    note_failure(matter, &asked);
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
static const rs_verdict_t *wait_for_others(matter_t *matter, rs_cache_claim_t *claim)
{
    rs_cache_t *cache = matter->provider->services->cache;
    apr_interval_time_t longest = rs_waiting_time_max(matter->provider->spec);
    apr_interval_time_t pause = CLAIM_POLL_FIRST;
    apr_time_t begun = matter->now;
    const rs_verdict_t *known;

    while (!rs_cache_claim_take(claim, cache, &matter->key, longest, matter->now, matter->p)) {
        if (matter->now - begun >= longest)
            return NULL;
        apr_sleep(pause);
        matter->now += pause;
        if ((known = from_cache(matter, false)) != NULL)
            return known;
        pause = 2 * pause < CLAIM_POLL_MAX ? 2 * pause : CLAIM_POLL_MAX;
    }
    /* Somebody may have answered between our look and our claim. */
    return claim->tier ? from_cache(matter, false) : NULL;
}

/* Ask, keep the answer, and let those know who wait for it. */
static rs_verdict_t ask_and_tell(matter_t *matter, const rs_verdict_t *local, rs_flight_t *flight)
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

static rs_verdict_t sent_away(const matter_t *matter)
{
    const rs_verdict_t *known = stale_instead(matter);

    return known ? *known : rs_waiting_crowded(matter->provider->waiting, matter->now);
}

static rs_verdict_t judge_alone(matter_t *matter, const rs_verdict_t *local)
{
    return rs_waiting_stand(matter->provider->waiting, &matter->seat, &matter->now)
               ? ask_and_tell(matter, local, NULL)
               : sent_away(matter);
}

/* A crowd that wants the answer to one quick question gets it; of a slow one only those with a seat
 * wait for the end. */
static rs_verdict_t judge_with_others(matter_t *matter, const rs_verdict_t *local)
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
    if ((known = from_cache(matter, true)) != NULL) {
        entry = rs_entry_of_verdict(known, matter->p);
        rs_flight_land(flight, entry);
        rs_entry_release(entry);
        return *known;
    }
    return ask_and_tell(matter, local, flight);
}

/* By introspection; local is the verdict on the token itself when it has to agree. */
static rs_verdict_t judge_by_issuer(const matter_t *matter, const rs_verdict_t *local)
{
    rs_provider_t *provider = matter->provider;
    /* TTL 0: this answer must be newer than the question. */
    bool alone =
        !provider->services->cache || (matter->ttl.positive <= 0 && matter->ttl.negative <= 0);
    const rs_verdict_t *known = alone ? NULL : from_cache(matter, false);
    apr_interval_time_t wait;
    matter_t asked = *matter; /* at another time: waiting takes some */
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

static rs_verdict_t judge_locally(const matter_t *matter, const rs_jws_t *jws)
{
    apr_time_t begun = rs_clock();
    rs_verdict_t verdict = judge_jwt(matter, jws);
    matter_t later = *matter; /* by what was waited for keys */

    later.now += rs_clock() - begun;
    if (matter->provider->spec->validate == RS_VALIDATE_BOTH && rs_verdict_is_accepted(&verdict))
        return judge_by_issuer(&later, &verdict);
    rs_entry_release(to_cache(matter, &verdict));
    return verdict;
}

/* ---- the choice ---- */

static rs_verdict_t misconfigured(const rs_provider_t *provider, apr_time_t now)
{
    apr_uint32_t kept_back;

    if (rs_log_quiet_ask((rs_log_quiet_t *)&provider->ambiguous, now, &kept_back))
        rs_log(provider->services->log, RS_LOG_ERROR,
               "RS0531: several providers of this Location (%s among them) may have issued an "
               "opaque token, and it is "
               "shown to none: name one with OAuth2RSUse (%u more since the last line)",
               provider->spec->name, kept_back);
    return rs_refuse(RS_SERVER_MISCONFIGURED, "several providers could be asked about it", now);
}

/* How many could be asked; *chosen is the last of them. */
static unsigned candidates(const rs_question_t *question, unsigned *chosen)
{
    unsigned i, count = 0;

    for (i = 0; i < question->provider_count; i++) {
        if (question->providers[i]->introspection) {
            *chosen = i;
            count++;
        }
    }
    return count;
}

/* A token that does not say whose it is. */
static rs_verdict_t judge_opaque(const rs_question_t *question, rs_outcome_t form,
                                 const rs_provider_t **by, apr_time_t now, apr_pool_t *p)
{
    unsigned chosen = 0, count = candidates(question, &chosen);
    matter_t matter;

    if (!count)
        return rs_refuse(RS_TOKEN_MALFORMED,
                         form == RS_TOKEN_ACCEPTED ? "it is a JWT that names no issuer"
                                                   : "it is not a JWT",
                         now);
    if (count > 1)
        return misconfigured(question->providers[chosen], now);
    matter = matter_of(question, chosen, now, p);
    *by = matter.provider;
    return judge_by_issuer(&matter, NULL);
}

static const char *unverified_issuer(const rs_jws_t *jws, apr_pool_t *p)
{
    return rs_json_string(rs_jws_claims(jws, NULL, p), "iss");
}

/* Of what two providers say: acceptance decides; a refusal does not, while the other one is not
 * decided and might accept. */
static bool outweighs(const rs_verdict_t *verdict, const rs_verdict_t *before)
{
    return before->outcome == RS_OUTCOME_COUNT || rs_verdict_is_accepted(verdict) ||
           (verdict->outcome == RS_TOKEN_UNDECIDED && before->outcome != RS_TOKEN_UNDECIDED);
}

/* The iss that nobody has verified yet only picks who judges. Two providers may have one issuer and
 * differ in their rules: the first one that accepts decides. */
static rs_verdict_t judge_by_issuer_named(const rs_question_t *question, const rs_jws_t *jws,
                                          const char *issuer, const rs_provider_t **by,
                                          apr_time_t now, apr_pool_t *p)
{
    rs_verdict_t verdict, weightiest = { .outcome = RS_OUTCOME_COUNT };
    apr_time_t begun = rs_clock();
    unsigned i;

    for (i = 0; i < question->provider_count; i++) {
        const rs_provider_spec_t *spec = question->providers[i]->spec;
        matter_t matter;
        if (strcmp(spec->policy.issuer, issuer) != 0)
            continue;
        matter = matter_of(question, i, now + (rs_clock() - begun), p);
        verdict = rs_provider_spec_judges_jwts(spec) ? judge_locally(&matter, jws)
                                                     : judge_by_issuer(&matter, NULL);
        if (outweighs(&verdict, &weightiest)) {
            weightiest = verdict;
            *by = matter.provider;
        }
        if (rs_verdict_is_accepted(&verdict))
            break;
    }
    if (weightiest.outcome != RS_OUTCOME_COUNT)
        return weightiest;
    return rs_refuse(RS_TOKEN_ISSUER_WRONG,
                     apr_psprintf(p, "issuer %.200s is none of this Location's providers",
                                  rs_json_quote(issuer, p)),
                     now);
}

/* ---- encrypted tokens ---- */

/* What is in it must be a JWT signed by the issuer: anybody can encrypt to us. */
static rs_verdict_t judge_decrypted(const rs_question_t *question, unsigned which,
                                    const rs_jwe_plain_t *plain, const rs_provider_t **by,
                                    apr_time_t now, apr_pool_t *p)
{
    const rs_jws_t *jws = NULL;
    rs_outcome_t form = rs_jws_parse(&jws, plain->bytes, plain->len, p);
    const char *issuer = form == RS_TOKEN_ACCEPTED ? unverified_issuer(jws, p) : NULL;
    matter_t matter = matter_of(question, which, now, p);

    *by = matter.provider;
    if (!issuer)
        return rs_refuse(RS_TOKEN_MALFORMED, "what it encrypts is no signed JWT with an issuer",
                         now);
    if (strcmp(issuer, matter.provider->spec->policy.issuer) != 0)
        return rs_refuse(RS_TOKEN_ISSUER_WRONG, "what it encrypts is of another issuer", now);
    return judge_locally(&matter, jws);
}

/* By the provider whose key opens it and whose issuer stands in it; a token that nobody's key opens
 * is opaque to us. */
static rs_verdict_t judge_encrypted(const rs_question_t *question, const rs_provider_t **by,
                                    apr_time_t now, apr_pool_t *p)
{
    const rs_presented_t *presented = question->presented;
    rs_verdict_t verdict = rs_refuse(RS_TOKEN_DECRYPTION_FAILED, "no key of ours opens it", now);
    bool opened = false, keys = false;
    unsigned i;

    for (i = 0; i < question->provider_count; i++) {
        rs_provider_t *provider = question->providers[i];
        rs_jwe_plain_t plain;
        rs_outcome_t outcome;
        if (!provider->decryption || !rs_provider_spec_judges_jwts(provider->spec))
            continue;
        keys = true;
        outcome = rs_decryption_open(provider->decryption, presented->token, presented->token_len,
                                     &plain, now, p);
        if (outcome == RS_TOKEN_ACCEPTED) {
            opened = true;
            verdict = judge_decrypted(question, i, &plain, by, now, p);
            if (verdict.outcome != RS_TOKEN_ISSUER_WRONG)
                return verdict;
        }
        else if (!opened && outcome != RS_TOKEN_DECRYPTION_FAILED)
            verdict = rs_refuse(outcome, "it is encrypted in a way that is not accepted", now);
    }
    if (opened || (keys && !candidates(question, &i)))
        return verdict;
    return judge_opaque(question, RS_TOKEN_MALFORMED, by, now, p);
}

static rs_verdict_t judge(const rs_question_t *question, const rs_provider_t **by, apr_time_t now,
                          apr_pool_t *p)
{
    const rs_verdict_t *known;
    const rs_jws_t *jws = NULL;
    const char *issuer;
    rs_outcome_t form;
    unsigned i;

    *by = NULL;
    for (i = 0; i < question->provider_count; i++) {
        matter_t matter = matter_of(question, i, now, p);
        /* What one of several refuses, another one may accept. */
        if ((known = from_cache(&matter, true)) != NULL &&
            (question->provider_count == 1 || rs_verdict_is_accepted(known))) {
            *by = matter.provider;
            return *known;
        }
    }
    if (question->presented->token_len > RS_TOKEN_BYTES_MAX)
        return rs_refuse(RS_TOKEN_MALFORMED, "it is larger than 32 KiB", now);
    if (rs_jwe_looks_like(question->presented->token, question->presented->token_len))
        return judge_encrypted(question, by, now, p);
    form = rs_jws_parse(&jws, question->presented->token, question->presented->token_len, p);
    issuer = jws ? unverified_issuer(jws, p) : NULL;
    return issuer ? judge_by_issuer_named(question, jws, issuer, by, now, p)
                  : judge_opaque(question, form, by, now, p);
}

rs_verdict_t rs_providers_judge(const rs_question_t *question, const rs_provider_t **by,
                                apr_time_t now, apr_pool_t *p)
{
    rs_verdict_t verdict = judge(question, by, now, p);
    rs_marks_t *marks = *by ? (*by)->services->marks : NULL;

    if (*by && (*by)->services->deaf && rs_verdict_is_accepted(&verdict))
        return rs_undecided("this process does not hear of revocations", 0, now);
    /* Whatever a cache or a signature says. */
    return marks && rs_verdict_is_accepted(&verdict)
               ? rs_marks_judge(marks, question->presented, &verdict, now, p)
               : verdict;
}
