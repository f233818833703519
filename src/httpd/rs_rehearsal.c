/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The rehearsal of post_config. */
#include "httpd/rs_rehearsal.h"
#include "httpd/rs_background.h"
#include "httpd/rs_runtime.h"
#include "provider/rs_metadata.h"

#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(oauth2_rs);

/* Commands run when httpd starts, not when somebody asks whether it would. */
static bool leave_out_command(rs_source_t *source)
{
    bool command = source->value && source->kind == RS_SOURCE_EXEC;

    if (command)
        source->value = NULL;
    return command;
}

/* ---- providers ---- */

static void leave_out_commands(rs_provider_spec_t *spec)
{
    rs_introspection_spec_t *introspection = &spec->introspection;
    bool secret = leave_out_command(&introspection->client_secret);
    bool key = leave_out_command(&introspection->client_key);

    leave_out_command(&spec->keys.shared_key);
    leave_out_command(&spec->peer_key);
    /* What signs with them cannot be made without them. */
    if ((secret && introspection->auth == RS_CLIENT_AUTH_SECRET_JWT) ||
        (key && introspection->auth == RS_CLIENT_AUTH_PRIVATE_KEY_JWT))
        introspection->auth = RS_CLIENT_AUTH_NONE;
}

/* A running server reads it with the first token that needs it. */
static const char *check_metadata(const rs_provider_spec_t *spec, apr_pool_t *p)
{
    rs_source_t source = { RS_SOURCE_FILE, spec->metadata.file };
    rs_metadata_document_t document;
    const char *text, *why = "it cannot be read";
    apr_size_t len;

    if (!spec->metadata.file ||
        (rs_source_read(&source, &text, &len, p) == APR_SUCCESS &&
         rs_metadata_parse(&document, text, len, spec, &why, p) == APR_SUCCESS))
        return NULL;
    return apr_psprintf(p, "OAuth2RSMetadata file:%s: %s", spec->metadata.file, why);
}

static int rehearse_slot(rs_runtime_t *runtime, const rs_slot_t *slot, apr_pool_t *p)
{
    rs_provider_spec_t spec = *slot->spec;
    rs_slot_t copy = { .spec = &spec, .section = slot->section };
    const char *trouble = check_metadata(&spec, p);

    if (trouble) {
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, NULL, "RS0660: <OAuth2RSProvider %s> (%s:%d): %s",
                     spec.name, slot->section->filename, slot->section->line_num, trouble);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    leave_out_commands(&spec);
    return rs_runtime_build_slot(runtime, NULL, &copy, p);
}

/* A host sees the main server's providers as well: each once. */
static int rehearse_slots(rs_runtime_t *runtime, server_rec *main_server, apr_pool_t *p)
{
    server_rec *s;
    int i, result = OK;

    for (s = main_server; s; s = s->next) {
        const apr_array_header_t *slots = rs_server_config(s)->slots;
        for (i = 0; i < slots->nelts && result == OK; i++) {
            const rs_slot_t *slot = APR_ARRAY_IDX(slots, i, rs_slot_t *);
            if (s == main_server || rs_slot_find(main_server, slot->spec->name) != slot)
                result = rehearse_slot(runtime, slot, p);
        }
    }
    return result;
}

/* ---- what all of them share ---- */

static int rehearse_cache(rs_runtime_t *runtime, const rs_cache_spec_t *cache, apr_pool_t *p)
{
    rs_cache_spec_t copy = *cache;

    if (cache->shared == RS_SHARED_NONE)
        return OK;
    if (cache->shared == RS_SHARED_SHM)
        return rs_runtime_create_shm(&copy, NULL, p);
    leave_out_command(&copy.previous_secret);
    if (leave_out_command(&copy.secret)) {
        copy.secret = copy.previous_secret;
        copy.previous_secret.value = NULL;
    }
    leave_out_command(&copy.redis_password);
    leave_out_command(&copy.sentinel_password);
    return rs_runtime_build_redis(runtime, &copy, NULL, p);
}

static int rehearse_identity_key(const rs_identity_key_t *key, apr_pool_t *p)
{
    rs_identity_key_t copy = *key;

    leave_out_command(&copy.source);
    return rs_runtime_load_identity_key(&copy, NULL, p);
}

static int rehearse(server_rec *main_server, apr_pool_t *p)
{
    const rs_server_config_t *config = rs_server_config(main_server);
    rs_runtime_t runtime = { .slots = apr_array_make(p, 4, sizeof(rs_slot_t *)) };
    int result = rehearse_slots(&runtime, main_server, p);

    /* Without providers nothing is built at all. */
    if (result != OK || !runtime.slots->nelts)
        return result;
    if ((result = rehearse_cache(&runtime, config->cache, p)) != OK ||
        (result = rs_background_check(config->cache, NULL)) != OK)
        return result;
    return rehearse_identity_key(config->identity_key, p);
}

int rs_rehearse(server_rec *main_server, apr_pool_t *ptemp)
{
    apr_pool_t *p;
    int result;

    apr_pool_create(&p, ptemp);
    apr_pool_tag(p, "rs_rehearsal");
    result = rehearse(main_server, p);
    apr_pool_destroy(p);
    return result;
}
