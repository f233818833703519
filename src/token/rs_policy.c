/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The rules, in the order in which they are asked. Each answers an outcome and, when it refuses, a
 * detail for the log. */
#include "token/rs_policy.h"
#include "base/rs_limits.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>

/* 9999-12-31: a later time is a mistake or an attack on somebody's arithmetic. */
#define RS_SECONDS_MAX 253402300799.0
#define RS_DETAIL_BYTES_MAX 120

typedef struct {
    const rs_policy_t *policy;
    const rs_evidence_t *evidence;
    apr_time_t now;
    apr_time_t exp, nbf, iat; /* 0: absent */
    const char *detail;
    apr_pool_t *p;
} judgement_t;

typedef rs_outcome_t rule_fn(judgement_t *j);

static rs_outcome_t refuse(judgement_t *j, rs_outcome_t outcome, const char *format,
                           const char *what)
{
    j->detail = apr_psprintf(j->p, format, what);
    return outcome;
}

static bool is_absent(const rs_claim_t *claim)
{
    return claim->type == RS_JSON_ABSENT || claim->type == RS_JSON_NULL;
}

static rs_claim_t claim_of(const judgement_t *j, const char *name)
{
    return rs_claims_get(j->evidence->claims, name);
}

/* A value for the log: short, whatever the token says. */
static const char *shown(const rs_claim_t *claim, apr_pool_t *p)
{
    return rs_claim_json_start(claim, RS_DETAIL_BYTES_MAX, p);
}

/* RFC 7519 4.1.1; RFC 7662 2.2: in a reply iss is optional, its endpoint says who spoke. */
static rs_outcome_t check_issuer(judgement_t *j)
{
    rs_claim_t iss = claim_of(j, "iss");

    if (is_absent(&iss) && j->evidence->reply)
        return RS_TOKEN_ACCEPTED;
    if (rs_claim_is_text(&iss, j->policy->issuer))
        return RS_TOKEN_ACCEPTED;
    return refuse(j, RS_TOKEN_ISSUER_WRONG, "issuer %s is not the configured one",
                  shown(&iss, j->p));
}

/* ---- type ---- */

/* RFC 7515 4.1.9: "application/" may be left out; media types are case-insensitive. */
static bool same_type(const char *typ, const char *other)
{
    static const char prefix[] = "application/";

    if (strncasecmp(typ, prefix, sizeof prefix - 1) == 0)
        typ += sizeof prefix - 1;
    if (strncasecmp(other, prefix, sizeof prefix - 1) == 0)
        other += sizeof prefix - 1;
    return strcasecmp(typ, other) == 0;
}

static bool type_listed(const char *typ, const char *const *names, unsigned count)
{
    unsigned i;

    for (i = 0; typ && i < count; i++)
        if (same_type(typ, names[i]))
            return true;
    return false;
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Kinds of JWT that one issuer may sign with the same keys (RFC 8725 3.11, 3.12). */
static const char *const other_kinds[] = {
    "id_token+jwt",
    "logout+jwt",
    "secevent+jwt",
    "token-introspection+jwt",
    "dpop+jwt",
    "statuslist+jwt",
    "oauth-authz-req+jwt",
    "client-authentication+jwt",
    "entity-statement+jwt",
    "kb+jwt",
    "jwt-refresh",
    "global-token-revocation+jwt",
    "userinfo+jwt",
};

/* Claims that only other kinds carry: ID tokens (OpenID Connect Core 3.1.3.6, 3.3.2.11), security
 * events and logout tokens (RFC 8417 2.2), introspection replies (RFC 9701 5), DPoP proofs (RFC
 * 9449 4.2). */
static const char *const other_markers[] = { "at_hash", "c_hash", "events", "token_introspection",
                                             "htm" };

static const struct {
    const char *claim, *value;
} marked_values[] = {
    { "token_use", "id" },
    { "token_use", "id_token" },
    { "token_use", "refresh" },
    { "token_use", "refresh_token" },
    { "typ", "ID" },
    { "typ", "Refresh" },
    { "typ", "Offline" },
    { "typ", "Logout" },
};

static rs_outcome_t check_other_kind(judgement_t *j)
{
    rs_claim_t claim, typ = claim_of(j, "typ");
    unsigned i;

    for (i = 0; i < COUNT(marked_values); i++) {
        claim = claim_of(j, marked_values[i].claim);
        if (rs_claim_is_text(&claim, marked_values[i].value))
            return refuse(j, RS_TOKEN_TYPE_WRONG, "claim %s marks another kind of token",
                          marked_values[i].claim);
    }
    if (j->evidence->reply)
        return RS_TOKEN_ACCEPTED;
    if (type_listed(j->evidence->typ, other_kinds, COUNT(other_kinds)))
        return refuse(j, RS_TOKEN_TYPE_WRONG, "%s: header typ names another kind of token",
                      "not an access token");
    for (i = 0; i < COUNT(other_markers); i++) {
        claim = claim_of(j, other_markers[i]);
        if (!is_absent(&claim))
            return refuse(j, RS_TOKEN_TYPE_WRONG, "claim %s marks another kind of token",
                          other_markers[i]);
    }
    /* A nonce marks an ID token, unless the token says itself that it is an access token. */
    claim = claim_of(j, "nonce");
    if (!is_absent(&claim) && !rs_claim_is_text(&typ, "Bearer") &&
        !(j->evidence->typ && same_type(j->evidence->typ, "at+jwt")))
        return refuse(j, RS_TOKEN_TYPE_WRONG, "claim %s marks another kind of token", "nonce");
    return RS_TOKEN_ACCEPTED;
}

/* RFC 9068 2.2 and 4. */
static rs_outcome_t check_rfc9068(judgement_t *j)
{
    static const char *const required[] = { "iss", "exp", "aud", "sub", "client_id", "iat", "jti" };
    unsigned i;

    if (!j->evidence->typ || !same_type(j->evidence->typ, "at+jwt"))
        return refuse(j, RS_TOKEN_TYPE_WRONG, "%s", "header typ is not at+jwt");
    for (i = 0; i < COUNT(required); i++) {
        rs_claim_t claim = claim_of(j, required[i]);
        if (is_absent(&claim))
            return refuse(j, RS_TOKEN_CLAIM_WRONG, "claim %s is missing (RFC 9068)", required[i]);
    }
    return RS_TOKEN_ACCEPTED;
}

static rs_outcome_t check_type(judgement_t *j)
{
    const rs_policy_t *policy = j->policy;

    if (!j->evidence->reply && policy->types == RS_TYPES_LISTED &&
        !type_listed(j->evidence->typ, policy->type_names, policy->type_count))
        return refuse(j, RS_TOKEN_TYPE_WRONG, "%s", "header typ is not among the accepted ones");
    if (!j->evidence->reply && policy->types == RS_TYPES_RFC9068) {
        rs_outcome_t outcome = check_rfc9068(j);
        if (outcome != RS_TOKEN_ACCEPTED)
            return outcome;
    }
    return check_other_kind(j);
}

/* ---- audience ---- */

static bool audience_accepted(const rs_policy_t *policy, const rs_claim_t *value)
{
    unsigned i;

    for (i = 0; i < policy->audience_count; i++)
        if (rs_claim_is_text(value, policy->audiences[i]))
            return true;
    return false;
}

/* RFC 7519 4.1.3, RFC 9700 2.3: exact comparison. */
static rs_outcome_t check_audience(judgement_t *j)
{
    const rs_policy_t *policy = j->policy;
    rs_claim_t aud = claim_of(j, "aud"), element;
    rs_claim_iter_t it;

    if (policy->audience_any)
        return RS_TOKEN_ACCEPTED;
    if (is_absent(&aud) || (aud.type == RS_JSON_ARRAY && aud.len == 0) ||
        rs_claim_is_text(&aud, "")) {
        if (policy->audience_or_absent)
            return RS_TOKEN_ACCEPTED;
        return refuse(
            j, RS_TOKEN_AUDIENCE_WRONG, "no audience%s",
            "; if this issuer never names one, add the word or-absent to OAuth2RSAudience");
    }
    if (audience_accepted(policy, &aud))
        return RS_TOKEN_ACCEPTED;
    if (aud.type == RS_JSON_ARRAY)
        for (it = rs_claim_iterate(&aud); rs_claim_next(&it, &element, NULL);)
            if (audience_accepted(policy, &element))
                return RS_TOKEN_ACCEPTED;
    return refuse(j, RS_TOKEN_AUDIENCE_WRONG, "audience %s is not among the accepted ones",
                  shown(&aud, j->p));
}

/* ---- time ---- */

/* RFC 7519 2: a NumericDate is a JSON number. False: present but no such thing. */
static bool read_time(const judgement_t *j, const char *name, apr_time_t *at)
{
    rs_claim_t claim = claim_of(j, name);

    *at = 0;
    if (is_absent(&claim))
        return true;
    if ((claim.type != RS_JSON_INTEGER && claim.type != RS_JSON_REAL) || claim.real < 0 ||
        claim.real > RS_SECONDS_MAX)
        return false;
    *at = claim.type == RS_JSON_INTEGER ? apr_time_from_sec(claim.integer)
                                        : (apr_time_t)(claim.real * APR_USEC_PER_SEC);
    /* Zero is a time, and a past one; our zero means absent. */
    if (*at == 0)
        *at = 1;
    return true;
}

static rs_outcome_t check_time(judgement_t *j)
{
    static const char *const names[] = { "exp", "nbf", "iat" };
    apr_time_t *const times[] = { &j->exp, &j->nbf, &j->iat };
    apr_interval_time_t leeway = j->policy->leeway;
    unsigned i;

    for (i = 0; i < COUNT(names); i++)
        if (!read_time(j, names[i], times[i]))
            return refuse(j, RS_TOKEN_CLAIM_WRONG, "claim %s is no time", names[i]);
    if (!j->exp && !j->evidence->reply)
        return refuse(j, RS_TOKEN_LIFETIME_WRONG, "%s", "claim exp is missing");
    /* RFC 7519 4.1.4: "on or after". A reply is fresh, so its exp gets no leeway. */
    if (j->exp && j->now >= j->exp + (j->evidence->reply ? 0 : leeway))
        return refuse(j, RS_TOKEN_EXPIRED, "%s",
                      apr_psprintf(j->p, "expired %" APR_INT64_T_FMT " s ago",
                                   apr_time_sec(j->now - j->exp)));
    if (j->nbf > 1 && j->now + leeway < j->nbf)
        return refuse(j, RS_TOKEN_NOT_YET_VALID, "%s", "claim nbf is in the future");
    if (j->iat > 1 && j->now + leeway < j->iat)
        return refuse(j, RS_TOKEN_NOT_YET_VALID, "%s", "claim iat is in the future");
    return RS_TOKEN_ACCEPTED;
}

static rs_outcome_t check_lifetime(judgement_t *j)
{
    if (!j->policy->lifetime_max)
        return RS_TOKEN_ACCEPTED;
    if (!j->iat || !j->exp) {
        if (j->evidence->reply)
            return RS_TOKEN_ACCEPTED;
        return refuse(j, RS_TOKEN_LIFETIME_WRONG, "%s",
                      "claim iat is missing, which OAuth2RSMaxLifetime needs");
    }
    if (j->exp - j->iat > j->policy->lifetime_max)
        return refuse(j, RS_TOKEN_LIFETIME_WRONG, "%s",
                      "lives longer than OAuth2RSMaxLifetime allows");
    return RS_TOKEN_ACCEPTED;
}

/* ---- binding, required claims ---- */

/* A bound token must never pass as a bearer token (RFC 9449 7.2, RFC 8705 3). */
static rs_outcome_t check_binding(judgement_t *j)
{
    rs_claim_t cnf = claim_of(j, "cnf");

    if (j->policy->proof_off || is_absent(&cnf))
        return RS_TOKEN_ACCEPTED;
    return refuse(j, RS_TOKEN_BOUND, "%s", "has cnf, whose proof cannot be checked");
}

static bool value_allowed(const rs_claim_rule_t *rule, const rs_claim_t *value, apr_pool_t *p)
{
    const char *text = value->type == RS_JSON_STRING ? value->text : rs_claim_json(value, p);
    unsigned i;

    for (i = 0; i < rule->count; i++)
        if (strcmp(text, rule->values[i]) == 0)
            return true;
    return false;
}

static bool rule_met(const rs_claim_rule_t *rule, const rs_claim_t *claim, apr_pool_t *p)
{
    rs_claim_iter_t it;
    rs_claim_t element;

    if (is_absent(claim) || claim->type == RS_JSON_OBJECT)
        return false;
    if (claim->type != RS_JSON_ARRAY)
        return value_allowed(rule, claim, p);
    for (it = rs_claim_iterate(claim); rs_claim_next(&it, &element, NULL);)
        if (!element.body && element.type != RS_JSON_NULL && value_allowed(rule, &element, p))
            return true;
    return false;
}

static rs_outcome_t check_required(judgement_t *j)
{
    unsigned i;

    for (i = 0; i < j->policy->required_count; i++) {
        const rs_claim_rule_t *rule = &j->policy->required[i];
        rs_claim_t claim = rs_claims_at(j->evidence->claims, &rule->path);
        if (!rule_met(rule, &claim, j->p))
            return refuse(j, RS_TOKEN_CLAIM_WRONG,
                          "claim %s has no value that OAuth2RSRequireClaim accepts",
                          rule->path.written);
    }
    return RS_TOKEN_ACCEPTED;
}

/* ---- the principal ---- */

static rs_claim_t first_present(const rs_claims_t *claims, const rs_claim_paths_t *paths)
{
    rs_claim_t claim = { .type = RS_JSON_ABSENT };
    unsigned i;

    for (i = 0; i < paths->count && is_absent(&claim); i++)
        claim = rs_claims_at(claims, &paths->paths[i]);
    return claim;
}

/* Text fit for r->user, a log line, an environment variable; NULL when it is not. */
static const char *name_text(const rs_claim_t *claim)
{
    apr_size_t i;

    if (claim->type != RS_JSON_STRING || claim->len == 0)
        return NULL;
    for (i = 0; i < claim->len; i++)
        if ((unsigned char)claim->text[i] < 0x20 || claim->text[i] == 0x7f)
            return NULL;
    return claim->text;
}

static rs_outcome_t name_principal(judgement_t *j, rs_principal_t *principal)
{
    const rs_policy_t *policy = j->policy;
    const rs_claims_t *claims = j->evidence->claims;
    rs_claim_t user = first_present(claims, &policy->user_paths),
               sub = rs_claims_get(claims, "sub");
    rs_claim_t client = first_present(claims, &policy->client_paths);
    rs_claim_t scope = first_present(claims, &policy->scope_paths);
    const char *name = name_text(&user);

    if (!is_absent(&user) && !name && !rs_claim_is_text(&user, ""))
        return refuse(j, RS_TOKEN_CLAIM_WRONG, "%s",
                      "the claim that names the user is not a printable string");
    principal->issuer = policy->issuer;
    principal->subject = name_text(&sub);
    principal->client = name_text(&client);
    principal->scope = rs_scope_from_claim(&scope, j->p);
    /* What was left out might be what a negated line forbids. */
    if (principal->scope.count >= RS_SCOPES_PER_TOKEN_MAX)
        return refuse(j, RS_TOKEN_CLAIM_WRONG, "%s", "it has too many scopes");
    principal->expires = j->exp;
    principal->claims = *claims;
    if (!name && policy->user_paths_default && principal->client)
        name = apr_pstrcat(j->p, "client:", principal->client, NULL);
    if (!name)
        return refuse(j, RS_TOKEN_NAMELESS, "%s", "no claim names a user; see OAuth2RSUserClaim");
    principal->user = apr_pstrcat(j->p, policy->user_prefix ? policy->user_prefix : "", name, NULL);
    return RS_TOKEN_ACCEPTED;
}

rs_verdict_t rs_policy_judge(const rs_policy_t *policy, const rs_evidence_t *evidence,
                             apr_time_t now, apr_pool_t *p)
{
    static rule_fn *const rules[] = { check_issuer,   check_type,    check_audience, check_time,
                                      check_lifetime, check_binding, check_required };
    judgement_t j = { .policy = policy, .evidence = evidence, .now = now, .p = p };
    rs_principal_t *principal;
    rs_outcome_t outcome;
    rs_verdict_t verdict;
    unsigned i;

    for (i = 0; i < COUNT(rules); i++)
        if ((outcome = rules[i](&j)) != RS_TOKEN_ACCEPTED)
            return rs_refuse(outcome, j.detail, now);
    principal = apr_pcalloc(p, sizeof *principal);
    if ((outcome = name_principal(&j, principal)) != RS_TOKEN_ACCEPTED)
        return rs_refuse(outcome, j.detail, now);
    verdict = rs_accept(principal, now, RS_TIME_NEVER);
    if (j.exp)
        verdict.valid_until = j.exp + (evidence->reply ? 0 : policy->leeway);
    return verdict;
}
