/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The section <OAuth2RSProvider NAME> and the directives inside it. */
#include "base/rs_limits.h"
#include "base/rs_url.h"
#include "httpd/rs_directives.h"
#include "httpd/rs_words.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_main.h>

#define NAME_BYTES_MAX 64
#define LEEWAY_MAX apr_time_from_sec(600)
#define TIME_MAX apr_time_from_sec(30 * 86400)
#define CALL_MAX apr_time_from_sec(120)
#define STALE_MAX apr_time_from_sec(7 * 24 * 3600)

/* ---- the section ---- */

static const char *check_name(cmd_parms *cmd, const char *name)
{
    const char *at = name;

    while (apr_isalnum(*at) || (*at && strchr("-_.", *at)))
        at++;
    if (!*name)
        return "<OAuth2RSProvider> needs a name, as in <OAuth2RSProvider acme>";
    if (*at || at - name > NAME_BYTES_MAX)
        return apr_psprintf(
            cmd->pool,
            "<OAuth2RSProvider %s>: a name has letters, digits, '-', '_' and '.' only, at "
            "most %d of them",
            name, NAME_BYTES_MAX);
    if (rs_slot_find(cmd->server, name))
        return apr_psprintf(
            cmd->pool,
            "<OAuth2RSProvider %s>: there already is a provider of that name; providers "
            "never merge, use another name",
            name);
    return NULL;
}

/* Only our own directives: others would silently act on the server around the section. */
static const char *check_children(cmd_parms *cmd)
{
    const char *names[80];
    const ap_directive_t *child;
    const command_rec *row;
    unsigned count = 0;

    for (row = rs_directives; row->name && count < 79; row++)
        if (row->func.take_argv == rs_provider_setting ||
            strcmp(row->name, "OAuth2RSIntrospectionTTL") == 0)
            names[count++] = row->name;
    names[count] = NULL;
    for (child = cmd->directive->first_child; child; child = child->next) {
        const char *nearest;
        unsigned i;
        for (i = 0; names[i] && strcasecmp(names[i], child->directive) != 0; i++)
            ;
        if (names[i])
            continue;
        nearest = rs_word_nearest(child->directive, names, cmd->pool);
        cmd->err_directive = child;
        return apr_psprintf(cmd->pool, "%s is not a directive of <OAuth2RSProvider>%s%s%s",
                            child->directive, nearest ? ": did you mean " : "",
                            nearest ? nearest : "", nearest ? "?" : "");
    }
    return NULL;
}

static const char *read_section(cmd_parms *cmd, rs_provider_spec_t *spec)
{
    ap_conf_vector_t *vector = ap_create_per_dir_config(cmd->pool);
    rs_dir_config_t *inside = rs_dir_config_create(cmd->pool, NULL);
    const char *trouble;

    inside->draft = spec;
    inside->seen = apr_table_make(cmd->pool, 16);
    ap_set_module_config(vector, &oauth2_rs_module, inside);
    trouble = ap_walk_config(cmd->directive->first_child, cmd, vector);
    if (trouble)
        return trouble;
    trouble = rs_provider_spec_check(spec, cmd->pool);
    return trouble ? apr_psprintf(cmd->pool, "<OAuth2RSProvider %s>: %s", spec->name, trouble)
                   : NULL;
}

const char *rs_provider_section(cmd_parms *cmd, void *dir, const char *arguments)
{
    const char *end = ap_strrchr_c(arguments, '>'), *name, *trouble;
    rs_slot_t *slot;

    (void)dir;
    if ((trouble = ap_check_cmd_context(cmd, NOT_IN_DIR_CONTEXT | NOT_IN_HTACCESS)) != NULL)
        return trouble;
    if (!end)
        return "<OAuth2RSProvider lacks its closing '>'";
    arguments = apr_pstrmemdup(cmd->pool, arguments, end - arguments);
    name = ap_getword_conf(cmd->pool, &arguments);
    if (*arguments)
        return apr_psprintf(cmd->pool,
                            "<OAuth2RSProvider %s> takes one name, found \"%s\" behind it", name,
                            arguments);
    if ((trouble = check_name(cmd, name)) != NULL || (trouble = check_children(cmd)) != NULL)
        return trouble;
    slot = apr_pcalloc(cmd->pool, sizeof *slot);
    slot->spec = rs_provider_spec_create(name, cmd->pool);
    slot->section = cmd->directive;
    if ((trouble = read_section(cmd, slot->spec)) != NULL)
        return trouble;
    APR_ARRAY_PUSH(rs_server_config(cmd->server)->slots, rs_slot_t *) = slot;
    return NULL;
}

const char *rs_provider_setting(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const rs_setting_t *setting = cmd->info;
    rs_dir_config_t *config = dir;
    const char *name = cmd->cmd->name, *trouble;

    if (!config->draft)
        return apr_psprintf(cmd->pool, "%s belongs inside <OAuth2RSProvider NAME>", name);
    if (argc < setting->least || argc > setting->most)
        return apr_psprintf(cmd->pool, "%s: write %s %s", name, name, setting->usage);
    if (!setting->repeatable && apr_table_get(config->seen, name))
        return apr_psprintf(cmd->pool, "%s is written twice in this section: keep one", name);
    apr_table_setn(config->seen, name, "");
    trouble = setting->set(config->draft, cmd, argc, argv);
    return trouble ? apr_psprintf(cmd->pool, "%s: %s", name, trouble) : NULL;
}

/* ---- values ---- */

static const char *const *copy_words(int argc, char *const argv[], apr_pool_t *p)
{
    const char **words = apr_palloc(p, (argc + 1) * sizeof *words);
    int i;

    for (i = 0; i < argc; i++)
        words[i] = argv[i];
    words[argc] = NULL;
    return words;
}

static const char *endpoint(const char **url, const char *written, apr_pool_t *p)
{
    const char *trouble = rs_url_check_endpoint(written, p);

    if (trouble)
        return apr_psprintf(p, "\"%s\": %s", written, trouble);
    *url = written;
    return NULL;
}

/* file:PATH that others may read but not write. */
static const char *public_file(const char **path, const char *written, apr_pool_t *p)
{
    rs_source_t source = { RS_SOURCE_FILE, NULL };
    const char *trouble = rs_source_check_public(&source, written, ap_server_root, p);

    if (!trouble)
        *path = source.value;
    return trouble;
}

static bool is_file(const char *written)
{
    return strncmp(written, "file:", 5) == 0;
}

/* ---- the issuer and its tokens ---- */

static const char *set_issuer(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                              char *const argv[])
{
    (void)argc;
    return endpoint(&spec->policy.issuer, argv[0], cmd->pool);
}

static const char *set_audience(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                char *const argv[])
{
    rs_policy_t *policy = &spec->policy;
    int i;

    for (i = 0; i < argc; i++) {
        if (!*argv[i])
            return "an audience is never empty";
        if (strcasecmp(argv[i], "any") == 0 && argc > 1)
            return "\"any\" stands alone: it accepts tokens that were made for any API";
        if (strcasecmp(argv[i], "or-absent") == 0 && (i != argc - 1 || argc == 1))
            return "\"or-absent\" stands last, behind the audiences";
    }
    policy->audience_any = strcasecmp(argv[0], "any") == 0;
    policy->audience_or_absent = strcasecmp(argv[argc - 1], "or-absent") == 0;
    if (policy->audience_any)
        return NULL;
    policy->audiences = copy_words(argc, argv, cmd->pool);
    policy->audience_count = argc - policy->audience_or_absent;
    return NULL;
}

static const char *set_validate(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                char *const argv[])
{
    static const rs_word_t words[] = {
        { "auto", RS_VALIDATE_AUTO },
        { "jwt", RS_VALIDATE_JWT },
        { "introspection", RS_VALIDATE_INTROSPECTION },
        { "both", RS_VALIDATE_BOTH },
        { NULL, 0 },
    };
    int value = 0;
    const char *trouble = rs_word_find(&value, words, argv[0], cmd->pool);

    (void)argc;
    spec->validate = value;
    return trouble;
}

static const char *set_metadata(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                char *const argv[])
{
    (void)argc;
    if (strcasecmp(argv[0], "off") == 0) {
        spec->metadata.off = true;
        return NULL;
    }
    if (is_file(argv[0]))
        return public_file(&spec->metadata.file, argv[0], cmd->pool);
    return endpoint(&spec->metadata.url, argv[0], cmd->pool);
}

static const char *set_keys(rs_provider_spec_t *spec, cmd_parms *cmd, int argc, char *const argv[])
{
    const char *text = NULL, *trouble;

    (void)argc;
    if (*argv[0] == '/')
        return apr_psprintf(cmd->pool, "\"%s\" is a path: write file:%s", argv[0], argv[0]);
    trouble = is_file(argv[0]) ? public_file(&text, argv[0], cmd->pool)
                               : endpoint(&text, argv[0], cmd->pool);
    if (!trouble)
        APR_ARRAY_PUSH(is_file(argv[0]) ? spec->keys.files : spec->keys.urls, const char *) = text;
    return trouble;
}

static const char *set_keys_refresh(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                    char *const argv[])
{
    rs_keys_spec_t *keys = &spec->keys;
    const char *trouble = rs_time_parse(&keys->refresh_min, argv[0], TIME_MAX, cmd->pool);

    if (!trouble)
        trouble = rs_time_parse(&keys->refresh_max, argv[1], TIME_MAX, cmd->pool);
    if (!trouble && argc == 3)
        trouble = rs_time_parse(&keys->stale_max, argv[2], TIME_MAX, cmd->pool);
    if (!trouble && keys->refresh_min < apr_time_from_sec(1))
        trouble = "MIN is at least 1s";
    return trouble;
}

static const char *set_keys_cooldown(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                     char *const argv[])
{
    const char *trouble = rs_time_parse(&spec->keys.cooldown, argv[0], TIME_MAX, cmd->pool);

    (void)argc;
    return !trouble && spec->keys.cooldown < apr_time_from_sec(1) ? "at least 1s" : trouble;
}

static const char *set_algorithms(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                  char *const argv[])
{
    int i;

    spec->keys.algorithms = RS_ALG_SET_EMPTY;
    for (i = 0; i < argc; i++) {
        const rs_alg_t *alg = rs_alg_by_name(argv[i]);
        const char *names[RS_ALG_COUNT + 1], *nearest;
        int id;
        if (strcasecmp(argv[i], "none") == 0)
            return "\"none\" is no signature: it is never accepted";
        if (alg) {
            spec->keys.algorithms = rs_alg_set_add(spec->keys.algorithms, alg);
            continue;
        }
        for (id = 0; id < RS_ALG_COUNT; id++)
            names[id] = rs_alg_name(rs_alg_by_id(id));
        names[id] = NULL;
        nearest = rs_word_nearest(argv[i], names, cmd->pool);
        return apr_psprintf(cmd->pool, "unknown algorithm \"%s\"%s%s%s", argv[i],
                            nearest ? ": did you mean " : "", nearest ? nearest : "",
                            nearest ? "?" : "");
    }
    return NULL;
}

static const char *set_shared_key(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                  char *const argv[])
{
    (void)argc;
    return rs_source_check_secret(&spec->keys.shared_key, argv[0], ap_server_root, cmd->pool);
}

static const char *set_decryption_key(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                      char *const argv[])
{
    rs_source_t source;
    const char *trouble = rs_source_check_secret(&source, argv[0], ap_server_root, cmd->pool);

    (void)argc;
    if (!trouble && source.kind != RS_SOURCE_FILE)
        trouble = "write file:PATH";
    if (!trouble)
        APR_ARRAY_PUSH(spec->keys.decryption_files, const char *) = source.value;
    return trouble;
}

static const char *set_token_type(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                  char *const argv[])
{
    rs_policy_t *policy = &spec->policy;

    if (argc == 1 && strcasecmp(argv[0], "any") == 0)
        policy->types = RS_TYPES_ANY;
    else if (argc == 1 && strcasecmp(argv[0], "rfc9068") == 0)
        policy->types = RS_TYPES_RFC9068;
    else {
        policy->types = RS_TYPES_LISTED;
        policy->type_names = copy_words(argc, argv, cmd->pool);
        policy->type_count = argc;
    }
    return NULL;
}

static const char *set_leeway(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                              char *const argv[])
{
    (void)argc;
    return rs_time_parse(&spec->policy.leeway, argv[0], LEEWAY_MAX, cmd->pool);
}

static const char *set_max_lifetime(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                    char *const argv[])
{
    (void)argc;
    if (strcasecmp(argv[0], "off") == 0)
        return NULL;
    return rs_time_parse(&spec->policy.lifetime_max, argv[0], 12 * TIME_MAX, cmd->pool);
}

static const char *set_require_claim(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                     char *const argv[])
{
    rs_policy_t *policy = &spec->policy;
    unsigned count = policy->required_count;
    rs_claim_rule_t *rules = apr_pcalloc(cmd->pool, (count + 1) * sizeof *rules);

    if (count)
        memcpy(rules, policy->required, count * sizeof *rules);
    rules[count].values = copy_words(argc - 1, argv + 1, cmd->pool);
    rules[count].count = argc - 1;
    policy->required = rules;
    policy->required_count = count + 1;
    return rs_claim_path_compile(&rules[count].path, argv[0], cmd->pool);
}

static const char *set_paths(rs_claim_paths_t *paths, cmd_parms *cmd, int argc, char *const argv[])
{
    const char *trouble = NULL;

    paths->count = 0;
    while (!trouble && paths->count < (unsigned)argc) {
        trouble = rs_claim_path_compile(&paths->paths[paths->count], argv[paths->count], cmd->pool);
        paths->count++;
    }
    return trouble;
}

static const char *set_scope_claim(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                   char *const argv[])
{
    return set_paths(&spec->policy.scope_paths, cmd, argc, argv);
}

static const char *set_role_claim(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                  char *const argv[])
{
    return set_paths(&spec->policy.role_paths, cmd, argc, argv);
}

static const char *set_user_claim(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                  char *const argv[])
{
    spec->policy.user_paths_default = false;
    return set_paths(&spec->policy.user_paths, cmd, argc, argv);
}

static const char *set_client_claim(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                    char *const argv[])
{
    return set_paths(&spec->policy.client_paths, cmd, argc, argv);
}

static const char *set_user_prefix(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                   char *const argv[])
{
    (void)cmd, (void)argc;
    spec->policy.user_prefix = argv[0];
    return NULL;
}

static const rs_word_t on_off[] = { { "on", 1 }, { "off", 0 }, { NULL, 0 } };

static const char *set_proof(rs_provider_spec_t *spec, cmd_parms *cmd, int argc, char *const argv[])
{
    int on = 1;
    const char *trouble = rs_word_find(&on, on_off, argv[0], cmd->pool);

    (void)argc;
    spec->policy.proof_off = !on;
    return trouble;
}

/* ---- asking the issuer ---- */

static const char *set_introspection(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                     char *const argv[])
{
    (void)argc;
    return endpoint(&spec->introspection.url, argv[0], cmd->pool);
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
        return endpoint(&introspection->assertion_audience, argv[1], cmd->pool);
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
    const char *trouble = public_file(&spec->peer.client_cert, argv[0], cmd->pool);

    (void)argc;
    return trouble ? trouble
                   : rs_source_check_secret(&spec->peer_key, argv[1], ap_server_root, cmd->pool);
}

/* NAME VALUE. What the call is made of is not to be replaced. */
static const char *set_introspection_param(rs_provider_spec_t *spec, cmd_parms *cmd, int argc,
                                           char *const argv[])
{
    static const char *const ours[] = { "token", "client_id", "client_secret", "client_assertion",
                                        "client_assertion_type" };
    rs_introspection_spec_t *introspection = &spec->introspection;
    unsigned i;

    (void)argc;
    for (i = 0; i < sizeof ours / sizeof ours[0]; i++)
        if (strcmp(argv[0], ours[i]) == 0)
            return apr_psprintf(cmd->pool, "%s is sent already, from other directives", ours[i]);
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
    return public_file(&spec->peer.ca_file, argv[0], cmd->pool);
}

static const char *set_proxy(rs_provider_spec_t *spec, cmd_parms *cmd, int argc, char *const argv[])
{
    rs_url_t url;
    const char *trouble = rs_url_parse(&url, argv[0], cmd->pool);

    (void)argc;
    spec->peer.proxy = argv[0];
    return trouble ? apr_psprintf(cmd->pool, "\"%s\": %s", argv[0], trouble) : NULL;
}

#define WORDS_MAX 64

const rs_setting_t rs_set_issuer = { set_issuer, 1, 1, "URL, as in https://login.example.com/",
                                     false };
const rs_setting_t rs_set_audience = { set_audience, 1, WORDS_MAX, "VALUE... [or-absent], or any",
                                       false };
const rs_setting_t rs_set_validate = { set_validate, 1, 1, "auto, jwt, introspection or both",
                                       false };
const rs_setting_t rs_set_metadata = { set_metadata, 1, 1, "URL, file:PATH or off", false };
const rs_setting_t rs_set_keys = { set_keys, 1, 1, "URL or file:PATH", true };
const rs_setting_t rs_set_keys_refresh = { set_keys_refresh, 2, 3,
                                           "MIN MAX [STALE], as in 60s 1h 24h", false };
const rs_setting_t rs_set_keys_cooldown = { set_keys_cooldown, 1, 1, "TIME, as in 30s", false };
const rs_setting_t rs_set_algorithms = { set_algorithms, 1, WORDS_MAX, "ALG..., as in RS256 ES256",
                                         false };
const rs_setting_t rs_set_shared_key = { set_shared_key, 1, 1,
                                         "SOURCE, as in file:/etc/apache2/hs256.key", false };
const rs_setting_t rs_set_decryption_key = { set_decryption_key, 1, 1,
                                             "file:PATH, as in file:/etc/apache2/decryption.pem",
                                             true };
const rs_setting_t rs_set_token_type = { set_token_type, 1, WORDS_MAX, "rfc9068, any or TYPE...",
                                         false };
const rs_setting_t rs_set_leeway = { set_leeway, 1, 1, "TIME, as in 30s", false };
const rs_setting_t rs_set_max_lifetime = { set_max_lifetime, 1, 1, "TIME or off", false };
const rs_setting_t rs_set_require_claim = { set_require_claim, 2, WORDS_MAX, "PATH VALUE...",
                                            true };
const rs_setting_t rs_set_scope_claim = { set_scope_claim, 1, RS_PATHS_MAX, "PATH..., at most 8",
                                          false };
const rs_setting_t rs_set_role_claim = { set_role_claim, 1, RS_PATHS_MAX, "PATH..., at most 8",
                                         false };
const rs_setting_t rs_set_user_claim = { set_user_claim, 1, RS_PATHS_MAX, "PATH..., at most 8",
                                         false };
const rs_setting_t rs_set_client_claim = { set_client_claim, 1, RS_PATHS_MAX, "PATH..., at most 8",
                                           false };
const rs_setting_t rs_set_user_prefix = { set_user_prefix, 1, 1, "TEXT", false };
const rs_setting_t rs_set_proof = { set_proof, 1, 1, "on or off", false };
const rs_setting_t rs_set_introspection = { set_introspection, 1, 1, "URL", false };
const rs_setting_t rs_set_client = { set_client, 1, 2,
                                     "ID [SECRET-SOURCE], as in my-api file:/etc/apache2/secret",
                                     false };
const rs_setting_t rs_set_client_auth = { set_client_auth, 1, 2, "METHOD [issuer|endpoint|URL]",
                                          false };
const rs_setting_t rs_set_client_key = { set_client_key, 1, 2, "file:PATH [ALG]", false };
const rs_setting_t rs_set_client_certificate = { set_client_certificate, 2, 2, "file:CERT file:KEY",
                                                 false };
const rs_setting_t rs_set_introspection_param = { set_introspection_param, 2, 2, "NAME VALUE",
                                                  true };
const rs_setting_t rs_set_introspection_response = { set_introspection_response, 1, 2,
                                                     "json or jwt [any-audience]", false };
const rs_setting_t rs_set_stale_if_error = { set_stale_if_error, 1, 1, "TIME or off", false };
const rs_setting_t rs_set_breaker = { set_breaker, 1, 2, "FAILURES OPEN-TIME, or off", false };
const rs_setting_t rs_set_max_waiting = { set_max_waiting, 1, 1, "N", false };
const rs_setting_t rs_set_introspection_ttl = { set_ttl, 1, 2, "POSITIVE [NEGATIVE], as in 5m 10s",
                                                false };
const rs_setting_t rs_set_timeout = { set_timeout, 2, 2, "CONNECT TOTAL, as in 2s 5s", false };
const rs_setting_t rs_set_trust = { set_trust, 1, 1, "file:CA.pem", false };
const rs_setting_t rs_set_proxy = { set_proxy, 1, 1, "URL, as in http://proxy.example.com:3128",
                                    false };
