/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Client authentication: one row each. */
#include "provider/rs_client_auth.h"
#include "base/rs_base64url.h"
#include "base/rs_digest.h"
#include "base/rs_json.h"
#include "base/rs_url.h"
#include "jose/rs_jws.h"

#include <apr_strings.h>
#include <string.h>

#define ASSERTION_LIFETIME_S 60
#define JTI_BYTES 16

/* ---- making ---- */

/* The first algorithm of the table that the key is for, unless one is named. */
static const rs_alg_t *algorithm_for(const rs_jwk_t *key, const rs_alg_t *named)
{
    unsigned id;

    if (named)
        return rs_jwk_fits(key, named) ? named : NULL;
    for (id = 0; id < RS_ALG_COUNT; id++)
        if (rs_jwk_fits(key, rs_alg_by_id(id)))
            return rs_alg_by_id(id);
    return NULL;
}

static const char *read_key(rs_client_auth_t *auth, const rs_introspection_spec_t *spec,
                            apr_pool_t *p)
{
    const char *text, *why = NULL;
    apr_size_t len;
    apr_status_t status;

    apr_pool_create(&auth->pool, p);
    if (auth->method == RS_CLIENT_AUTH_SECRET_JWT)
        auth->key = rs_jwk_shared((const unsigned char *)auth->secret, strlen(auth->secret), &why,
                                  auth->pool);
    else if ((status = rs_source_read(&spec->client_key, &text, &len, auth->pool)) != APR_SUCCESS)
        return apr_psprintf(p, "OAuth2RSClientKey cannot be read: %s",
                            rs_source_failure(&spec->client_key, status, p));
    else
        auth->key = rs_jwk_private(text, len, &why, auth->pool);
    if (!auth->key)
        return apr_pstrcat(
            p,
            spec->client_key.value ? "OAuth2RSClientKey: " : "the secret of OAuth2RSClient: ", why,
            NULL);
    auth->alg = algorithm_for(auth->key, spec->client_key_alg);
    return auth->alg ? NULL : "OAuth2RSClientKey: the key is not for that algorithm";
}

apr_status_t rs_client_auth_create(rs_client_auth_t *auth, const rs_provider_spec_t *spec,
                                   const char **why, apr_pool_t *p)
{
    const rs_introspection_spec_t *introspection = &spec->introspection;
    const rs_source_t *secret = &introspection->client_secret;
    apr_size_t len;
    apr_status_t status = APR_SUCCESS;

    *why = NULL;
    memset(auth, 0, sizeof *auth);
    auth->method = introspection->auth;
    auth->id = introspection->client_id;
    auth->audience = introspection->assertion_audience;
    if (!auth->audience && !introspection->assertion_for_endpoint)
        auth->audience = spec->policy.issuer;
    if (secret->value)
        status = rs_source_read(secret, &auth->secret, &len, p);
    if (status != APR_SUCCESS)
        *why = apr_psprintf(p, "the secret of OAuth2RSClient cannot be read: %s",
                            rs_source_failure(secret, status, p));
    else if (auth->method == RS_CLIENT_AUTH_SECRET_JWT ||
             auth->method == RS_CLIENT_AUTH_PRIVATE_KEY_JWT)
        *why = read_key(auth, introspection, p);
    return *why ? APR_EINVAL : APR_SUCCESS;
}

void rs_client_auth_forget(rs_client_auth_t *auth)
{
    if (auth->pool)
        apr_pool_destroy(auth->pool);
    auth->pool = NULL;
    auth->key = NULL;
}

/* ---- the methods ---- */

typedef struct {
    const rs_client_auth_t *auth;
    const char *endpoint;
    apr_time_t now;
    apr_pool_t *p;
} occasion_t;

/* RFC 6749 2.3.1: both are form-encoded first, then joined for HTTP Basic. */
static void prove_basic(const occasion_t *at, rs_client_proof_t *proof)
{
    const char *joined = apr_pstrcat(at->p, rs_form_encode(at->auth->id, at->p), ":",
                                     rs_form_encode(at->auth->secret, at->p), NULL);

    proof->authorization =
        apr_pstrcat(at->p, "Basic ",
                    rs_base64_encode((const unsigned char *)joined, strlen(joined), at->p), NULL);
}

static void prove_post(const occasion_t *at, rs_client_proof_t *proof)
{
    proof->fields = apr_pstrcat(at->p, "&client_id=", rs_form_encode(at->auth->id, at->p),
                                "&client_secret=", rs_form_encode(at->auth->secret, at->p), NULL);
}

/* RFC 7523 3: iss and sub are we, aud is the issuer, short-lived, never the same twice. */
static void prove_assertion(const occasion_t *at, rs_client_proof_t *proof)
{
    static const char type[] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    const rs_client_auth_t *auth = at->auth;
    apr_int64_t now = apr_time_sec(at->now);
    unsigned char jti[JTI_BYTES];
    const char *id = rs_json_quote(auth->id, at->p), *payload, *assertion;

    if (rs_random_bytes(jti, sizeof jti) != APR_SUCCESS)
        return;
    payload =
        apr_psprintf(at->p,
                     "{\"iss\":%s,\"sub\":%s,\"aud\":%s,\"jti\":\"%s\",\"iat\":%" APR_INT64_T_FMT
                     ",\"exp\":%" APR_INT64_T_FMT "}",
                     id, id, rs_json_quote(auth->audience ? auth->audience : at->endpoint, at->p),
                     rs_hex(jti, sizeof jti, at->p), now, now + ASSERTION_LIFETIME_S);
    if (rs_jws_sign(&assertion, auth->key, auth->alg, "\"typ\":\"JWT\"", payload, at->p) !=
        APR_SUCCESS)
        return;
    proof->fields = apr_pstrcat(at->p, "&client_id=", rs_form_encode(auth->id, at->p),
                                "&client_assertion_type=", rs_form_encode(type, at->p),
                                "&client_assertion=", assertion, NULL);
}

/* A token that stands for us (RFC 7662 2.1). */
static void prove_bearer(const occasion_t *at, rs_client_proof_t *proof)
{
    proof->authorization = apr_pstrcat(at->p, "Bearer ", at->auth->secret, NULL);
}

/* Nothing is proved here: the connection does (tls), or nobody does (none); the issuer may want to
 * know who asks. */
static void prove_name(const occasion_t *at, rs_client_proof_t *proof)
{
    if (at->auth->id)
        proof->fields =
            apr_pstrcat(at->p, "&client_id=", rs_form_encode(at->auth->id, at->p), NULL);
}

static const struct {
    rs_client_auth_method_t method;
    void (*prove)(const occasion_t *at, rs_client_proof_t *proof);
} methods[] = {
    { RS_CLIENT_AUTH_BASIC, prove_basic },
    { RS_CLIENT_AUTH_POST, prove_post },
    { RS_CLIENT_AUTH_SECRET_JWT, prove_assertion },
    { RS_CLIENT_AUTH_PRIVATE_KEY_JWT, prove_assertion },
    { RS_CLIENT_AUTH_TLS, prove_name },
    { RS_CLIENT_AUTH_BEARER, prove_bearer },
    { RS_CLIENT_AUTH_NONE, prove_name },
};

rs_client_proof_t rs_client_auth_prove(const rs_client_auth_t *auth, const char *endpoint,
                                       apr_time_t now, apr_pool_t *p)
{
    occasion_t at = { auth, endpoint, now, p };
    rs_client_proof_t proof = { NULL, "" };
    unsigned i;

    for (i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (methods[i].method == auth->method)
            methods[i].prove(&at, &proof);
    }
    return proof;
}
