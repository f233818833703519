/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The other places of a token. */
#include "httpd/rs_places.h"
#include "httpd/rs_config.h"
#include "httpd/rs_form.h"
#include "httpd/rs_request.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>

APLOG_USE_MODULE(oauth2_rs);

#define FILTER "OAUTH2_RS_PRIVATE"

/* ---- the directive ---- */

static const char *add(rs_places_t *places, const char *word, apr_pool_t *p)
{
    if (strcasecmp(word, "header") == 0)
        places->authorization = true;
    else if (strcasecmp(word, "form") == 0)
        places->form = true;
    else if (strcasecmp(word, "header:Authorization") == 0)
        return "the Authorization header holds a scheme before the token: write header";
    else if (strncasecmp(word, "header:", 7) == 0 && word[7])
        APR_ARRAY_PUSH(places->headers, const char *) = word + 7;
    else if (strncasecmp(word, "cookie:", 7) == 0 && word[7])
        APR_ARRAY_PUSH(places->cookies, const char *) = word + 7;
    else if (strcasecmp(word, "query") == 0)
        return "the query is no place for a token: addresses stand in logs and histories (RFC 9700 "
               "4.3.2)";
    else
        return apr_psprintf(p, "\"%s\" is none of header, header:NAME, form and cookie:NAME", word);
    return NULL;
}

const char *rs_places_set(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    rs_places_t *places = apr_pcalloc(cmd->pool, sizeof *places);
    const char *trouble =
        argc ? NULL : "name at least one place, as in OAuth2RSTokenFrom header form";
    int i;

    places->headers = apr_array_make(cmd->pool, 1, sizeof(const char *));
    places->cookies = apr_array_make(cmd->pool, 1, sizeof(const char *));
    for (i = 0; i < argc && !trouble; i++)
        trouble = add(places, argv[i], cmd->pool);
    ((rs_dir_config_t *)dir)->places = places;
    return trouble ? apr_pstrcat(cmd->pool, "OAuth2RSTokenFrom: ", trouble, NULL) : NULL;
}

/* ---- cookies ---- */

/* The pair of this name in a Cookie header from `at` on: its beginning, and its value. */
static const char *find_pair(const char *at, const char *name, const char **value)
{
    apr_size_t len = strlen(name);

    while (at && *at) {
        while (*at == ' ' || *at == ';')
            at++;
        if (strncmp(at, name, len) == 0 && at[len] == '=') {
            *value = at + len + 1;
            return at;
        }
        at = strchr(at, ';');
    }
    return NULL;
}

/* Fetch metadata where the browser sends it, else Origin; a request without both changes nothing if
 * it only reads. */
static bool is_of_our_origin(request_rec *r)
{
    const char *site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    const char *origin = apr_table_get(r->headers_in, "Origin");
    const char *host = apr_table_get(r->headers_in, "Host"), *authority;

    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return false;
    if (origin) {
        authority = strstr(origin, "://");
        /* What a page over plain http sends is anybody's on the network. */
        if (strcmp(ap_http_scheme(r), "https") == 0 && strncasecmp(origin, "https://", 8) != 0)
            return false;
        return authority && host && strcasecmp(authority + 3, host) == 0;
    }
    return site || r->method_number == M_GET;
}

static void look_at_cookies(const rs_places_t *places, rs_found_t *found, request_rec *r)
{
    const char *cookies = apr_table_get(r->headers_in, "Cookie"), *value;
    int i;

    for (i = 0; cookies && i < places->cookies->nelts; i++) {
        const char *at = cookies;
        const char *name = APR_ARRAY_IDX(places->cookies, i, const char *);
        while (find_pair(at, name, &value)) {
            if (!is_of_our_origin(r)) {
                ap_log_rerror(
                    APLOG_MARK, APLOG_INFO, 0, r,
                    "RS0671: the cookie %s is not looked at: the request comes from another origin",
                    name);
                return;
            }
            if (!found->count++) {
                found->token = apr_pstrmemdup(r->pool, value, strcspn(value, "; "));
                found->place = RS_PLACE_COOKIE;
            }
            at = value;
        }
    }
}

static void remove_cookie(request_rec *r, const char *name)
{
    const char *cookies = apr_table_get(r->headers_in, "Cookie"), *kept = "";
    char *copy, *pair, *state;

    if (!cookies)
        return;
    copy = apr_pstrdup(r->pool, cookies);
    for (pair = apr_strtok(copy, ";", &state); pair; pair = apr_strtok(NULL, ";", &state)) {
        const char *value;
        while (apr_isspace(*pair))
            pair++;
        if (*pair && find_pair(pair, name, &value) != pair)
            kept = apr_pstrcat(r->pool, kept, *kept ? "; " : "", pair, NULL);
    }
    if (*kept)
        apr_table_setn(r->headers_in, "Cookie", kept);
    else
        apr_table_unset(r->headers_in, "Cookie");
}

/* ---- all of them ---- */

static int count_header(void *baton, const char *name, const char *value)
{
    rs_found_t *found = baton;

    (void)name;
    if (!found->count++) {
        found->token = value;
        found->place = RS_PLACE_HEADER;
    }
    return 1;
}

apr_status_t rs_places_look(const rs_places_t *places, rs_found_t *found, request_rec *r)
{
    unsigned count = 0;
    const char *token = NULL;
    apr_status_t status = APR_SUCCESS;
    int i;

    for (i = 0; i < places->headers->nelts; i++)
        apr_table_do(count_header, found, r->headers_in,
                     APR_ARRAY_IDX(places->headers, i, const char *), NULL);
    look_at_cookies(places, found, r);
    if (places->form)
        status = rs_form_token(r, &count, &token);
    if ((count && !found->count) || status != APR_SUCCESS) {
        found->token = token;
        found->place = RS_PLACE_FORM;
    }
    found->count += count;
    return status;
}

void rs_places_remove(const rs_places_t *places, request_rec *r)
{
    int i;

    for (i = 0; i < places->headers->nelts; i++)
        apr_table_unset(r->headers_in, APR_ARRAY_IDX(places->headers, i, const char *));
    for (i = 0; i < places->cookies->nelts; i++)
        remove_cookie(r, APR_ARRAY_IDX(places->cookies, i, const char *));
    if (places->form)
        rs_form_remove_token(r);
}

/* ---- the response ---- */

/* A refusal of ours says so already: in one of the two tables that make a response, depending on
 * who sends it. */
static bool is_stored_nowhere(const request_rec *r)
{
    const char *usual = apr_table_get(r->headers_out, "Cache-Control");
    const char *always = apr_table_get(r->err_headers_out, "Cache-Control");

    return (usual || always) && (!usual || strcmp(usual, "no-store") == 0) &&
           (!always || strcmp(always, "no-store") == 0);
}

static apr_status_t make_private(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    request_rec *r = filter->r;

    if (!is_stored_nowhere(r)) {
        apr_table_unset(r->err_headers_out, "Cache-Control");
        apr_table_unset(r->headers_out, "Expires");
        apr_table_setn(r->headers_out, "Cache-Control", "private, no-store");
    }
    ap_remove_output_filter(filter);
    return ap_pass_brigade(filter->next, brigade);
}

void rs_places_filter_hook(request_rec *r)
{
    const rs_request_t *request = rs_request_judged(r);

    if (request && request->presented.elsewhere)
        ap_add_output_filter(FILTER, NULL, r, r->connection);
}

void rs_places_register(apr_pool_t *p)
{
    rs_form_register(p);
    /* Before mod_cache's filter (CONTENT_SET + 1), behind what the handler writes. */
    ap_register_output_filter(FILTER, make_private, NULL, AP_FTYPE_CONTENT_SET);
}
