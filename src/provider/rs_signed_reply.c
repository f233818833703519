/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* RFC 9701 5 and 8: a reply is a JWT of its own kind, never an access token, and the other way
 * round. */
#include "provider/rs_signed_reply.h"
#include "token/rs_claims.h"

#include <apr_lib.h>
#include <string.h>

#define TYP "token-introspection+jwt"

/* Bytes around it that a server may send. */
static void trim(const char **body, apr_size_t *len)
{
    while (*len && apr_isspace(**body)) {
        (*body)++;
        (*len)--;
    }
    while (*len && apr_isspace((*body)[*len - 1]))
        (*len)--;
}

static const char *decrypt(const rs_signed_reply_t *reply, const char **body, apr_size_t *len,
                           apr_pool_t *p)
{
    rs_jwe_plain_t plain;

    if (!rs_jwe_looks_like(*body, *len))
        return NULL;
    if (!reply->decryption)
        return "it is encrypted, and there is no key for it (OAuth2RSDecryptionKey)";
    if (rs_decryption_open(reply->decryption, *body, *len, &plain, reply->come_at, p) !=
        RS_TOKEN_ACCEPTED)
        return "no OAuth2RSDecryptionKey opens it";
    *body = plain.bytes;
    *len = plain.len;
    return NULL;
}

static bool names_us(const rs_json_t *aud, const char *client)
{
    apr_size_t i;

    if (rs_json_type(aud) == RS_JSON_STRING)
        return strcmp(rs_json_text(aud, NULL), client) == 0;
    for (i = 0; rs_json_type(aud) == RS_JSON_ARRAY && i < rs_json_size(aud); i++) {
        const char *text = rs_json_text(rs_json_at(aud, i), NULL);
        if (text && strcmp(text, client) == 0)
            return true;
    }
    return false;
}

/* iat is made between the question and the reply, give or take OAuth2RSLeeway; it has whole
 * seconds. An earlier one was made for an earlier question: what was revoked since would be good
 * again. */
static const char *check_iat(const rs_signed_reply_t *reply, const rs_json_t *iat)
{
    double leeway_s = (double)reply->issuer.spec->policy.leeway / APR_USEC_PER_SEC;
    apr_int64_t asked_s = apr_time_sec(reply->asked_at);
    double at_s;

    if (rs_json_type(iat) != RS_JSON_INTEGER && rs_json_type(iat) != RS_JSON_REAL)
        return "it has no iat";
    at_s = rs_json_real(iat);
    if (at_s > (double)reply->come_at / APR_USEC_PER_SEC + leeway_s)
        return "its iat is in the future";
    if (at_s < (double)asked_s - leeway_s)
        return "its iat is longer ago than OAuth2RSLeeway: it is not the answer to this question, "
               "or the clocks differ";
    return NULL;
}

static const char *check_claims(const rs_signed_reply_t *reply, const rs_json_t *claims)
{
    const rs_provider_spec_t *provider = reply->issuer.spec;
    const rs_introspection_spec_t *spec = &provider->introspection;
    const char *iss = rs_json_string(claims, "iss"), *trouble;

    if (!iss || strcmp(iss, provider->policy.issuer) != 0)
        return "its iss is not OAuth2RSIssuer";
    if (!spec->signed_reply_any_audience &&
        (!spec->client_id || !names_us(rs_json_get(claims, "aud"), spec->client_id)))
        return "its aud is not our id (a server that writes the token's audience there: "
               "OAuth2RSIntrospectionResponse jwt any-audience)";
    if ((trouble = check_iat(reply, rs_json_get(claims, "iat"))) != NULL)
        return trouble;
    if (rs_json_type(rs_json_get(claims, "token_introspection")) != RS_JSON_OBJECT)
        return "it has no member token_introspection";
    return NULL;
}

const rs_json_t *rs_signed_reply_open(const rs_signed_reply_t *reply, const char *body,
                                      apr_size_t len, const char **why, apr_pool_t *p)
{
    const rs_jws_t *jws;
    const rs_json_t *claims;
    const char *typ;

    trim(&body, &len);
    if ((*why = decrypt(reply, &body, &len, p)) != NULL)
        return NULL;
    *why = "it is no JWT of at most 32 KiB";
    if (rs_jws_parse(&jws, body, len, p) != RS_TOKEN_ACCEPTED)
        return NULL;
    typ = rs_jws_typ(jws);
    *why = "its typ is not " TYP;
    if (!typ || (strcasecmp(typ, TYP) != 0 && strcasecmp(typ, "application/" TYP) != 0))
        return NULL;
    *why = "none of the issuer's keys verifies its signature";
    if (!rs_jwt_key_of(&reply->issuer, jws, reply->come_at, p))
        return NULL;
    claims = rs_jws_claims(jws, why, p);
    if (!claims || (*why = check_claims(reply, claims)) != NULL)
        return NULL;
    return rs_json_get(claims, "token_introspection");
}
