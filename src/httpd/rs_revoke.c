/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Revoking by a form: what is meant, whether the caller may, the mark. */
#include "httpd/rs_revoke.h"
#include "base/rs_limits.h"
#include "httpd/rs_revocation.h"
#include "httpd/rs_runtime.h"
#include "httpd/rs_take.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>
#include <util_script.h>

APLOG_USE_MODULE(oauth2_rs);

#define HANDLER "oauth2-rs-revoke"
#define FORM_TYPE "application/x-www-form-urlencoded"
#define FIELDS_MAX 8
#define BODY_BYTES_MAX (RS_TOKEN_BYTES_MAX + 8192)
#define RETRY_AFTER "1"

/* What can be revoked: one of these stands in the form. */
static const struct {
    const char *field;
    rs_mark_kind_t kind;
} kinds[] = {
    { "token", RS_MARK_TOKEN },     { "subject", RS_MARK_SUBJECT },   { "client", RS_MARK_CLIENT },
    { "session", RS_MARK_SESSION }, { "everything", RS_MARK_ISSUER },
};

typedef struct {
    const char *field, *value; /* of kinds[] */
    rs_mark_kind_t kind;
    const char *issuer;
    apr_time_t not_before;      /* 0: not written */
    apr_interval_time_t leeway; /* so much the issuer's clock may be ahead */
} wish_t;

/* ---- the form ---- */

#define SCHEME "Bearer"
#define SCHEME_LEN (sizeof SCHEME - 1)

static const char *skip_space(const char *at)
{
    while (apr_isspace(*at))
        at++;
    return at;
}

/* A file ends with a newline, and what was copied from a header begins with the scheme: a mark on
 * that would revoke nothing. NULL: such a token cannot be presented. */
static const char *tidy_token(const char *value, apr_pool_t *p)
{
    const char *at = skip_space(value), *end = at + strlen(at);

    if (strncasecmp(at, SCHEME, SCHEME_LEN) == 0 && apr_isspace(at[SCHEME_LEN]))
        at = skip_space(at + SCHEME_LEN);
    while (end > at && apr_isspace(end[-1]))
        end--;
    return rs_token_is_b64token(at, (apr_size_t)(end - at))
               ? apr_pstrmemdup(p, at, (apr_size_t)(end - at))
               : NULL;
}

/* NULL is fine, else a sentence. */
static const char *take_field(wish_t *wish, const char *name, const char *value, apr_pool_t *p)
{
    unsigned i;

    if (strcmp(name, "issuer") == 0) {
        wish->issuer = value;
        return NULL;
    }
    if (strcmp(name, "not_before") == 0) {
        apr_size_t digits = strspn(value, "0123456789");
        if (!digits || digits > 11 || value[digits])
            return "not_before is a time in seconds since 1970";
        wish->not_before = apr_time_from_sec(apr_atoi64(value));
        return NULL;
    }
    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(name, kinds[i].field) != 0)
            continue;
        if (wish->field)
            return "revoke one thing at a time";
        if (!*value)
            return apr_psprintf(p, "%s is empty", name);
        wish->field = kinds[i].field;
        wish->kind = kinds[i].kind;
        wish->value = wish->kind == RS_MARK_TOKEN ? tidy_token(value, p) : value;
        return wish->value ? NULL
                           : "that is no token as it is presented: letters, digits and -._~+/= "
                             "(a + is sent as %2B: curl --data-urlencode)";
    }
    return "write one of token, subject, client, session, everything=yes; and issuer, not_before";
}

static const char *value_of(const ap_form_pair_t *pair, apr_pool_t *p)
{
    apr_off_t len;
    apr_size_t size;
    char *text;

    if (apr_brigade_length(pair->value, 1, &len) != APR_SUCCESS || len < 0)
        return NULL;
    size = (apr_size_t)len;
    text = apr_palloc(p, size + 1);
    if (apr_brigade_flatten(pair->value, text, &size) != APR_SUCCESS || memchr(text, '\0', size))
        return NULL;
    text[size] = '\0';
    return text;
}

static const char *read_form(wish_t *wish, const apr_array_header_t *pairs, apr_pool_t *p)
{
    const char *trouble = NULL, *value;
    int i;

    for (i = 0; pairs && i < pairs->nelts && !trouble; i++) {
        const ap_form_pair_t *pair = &APR_ARRAY_IDX(pairs, i, ap_form_pair_t);
        value = value_of(pair, p);
        trouble = value ? take_field(wish, pair->name, value, p) : "a field cannot be read";
    }
    if (!trouble && !wish->field)
        trouble = "write one of token, subject, client, session, everything=yes";
    if (!trouble && wish->kind == RS_MARK_ISSUER && strcmp(wish->value, "yes") != 0)
        trouble = "everything=yes revokes all that the issuer has issued";
    return trouble;
}

static const rs_policy_t *policy_of(const rs_runtime_t *runtime, int slot)
{
    return &APR_ARRAY_IDX(runtime->slots, slot, rs_slot_t *)->spec->policy;
}

/* That of all providers. NULL: they have several. */
static const char *only_issuer(const rs_runtime_t *runtime)
{
    const char *issuer = policy_of(runtime, 0)->issuer;
    int i;

    for (i = 1; i < runtime->slots->nelts; i++)
        if (strcmp(policy_of(runtime, i)->issuer, issuer) != 0)
            return NULL;
    return issuer;
}

/* The issuer must be one of ours: a misspelt one would revoke nothing, silently. */
static const char *find_issuer(wish_t *wish, const rs_runtime_t *runtime)
{
    bool token = wish->kind == RS_MARK_TOKEN, found = false;
    int i;

    if (!wish->issuer && !token)
        wish->issuer = only_issuer(runtime);
    if (!wish->issuer && !token)
        return "there are several issuers: write issuer";
    for (i = 0; i < runtime->slots->nelts; i++) {
        const rs_policy_t *policy = policy_of(runtime, i);
        if (!token && strcmp(policy->issuer, wish->issuer) != 0)
            continue;
        found = true;
        if (policy->leeway > wish->leeway)
            wish->leeway = policy->leeway;
    }
    if (token)
        wish->issuer = "";
    return found ? NULL : "that is not the issuer of any provider (OAuth2RSIssuer)";
}

/* Nothing undoes a revocation of what is not issued yet: not written it is now, so that whoever
 * logs in anew is not refused, and no later than an issuer's clock may be ahead. */
static const char *find_moment(wish_t *wish, apr_time_t now)
{
    if (!wish->not_before)
        wish->not_before = now;
    return wish->not_before > now + wish->leeway
               ? "not_before is in the future: what is issued until then would be revoked, too"
               : NULL;
}

/* ---- the caller ---- */

/* Somebody whom httpd knows, or a program on this host. A page in a browser is neither: it could
 * send the form on anybody's behalf, and browsers then say Origin. */
static bool may_revoke(const request_rec *r)
{
    if (apr_table_get(r->headers_in, "Origin"))
        return false;
    return r->user || rs_comes_from_this_host(r);
}

/* ---- the deed ---- */

static int say(request_rec *r, int status, const char *text)
{
    r->status = status;
    ap_set_content_type(r, "text/plain; charset=utf-8");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    ap_rprintf(r, "%s\n", text);
    return OK;
}

/* For the log: never a token, but the digits that stand for it there. */
static const char *deed_of(const wish_t *wish, request_rec *r)
{
    const char *what = wish->kind == RS_MARK_TOKEN
                           ? rs_token_fingerprint(wish->value, strlen(wish->value), r->pool)
                       : wish->kind == RS_MARK_ISSUER ? ""
                                                      : ap_escape_logitem(r->pool, wish->value);

    return apr_pstrcat(r->pool, r->user ? r->user : "a program on this host", " revoked ",
                       wish->field, *what ? " " : "", what, *wish->issuer ? " of " : "",
                       wish->issuer, NULL);
}

static int carry_out(request_rec *r, rs_runtime_t *runtime, const wish_t *wish, apr_time_t now)
{
    rs_mark_t mark = { .not_before = wish->not_before };
    const char *value = wish->kind == RS_MARK_ISSUER ? "" : wish->value;
    const char *why;
    apr_status_t status;

    if (wish->kind == RS_MARK_TOKEN)
        rs_mark_digest_token(&mark.of, value, strlen(value), r->pool);
    else
        rs_mark_digest(&mark.of, wish->kind, wish->issuer, value);
    status = rs_revocation_publish(runtime->revocation, &mark, &why, now, r->pool);
    if (status != APR_SUCCESS && status != APR_ENOSPC) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, "RS0692: %s, but %s: revoke again",
                      deed_of(wish, r), why);
        apr_table_setn(r->headers_out, "Retry-After", RETRY_AFTER);
        return say(r, HTTP_SERVICE_UNAVAILABLE,
                   apr_pstrcat(r->pool, "not revoked everywhere: ", why, "; revoke again", NULL));
    }
    ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r, "RS0690: %s", deed_of(wish, r));
    return say(r, HTTP_OK, "revoked: felt everywhere within a second");
}

int rs_revoke_handler(request_rec *r)
{
    rs_runtime_t *runtime = rs_server_config(r->server)->runtime;
    const char *type, *trouble;
    apr_array_header_t *pairs = NULL;
    wish_t wish = { .field = NULL };
    apr_time_t now = apr_time_now();
    int status;

    if (!r->handler || strcmp(r->handler, HANDLER) != 0)
        return DECLINED;
    if (!runtime || !runtime->revocation) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "RS0693: nothing can be revoked: OAuth2RSRevocation is off");
        return HTTP_NOT_FOUND;
    }
    ap_allow_methods(r, REPLACE_ALLOW, "POST", NULL);
    if (r->method_number != M_POST)
        return HTTP_METHOD_NOT_ALLOWED;
    if (!may_revoke(r)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "RS0691: refused to revoke: %s",
                      apr_table_get(r->headers_in, "Origin")
                          ? "it was asked for by a page in a browser (Origin)"
                          : "the caller is neither authenticated nor a program on this host");
        return HTTP_FORBIDDEN;
    }
    type = apr_table_get(r->headers_in, "Content-Type");
    if (!type || strncasecmp(type, FORM_TYPE, strlen(FORM_TYPE)) != 0)
        return HTTP_UNSUPPORTED_MEDIA_TYPE;
    status = ap_parse_form_data(r, NULL, &pairs, FIELDS_MAX, BODY_BYTES_MAX);
    if (status != OK)
        return status;
    trouble = read_form(&wish, pairs, r->pool);
    if (!trouble)
        trouble = find_issuer(&wish, runtime);
    if (!trouble)
        trouble = find_moment(&wish, now);
    return trouble ? say(r, HTTP_BAD_REQUEST, trouble) : carry_out(r, runtime, &wish, now);
}
