/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Problem details. httpd sends a custom response as HTML; a filter that sees the first bucket says
 * what it is. */
#include "httpd/rs_problem.h"
#include "base/rs_json.h"
#include "httpd/rs_config.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>
#include <mod_core.h>
#include <util_filter.h>

#define MEDIA_TYPE "application/problem+json"
#define NOTE "oauth2-problem"
#define FILTER "OAUTH2_RS_PROBLEM"

static bool accepts_json(request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");

    return accept && !ap_strcasestr(accept, "text/html") &&
           (ap_strcasestr(accept, "application/json") || ap_strcasestr(accept, MEDIA_TYPE));
}

static bool wanted(request_rec *r, int status)
{
    switch (rs_dir_config(r)->error_body) {
    case RS_ERROR_BODY_PROBLEM:
        return true;
    case RS_ERROR_BODY_HTTPD:
        return false;
    default:
        /* The answer depends on Accept from here on, whichever way. */
        if (ap_response_code_string(r, ap_index_of_response(status)))
            return false;
        apr_table_mergen(r->err_headers_out, "Vary", "Accept");
        return accepts_json(r);
    }
}

void rs_problem_set(request_rec *r, const rs_outcome_row_t *row, const char *detail,
                    const char *scope)
{
    /* "401 Unauthorized" */
    const char *title = ap_get_status_line(row->status) + 4, *json;

    if (!wanted(r, row->status))
        return;
    json = apr_psprintf(r->pool, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d", title,
                        row->status);
    json = rs_json_append(json, "detail", detail, r->pool);
    json = rs_json_append(json, "error", row->error, r->pool);
    json = rs_json_append(json, "scope", scope, r->pool);
    ap_custom_response(r, row->status, apr_pstrcat(r->pool, json, "}\n", NULL));
    apr_table_setn(r->notes, NOTE, "");
}

static apr_status_t name_type(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    ap_set_content_type(filter->r, MEDIA_TYPE);
    ap_remove_output_filter(filter);
    return ap_pass_brigade(filter->next, brigade);
}

void rs_problem_error_filter_hook(request_rec *r)
{
    if (apr_table_get(r->notes, NOTE))
        ap_add_output_filter(FILTER, NULL, r, r->connection);
}

void rs_problem_register(apr_pool_t *p)
{
    (void)p;
    ap_register_output_filter(FILTER, name_type, NULL, AP_FTYPE_CONTENT_SET);
}
