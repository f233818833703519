/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The JWT verifier (RFC 7519 7.2, RFC 8725). */
#include "provider/rs_jwt.h"
#include "base/rs_limits.h"

#include <apr_strings.h>
#include <string.h>

typedef struct {
    rs_outcome_t outcome; /* of the last key that was tried; KEY_UNKNOWN when none fits */
    const rs_jwk_t *key;  /* that verified it */
} trial_t;

static trial_t try_keys(const rs_provider_spec_t *spec, const rs_jwks_t *keys, const rs_jws_t *jws)
{
    trial_t trial = { RS_TOKEN_KEY_UNKNOWN, NULL };
    const rs_jwk_t *key;
    unsigned at = 0;

    while ((key = rs_jwks_next(keys, jws, &at)) != NULL) {
        trial.outcome = rs_jws_verify(jws, key, spec->keys.algorithms);
        if (trial.outcome == RS_TOKEN_ACCEPTED) {
            trial.key = key;
            break;
        }
    }
    return trial;
}

/* The token's iat before anything is verified: it only tells a newer token from an older one. */
static apr_time_t unverified_iat(const rs_jws_t *jws, apr_pool_t *p)
{
    const rs_json_t *iat = rs_json_get(rs_jws_claims(jws, NULL, p), "iat");
    double seconds = rs_json_type(iat) == RS_JSON_INTEGER || rs_json_type(iat) == RS_JSON_REAL
                         ? rs_json_real(iat)
                         : 0;

    return seconds > 0 && seconds < 1e11 ? (apr_time_t)(seconds * APR_USEC_PER_SEC) : 0;
}

static rs_verdict_t key_unknown(const rs_jws_t *jws, const trial_t *trial, apr_time_t now,
                                apr_pool_t *p)
{
    const char *kid = rs_jws_kid(jws);

    if (trial->outcome == RS_TOKEN_SIGNATURE_WRONG)
        return rs_refuse(trial->outcome, "no key of the issuer verifies its signature", now);
    return rs_refuse(
        RS_TOKEN_KEY_UNKNOWN,
        kid ? apr_psprintf(p, "the issuer has no key for kid %s and alg %s", rs_json_quote(kid, p),
                           rs_jws_alg_text(jws))
            : apr_psprintf(p, "the issuer has no key for alg %s", rs_jws_alg_text(jws)),
        now);
}

/* Find the key, asking the issuer anew when the set at hand has none. NULL: *verdict says why. The
 * key lives until p is cleared. */
static const rs_jwk_t *find_key(const rs_jwt_issuer_t *issuer, const rs_jws_t *jws,
                                rs_verdict_t *verdict, apr_time_t now, apr_pool_t *p)
{
    apr_interval_time_t retry_after = 0;
    const rs_jwks_t *set = rs_keys_hold(issuer->keys, issuer->seat, now, &retry_after, p);
    trial_t trial;
    apr_status_t status;

    if (!set) {
        *verdict = rs_undecided("the issuer's keys cannot be had", retry_after, now);
        return NULL;
    }
    trial = try_keys(issuer->spec, set, jws);
    if (trial.key)
        return trial.key;
    /* A key of that name is there and says no: nothing newer is to be expected. */
    if (rs_jws_kid(jws) && rs_jwks_names(set, rs_jws_kid(jws))) {
        *verdict = key_unknown(jws, &trial, now, p);
        return NULL;
    }
    status = rs_keys_miss(issuer->keys, issuer->seat, unverified_iat(jws, p), now, &retry_after, p);
    if (status == APR_SUCCESS) {
        set = rs_keys_hold(issuer->keys, issuer->seat, now, &retry_after, p);
        if (set)
            trial = try_keys(issuer->spec, set, jws);
        else
            status = APR_EAGAIN;
    }
    if (trial.key)
        return trial.key;
    if (status == APR_EAGAIN)
        *verdict = rs_undecided(
            "its key is not known, and the issuer's keys cannot be asked for again yet",
            retry_after, now);
    else
        *verdict = key_unknown(jws, &trial, now, p);
    return NULL;
}

const rs_jwk_t *rs_jwt_key_of(const rs_jwt_issuer_t *issuer, const rs_jws_t *jws, apr_time_t now,
                              apr_pool_t *p)
{
    const rs_alg_t *alg = rs_jws_alg(jws);
    rs_verdict_t verdict;

    return alg && rs_alg_set_has(issuer->spec->keys.algorithms, alg)
               ? find_key(issuer, jws, &verdict, now, p)
               : NULL;
}

rs_verdict_t rs_jwt_judge(const rs_jwt_issuer_t *issuer, const rs_jws_t *jws, apr_time_t now,
                          apr_pool_t *p)
{
    const rs_provider_spec_t *spec = issuer->spec;
    const rs_alg_t *alg = rs_jws_alg(jws);
    const rs_json_t *json;
    const rs_jwk_t *key;
    const char *why;
    rs_evidence_t evidence = { .typ = rs_jws_typ(jws) };
    rs_claims_t claims;
    rs_verdict_t verdict;

    if (!alg || !rs_alg_set_has(spec->keys.algorithms, alg))
        return rs_refuse(RS_TOKEN_ALG_REFUSED,
                         apr_psprintf(p, "alg %s is not among OAuth2RSAlgorithms",
                                      rs_json_quote(rs_jws_alg_text(jws), p)),
                         now);
    key = find_key(issuer, jws, &verdict, now, p);
    if (!key)
        return verdict;
    json = rs_jws_claims(jws, &why, p);
    if (!json)
        return rs_refuse(RS_TOKEN_MALFORMED, why, now);
    claims = rs_claims_from_json(json, p);
    evidence.claims = &claims;
    verdict = rs_policy_judge(&spec->policy, &evidence, now, p);
    verdict.key = apr_pmemdup(p, rs_jwk_thumbprint(key), sizeof(rs_sha256_t));
    return verdict;
}
