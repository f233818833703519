/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Drafts of providers: defaults, check, fingerprint. */
#include "provider/rs_provider_spec.h"
#include "base/rs_url.h"
#include "token/rs_record.h"

#include <apr_strings.h>
#include <string.h>

static void default_paths(rs_claim_paths_t *paths, const char *const *names, unsigned count,
                          apr_pool_t *p)
{
    unsigned i;

    for (i = 0; i < count; i++)
        rs_claim_path_compile(&paths->paths[i], names[i], p);
    paths->count = count;
}

rs_provider_spec_t *rs_provider_spec_create(const char *name, apr_pool_t *p)
{
    static const char *const scope[] = { "scope", "scp" };
    static const char *const role[] = { "roles", "groups" };
    static const char *const user[] = { "sub" };
    static const char *const client[] = { "client_id", "azp", "cid", "appid" };
    rs_provider_spec_t *spec = apr_pcalloc(p, sizeof *spec);

    spec->name = name;
    spec->policy.leeway = apr_time_from_sec(30);
    spec->policy.user_paths_default = true;
    default_paths(&spec->policy.scope_paths, scope, 2, p);
    default_paths(&spec->policy.role_paths, role, 2, p);
    default_paths(&spec->policy.user_paths, user, 1, p);
    default_paths(&spec->policy.client_paths, client, 4, p);
    spec->keys.urls = apr_array_make(p, 1, sizeof(const char *));
    spec->keys.files = apr_array_make(p, 1, sizeof(const char *));
    spec->keys.decryption_files = apr_array_make(p, 1, sizeof(const char *));
    spec->keys.algorithms = rs_alg_set_asymmetric();
    spec->keys.refresh_min = apr_time_from_sec(60);
    spec->keys.refresh_max = apr_time_from_sec(3600);
    spec->keys.stale_max = apr_time_from_sec(24 * 3600);
    spec->keys.cooldown = apr_time_from_sec(30);
    spec->introspection.ttl_positive = apr_time_from_sec(300);
    spec->introspection.ttl_negative = apr_time_from_sec(10);
    spec->introspection.breaker_failures = 5;
    spec->introspection.breaker_open = apr_time_from_sec(10);
    spec->introspection.params = "";
    spec->peer.connect_timeout = apr_time_from_sec(2);
    spec->peer.total_timeout = apr_time_from_sec(5);
    return spec;
}

bool rs_provider_spec_judges_jwts(const rs_provider_spec_t *spec)
{
    return spec->validate != RS_VALIDATE_INTROSPECTION;
}

bool rs_provider_spec_introspects(const rs_provider_spec_t *spec)
{
    return spec->validate == RS_VALIDATE_INTROSPECTION || spec->validate == RS_VALIDATE_BOTH ||
           (spec->validate == RS_VALIDATE_AUTO &&
            (spec->introspection.url || spec->introspection.client_id));
}

/* What each way of client authentication needs. */
static const struct {
    rs_client_auth_method_t method;
    bool id, secret, key, certificate;
} needs[] = {
    { RS_CLIENT_AUTH_BASIC, true, true, false, false },
    { RS_CLIENT_AUTH_POST, true, true, false, false },
    { RS_CLIENT_AUTH_SECRET_JWT, true, true, false, false },
    { RS_CLIENT_AUTH_PRIVATE_KEY_JWT, true, false, true, false },
    { RS_CLIENT_AUTH_TLS, true, false, false, true },
    { RS_CLIENT_AUTH_BEARER, true, true, false, false },
};

static const char *check_client(const rs_provider_spec_t *spec,
                                rs_introspection_spec_t *introspection)
{
    bool secret = introspection->client_secret.value != NULL;
    unsigned i;

    if (introspection->auth == RS_CLIENT_AUTH_UNSET && secret)
        introspection->auth = RS_CLIENT_AUTH_BASIC;
    if (introspection->auth == RS_CLIENT_AUTH_UNSET)
        return "introspection needs credentials: add OAuth2RSClient ID SECRET-SOURCE, or write "
               "OAuth2RSClientAuth none if this issuer answers anybody";
    for (i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        if (needs[i].method != introspection->auth)
            continue;
        if (needs[i].id && !introspection->client_id)
            return "OAuth2RSClientAuth is set but OAuth2RSClient is missing: add OAuth2RSClient ID "
                   "SECRET-SOURCE";
        if (needs[i].secret && !secret)
            return "OAuth2RSClient has no secret: write OAuth2RSClient ID file:PATH";
        if (needs[i].key && !introspection->client_key.value)
            return "OAuth2RSClientAuth private_key_jwt needs a key: add OAuth2RSClientKey "
                   "file:PATH";
        if (needs[i].certificate && !spec->peer_key.value)
            return "OAuth2RSClientAuth tls needs a certificate: add OAuth2RSClientCertificate "
                   "file:CERT file:KEY";
    }
    return NULL;
}

/* tokeninfo answers anybody, userinfo whoever has the token. */
static const char *check_other_kind(const rs_provider_spec_t *spec,
                                    rs_introspection_spec_t *introspection)
{
    if (introspection->client_id ||
        (introspection->auth != RS_CLIENT_AUTH_UNSET && introspection->auth != RS_CLIENT_AUTH_NONE))
        return "tokeninfo and userinfo take no credentials of ours: remove OAuth2RSClient and "
               "OAuth2RSClientAuth";
    if (introspection->signed_reply)
        return "OAuth2RSIntrospectionResponse jwt is for introspection, not for tokeninfo or "
               "userinfo";
    if (introspection->kind == RS_INTROSPECTION_USERINFO && *introspection->params)
        return "OAuth2RSIntrospectionParam: a call of userinfo has no form";
    if (introspection->kind == RS_INTROSPECTION_USERINFO && !spec->policy.audience_any &&
        !spec->policy.audience_or_absent)
        return "userinfo does not say for whom a token was made: write OAuth2RSAudience any if "
               "tokens made for other applications of this issuer may be used here too";
    introspection->auth = RS_CLIENT_AUTH_NONE;
    return NULL;
}

static const char *check_keys(const rs_provider_spec_t *spec, apr_pool_t *p)
{
    const rs_keys_spec_t *keys = &spec->keys;
    rs_alg_set_t shared = keys->algorithms & ~rs_alg_set_asymmetric();

    if (keys->shared_key.value && keys->algorithms == rs_alg_set_asymmetric())
        return "OAuth2RSSharedKey is set but no HS algorithm is allowed: add OAuth2RSAlgorithms "
               "HS256";
    if (shared && !keys->shared_key.value)
        return "OAuth2RSAlgorithms allows HS* but there is no key: add OAuth2RSSharedKey file:PATH";
    if (shared && (shared != keys->algorithms || keys->urls->nelts || keys->files->nelts))
        return "a shared key never stands beside public keys (a public key could pass as the "
               "secret): use one "
               "provider for HS* and another for the rest";
    if (keys->refresh_min > keys->refresh_max)
        return "OAuth2RSKeysRefresh: the shortest time is longer than the longest";
    if (rs_provider_spec_judges_jwts(spec) && spec->metadata.off && !shared && !keys->urls->nelts &&
        !keys->files->nelts && spec->validate != RS_VALIDATE_AUTO)
        return "OAuth2RSMetadata is off and no keys are named: add OAuth2RSKeys URL or file:PATH";
    (void)p;
    return NULL;
}

const char *rs_provider_spec_check(rs_provider_spec_t *spec, apr_pool_t *p)
{
    const char *trouble;

    if (!spec->policy.issuer)
        return "OAuth2RSIssuer is missing: name the issuer, as in OAuth2RSIssuer "
               "https://login.example.com/";
    if (!spec->policy.audience_count && !spec->policy.audience_any)
        return "OAuth2RSAudience is missing: name this API, as in OAuth2RSAudience "
               "https://api.example.com, or "
               "write OAuth2RSAudience any to accept tokens that were made for other APIs too";
    if (rs_provider_spec_introspects(spec)) {
        trouble = spec->introspection.kind == RS_INTROSPECTION_RFC7662
                      ? check_client(spec, &spec->introspection)
                      : check_other_kind(spec, &spec->introspection);
        if (trouble)
            return trouble;
        if (!spec->introspection.url && spec->metadata.off)
            return "OAuth2RSMetadata is off and no endpoint is named: add OAuth2RSIntrospection "
                   "URL";
    }
    if (spec->peer.connect_timeout > spec->peer.total_timeout)
        return "OAuth2RSTimeout: the time to connect is longer than the total";
    return check_keys(spec, p);
}

const char *rs_provider_spec_load(rs_provider_spec_t *spec, apr_pool_t *p)
{
    apr_size_t len;
    apr_status_t status;

    if (!spec->peer_key.value)
        return NULL;
    status = rs_source_read(&spec->peer_key, &spec->peer.client_key_pem, &len, p);
    if (status != APR_SUCCESS)
        return apr_psprintf(p, "the key of OAuth2RSClientCertificate cannot be read: %s",
                            rs_source_failure(&spec->peer_key, status, p));
    return NULL;
}

apr_interval_time_t rs_keys_spec_interval(const rs_keys_spec_t *spec, apr_interval_time_t fresh)
{
    if (fresh < 0 || fresh > spec->refresh_max)
        return spec->refresh_max;
    return fresh < spec->refresh_min ? spec->refresh_min : fresh;
}

/* ---- fingerprint ---- */

/* Fields with their lengths, so that no two lists of fields give one text. */
static void field(apr_array_header_t *fields, const char *text, apr_pool_t *p)
{
    APR_ARRAY_PUSH(fields, const char *) =
        text ? apr_psprintf(p, "%" APR_SIZE_T_FMT ":%s,", strlen(text), text) : "-,";
}

static void number(apr_array_header_t *fields, apr_int64_t value, apr_pool_t *p)
{
    field(fields, apr_psprintf(p, "%" APR_INT64_T_FMT, value), p);
}

static void paths(apr_array_header_t *fields, const rs_claim_paths_t *list, apr_pool_t *p)
{
    unsigned i;

    number(fields, list->count, p);
    for (i = 0; i < list->count; i++)
        field(fields, list->paths[i].written, p);
}

static void strings(apr_array_header_t *fields, const char *const *list, unsigned count,
                    apr_pool_t *p)
{
    unsigned i;

    number(fields, count, p);
    for (i = 0; i < count; i++)
        field(fields, list[i], p);
}

static void policy_fields(apr_array_header_t *fields, const rs_policy_t *policy, apr_pool_t *p)
{
    unsigned i;

    field(fields, policy->issuer, p);
    strings(fields, policy->audiences, policy->audience_count, p);
    number(fields, policy->audience_any | policy->audience_or_absent << 1 | policy->proof_off << 2,
           p);
    number(fields, policy->types, p);
    strings(fields, policy->type_names, policy->type_count, p);
    number(fields, policy->leeway, p);
    number(fields, policy->lifetime_max, p);
    number(fields, policy->required_count, p);
    for (i = 0; i < policy->required_count; i++) {
        field(fields, policy->required[i].path.written, p);
        strings(fields, policy->required[i].values, policy->required[i].count, p);
    }
    paths(fields, &policy->scope_paths, p);
    paths(fields, &policy->role_paths, p);
    paths(fields, &policy->user_paths, p);
    paths(fields, &policy->client_paths, p);
    number(fields, policy->user_paths_default, p);
    field(fields, policy->user_prefix, p);
}

void rs_provider_spec_fingerprint(const rs_provider_spec_t *spec, rs_sha256_t *fingerprint,
                                  apr_pool_t *p)
{
    apr_array_header_t *fields = apr_array_make(p, 64, sizeof(const char *));
    rs_span_t span;

    field(fields, "mod_oauth2_rs verdict", p);
    number(fields, RS_RECORD_FORMAT, p);
    number(fields, spec->validate, p);
    number(fields, spec->keys.algorithms, p);
    field(fields, spec->introspection.url, p);
    /* Where the server is: many have the same URL, http://localhost/introspect. */
    field(fields, spec->introspection.unix_socket, p);
    number(fields, spec->introspection.kind, p);
    field(fields, spec->introspection.client_id, p);
    field(fields, spec->introspection.params, p);
    number(fields, spec->introspection.signed_reply, p);
    number(fields, spec->introspection.signed_reply_any_audience, p);
    policy_fields(fields, &spec->policy, p);
    span.bytes = apr_array_pstrcat(p, fields, 0);
    span.len = strlen(span.bytes);
    rs_sha256(&span, 1, fingerprint);
}
