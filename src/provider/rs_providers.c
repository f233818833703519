/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Who of a Location's providers judges a token, and whose word counts. */
#include "base/rs_limits.h"
#include "provider/rs_matter.h"

#include <apr_strings.h>
#include <string.h>

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
static rs_verdict_t judge_opaque(rs_inquiry_t *inquiry, rs_outcome_t form)
{
    unsigned chosen = 0, count = candidates(inquiry->question, &chosen);
    rs_matter_t matter;

    if (!count)
        return rs_refuse(RS_TOKEN_MALFORMED,
                         form == RS_TOKEN_ACCEPTED ? "it is a JWT that names no issuer"
                                                   : "it is not a JWT",
                         inquiry->time.began);
    if (count > 1)
        return misconfigured(inquiry->question->providers[chosen], inquiry->time.began);
    matter = rs_matter_of(inquiry, chosen);
    inquiry->by = matter.provider;
    return rs_matter_judge_by_issuer(&matter, NULL);
}

static const char *unverified_issuer(const rs_jws_t *jws, apr_pool_t *p)
{
    return rs_json_string(rs_jws_claims(jws, NULL, p), "iss");
}

static bool is_open(const rs_verdict_t *verdict)
{
    return verdict->outcome == RS_TOKEN_UNDECIDED || verdict->outcome == RS_CLIENT_THROTTLED;
}

/* Of what two providers say: acceptance decides; a refusal does not, while the other one has not
 * said anything and might accept. */
static bool outweighs(const rs_verdict_t *verdict, const rs_verdict_t *before)
{
    return before->outcome == RS_OUTCOME_COUNT || rs_verdict_is_accepted(verdict) ||
           (is_open(verdict) && !is_open(before));
}

/* The iss that nobody has verified yet only picks who judges. Two providers may have one issuer and
 * differ in their rules: the first one that accepts decides. */
static rs_verdict_t judge_by_issuer_named(rs_inquiry_t *inquiry, const rs_jws_t *jws,
                                          const char *issuer)
{
    const rs_question_t *question = inquiry->question;
    rs_verdict_t verdict, weightiest = { .outcome = RS_OUTCOME_COUNT };
    unsigned i;

    for (i = 0; i < question->provider_count; i++) {
        const rs_provider_spec_t *spec = question->providers[i]->spec;
        rs_matter_t matter;
        if (strcmp(spec->policy.issuer, issuer) != 0)
            continue;
        matter = rs_matter_of(inquiry, i);
        verdict = rs_provider_spec_judges_jwts(spec) ? rs_matter_judge_locally(&matter, jws)
                                                     : rs_matter_judge_by_issuer(&matter, NULL);
        if (outweighs(&verdict, &weightiest)) {
            weightiest = verdict;
            inquiry->by = matter.provider;
        }
        if (rs_verdict_is_accepted(&verdict))
            break;
    }
    if (weightiest.outcome != RS_OUTCOME_COUNT)
        return weightiest;
    return rs_refuse(RS_TOKEN_ISSUER_WRONG,
                     apr_psprintf(inquiry->p, "issuer %.200s is none of this Location's providers",
                                  rs_json_quote(issuer, inquiry->p)),
                     inquiry->time.began);
}

/* ---- encrypted tokens ---- */

/* What is in it must be a JWT signed by the issuer: anybody can encrypt to us. */
static rs_verdict_t judge_decrypted(rs_inquiry_t *inquiry, unsigned which,
                                    const rs_jwe_plain_t *plain)
{
    apr_pool_t *p = inquiry->p;
    const rs_jws_t *jws = NULL;
    rs_outcome_t form = rs_jws_parse(&jws, plain->bytes, plain->len, p);
    const char *issuer = form == RS_TOKEN_ACCEPTED ? unverified_issuer(jws, p) : NULL;
    rs_matter_t matter = rs_matter_of(inquiry, which);

    inquiry->by = matter.provider;
    if (!issuer)
        return rs_refuse(RS_TOKEN_MALFORMED, "what it encrypts is no signed JWT with an issuer",
                         inquiry->time.began);
    if (strcmp(issuer, matter.provider->spec->policy.issuer) != 0)
        return rs_refuse(RS_TOKEN_ISSUER_WRONG, "what it encrypts is of another issuer",
                         inquiry->time.began);
    return rs_matter_judge_locally(&matter, jws);
}

/* By the provider whose key opens it and whose issuer stands in it; a token that nobody's key opens
 * is opaque to us. */
static rs_verdict_t judge_encrypted(rs_inquiry_t *inquiry)
{
    const rs_question_t *question = inquiry->question;
    const rs_presented_t *presented = question->presented;
    rs_verdict_t verdict =
        rs_refuse(RS_TOKEN_DECRYPTION_FAILED, "no key of ours opens it", inquiry->time.began);
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
                                     &plain, inquiry->time.began, inquiry->p);
        if (outcome == RS_TOKEN_ACCEPTED) {
            opened = true;
            verdict = judge_decrypted(inquiry, i, &plain);
            if (verdict.outcome != RS_TOKEN_ISSUER_WRONG)
                return verdict;
        }
        else if (!opened && outcome != RS_TOKEN_DECRYPTION_FAILED)
            verdict = rs_refuse(outcome, "it is encrypted in a way that is not accepted",
                                inquiry->time.began);
    }
    if (opened || (keys && !candidates(question, &i)))
        return verdict;
    return judge_opaque(inquiry, RS_TOKEN_MALFORMED);
}

static rs_verdict_t judge(rs_inquiry_t *inquiry)
{
    const rs_question_t *question = inquiry->question;
    const rs_presented_t *presented = question->presented;
    const rs_verdict_t *known;
    const rs_jws_t *jws = NULL;
    const char *issuer;
    rs_outcome_t form;
    unsigned i;

    for (i = 0; i < question->provider_count; i++) {
        rs_matter_t matter = rs_matter_of(inquiry, i);
        /* What one of several refuses, another one may accept. */
        if ((known = rs_matter_from_cache(&matter, true)) != NULL &&
            (question->provider_count == 1 || rs_verdict_is_accepted(known))) {
            inquiry->by = matter.provider;
            return *known;
        }
    }
    if (presented->token_len > RS_TOKEN_BYTES_MAX)
        return rs_refuse(RS_TOKEN_MALFORMED, "it is larger than 32 KiB", inquiry->time.began);
    if (rs_jwe_looks_like(presented->token, presented->token_len))
        return judge_encrypted(inquiry);
    form = rs_jws_parse(&jws, presented->token, presented->token_len, inquiry->p);
    issuer = jws ? unverified_issuer(jws, inquiry->p) : NULL;
    return issuer ? judge_by_issuer_named(inquiry, jws, issuer) : judge_opaque(inquiry, form);
}

/* A question that led to nothing counts once, however many providers it was put to. */
static void note_failure(const rs_inquiry_t *inquiry, const rs_verdict_t *verdict, apr_time_t now)
{
    const rs_question_t *question = inquiry->question;

    if (inquiry->in_vain && !rs_verdict_is_accepted(verdict) && question->client &&
        question->providers[0]->services->failures)
        rs_budget_count(question->providers[0]->services->failures, question->client, now);
}

/* Of what was accepted: whatever a cache or a signature says. */
static rs_verdict_t judge_again(const rs_inquiry_t *inquiry, const rs_verdict_t *verdict,
                                apr_time_t now)
{
    const rs_services_t *services = inquiry->question->providers[0]->services;

    /* It may have ended while we waited for those who know. */
    if (verdict->valid_until <= now)
        return rs_refuse(RS_TOKEN_EXPIRED, "it expired while it was asked about", now);
    if (services->deaf)
        return rs_undecided("this process does not hear of revocations", 0, now);
    return services->marks ? rs_marks_judge(services->marks, inquiry->question->presented, verdict,
                                            now, inquiry->p)
                           : *verdict;
}

rs_verdict_t rs_providers_judge(const rs_question_t *question, const rs_provider_t **by,
                                apr_time_t now, apr_pool_t *p)
{
    rs_inquiry_t inquiry = { .question = question, .time = rs_moment_at(now), .p = p };
    rs_verdict_t verdict = judge(&inquiry);

    now = rs_moment_now(&inquiry.time);
    note_failure(&inquiry, &verdict, now);
    *by = inquiry.by;
    return rs_verdict_is_accepted(&verdict) ? judge_again(&inquiry, &verdict, now) : verdict;
}
