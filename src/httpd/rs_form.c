/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Reading ahead: what was read stands in a brigade, from which an input filter serves the
 * application before it lets it read on from the client. */
#include "httpd/rs_form.h"
#include "base/rs_limits.h"

#include <apr_buckets.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#define FILTER "OAUTH2_RS_FORM"
#define NOTE "oauth2-form"
#define FIELD "access_token"

typedef struct {
    apr_bucket_brigade *ahead; /* read and not yet served */
    char *text;                /* of a whole form; NULL: not whole, or no form */
} form_t;

static const char form_key[] = NOTE;

static form_t *form_of(request_rec *r)
{
    void *form = NULL;

    apr_pool_userdata_get(&form, form_key, r->pool);
    return form;
}

/* ---- serving ---- */

static apr_status_t serve_line(form_t *form, apr_bucket_brigade *out)
{
    return apr_brigade_split_line(out, form->ahead, APR_BLOCK_READ, HUGE_STRING_LEN);
}

static apr_status_t serve_bytes(form_t *form, apr_bucket_brigade *out, apr_off_t bytes)
{
    apr_bucket *end, *at;
    apr_status_t status = apr_brigade_partition(form->ahead, bytes, &end);

    if (status != APR_SUCCESS && status != APR_INCOMPLETE)
        return status;
    while ((at = APR_BRIGADE_FIRST(form->ahead)) != APR_BRIGADE_SENTINEL(form->ahead) &&
           at != end) {
        APR_BUCKET_REMOVE(at);
        APR_BRIGADE_INSERT_TAIL(out, at);
    }
    return APR_SUCCESS;
}

static apr_status_t serve(ap_filter_t *filter, apr_bucket_brigade *out, ap_input_mode_t mode,
                          apr_read_type_e block, apr_off_t bytes)
{
    form_t *form = filter->ctx;

    if (APR_BRIGADE_EMPTY(form->ahead)) {
        ap_remove_input_filter(filter);
        return ap_get_brigade(filter->next, out, mode, block, bytes);
    }
    if (mode == AP_MODE_GETLINE)
        return serve_line(form, out);
    if (mode == AP_MODE_READBYTES)
        return serve_bytes(form, out, bytes);
    if (mode == AP_MODE_EXHAUSTIVE) {
        APR_BRIGADE_CONCAT(out, form->ahead);
        return APR_SUCCESS;
    }
    return APR_ENOTIMPL;
}

/* ---- reading ahead ---- */

static bool is_form(request_rec *r)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    static const char urlencoded[] = "application/x-www-form-urlencoded";
    apr_size_t len = sizeof urlencoded - 1;

    if (r->method_number == M_GET || r->main || !type || strncasecmp(type, urlencoded, len) != 0 ||
        (type[len] && type[len] != ';' && type[len] != ' '))
        return false;
    return apr_table_get(r->headers_in, "Content-Length") ||
           apr_table_get(r->headers_in, "Transfer-Encoding");
}

/* Until the end or the bound; *whole is whether the end was met. */
static apr_status_t read_ahead(request_rec *r, form_t *form, bool *whole)
{
    apr_bucket_brigade *part = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_off_t total = 0;
    apr_status_t status = APR_SUCCESS;

    *whole = false;
    while (!*whole && total <= RS_FORM_BYTES_MAX && status == APR_SUCCESS) {
        apr_off_t got = 0;
        status = ap_get_brigade(r->input_filters, part, AP_MODE_READBYTES, APR_BLOCK_READ,
                                HUGE_STRING_LEN);
        if (status != APR_SUCCESS)
            break;
        if (APR_BRIGADE_EMPTY(part))
            return APR_EGENERAL;
        *whole = APR_BUCKET_IS_EOS(APR_BRIGADE_LAST(part));
        status = apr_brigade_length(part, 1, &got);
        total += got;
        /* What the filters below lend for this call only is kept for later ones. */
        if (status == APR_SUCCESS)
            status = ap_save_brigade(NULL, &form->ahead, &part, r->pool);
    }
    *whole = *whole && total <= RS_FORM_BYTES_MAX;
    return status;
}

static apr_status_t look(request_rec *r, form_t **found)
{
    form_t *form = form_of(r);
    apr_size_t len = 0;
    apr_status_t status;
    bool whole;

    *found = form;
    if (form)
        return APR_SUCCESS;
    form = apr_pcalloc(r->pool, sizeof *form);
    apr_pool_userdata_setn(form, form_key, NULL, r->pool);
    *found = form;
    if (!is_form(r))
        return APR_SUCCESS;
    form->ahead = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    status = read_ahead(r, form, &whole);
    ap_add_input_filter(FILTER, form, r, r->connection);
    if (status == APR_SUCCESS && whole)
        status = apr_brigade_pflatten(form->ahead, &form->text, &len, r->pool);
    if (form->text) {
        char *text = apr_pstrmemdup(r->pool, form->text, len);
        form->text = strlen(text) == len ? text : NULL; /* a NUL is no part of a form */
    }
    return status;
}

/* ---- the field ---- */

static const char *decoded(const char *at, apr_size_t len, apr_pool_t *p)
{
    char *value = apr_pstrmemdup(p, at, len), *c;

    for (c = value; *c; c++)
        if (*c == '+')
            *c = ' ';
    return ap_unescape_urlencoded(value) == OK ? value : "";
}

/* By the name that the application will see: "access%5ftoken" is one. */
static bool is_token_field(const char *at, apr_pool_t *p)
{
    apr_size_t len = strcspn(at, "=&");

    if (len < sizeof FIELD - 1 || len > 3 * (sizeof FIELD - 1))
        return false;
    return strcmp(decoded(at, len, p), FIELD) == 0;
}

/* What stands behind the name of a field; "" when it has no '='. */
static const char *value_of(const char *at, apr_pool_t *p)
{
    const char *value = at + strcspn(at, "=&");

    return *value == '=' ? decoded(value + 1, strcspn(value + 1, "&"), p) : "";
}

apr_status_t rs_form_token(request_rec *r, unsigned *count, const char **token)
{
    form_t *form;
    const char *at;
    apr_status_t status = look(r, &form);

    *count = 0;
    for (at = form->text; at && *at; at += strcspn(at, "&"), at += *at == '&') {
        if (!is_token_field(at, r->pool))
            continue;
        if (!(*count)++)
            *token = value_of(at, r->pool);
    }
    return status;
}

void rs_form_remove_token(request_rec *r)
{
    form_t *form = form_of(r);
    char *rest, *to;
    const char *at;
    apr_bucket_alloc_t *alloc = r->connection->bucket_alloc;

    if (!form || !form->text || APR_BRIGADE_EMPTY(form->ahead))
        return;
    rest = to = apr_palloc(r->pool, strlen(form->text) + 1);
    for (at = form->text; *at; at += strcspn(at, "&"), at += *at == '&') {
        apr_size_t len = strcspn(at, "&");
        if (is_token_field(at, r->pool))
            continue;
        if (to != rest)
            *to++ = '&';
        memcpy(to, at, len);
        to += len;
    }
    *to = '\0';
    form->text = rest;
    apr_brigade_cleanup(form->ahead);
    APR_BRIGADE_INSERT_TAIL(form->ahead,
                            apr_bucket_pool_create(rest, (apr_size_t)(to - rest), r->pool, alloc));
    APR_BRIGADE_INSERT_TAIL(form->ahead, apr_bucket_eos_create(alloc));
    if (apr_table_get(r->headers_in, "Content-Length"))
        apr_table_setn(r->headers_in, "Content-Length",
                       apr_psprintf(r->pool, "%" APR_SIZE_T_FMT, (apr_size_t)(to - rest)));
}

void rs_form_register(apr_pool_t *p)
{
    (void)p;
    ap_register_input_filter(FILTER, serve, NULL, AP_FTYPE_RESOURCE);
}
