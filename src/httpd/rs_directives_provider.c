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
        if (row->func.take_argv == rs_provider_setting)
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

    if (!config->draft && !setting->set_in_location)
        return apr_psprintf(cmd->pool, "%s belongs inside <OAuth2RSProvider NAME>", name);
    if (argc < setting->least || argc > setting->most)
        return apr_psprintf(cmd->pool, "%s: write %s %s", name, name, cmd->cmd->errmsg);
    if (config->draft && !setting->repeatable && apr_table_get(config->seen, name))
        return apr_psprintf(cmd->pool, "%s is written twice in this section: keep one", name);
    if (config->draft) {
        apr_table_setn(config->seen, name, "");
        trouble = setting->set(config->draft, cmd, argc, argv);
    }
    else
        trouble = setting->set_in_location(config, cmd, argc, argv);
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

const char *rs_endpoint_read(const char **url, const char *written, apr_pool_t *p)
{
    const char *trouble = rs_url_check_endpoint(written, p);

    if (trouble)
        return apr_psprintf(p, "\"%s\": %s", written, trouble);
    *url = written;
    return NULL;
}

const char *rs_public_file_read(const char **path, const char *written, apr_pool_t *p)
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
    return rs_endpoint_read(&spec->policy.issuer, argv[0], cmd->pool);
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
        return rs_public_file_read(&spec->metadata.file, argv[0], cmd->pool);
    return rs_endpoint_read(&spec->metadata.url, argv[0], cmd->pool);
}

static const char *set_keys(rs_provider_spec_t *spec, cmd_parms *cmd, int argc, char *const argv[])
{
    const char *text = NULL, *trouble;

    (void)argc;
    if (*argv[0] == '/')
        return apr_psprintf(cmd->pool, "\"%s\" is a path: write file:%s", argv[0], argv[0]);
    trouble = is_file(argv[0]) ? rs_public_file_read(&text, argv[0], cmd->pool)
                               : rs_endpoint_read(&text, argv[0], cmd->pool);
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
    const char *trouble;

    (void)argc;
    if (strcasecmp(argv[0], "off") == 0)
        return NULL;
    trouble = rs_time_parse(&spec->policy.lifetime_max, argv[0], 12 * TIME_MAX, cmd->pool);
    if (!trouble && !spec->policy.lifetime_max)
        trouble = "no token lives so short: write off for no limit, or at least 1ms";
    return trouble;
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

/* ---- the rows ---- */

#define WORDS_MAX 64

const rs_setting_t rs_set_issuer = { .set = set_issuer, .least = 1, .most = 1 };
const rs_setting_t rs_set_audience = { .set = set_audience, .least = 1, .most = WORDS_MAX };
const rs_setting_t rs_set_validate = { .set = set_validate, .least = 1, .most = 1 };
const rs_setting_t rs_set_metadata = { .set = set_metadata, .least = 1, .most = 1 };
const rs_setting_t rs_set_keys = { .set = set_keys, .least = 1, .most = 1, .repeatable = true };
const rs_setting_t rs_set_keys_refresh = { .set = set_keys_refresh, .least = 2, .most = 3 };
const rs_setting_t rs_set_keys_cooldown = { .set = set_keys_cooldown, .least = 1, .most = 1 };
const rs_setting_t rs_set_algorithms = { .set = set_algorithms, .least = 1, .most = WORDS_MAX };
const rs_setting_t rs_set_shared_key = { .set = set_shared_key, .least = 1, .most = 1 };
const rs_setting_t rs_set_decryption_key = {
    .set = set_decryption_key, .least = 1, .most = 1, .repeatable = true
};
const rs_setting_t rs_set_token_type = { .set = set_token_type, .least = 1, .most = WORDS_MAX };
const rs_setting_t rs_set_leeway = { .set = set_leeway, .least = 1, .most = 1 };
const rs_setting_t rs_set_max_lifetime = { .set = set_max_lifetime, .least = 1, .most = 1 };
const rs_setting_t rs_set_require_claim = {
    .set = set_require_claim, .least = 2, .most = WORDS_MAX, .repeatable = true
};
const rs_setting_t rs_set_scope_claim = { .set = set_scope_claim,
                                          .least = 1,
                                          .most = RS_PATHS_MAX };
const rs_setting_t rs_set_role_claim = { .set = set_role_claim, .least = 1, .most = RS_PATHS_MAX };
const rs_setting_t rs_set_user_claim = { .set = set_user_claim, .least = 1, .most = RS_PATHS_MAX };
const rs_setting_t rs_set_client_claim = { .set = set_client_claim,
                                           .least = 1,
                                           .most = RS_PATHS_MAX };
const rs_setting_t rs_set_user_prefix = { .set = set_user_prefix, .least = 1, .most = 1 };
const rs_setting_t rs_set_proof = { .set = set_proof, .least = 1, .most = 1 };
