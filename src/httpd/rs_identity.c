/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Identity out. A value that cannot be handed over as it is (control bytes, too long, a list whose
 * elements hold the separator) is left out, never changed. */
#include "httpd/rs_identity.h"
#include "base/rs_base64url.h"
#include "base/rs_limits.h"
#include "httpd/rs_config.h"
#include "httpd/rs_request.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(oauth2_rs);

/* ---- directives ---- */

/* What httpd, its modules, proxies and browsers act upon; naming one would also take it from every
 * request of the host. */
static const char *const forbidden_headers[] = {
    "authorization",
    "proxy-authorization",
    "proxy-connection",
    "proxy",
    "cookie",
    "host",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "max-forwards",
    "content-length",
    "transfer-encoding",
    "content-type",
    "content-encoding",
    "content-range",
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "range",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
    "if-range",
    "cache-control",
    "pragma",
    "via",
    "forwarded",
    "origin",
    "referer",
    "sec-fetch-site",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "sec-fetch-user",
    "access-control-request-method",
    "access-control-request-headers",
    "http2-settings",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "depth",
    "destination",
    "if",
    "overwrite",
    "lock-token",
    "timeout",
};

static const char *check_header_name(const char *name, apr_pool_t *p)
{
    const char *at;
    unsigned i;

    for (at = name; *at; at++)
        if (!apr_isalnum(*at) && *at != '-' && *at != '_')
            return apr_psprintf(p, "\"%s\" is no name of a header: letters, digits, - and _", name);
    for (i = 0; i < sizeof forbidden_headers / sizeof forbidden_headers[0]; i++)
        if (rs_identity_is_alike(name, forbidden_headers[i]))
            return apr_psprintf(p, "\"%s\" has a meaning in HTTP: choose another name", name);
    return NULL;
}

static const char *check_env_name(const char *name, apr_pool_t *p)
{
    const char *at;

    for (at = name; *at; at++)
        if (!apr_isalnum(*at) && *at != '_')
            return apr_psprintf(p, "\"%s\" is no name of a variable: letters, digits and _", name);
    if (apr_isdigit(*name) || strncasecmp(name, "HTTP_", 5) == 0 || strcasecmp(name, "PATH") == 0 ||
        strncasecmp(name, "LD_", 3) == 0)
        return apr_psprintf(p, "\"%s\" has a meaning for programs: choose another name", name);
    return NULL;
}

static const char *read_claim(rs_identity_t *identity, const char *claim, cmd_parms *cmd)
{
    const char *trouble;

    identity->off = strcasecmp(claim, "off") == 0;
    identity->whole = strcmp(claim, "*") == 0;
    if (identity->off || identity->whole)
        return NULL;
    trouble = rs_claim_path_compile(&identity->path, apr_pstrdup(cmd->pool, claim), cmd->pool);
    return trouble ? apr_psprintf(cmd->pool, "the claim path \"%s\" %s", claim, trouble) : NULL;
}

static void add(rs_dir_config_t *config, const rs_identity_t *identity, apr_pool_t *p)
{
    if (!config->identities)
        config->identities = apr_array_make(p, 2, sizeof(rs_identity_t));
    APR_ARRAY_PUSH(config->identities, rs_identity_t) = *identity;
}

const char *rs_identity_set_env(cmd_parms *cmd, void *dir, const char *name, const char *claim)
{
    rs_identity_t identity = { .name = name };
    const char *trouble = check_env_name(name, cmd->pool);

    if (!trouble)
        trouble = read_claim(&identity, claim, cmd);
    if (!trouble)
        add(dir, &identity, cmd->pool);
    return trouble ? apr_pstrcat(cmd->pool, "OAuth2RSEnv: ", trouble, NULL) : NULL;
}

static const char *read_form(rs_identity_form_t *form, const char *word, apr_pool_t *p)
{
    static const char *const words[] = { "join", "json", "base64" };
    unsigned i;

    for (i = 0; word && i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(words[i], word) == 0) {
            *form = (rs_identity_form_t)i;
            return NULL;
        }
    }
    return word ? apr_psprintf(p, "\"%s\" is no form: write join, json or base64", word) : NULL;
}

const char *rs_identity_set_header(cmd_parms *cmd, void *dir, const char *name, const char *claim,
                                   const char *form)
{
    rs_identity_t identity = { .name = name, .header = true };
    const char *trouble = check_header_name(name, cmd->pool);

    if (!trouble)
        trouble = read_claim(&identity, claim, cmd);
    if (!trouble)
        trouble = read_form(&identity.form, form, cmd->pool);
    if (trouble)
        return apr_pstrcat(cmd->pool, "OAuth2RSHeader: ", trouble, NULL);
    add(dir, &identity, cmd->pool);
    /* What is read with a request (.htaccess) changes no server: such names are scrubbed in fixups.
     */
    if (!ap_check_cmd_context(cmd, NOT_IN_HTACCESS))
        APR_ARRAY_PUSH(rs_server_config(cmd->server)->header_names, const char *) = name;
    return NULL;
}

static bool same(const rs_identity_t *a, const rs_identity_t *b)
{
    return a->header == b->header &&
           (a->header ? rs_identity_is_alike(a->name, b->name) : strcmp(a->name, b->name) == 0);
}

apr_array_header_t *rs_identity_merge(const apr_array_header_t *outer,
                                      const apr_array_header_t *inner, apr_pool_t *p)
{
    apr_array_header_t *merged;
    int i, j;

    if (!outer || !inner)
        return (apr_array_header_t *)(inner ? inner : outer);
    merged = apr_array_copy(p, inner);
    for (i = 0; i < outer->nelts; i++) {
        const rs_identity_t *old = &APR_ARRAY_IDX(outer, i, rs_identity_t);
        for (j = 0; j < inner->nelts && !same(old, &APR_ARRAY_IDX(inner, j, rs_identity_t)); j++)
            ;
        if (j == inner->nelts)
            APR_ARRAY_PUSH(merged, rs_identity_t) = *old;
    }
    return merged;
}

/* ---- scrubbing ---- */

static char normal(char c)
{
    return apr_isalnum(c) ? (char)apr_tolower(c) : '_';
}

bool rs_identity_is_alike(const char *header, const char *name)
{
    while (*header && *name && normal(*header) == normal(*name)) {
        header++;
        name++;
    }
    return !*header && !*name;
}

typedef struct {
    const apr_array_header_t *names;
    apr_array_header_t *found;
} scrubbing_t;

static int look_at_header(void *baton, const char *header, const char *value)
{
    scrubbing_t *scrubbing = baton;
    int i;

    (void)value;
    for (i = 0; i < scrubbing->names->nelts; i++)
        if (rs_identity_is_alike(header, APR_ARRAY_IDX(scrubbing->names, i, const char *)))
            APR_ARRAY_PUSH(scrubbing->found, const char *) = header;
    return 1;
}

void rs_identity_scrub(request_rec *r, const apr_array_header_t *names)
{
    scrubbing_t scrubbing = { names, NULL };
    int i;

    if (!names->nelts)
        return;
    scrubbing.found = apr_array_make(r->pool, 2, sizeof(const char *));
    apr_table_do(look_at_header, &scrubbing, r->headers_in, NULL);
    for (i = 0; i < scrubbing.found->nelts; i++)
        apr_table_unset(r->headers_in, APR_ARRAY_IDX(scrubbing.found, i, const char *));
}

/* ---- values ---- */

static const char *element_text(const rs_claim_t *claim, apr_pool_t *p)
{
    if (claim->type == RS_JSON_STRING)
        return strlen(claim->text) == claim->len ? claim->text : NULL;
    return claim->type == RS_JSON_NULL ? "" : rs_claim_json(claim, p);
}

/* NULL: an element holds the comma that would part it from the next, or they are too many. */
static const char *joined(const rs_claim_t *array, apr_pool_t *p)
{
    apr_array_header_t *words = apr_array_make(p, 8, sizeof(const char *));
    rs_claim_iter_t it = rs_claim_iterate(array);
    apr_size_t bytes = 0;
    rs_claim_t element;

    while (rs_claim_next(&it, &element, NULL)) {
        const char *word = element.body ? NULL : element_text(&element, p);
        if (!word || strchr(word, ','))
            return NULL;
        bytes += strlen(word) + 1;
        if (bytes > RS_IDENTITY_BYTES_MAX + 1)
            return NULL;
        APR_ARRAY_PUSH(words, const char *) = word;
    }
    return apr_array_pstrcat(p, words, ',');
}

static bool can_be_handed_over(const char *text)
{
    const char *at;

    for (at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return false;
    return at != text && (apr_size_t)(at - text) <= RS_IDENTITY_BYTES_MAX;
}

/* NULL: there is nothing to hand over, or it cannot be handed over. */
static const char *value_of(const rs_identity_t *identity, const rs_claim_t *claim, apr_pool_t *p)
{
    const char *text;

    if (claim->type == RS_JSON_ABSENT || claim->type == RS_JSON_NULL)
        return NULL;
    if (identity->form == RS_FORM_JSON)
        text = rs_claim_json(claim, p);
    else if (claim->type == RS_JSON_ARRAY && identity->form == RS_FORM_JOIN)
        text = joined(claim, p);
    else
        text = element_text(claim, p);
    if (text && identity->form == RS_FORM_BASE64)
        text = rs_base64_encode((const unsigned char *)text, strlen(text), p);
    return text && can_be_handed_over(text) ? text : NULL;
}

static void hand_over(request_rec *r, const rs_identity_t *identity,
                      const rs_principal_t *principal)
{
    rs_claim_t claim = identity->whole ? rs_claims_root(&principal->claims)
                                       : rs_claims_at(&principal->claims, &identity->path);
    const char *value = value_of(identity, &claim, r->pool);

    if (value)
        apr_table_setn(identity->header ? r->headers_in : r->subprocess_env, identity->name, value);
    else if (claim.type != RS_JSON_ABSENT && claim.type != RS_JSON_NULL)
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "RS0661: the claim for %s holds control bytes, the separator of the list, or "
                      "more than %d bytes: left out (the form json or base64 carries more)",
                      identity->name, RS_IDENTITY_BYTES_MAX);
}

/* ---- the hook ---- */

static void scrub_all(request_rec *r, const apr_array_header_t *identities)
{
    apr_array_header_t *names = apr_array_copy(r->pool, rs_server_config(r->server)->header_names);
    int i;

    for (i = 0; i < identities->nelts; i++) {
        const rs_identity_t *identity = &APR_ARRAY_IDX(identities, i, rs_identity_t);
        if (identity->header)
            APR_ARRAY_PUSH(names, const char *) = identity->name;
        else
            apr_table_unset(r->subprocess_env, identity->name);
    }
    /* A subrequest has the headers of its main request, which keeps its own. */
    if (r->main && names->nelts)
        r->headers_in = apr_table_copy(r->pool, r->headers_in);
    rs_identity_scrub(r, names);
}

int rs_identity_fixups_hook(request_rec *r)
{
    static const apr_array_header_t none = { .elt_size = sizeof(rs_identity_t) };
    const apr_array_header_t *identities = rs_dir_config(r)->identities;
    const rs_principal_t *principal = rs_request_principal(r);
    int i;

    if (!rs_server_config(r->server)->runtime)
        return DECLINED;
    if (!identities)
        identities = &none;
    scrub_all(r, identities);
    for (i = 0; principal && i < identities->nelts; i++) {
        const rs_identity_t *identity = &APR_ARRAY_IDX(identities, i, rs_identity_t);
        if (!identity->off)
            hand_over(r, identity, principal);
    }
    return DECLINED;
}
