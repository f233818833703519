/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Variables for the application; scrubbing of what clients send under their names. */
#include "httpd/rs_environment.h"
#include "httpd/rs_request.h"

#include <apr_lib.h>
#include <apr_strings.h>

/* Header names as CGI sees them: '-' and '_' are one, letter case does not count. */
static bool same_name(const char *header, const char *name, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++)
        if (!header[i] || (apr_isalnum(header[i]) ? apr_tolower(header[i]) : '_') != name[i])
            return false;
    return true;
}

static bool looks_like_ours(const char *header)
{
    static const char prefix[] = "oauth2_", user[] = "remote_user";

    return same_name(header, prefix, sizeof prefix - 1) ||
           (same_name(header, user, sizeof user - 1) && !header[sizeof user - 1]);
}

static int look_at_header(void *names, const char *name, const char *value)
{
    (void)value;
    if (looks_like_ours(name))
        APR_ARRAY_PUSH((apr_array_header_t *)names, const char *) = name;
    return 1;
}

int rs_environment_scrub_hook(request_rec *r)
{
    apr_array_header_t *names;
    int i;

    if (!rs_server_config(r->server)->runtime)
        return DECLINED;
    names = apr_array_make(r->pool, 0, sizeof(const char *));
    apr_table_do(look_at_header, names, r->headers_in, NULL);
    for (i = 0; i < names->nelts; i++)
        apr_table_unset(r->headers_in, APR_ARRAY_IDX(names, i, const char *));
    rs_identity_scrub(r, rs_server_config(r->server)->header_names);
    return DECLINED;
}

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

/* Later requests of this one (subrequests, redirects) find the verdict, not the token. */
static void keep_token_back(request_rec *r)
{
    if (r->main) /* the main request has the same table, and rules of its own */
        r->headers_in = apr_table_copy(r->pool, r->headers_in);
    apr_table_unset(r->headers_in, "Authorization");
    if (rs_dir_config(r)->places)
        rs_places_remove(rs_dir_config(r)->places, r);
}

int rs_environment_fixups_hook(request_rec *r)
{
    const rs_principal_t *principal = rs_request_principal(r);

    if (!principal)
        return DECLINED;
    if (rs_dir_config(r)->forward_token == 0)
        keep_token_back(r);
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
