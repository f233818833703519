/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A JWT of our own for the application. */
#include "httpd/rs_signed_identity.h"
#include "base/rs_base64url.h"
#include "httpd/rs_config.h"
#include "httpd/rs_request.h"
#include "jose/rs_jws.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <http_main.h>
#include <http_protocol.h>
#include <http_request.h>

APLOG_USE_MODULE(oauth2_rs);

#define LIFETIME_S 60
#define HANDLER "oauth2-rs-jwks"
#define TYPE "oauth2-rs-identity+jwt"

/* ---- configuration ---- */

const char *rs_identity_key_set(cmd_parms *cmd, void *dir, const char *source, const char *issuer)
{
    rs_identity_key_t *key = rs_server_config(cmd->server)->identity_key;
    const char *trouble = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)dir;
    if (trouble)
        return trouble;
    trouble = rs_source_check_secret(&key->source, source, ap_server_root, cmd->pool);
    key->issuer = issuer;
    key->directive = cmd->directive;
    return trouble ? apr_pstrcat(cmd->pool, "OAuth2RSIdentityKey: ", trouble, NULL) : NULL;
}

const char *rs_signed_identity_set(cmd_parms *cmd, void *dir, const char *header,
                                   const char *audience)
{
    rs_signed_identity_t *identity = apr_pcalloc(cmd->pool, sizeof *identity);
    const char *trouble = NULL;

    ((rs_dir_config_t *)dir)->signed_identity = identity;
    if (strcasecmp(header, "off") == 0 && !audience)
        return NULL;
    if (!audience)
        return "OAuth2RSSignedIdentity: name the application, as in OAuth2RSSignedIdentity "
               "X-Identity "
               "https://app.example.com";
    /* Scrubbed like every header of identity; the claim is of no matter. */
    trouble = rs_identity_set_header(cmd, dir, header, "off", NULL);
    if (!ap_check_cmd_context(cmd, NOT_IN_HTACCESS))
        rs_server_config(cmd->server)->signed_identity = cmd->directive;
    /* Read with a request: the server is complete, and is not changed any more. */
    else if (!trouble && !rs_server_config(cmd->server)->identity_key->source.value)
        trouble = "OAuth2RSSignedIdentity needs a key to sign with: the server's configuration has "
                  "no OAuth2RSIdentityKey";
    identity->header = header;
    identity->audience = audience;
    return trouble;
}

/* The first algorithm of the table that the key is for: ES* or EdDSA; RSA signs too slowly for each
 * request. */
static const rs_alg_t *choose(const rs_jwk_t *key)
{
    unsigned id;

    for (id = RS_ALG_ES256; id <= RS_ALG_ED448; id++)
        if (rs_jwk_fits(key, rs_alg_by_id(id)))
            return rs_alg_by_id(id);
    return NULL;
}

/* A key without a name is called by its thumbprint (RFC 7638 1). */
static void describe(rs_identity_key_t *key)
{
    const char *json = rs_jwk_public_json(key->key, key->pool), *named = "", *member = "";

    if (!rs_jwk_kid(key->key)) {
        const char *kid =
            rs_base64url_encode(rs_jwk_thumbprint(key->key)->bytes, RS_SHA256_BYTES, key->pool);
        named = apr_pstrcat(key->pool, ",\"kid\":\"", kid, "\"", NULL);
        member = apr_pstrcat(key->pool, "\"kid\":\"", kid, "\",", NULL);
    }
    key->header = apr_pstrcat(key->pool, "\"typ\":\"" TYPE "\"", named, NULL);
    key->jwks = apr_pstrcat(key->pool, "{\"keys\":[{", member, json + 1, "]}\n", NULL);
}

const char *rs_identity_key_load(rs_identity_key_t *key, apr_pool_t *p)
{
    const char *text, *why = NULL;
    apr_size_t len;
    apr_status_t status;

    if (!key->source.value)
        return NULL;
    apr_pool_create(&key->pool, p);
    status = rs_source_read(&key->source, &text, &len, key->pool);
    if (status != APR_SUCCESS)
        return apr_psprintf(p, "OAuth2RSIdentityKey cannot be read: %s",
                            rs_source_failure(&key->source, status, p));
    key->key = rs_jwk_private(text, len, &why, key->pool);
    if (!key->key)
        return apr_pstrcat(p, "OAuth2RSIdentityKey: ", why, NULL);
    key->alg = choose(key->key);
    if (!key->alg)
        return "OAuth2RSIdentityKey: it must be a key for ES256, ES384, ES512 or EdDSA";
    describe(key);
    return NULL;
}

/* ---- the JWT ---- */

static const char *payload_of(request_rec *r, const rs_principal_t *principal, const char *issuer,
                              const char *audience)
{
    apr_int64_t now = apr_time_sec(apr_time_now());
    const char *json = apr_psprintf(
        r->pool, "{\"iat\":%" APR_INT64_T_FMT ",\"exp\":%" APR_INT64_T_FMT, now, now + LIFETIME_S);

    json = rs_json_append(json, "iss", issuer, r->pool);
    json = rs_json_append(json, "aud", audience, r->pool);
    json = rs_json_append(json, "sub", principal->subject ? principal->subject : principal->user,
                          r->pool);
    json = rs_json_append(json, "user", principal->user, r->pool);
    json = rs_json_append(json, "token_iss", principal->issuer, r->pool);
    json = rs_json_append(json, "client_id", principal->client, r->pool);
    json = rs_json_append(json, "scope", rs_scope_text(&principal->scope, r->pool), r->pool);
    return apr_pstrcat(r->pool, json, "}", NULL);
}

int rs_signed_identity_fixups_hook(request_rec *r)
{
    const rs_signed_identity_t *identity = rs_dir_config(r)->signed_identity;
    const rs_principal_t *principal = rs_request_principal(r);
    const rs_identity_key_t *key = rs_server_config(r->server)->identity_key;
    const char *token;

    if (!identity || !identity->header || !principal || !key->key)
        return DECLINED;
    if (rs_jws_sign(&token, key->key, key->alg, key->header,
                    payload_of(r, principal, key->issuer, identity->audience),
                    r->pool) != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "RS0681: the signed identity could not be made");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    apr_table_setn(r->headers_in, identity->header, token);
    return DECLINED;
}

int rs_signed_identity_handler(request_rec *r)
{
    const rs_identity_key_t *key;

    if (!r->handler || strcmp(r->handler, HANDLER) != 0)
        return DECLINED;
    ap_allow_methods(r, REPLACE_ALLOW, "GET", NULL);
    if (r->method_number != M_GET)
        return HTTP_METHOD_NOT_ALLOWED;
    key = rs_server_config(r->server)->identity_key;
    if (!key->key)
        return HTTP_NOT_FOUND;
    ap_set_content_type(r, "application/jwk-set+json");
    apr_table_setn(r->headers_out, "Cache-Control", "max-age=3600");
    ap_rputs(key->jwks, r);
    return OK;
}
