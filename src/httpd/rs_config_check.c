/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The checks that need the whole configuration. They run in check_config, which `apachectl
 * configtest` reaches too. */
#include "base/rs_limits.h"
#include "base/rs_url.h"
#include "httpd/rs_config.h"
#include "httpd/rs_rehearsal.h"
#include "httpd/rs_sections.h"
#include "httpd/rs_words.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(oauth2_rs);

static int wrong(const char *id, const ap_directive_t *at, const char *sentence)
{
    ap_log_error(APLOG_MARK, APLOG_EMERG, 0, NULL, "%s: %s%s%s%s%d%s", id, sentence, at ? " (" : "",
                 at ? at->filename : "", at ? ":" : "", at ? at->line_num : 0, at ? ")" : "");
    return HTTP_INTERNAL_SERVER_ERROR;
}

/* Redefinition of a visible name: the main server's section may stand behind the virtual host's. */
static int check_slots(server_rec *s, apr_pool_t *ptemp)
{
    const apr_array_header_t *slots = rs_server_config(s)->slots;
    int i;

    for (i = 0; i < slots->nelts; i++) {
        const rs_slot_t *slot = APR_ARRAY_IDX(slots, i, rs_slot_t *);
        if (rs_slot_find(s, slot->spec->name) != slot)
            return wrong(
                "RS0601", slot->section,
                apr_psprintf(ptemp,
                             "<OAuth2RSProvider %s>: the main server has a provider of that name; "
                             "providers never merge, use another name",
                             slot->spec->name));
    }
    return OK;
}

static int check_mentions(server_rec *s, apr_pool_t *ptemp)
{
    const apr_array_header_t *mentions = rs_server_config(s)->mentions;
    int i;

    for (i = 0; i < mentions->nelts; i++) {
        const rs_mention_t *mention = APR_ARRAY_IDX(mentions, i, rs_mention_t *);
        const char *nearest;
        if (rs_slot_find(mention->server, mention->name))
            continue;
        nearest = rs_word_nearest(mention->name, rs_slot_names(mention->server, ptemp), ptemp);
        return wrong("RS0602", mention->directive,
                     apr_psprintf(ptemp, "OAuth2RSUse: unknown provider \"%s\"%s%s%s",
                                  mention->name,
                                  nearest ? ": did you mean \"" : "; add <OAuth2RSProvider ",
                                  nearest ? nearest : mention->name, nearest ? "\"?" : ">"));
    }
    return OK;
}

static bool is_exposed(const rs_redis_config_t *redis)
{
    unsigned i;

    for (i = 0; !redis->socket && i < redis->address_count; i++)
        if (rs_redis_is_exposed(redis, &redis->addresses[i]))
            return true;
    return false;
}

static int check_cache(const rs_cache_spec_t *cache, apr_pool_t *ptemp)
{
    const char *secret;
    apr_size_t len;

    if (cache->revocation && cache->shared == RS_SHARED_NONE)
        return wrong("RS0610", cache->directive,
                     "OAuth2RSRevocation on needs a shared cache, through which revocations are "
                     "told: remove OAuth2RSCache none");
    if (cache->shared != RS_SHARED_REDIS)
        return OK;
    if (!cache->secret.value)
        return wrong("RS0603", cache->directive,
                     "OAuth2RSCache names a Redis, so OAuth2RSCacheSecret is required: what is "
                     "kept there is "
                     "encrypted; add OAuth2RSCacheSecret file:PATH with at least 32 random bytes");
    if (cache->secret.kind != RS_SOURCE_EXEC &&
        (rs_source_read(&cache->secret, &secret, &len, ptemp) != APR_SUCCESS ||
         len < RS_CACHE_SECRET_BYTES_MIN))
        return wrong(
            "RS0604", cache->directive,
            "OAuth2RSCacheSecret is too short: put at least 32 random bytes into it, as in "
            "openssl rand -base64 48");
    if ((cache->redis_password.value || cache->sentinel_password.value) &&
        is_exposed(&cache->redis))
        return wrong("RS0605", cache->directive,
                     apr_psprintf(ptemp,
                                  "%s would travel unencrypted to another host: use rediss://, or "
                                  "write OAuth2RSRedisPlaintext on",
                                  cache->redis_password.value ? "OAuth2RSRedisCredentials"
                                                              : "OAuth2RSSentinelCredentials"));
    return OK;
}

/* ---- Locations that cannot know their provider ---- */

static bool switches_on(const ap_directive_t *directive, apr_pool_t *ptemp)
{
    const char *arguments = directive->args;

    return strcasecmp(directive->directive, "AuthType") == 0 &&
           strcasecmp(ap_getword_conf(ptemp, &arguments), RS_AUTH_TYPE) == 0;
}

/* httpd would take it for another's, and answer 500. */
static int check_spelling(const ap_directive_t *directive, apr_pool_t *ptemp)
{
    const char *arguments = directive->args;
    const char *word = ap_getword_conf(ptemp, &arguments), *at = word, *ours = RS_AUTH_TYPE;

    if (strcasecmp(directive->directive, "AuthType") != 0 || strcasecmp(word, ours) == 0)
        return OK;
    for (; *ours; ours++) {
        if (!apr_isalnum(*ours))
            continue;
        while (*at && !apr_isalnum(*at))
            at++;
        if (apr_tolower(*at++) != *ours)
            return OK;
    }
    return *at ? OK
               : wrong("RS0663", directive,
                       apr_psprintf(ptemp, "AuthType %s: write AuthType " RS_AUTH_TYPE, word));
}

static server_rec *server_of(server_rec *main_server, const ap_directive_t *host)
{
    server_rec *s;

    for (s = main_server; s; s = s->next)
        if (s->defn_name && strcmp(s->defn_name, host->filename) == 0 &&
            s->defn_line_number == (unsigned)host->line_num)
            return s;
    return main_server;
}

/* Does an OAuth2RSUse reach the requests of that AuthType, from its own section or another one that
 * overlaps with it? Sections of the main server apply in every host. */
static bool names_a_provider(server_rec *s, server_rec *main_server, const ap_directive_t *at,
                             apr_pool_t *ptemp)
{
    server_rec *hosts[] = { s, main_server };
    int i, j;

    for (i = 0; i < 2; i++) {
        const apr_array_header_t *mentions = rs_server_config(hosts[i])->mentions;
        for (j = 0; j < mentions->nelts; j++)
            if (rs_sections_meet(APR_ARRAY_IDX(mentions, j, const rs_mention_t *)->directive, at,
                                 ptemp))
                return true;
    }
    return false;
}

static int check_section(server_rec *s, server_rec *main_server, const ap_directive_t *at,
                         apr_pool_t *ptemp)
{
    const apr_array_header_t *slots = rs_server_config(s)->slots;

    if (slots->nelts == 1 || (slots->nelts && names_a_provider(s, main_server, at, ptemp)))
        return OK;
    if (slots->nelts == 0)
        return wrong("RS0606", at,
                     "AuthType oauth2-rs, but no provider is visible here: add a section "
                     "<OAuth2RSProvider NAME>");
    return wrong("RS0607", at,
                 apr_psprintf(ptemp,
                              "AuthType oauth2-rs, and %d providers are visible: name those "
                              "whose tokens are good here, as in OAuth2RSUse %s",
                              slots->nelts, rs_slot_names(s, ptemp)[0]));
}

static int check_identity_key(server_rec *s, server_rec *main_server)
{
    const ap_directive_t *wanted = rs_server_config(s)->signed_identity;

    if (!wanted || rs_server_config(main_server)->identity_key->source.value)
        return OK;
    return wrong(
        "RS0608", wanted,
        "OAuth2RSSignedIdentity needs a key to sign with: add OAuth2RSIdentityKey file:PATH "
        "https://this.server.example.com to the main server");
}

/* Where httpd evaluates before there is a token, or never again: the functions are empty there for
 * good. */
static void warn_of_blind_places(const ap_directive_t *node)
{
    static const char *const blind[] = { "<If", "<ElseIf", "SetEnvIfExpr", NULL };
    bool expression = node->args && strcasecmp(node->directive, "Require") == 0 &&
                      strncasecmp(node->args, "expr", 4) == 0;
    unsigned i;

    if (!node->args || !strstr(node->args, "oauth2_claim"))
        return;
    for (i = 0; blind[i] && !expression; i++)
        expression = strcasecmp(node->directive, blind[i]) == 0;
    if (expression)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, NULL,
                     "RS0609: %s evaluates oauth2_claim() before there is a token, so it is always "
                     "empty there; write Require oauth2-expr (%s:%d)",
                     node->directive, node->filename, node->line_num);
}

static int check_tree(server_rec *s, server_rec *main_server, const ap_directive_t *node,
                      apr_pool_t *ptemp)
{
    int result = OK;

    for (; node && result == OK; node = node->next) {
        bool host = strcasecmp(node->directive, "<VirtualHost") == 0;
        warn_of_blind_places(node);
        if ((result = check_spelling(node, ptemp)) != OK)
            break;
        if (!host && switches_on(node, ptemp))
            result = check_section(s, main_server, node, ptemp);
        if (result == OK && node->first_child)
            result = check_tree(host ? server_of(main_server, node) : s, main_server,
                                node->first_child, ptemp);
    }
    return result;
}

int rs_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *main_server)
{
    server_rec *s;
    int result;

    (void)pconf, (void)plog;
    for (s = main_server; s; s = s->next)
        if ((result = check_slots(s, ptemp)) != OK || (result = check_mentions(s, ptemp)) != OK ||
            (result = check_identity_key(s, main_server)) != OK)
            return result;
    if ((result = check_cache(rs_server_config(main_server)->cache, ptemp)) != OK)
        return result;
    if ((result = check_tree(main_server, main_server, ap_conftree, ptemp)) != OK)
        return result;
    return rs_rehearse(main_server, ptemp);
}
