/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Variables for the application, and the token that it does not get. */
#include "httpd/rs_environment.h"
#include "httpd/rs_request.h"
#include "httpd/rs_take.h"

#include <apr_strings.h>

/* Control bytes end lines and strings elsewhere. A scope or name that has them is no longer what
 * the issuer said, so the variable is left out rather than changed. */
static void set_variable(request_rec *r, const char *name, const char *value)
{
    const char *at;

    apr_table_unset(r->subprocess_env, name);
    if (!value || !*value)
        return;
    for (at = value; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return;
    apr_table_setn(r->subprocess_env, name, value);
}

int rs_environment_fixups_hook(request_rec *r)
{
    const rs_principal_t *principal = rs_request_principal(r);

    if (!principal)
        return DECLINED;
    set_variable(r, "OAUTH2_ISSUER", principal->issuer);
    set_variable(r, "OAUTH2_SUBJECT", principal->subject);
    set_variable(r, "OAUTH2_CLIENT_ID", principal->client);
    set_variable(r, "OAUTH2_SCOPE", rs_scope_text(&principal->scope, r->pool));
    set_variable(r, "OAUTH2_EXPIRES",
                 principal->expires ? apr_psprintf(r->pool, "%" APR_INT64_T_FMT,
                                                   (apr_int64_t)apr_time_sec(principal->expires))
                                    : NULL);
    return DECLINED;
}

/* Where the token came from a cookie or a form, Authorization is between client and application;
 * but a second token there stays no less secret than the first, if this Location would take it. */
static bool is_token_in_authorization(request_rec *r)
{
    const rs_places_t *places = rs_dir_config(r)->places;

    return !rs_request_judged(r)->presented.elsewhere ||
           ((!places || places->authorization) && rs_take_sees_bearer(r));
}

/* Later requests of this one (subrequests, redirects) find the verdict, not the token. */
int rs_environment_keep_token_hook(request_rec *r)
{
    if (rs_dir_config(r)->forward_token != 0 || !rs_request_principal(r))
        return DECLINED;
    if (r->main) /* the main request has the same table, and rules of its own */
        r->headers_in = apr_table_copy(r->pool, r->headers_in);
    if (is_token_in_authorization(r))
        apr_table_unset(r->headers_in, "Authorization");
    if (rs_dir_config(r)->places)
        rs_places_remove(rs_dir_config(r)->places, r);
    return DECLINED;
}
