/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Status and headers of refusals (RFC 6750 section 3, RFC 9110 sections 10.2.3 and 11.6.1). */
#include "httpd/rs_answer.h"
#include "token/rs_challenge.h"

#include <apr_strings.h>
#include <http_core.h>

#define REALM_DEFAULT "api"
#define RETRY_AFTER_DEFAULT_S 5
#define RETRY_AFTER_MAX_S 3600

/* What OAuth2RSErrorDetail off lets through: no more than the error code says. */
static const char *const generic[][2] = {
    { "invalid_request", "The request is malformed" },
    { "invalid_token", "The access token is not accepted" },
    { "insufficient_scope", "The access token lacks a required scope" },
    { "insufficient_user_authentication", "Another authentication is required" },
    { NULL, NULL },
};

static const char *description(const request_rec *r, const rs_outcome_row_t *row,
                               const rs_answer_t *answer)
{
    unsigned i;

    if (rs_dir_config(r)->error_detail != 0 || !row->error)
        return answer->description ? answer->description : row->description;
    for (i = 0; generic[i][0]; i++)
        if (strcmp(generic[i][0], row->error) == 0)
            return generic[i][1];
    return NULL;
}

/* httpd keeps AuthName as it stands between quotes, escaped; the challenge escapes for itself. */
static const char *realm_of(request_rec *r)
{
    const char *written = ap_auth_name(r);
    char *realm, *at;

    if (!written)
        return REALM_DEFAULT;
    for (realm = at = apr_palloc(r->pool, strlen(written) + 1); *written; written++) {
        if (*written == '\\' && written[1])
            written++;
        *at++ = *written;
    }
    *at = '\0';
    return realm;
}

static void set_challenge(request_rec *r, const rs_outcome_row_t *row, const rs_answer_t *answer)
{
    rs_challenge_t challenge = { 0 };

    apr_table_unset(r->err_headers_out, "WWW-Authenticate");
    if (!row->challenge)
        return;
    challenge.scheme = "Bearer";
    challenge.realm = realm_of(r);
    challenge.error = row->error;
    challenge.error_description = description(r, row, answer);
    challenge.scope = answer->scope;
    challenge.acr_values = answer->acr_values;
    challenge.max_age = answer->max_age;
    apr_table_setn(r->err_headers_out, "WWW-Authenticate",
                   rs_challenge_format(&challenge, r->pool));
}

static void set_retry_after(request_rec *r, apr_interval_time_t wait)
{
    apr_int64_t seconds = (wait + APR_USEC_PER_SEC - 1) / APR_USEC_PER_SEC;

    if (seconds < 1)
        seconds = RETRY_AFTER_DEFAULT_S;
    if (seconds > RETRY_AFTER_MAX_S)
        seconds = RETRY_AFTER_MAX_S;
    apr_table_setn(r->err_headers_out, "Retry-After",
                   apr_psprintf(r->pool, "%" APR_INT64_T_FMT, seconds));
}

void rs_answer_note(request_rec *r, rs_outcome_t outcome)
{
    const rs_request_t *request = rs_request(r);
    const rs_principal_t *principal = request->verdict.principal;

    apr_table_setn(r->notes, "oauth2-outcome", rs_outcome_row(outcome)->name);
    if (request->presented.token)
        apr_table_setn(r->notes, "oauth2-token", request->presented.fingerprint);
    if (request->by)
        apr_table_setn(r->notes, "oauth2-provider", rs_provider_spec(request->by)->name);
    if (principal && principal->client)
        apr_table_setn(r->notes, "oauth2-client", principal->client);
}

int rs_answer(request_rec *r, const rs_answer_t *answer)
{
    const rs_outcome_row_t *row = rs_outcome_row(answer->outcome);

    rs_answer_note(r, answer->outcome);
    /* We stand in the ErrorDocument of an earlier answer: that one's headers go to the client. */
    if (r->prev && ap_is_HTTP_ERROR(r->status))
        return row->status;
    set_challenge(r, row, answer);
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
    apr_table_setn(r->err_headers_out, "Vary", "Authorization");
    if (row->status == HTTP_SERVICE_UNAVAILABLE || row->status == HTTP_TOO_MANY_REQUESTS)
        set_retry_after(r, answer->retry_after);
    /* A script of another origin may read the challenge only if we say so (Fetch standard 3.3.3).
     */
    if (row->challenge && apr_table_get(r->headers_in, "Origin"))
        apr_table_mergen(r->err_headers_out, "Access-Control-Expose-Headers", "WWW-Authenticate");
    rs_problem_set(r, row, description(r, row, answer), answer->scope);
    return row->status;
}
