/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The command table, and the setters of what stands in a Location. */
#include "httpd/rs_directives.h"
#include "httpd/rs_words.h"

#include <apr_strings.h>

static bool in_htaccess(cmd_parms *cmd)
{
    return ap_check_cmd_context(cmd, NOT_IN_HTACCESS) != NULL;
}

static const char *set_use(cmd_parms *cmd, void *dir, const char *name)
{
    rs_dir_config_t *config = dir;

    if (in_htaccess(cmd)) {
        if (!rs_slot_find(cmd->server, name))
            return apr_psprintf(cmd->pool, "OAuth2RSUse: no provider \"%s\" is visible here", name);
    }
    else {
        rs_mention_t *mention = apr_palloc(cmd->pool, sizeof *mention);
        mention->name = name;
        mention->server = cmd->server;
        mention->directive = cmd->directive;
        APR_ARRAY_PUSH(rs_server_config(cmd->server)->mentions, rs_mention_t *) = mention;
    }
    if (!config->use)
        config->use = apr_array_make(cmd->pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(config->use, const char *) = name;
    return NULL;
}

static const char *set_require_https(cmd_parms *cmd, void *dir, int on)
{
    if (!on && in_htaccess(cmd))
        return "OAuth2RSRequireHTTPS off is refused in .htaccess: write it in the server's "
               "configuration";
    ((rs_dir_config_t *)dir)->require_https = on;
    return NULL;
}

static const char *set_error_body(cmd_parms *cmd, void *dir, const char *word)
{
    static const rs_word_t words[] = {
        { "accept", RS_ERROR_BODY_ACCEPT },
        { "httpd", RS_ERROR_BODY_HTTPD },
        { "problem", RS_ERROR_BODY_PROBLEM },
        { NULL, 0 },
    };
    int value = RS_ERROR_BODY_UNSET;
    const char *trouble = rs_word_find(&value, words, word, cmd->pool);

    ((rs_dir_config_t *)dir)->error_body = value;
    return trouble ? apr_psprintf(cmd->pool, "OAuth2RSErrorBody: %s", trouble) : NULL;
}

/* Once for each implied scope. */
static const char *set_scope_implies(cmd_parms *cmd, void *dir, const char *name,
                                     const char *implied)
{
    rs_scope_rules_t *rules = &((rs_dir_config_t *)dir)->scope_rules;
    apr_array_header_t *list = (apr_array_header_t *)rules->implications;
    rs_scope_rule_t *rule;

    if (rs_scope_from_text(name, cmd->pool).count != 1 ||
        rs_scope_from_text(implied, cmd->pool).count != 1)
        return apr_psprintf(cmd->pool, "OAuth2RSScopeImplies: \"%s\" or \"%s\" cannot be a scope",
                            name, implied);
    if (!list)
        rules->implications = list = apr_array_make(cmd->pool, 4, sizeof *rule);
    rule = apr_array_push(list);
    rule->name = name;
    rule->implied = rs_scope_from_text(implied, cmd->pool);
    return NULL;
}

_Static_assert(RS_PATHS_MAX == 8, "as the usages below say");

#define DATA(setting) ((void *)&(setting))
#define FLAG(member) ((void *)APR_OFFSETOF(rs_dir_config_t, member))

const command_rec rs_directives[] = {
    AP_INIT_RAW_ARGS("<OAuth2RSProvider", rs_provider_section, NULL, RSRC_CONF,
                     "NAME>: what we know about one issuer"),
    AP_INIT_TAKE_ARGV("OAuth2RSIssuer", rs_provider_setting, DATA(rs_set_issuer), RSRC_CONF,
                      "URL, as in https://login.example.com/: the expected iss"),
    AP_INIT_TAKE_ARGV("OAuth2RSAudience", rs_provider_setting, DATA(rs_set_audience), RSRC_CONF,
                      "VALUE... [or-absent] | any: one of these must be in aud"),
    AP_INIT_TAKE_ARGV("OAuth2RSValidate", rs_provider_setting, DATA(rs_set_validate), RSRC_CONF,
                      "auto|jwt|introspection|both: how a token is judged"),
    AP_INIT_TAKE_ARGV("OAuth2RSMetadata", rs_provider_setting, DATA(rs_set_metadata), RSRC_CONF,
                      "URL|file:PATH|off: where the issuer describes itself"),
    AP_INIT_TAKE_ARGV("OAuth2RSKeys", rs_provider_setting, DATA(rs_set_keys), RSRC_CONF,
                      "URL|file:PATH: the keys that sign tokens"),
    AP_INIT_TAKE_ARGV("OAuth2RSKeysRefresh", rs_provider_setting, DATA(rs_set_keys_refresh),
                      RSRC_CONF,
                      "MIN MAX [STALE], as in 60s 1h 24h: how often keys are fetched, and how long "
                      "they serve when that fails"),
    AP_INIT_TAKE_ARGV("OAuth2RSKeysCooldown", rs_provider_setting, DATA(rs_set_keys_cooldown),
                      RSRC_CONF, "TIME, as in 30s: least time between fetches for unknown keys"),
    AP_INIT_TAKE_ARGV("OAuth2RSAlgorithms", rs_provider_setting, DATA(rs_set_algorithms), RSRC_CONF,
                      "ALG..., as in RS256 ES256: accepted signature algorithms"),
    AP_INIT_TAKE_ARGV("OAuth2RSSharedKey", rs_provider_setting, DATA(rs_set_shared_key), RSRC_CONF,
                      "file:PATH|env:NAME|exec:COMMAND: the secret for HS256, HS384, HS512"),
    AP_INIT_TAKE_ARGV("OAuth2RSDecryptionKey", rs_provider_setting, DATA(rs_set_decryption_key),
                      RSRC_CONF, "file:PATH of a private key for encrypted tokens; repeatable"),
    AP_INIT_TAKE_ARGV("OAuth2RSTokenType", rs_provider_setting, DATA(rs_set_token_type), RSRC_CONF,
                      "rfc9068|any|TYPE...: accepted typ of a JWT"),
    AP_INIT_TAKE_ARGV("OAuth2RSLeeway", rs_provider_setting, DATA(rs_set_leeway), RSRC_CONF,
                      "TIME, as in 30s: how far clocks may differ"),
    AP_INIT_TAKE_ARGV("OAuth2RSMaxLifetime", rs_provider_setting, DATA(rs_set_max_lifetime),
                      RSRC_CONF, "TIME|off: the longest accepted lifetime of a token"),
    AP_INIT_TAKE_ARGV("OAuth2RSRequireClaim", rs_provider_setting, DATA(rs_set_require_claim),
                      RSRC_CONF, "PATH VALUE...: a claim that every token must have"),
    AP_INIT_TAKE_ARGV("OAuth2RSScopeClaim", rs_provider_setting, DATA(rs_set_scope_claim),
                      RSRC_CONF, "PATH..., at most 8: where the scopes are"),
    AP_INIT_TAKE_ARGV("OAuth2RSRoleClaim", rs_provider_setting, DATA(rs_set_role_claim), RSRC_CONF,
                      "PATH..., at most 8: where the roles are"),
    AP_INIT_TAKE_ARGV("OAuth2RSUserClaim", rs_provider_setting, DATA(rs_set_user_claim), RSRC_CONF,
                      "PATH..., at most 8: what becomes the user name"),
    AP_INIT_TAKE_ARGV("OAuth2RSClientClaim", rs_provider_setting, DATA(rs_set_client_claim),
                      RSRC_CONF, "PATH..., at most 8: where the client is named"),
    AP_INIT_TAKE_ARGV("OAuth2RSUserPrefix", rs_provider_setting, DATA(rs_set_user_prefix),
                      RSRC_CONF, "TEXT: put before the user name"),
    AP_INIT_TAKE_ARGV("OAuth2RSProof", rs_provider_setting, DATA(rs_set_proof), RSRC_CONF,
                      "on|off: whether a token that is bound to a key is refused"),
    AP_INIT_TAKE_ARGV(
        "OAuth2RSIntrospection", rs_provider_setting, DATA(rs_set_introspection), RSRC_CONF,
        "URL [introspection|tokeninfo|userinfo]: the endpoint that is asked about tokens"),
    AP_INIT_TAKE_ARGV("OAuth2RSClient", rs_provider_setting, DATA(rs_set_client), RSRC_CONF,
                      "ID [file:PATH|env:NAME|exec:COMMAND]: who we are at the issuer"),
    AP_INIT_TAKE_ARGV("OAuth2RSClientAuth", rs_provider_setting, DATA(rs_set_client_auth),
                      RSRC_CONF,
                      "basic|post|client_secret_jwt|private_key_jwt|tls|bearer|none "
                      "[issuer|endpoint|URL]: how we prove it"),
    AP_INIT_TAKE_ARGV(
        "OAuth2RSIntrospectionTTL", rs_provider_setting, DATA(rs_set_introspection_ttl),
        RSRC_CONF | OR_AUTHCFG,
        "POSITIVE [NEGATIVE], as in 5m 10s: how long an introspection result may be used"),
    AP_INIT_TAKE_ARGV("OAuth2RSClientKey", rs_provider_setting, DATA(rs_set_client_key), RSRC_CONF,
                      "file:PATH [ALG]: the private key of private_key_jwt"),
    AP_INIT_TAKE_ARGV("OAuth2RSClientCertificate", rs_provider_setting,
                      DATA(rs_set_client_certificate), RSRC_CONF,
                      "file:CERT file:KEY: our certificate for the issuer's servers"),
    AP_INIT_TAKE_ARGV("OAuth2RSIntrospectionParam", rs_provider_setting,
                      DATA(rs_set_introspection_param), RSRC_CONF,
                      "NAME VALUE: one more field of the question"),
    AP_INIT_TAKE_ARGV("OAuth2RSIntrospectionResponse", rs_provider_setting,
                      DATA(rs_set_introspection_response), RSRC_CONF,
                      "json|jwt [any-audience]: whether replies are signed"),
    AP_INIT_TAKE_ARGV("OAuth2RSStaleIfError", rs_provider_setting, DATA(rs_set_stale_if_error),
                      RSRC_CONF,
                      "TIME|off: how much longer a result serves while the issuer is unreachable"),
    AP_INIT_TAKE_ARGV("OAuth2RSBreaker", rs_provider_setting, DATA(rs_set_breaker), RSRC_CONF,
                      "FAILURES OPEN-TIME|off: when the issuer is left alone, and for how long"),
    AP_INIT_TAKE_ARGV("OAuth2RSMaxWaiting", rs_provider_setting, DATA(rs_set_max_waiting),
                      RSRC_CONF, "N: threads of one process that may wait for the issuer"),
    AP_INIT_TAKE_ARGV("OAuth2RSTimeout", rs_provider_setting, DATA(rs_set_timeout), RSRC_CONF,
                      "CONNECT TOTAL, as in 2s 5s: bounds of each call to the issuer"),
    AP_INIT_TAKE_ARGV("OAuth2RSTrust", rs_provider_setting, DATA(rs_set_trust), RSRC_CONF,
                      "file:CA.pem: who may certify the issuer's servers"),
    AP_INIT_TAKE_ARGV("OAuth2RSProxy", rs_provider_setting, DATA(rs_set_proxy), RSRC_CONF,
                      "URL, as in http://proxy.example.com:3128: proxy for calls to the issuer"),

    AP_INIT_TAKE1(
        "OAuth2RSCache", rs_cache_where, NULL, RSRC_CONF,
        "shm[:SIZE]|redis://HOST[:PORT][/DB]|rediss://...|unix:PATH|none: the shared cache"),
    AP_INIT_TAKE12("OAuth2RSCacheSecret", rs_cache_secret, NULL, RSRC_CONF,
                   "SOURCE [PREVIOUS]: key material for what is kept in Redis"),
    AP_INIT_TAKE1("OAuth2RSCachePrefix", rs_cache_prefix, NULL, RSRC_CONF,
                  "TEXT: before each Redis key"),
    AP_INIT_TAKE12("OAuth2RSLocalCache", rs_local_cache, NULL, RSRC_CONF,
                   "ENTRIES [TTL]: the cache of each process"),
    AP_INIT_TAKE123("OAuth2RSRevocation", rs_revocation, NULL, RSRC_CONF,
                    "on [RETENTION] [required]|off: whether revocations are heard of"),
    AP_INIT_TAKE1("OAuth2RSFailureLimit", rs_failure_limit, NULL, RSRC_CONF,
                  "N/TIME|off: inactive tokens that one address may bring"),
    AP_INIT_TAKE12("OAuth2RSRedisCredentials", rs_redis_credentials, NULL, RSRC_CONF,
                   "[USER] SOURCE: how we log in to Redis"),
    AP_INIT_TAKE12("OAuth2RSSentinelCredentials", rs_sentinel_credentials, NULL, RSRC_CONF,
                   "[USER] SOURCE: how we log in to the Sentinels"),
    AP_INIT_TAKE1("OAuth2RSRedisTrust", rs_redis_trust, NULL, RSRC_CONF,
                  "file:CA.pem: who may certify the Redis servers"),
    AP_INIT_TAKE2("OAuth2RSRedisCertificate", rs_redis_certificate, NULL, RSRC_CONF,
                  "file:CERT.pem file:KEY.pem: our certificate towards Redis"),
    AP_INIT_TAKE2("OAuth2RSRedisTimeout", rs_redis_timeout, NULL, RSRC_CONF,
                  "CONNECT COMMAND: bounds of each use of Redis"),
    AP_INIT_TAKE1("OAuth2RSRedisPool", rs_redis_pool, NULL, RSRC_CONF,
                  "N: most connections of one process to one server, and in use"),
    AP_INIT_FLAG("OAuth2RSRedisPlaintext", rs_redis_plaintext, NULL, RSRC_CONF,
                 "on|off: whether credentials may travel unencrypted to another host"),

    AP_INIT_ITERATE("OAuth2RSUse", set_use, NULL, OR_AUTHCFG,
                    "NAME...: the providers whose tokens are good here"),
    AP_INIT_FLAG("OAuth2RSRequireHTTPS", set_require_https, NULL, OR_AUTHCFG,
                 "on|off: whether tokens must come over https"),
    AP_INIT_FLAG("OAuth2RSErrorDetail", ap_set_flag_slot, FLAG(error_detail), OR_AUTHCFG,
                 "on|off: whether a refusal tells the client what failed"),
    AP_INIT_TAKE_ARGV("OAuth2RSTokenFrom", rs_places_set, NULL, OR_AUTHCFG,
                      "header|header:NAME|form|cookie:NAME...: where a token may be"),
    AP_INIT_TAKE2("OAuth2RSIdentityKey", rs_identity_key_set, NULL, RSRC_CONF,
                  "SOURCE ISSUER: what signed identities are signed with"),
    AP_INIT_TAKE12("OAuth2RSSignedIdentity", rs_signed_identity_set, NULL, OR_AUTHCFG,
                   "HEADER AUDIENCE | off: a JWT of our own for the application"),
    AP_INIT_TAKE1("OAuth2RSErrorBody", set_error_body, NULL, OR_AUTHCFG,
                  "accept|httpd|problem: whether refusals have a body of JSON"),
    AP_INIT_FLAG("OAuth2RSOptional", ap_set_flag_slot, FLAG(optional), OR_AUTHCFG,
                 "on|off: whether a token is judged where no Require line needs one"),
    AP_INIT_FLAG("OAuth2RSPreflight", ap_set_flag_slot, FLAG(preflight), OR_AUTHCFG,
                 "on|off: whether CORS preflights pass"),
    AP_INIT_FLAG("OAuth2RSForwardToken", ap_set_flag_slot, FLAG(forward_token), OR_AUTHCFG,
                 "on|off: whether the application sees the token"),
    AP_INIT_ITERATE2("OAuth2RSScopeImplies", set_scope_implies, NULL, OR_AUTHCFG,
                     "SCOPE IMPLIED...: a scope that stands for others"),
    AP_INIT_FLAG("OAuth2RSScopeWildcard", ap_set_flag_slot, FLAG(scope_rules.wildcard), OR_AUTHCFG,
                 "on|off: whether users.* stands for users.read"),
    AP_INIT_TAKE2("OAuth2RSEnv", rs_identity_set_env, NULL, OR_AUTHCFG,
                  "NAME CLAIM|*|off: a claim as a variable for the application"),
    AP_INIT_TAKE23("OAuth2RSHeader", rs_identity_set_header, NULL, OR_AUTHCFG,
                   "NAME CLAIM|*|off [join|json|base64]: a claim as a header of the request"),
    { .name = NULL },
};
