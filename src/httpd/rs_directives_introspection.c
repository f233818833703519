/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The directives of a provider section that say how the issuer is asked. */
#include "base/rs_url.h"
#include "httpd/rs_directives.h"
#include "httpd/rs_words.h"

#include <apr_strings.h>
#include <http_main.h>

#define TIME_MAX apr_time_from_sec(30 * 86400)
#define LOCATION_TTL_MAX apr_time_from_sec(86400)
#define CALL_MAX apr_time_from_sec(120)
#define UNIX_PATH_BYTES_MAX 107 /* sun_path with its NUL */
#define STALE_MAX apr_time_from_sec(7 * 24 * 3600)

/* As mod_proxy writes it: unix:PATH|URL. The host of the URL is a name only. */
static const char *read_unix_url(rs_introspection_spec_t *introspection, const char *written,
                                 apr_pool_t *p)
{
    const char *bar = strchr(written, '|'), *path = written + strlen("unix:"), *trouble;
    rs_url_t url;

    if (!bar || *path != '/')
        return apr_psprintf(p,
                            "\"%s\": write unix:/PATH/OF/SOCKET|URL, as in "
                            "unix:/run/as.sock|http://localhost/introspect",
                            written);
    if ((trouble = rs_url_parse(&url, bar + 1, p)) != NULL)
        return apr_psprintf(p, "\"%s\": %s", bar + 1, trouble);
    introspection->unix_socket = apr_pstrmemdup(p, path, bar - path);
    if (strlen(introspection->unix_socket) > UNIX_PATH_BYTES_MAX)
        return apr_psprintf(p, "the path of a socket has at most %d bytes", UNIX_PATH_BYTES_MAX);
    introspection->url = bar + 1;
    return NULL;
}

/* URL [KIND] */
static const char *set_introspection(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                     char *const argv[])
{
    static const rs_word_t words[] = {
        { "introspection", RS_INTROSPECTION_RFC7662 },
        { "tokeninfo", RS_INTROSPECTION_TOKENINFO },
        { "userinfo", RS_INTROSPECTION_USERINFO },
        { NULL, 0 },
    };
    rs_introspection_spec_t *introspection = &spec->introspection;
    int value = RS_INTROSPECTION_RFC7662;
    const char *trouble = strncmp(argv[0], "unix:", 5) == 0
                              ? read_unix_url(introspection, argv[0], cmd->pool)
                              : rs_endpoint_read(&introspection->url, argv[0], cmd->pool);

    if (!trouble && argc == 2)
        trouble = rs_word_find(&value, words, argv[1], cmd->pool);
    introspection->kind = value;
    return trouble;
}

static const char *set_client(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                              char *const argv[])
{
    spec->introspection.client_id = argv[0];
    if (argc == 1)
        return NULL;
    return rs_source_check_secret(&spec->introspection.client_secret, argv[1], ap_server_root,
                                  cmd->pool);
}

/* METHOD [issuer|endpoint|URL] */
static const char *set_client_auth(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                   char *const argv[])
{
    static const rs_word_t words[] = {
        { "basic", RS_CLIENT_AUTH_BASIC },
        { "post", RS_CLIENT_AUTH_POST },
        { "client_secret_jwt", RS_CLIENT_AUTH_SECRET_JWT },
        { "private_key_jwt", RS_CLIENT_AUTH_PRIVATE_KEY_JWT },
        { "tls", RS_CLIENT_AUTH_TLS },
        { "bearer", RS_CLIENT_AUTH_BEARER },
        { "none", RS_CLIENT_AUTH_NONE },
        { NULL, 0 },
    };
    rs_introspection_spec_t *introspection = &spec->introspection;
    int value = RS_CLIENT_AUTH_UNSET;
    const char *trouble = rs_word_find(&value, words, argv[0], cmd->pool);

    introspection->auth = value;
    if (trouble || argc == 1)
        return trouble;
    if (value != RS_CLIENT_AUTH_SECRET_JWT && value != RS_CLIENT_AUTH_PRIVATE_KEY_JWT)
        return "an audience goes with client_secret_jwt and private_key_jwt only";
    introspection->assertion_for_endpoint = strcasecmp(argv[1], "endpoint") == 0;
    if (!introspection->assertion_for_endpoint && strcasecmp(argv[1], "issuer") != 0)
        return rs_endpoint_read(&introspection->assertion_audience, argv[1], cmd->pool);
    return NULL;
}

/* file:PATH [ALG] */
static const char *set_client_key(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                  char *const argv[])
{
    rs_introspection_spec_t *introspection = &spec->introspection;

    if (argc == 2 && !(introspection->client_key_alg = rs_alg_by_name(argv[1])))
        return apr_psprintf(cmd->pool, "\"%s\" is no signature algorithm, as ES256 is one",
                            argv[1]);
    return rs_source_check_secret(&introspection->client_key, argv[0], ap_server_root, cmd->pool);
}

static const char *set_client_certificate(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                          char *const argv[])
{
    const char *trouble = rs_public_file_read(&spec->peer.client_cert, argv[0], cmd->pool);

    (void)argc;
    return trouble ? trouble
                   : rs_source_check_secret(&spec->peer_key, argv[1], ap_server_root, cmd->pool);
}

/* NAME VALUE. What the call is made of is not to be replaced. */
static const char *set_introspection_param(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                           char *const argv[])
{
    static const char *const ours[] = {
        "token",         "access_token",     "client_id",
        "client_secret", "client_assertion", "client_assertion_type"
    };
    rs_introspection_spec_t *introspection = &spec->introspection;
    unsigned i;

    (void)argc;
    for (i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strcmp(argv[0], ours[i]) == 0)
            return apr_psprintf(
                cmd->pool,
                "%s is a field of the question's own: where it belongs, it is sent already",
                ours[i]);
    introspection->params =
        apr_pstrcat(cmd->pool, introspection->params, "&", rs_form_encode(argv[0], cmd->pool), "=",
                    rs_form_encode(argv[1], cmd->pool), NULL);
    introspection->params_hint |= strcmp(argv[0], "token_type_hint") == 0;
    return NULL;
}

/* json, or jwt [any-audience] */
static const char *set_introspection_response(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                              char *const argv[])
{
    static const rs_word_t words[] = { { "json", 0 }, { "jwt", 1 }, { NULL, 0 } };
    int value = 0;
    const char *trouble = rs_word_find(&value, words, argv[0], cmd->pool);

    spec->introspection.signed_reply = value == 1;
    spec->introspection.signed_reply_any_audience = argc == 2;
    if (!trouble && argc == 2 && (value != 1 || strcasecmp(argv[1], "any-audience") != 0))
        trouble = "write json, jwt, or jwt any-audience";
    return trouble;
}

static const char *set_stale_if_error(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                      char *const argv[])
{
    (void)argc;
    spec->introspection.stale = 0;
    if (strcasecmp(argv[0], "off") == 0)
        return NULL;
    return rs_time_parse(&spec->introspection.stale, argv[0], STALE_MAX, cmd->pool);
}

static const char *set_breaker(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                               char *const argv[])
{
    rs_introspection_spec_t *introspection = &spec->introspection;
    const char *trouble;

    introspection->breaker_failures = 0;
    if (argc == 1 && strcasecmp(argv[0], "off") == 0)
        return NULL;
    trouble = rs_count_parse(&introspection->breaker_failures, argv[0], 1, 1000, cmd->pool);
    if (!trouble && argc == 2)
        trouble = rs_time_parse(&introspection->breaker_open, argv[1], CALL_MAX, cmd->pool);
    return !trouble && introspection->breaker_open < apr_time_from_msec(100)
               ? "the breaker stays open for at least 100ms"
               : trouble;
}

static const char *set_max_waiting(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                   char *const argv[])
{
    (void)argc;
    return rs_count_parse(&spec->introspection.waiting_max, argv[0], 1, 100000, cmd->pool);
}

static const char *set_ttl(rs_provider_spec_t *spec, cmd_parms *cmd, int argc, char *const argv[])
{
    rs_introspection_spec_t *introspection = &spec->introspection;
    const char *trouble = rs_time_parse(&introspection->ttl_positive, argv[0], TIME_MAX, cmd->pool);

    if (!trouble && argc == 2)
        return rs_time_parse(&introspection->ttl_negative, argv[1], TIME_MAX, cmd->pool);
    if (!trouble && introspection->ttl_negative > introspection->ttl_positive)
        introspection->ttl_negative = introspection->ttl_positive;
    return trouble;
}

/* The one directive with two homes: a Location can only shorten. */
static const char *set_location_ttl(rs_dir_config_t *config, cmd_parms *cmd, int argc,
                                    char *const argv[])
{
    const char *trouble =
        rs_time_parse(&config->ttl_positive, argv[0], LOCATION_TTL_MAX, cmd->pool);

    if (!trouble && argc == 2)
        trouble = rs_time_parse(&config->ttl_negative, argv[1], LOCATION_TTL_MAX, cmd->pool);
    return trouble;
}

static const char *set_timeout(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                               char *const argv[])
{
    const char *trouble = rs_time_parse(&spec->peer.connect_timeout, argv[0], CALL_MAX, cmd->pool);

    (void)argc;
    if (!trouble)
        trouble = rs_time_parse(&spec->peer.total_timeout, argv[1], CALL_MAX, cmd->pool);
    if (!trouble && (spec->peer.connect_timeout < 1000 || spec->peer.total_timeout < 1000))
        trouble = "at least 1ms";
    return trouble;
}

static const char *set_trust(rs_provider_spec_t *spec, cmd_parms *cmd, int argc, char *const argv[])
{
    (void)argc;
    return rs_public_file_read(&spec->peer.ca_file, argv[0], cmd->pool);
}

static const char *set_proxy(rs_provider_spec_t *spec, cmd_parms *cmd, int argc, char *const argv[])
{
    rs_url_t url;
    const char *trouble = rs_url_parse(&url, argv[0], cmd->pool);

    (void)argc;
    spec->peer.proxy = argv[0];
    return trouble ? apr_psprintf(cmd->pool, "\"%s\": %s", argv[0], trouble) : NULL;
}

/* ---- the rows ---- */

const rs_setting_t rs_set_introspection = { .set = set_introspection, .least = 1, .most = 2 };
const rs_setting_t rs_set_client = { .set = set_client, .least = 1, .most = 2 };
const rs_setting_t rs_set_client_auth = { .set = set_client_auth, .least = 1, .most = 2 };
const rs_setting_t rs_set_client_key = { .set = set_client_key, .least = 1, .most = 2 };
const rs_setting_t rs_set_client_certificate = { .set = set_client_certificate,
                                                 .least = 2,
                                                 .most = 2 };
const rs_setting_t rs_set_introspection_param = {
    .set = set_introspection_param, .least = 2, .most = 2, .repeatable = true
};
const rs_setting_t rs_set_introspection_response = { .set = set_introspection_response,
                                                     .least = 1,
                                                     .most = 2 };
const rs_setting_t rs_set_stale_if_error = { .set = set_stale_if_error, .least = 1, .most = 1 };
const rs_setting_t rs_set_breaker = { .set = set_breaker, .least = 1, .most = 2 };
const rs_setting_t rs_set_max_waiting = { .set = set_max_waiting, .least = 1, .most = 1 };
const rs_setting_t rs_set_introspection_ttl = {
    .set = set_ttl, .least = 1, .most = 2, .set_in_location = set_location_ttl
};
const rs_setting_t rs_set_timeout = { .set = set_timeout, .least = 2, .most = 2 };
const rs_setting_t rs_set_trust = { .set = set_trust, .least = 1, .most = 1 };
const rs_setting_t rs_set_proxy = { .set = set_proxy, .least = 1, .most = 1 };
