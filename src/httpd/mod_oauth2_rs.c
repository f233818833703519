/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The module: which of its parts httpd calls when. */
#include "httpd/rs_authn.h"
#include "httpd/rs_authz.h"
#include "httpd/rs_config.h"
#include "httpd/rs_directives.h"
#include "httpd/rs_environment.h"
#include "httpd/rs_expr.h"
#include "httpd/rs_places.h"
#include "httpd/rs_problem.h"
#include "httpd/rs_require.h"
#include "httpd/rs_revoke.h"
#include "httpd/rs_runtime.h"
#include "httpd/rs_scrub.h"
#include "httpd/rs_status.h"

#include <http_protocol.h>
#include <http_request.h>
#include <mod_auth.h>

static void register_hooks(apr_pool_t *p)
{
    static const char *const before_others[] = { "mod_authz_core.c", NULL };

    /* start */
    ap_hook_pre_config(rs_runtime_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_pre_config(rs_status_pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(rs_config_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(rs_runtime_post_config, NULL, NULL, APR_HOOK_MIDDLE);
    /* before mod_watchdog's thread, which will look after the keys */
    ap_hook_child_init(rs_runtime_child_init, NULL, NULL, APR_HOOK_REALLY_FIRST);

    /* a request */
    ap_hook_post_read_request(rs_scrub_hook, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_check_access_ex(rs_authz_access_hook, NULL, before_others, APR_HOOK_REALLY_FIRST,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authn(rs_authn_hook, NULL, NULL, APR_HOOK_MIDDLE, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authz(rs_authz_hook, NULL, before_others, APR_HOOK_REALLY_FIRST,
                        AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_note_auth_failure(rs_authz_note_hook, NULL, NULL, APR_HOOK_MIDDLE);
    /* before mod_headers and mod_rewrite look at headers and variables */
    ap_hook_fixups(rs_environment_fixups_hook, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(rs_identity_fixups_hook, NULL, NULL, APR_HOOK_REALLY_FIRST + 1);
    ap_hook_fixups(rs_signed_identity_fixups_hook, NULL, NULL, APR_HOOK_REALLY_FIRST + 2);
    ap_hook_fixups(rs_environment_keep_token_hook, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(rs_signed_identity_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(rs_revoke_handler, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_expr_lookup(rs_expr_lookup_hook, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_insert_error_filter(rs_problem_error_filter_hook, NULL, NULL, APR_HOOK_MIDDLE);
    rs_problem_register(p);
    ap_hook_insert_filter(rs_places_filter_hook, NULL, NULL, APR_HOOK_LAST);
    ap_hook_insert_error_filter(rs_places_filter_hook, NULL, NULL, APR_HOOK_LAST);
    rs_places_register(p);
    rs_require_register(p);
}

/* The one name that this module shows. NOLINTNEXTLINE(readability-redundant-declaration) */
extern module AP_MODULE_DECLARE_DATA oauth2_rs_module __attribute__((visibility("default")));

AP_DECLARE_MODULE(oauth2_rs) = {
    STANDARD20_MODULE_STUFF, rs_dir_config_create, rs_dir_config_merge, rs_server_config_create,
    rs_server_config_merge,  rs_directives,        register_hooks,
#ifdef AP_MODULE_FLAG_NONE
    AP_MODULE_FLAG_NONE
#endif
};
