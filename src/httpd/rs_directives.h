/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The directives: the command table and the setters behind it. A setter answers NULL or a sentence,
 * to which httpd adds file and line. */
#ifndef RS_DIRECTIVES_H
#define RS_DIRECTIVES_H

#include "httpd/rs_config.h"

extern const command_rec rs_directives[];

/* <OAuth2RSProvider NAME>: rs_directives_provider.c, rs_directives_introspection.c */
const char *rs_provider_section(cmd_parms *cmd, void *dir, const char *arguments);

/* One directive inside it: the row that its command_rec's data points to. What they have in common
 * is done once, by rs_provider_setting(): that they stand in the section, and not twice, how many
 * words they have (all at once: "any" must stand alone), and their name before each sentence. The
 * usage is the command_rec's. The directives elsewhere have less in common and more kinds of
 * arguments, so httpd counts their words and each has a setter of httpd's own form. */
typedef struct {
    const char *(*set)(rs_provider_spec_t *spec, cmd_parms *cmd, int argc, char *const argv[]);
    int least, most;
    bool repeatable;
    /* What it does in a Location; NULL: it does not belong there. */
    const char *(*set_in_location)(rs_dir_config_t *config, cmd_parms *cmd, int argc,
                                   char *const argv[]);
} rs_setting_t;

/* What several of them read: an address that is protected, and file:PATH that others may read but
 * not write. NULL is fine, else a sentence. */
const char *rs_endpoint_read(const char **url, const char *written, apr_pool_t *p);
const char *rs_public_file_read(const char **path, const char *written, apr_pool_t *p);

const char *rs_provider_setting(cmd_parms *cmd, void *dir, int argc, char *const argv[]);

extern const rs_setting_t rs_set_issuer, rs_set_audience, rs_set_validate, rs_set_metadata,
    rs_set_keys, rs_set_keys_refresh, rs_set_keys_cooldown, rs_set_algorithms, rs_set_shared_key,
    rs_set_decryption_key, rs_set_token_type, rs_set_leeway, rs_set_max_lifetime,
    rs_set_require_claim, rs_set_scope_claim, rs_set_role_claim, rs_set_user_claim,
    rs_set_client_claim, rs_set_user_prefix, rs_set_proof, rs_set_introspection, rs_set_client,
    rs_set_client_auth, rs_set_client_key, rs_set_client_certificate, rs_set_introspection_param,
    rs_set_introspection_response, rs_set_stale_if_error, rs_set_breaker, rs_set_max_waiting,
    rs_set_introspection_ttl, rs_set_timeout, rs_set_trust, rs_set_proxy;

/* The cache: rs_directives_cache.c. All of them stand in the main server. */
const char *rs_cache_where(cmd_parms *cmd, void *dir, const char *where);
const char *rs_cache_secret(cmd_parms *cmd, void *dir, const char *current, const char *previous);
const char *rs_cache_prefix(cmd_parms *cmd, void *dir, const char *prefix);
const char *rs_local_cache(cmd_parms *cmd, void *dir, const char *entries, const char *ttl);
const char *rs_revocation(cmd_parms *cmd, void *dir, const char *on, const char *retention,
                          const char *required);
const char *rs_failure_limit(cmd_parms *cmd, void *dir, const char *limit);
const char *rs_redis_credentials(cmd_parms *cmd, void *dir, const char *first, const char *second);
const char *rs_sentinel_credentials(cmd_parms *cmd, void *dir, const char *first,
                                    const char *second);
const char *rs_redis_trust(cmd_parms *cmd, void *dir, const char *source);
const char *rs_redis_certificate(cmd_parms *cmd, void *dir, const char *certificate,
                                 const char *key);
const char *rs_redis_timeout(cmd_parms *cmd, void *dir, const char *connect, const char *command);
const char *rs_redis_pool(cmd_parms *cmd, void *dir, const char *count);
const char *rs_redis_plaintext(cmd_parms *cmd, void *dir, int on);

#endif
