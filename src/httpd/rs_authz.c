/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Denials as RFC 6750 section 3.1 wants them. */
#include "httpd/rs_authz.h"
#include "httpd/rs_answer.h"
#include "httpd/rs_authn.h"
#include "httpd/rs_needs.h"
#include "httpd/rs_take.h"

#include <http_log.h>
#include <http_request.h>

APLOG_USE_MODULE(oauth2_rs);

static bool is_denial(int status)
{
    return status == HTTP_UNAUTHORIZED || status == HTTP_FORBIDDEN;
}

static void log_denial(request_rec *r, const rs_request_t *request, const rs_needs_t *needs,
                       rs_outcome_t outcome)
{
    const rs_require_t *failed = needs->failed;
    rs_event_t event = rs_request_event(r, request, outcome);

    if (failed) {
        event.rule = failed->written;
        event.file = failed->file;
        event.line = failed->line;
    }
    else
        event.detail = "a Require line of another module or a negated one is not met";
    event.scope = needs->missing ? needs->scope : NULL;
    event.acr_values = needs->acr_values;
    event.max_age = needs->max_age;
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, "RS0651: %s", rs_event_text(&event, r->pool));
}

/* A scope is asked for only where it would help, and before a new authentication. */
static int deny(request_rec *r, const rs_request_t *request)
{
    rs_needs_t needs = rs_needs_of(request->lines, request->verdict.principal, r);
    rs_answer_t answer = { .outcome = RS_ACCESS_DENIED };

    if (!needs.beyond && needs.missing) {
        answer.outcome = RS_SCOPE_INSUFFICIENT;
        answer.scope = needs.scope;
    }
    else if (!needs.beyond && needs.step_up) {
        answer.outcome = RS_STEP_UP_NEEDED;
        answer.acr_values = needs.acr_values;
        answer.max_age = needs.max_age;
    }
    log_denial(r, request, &needs, answer.outcome);
    return rs_answer(r, &answer);
}

int rs_authz_hook(request_rec *r)
{
    rs_request_t *request = ap_get_module_config(r->request_config, &oauth2_rs_module);
    int status;

    if (!request || request->checking_authorization || !request->judged ||
        !rs_verdict_is_accepted(&request->verdict))
        return DECLINED;
    request->checking_authorization = true;
    status = ap_run_auth_checker(r);
    request->checking_authorization = false;
    return is_denial(status) ? deny(r, request) : status;
}

/* The look without a user tells whether a negated line counts here: limits, conditions and
 * alternatives decide that. */
static bool negation_counts(request_rec *r, rs_request_t *request)
{
    request->checking_access = true;
    ap_run_access_checker_ex(r);
    request->checking_access = false;
    return request->negated_seen;
}

static int check_negation(request_rec *r, rs_request_t *request)
{
    const char *where;
    int status;

    if (!negation_counts(r, request))
        return DECLINED;
    if (!rs_request_is_ours(r)) {
        rs_answer_t answer = { .outcome = RS_SERVER_MISCONFIGURED };
        if (rs_notice_ask(RS_NOTICE_NEGATED, &where, r))
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                          "RS0653: a negated Require oauth2-... line counts here, but AuthType is "
                          "not oauth2-rs: nobody could ever be refused by it %s",
                          where);
        return rs_answer(r, &answer);
    }
    if ((status = rs_authn(r)) != OK)
        return status;
    request->checking_access = true;
    status = ap_run_access_checker_ex(r);
    request->checking_access = false;
    if (is_denial(status))
        return deny(r, request);
    return status == OK ? DECLINED : status;
}

/* The question of a browser before it sends the real request (Fetch standard 4.8): it never bears
 * credentials, and its answer tells nothing but what may be asked. */
static bool is_preflight(const request_rec *r)
{
    const char *origin = apr_table_get(r->headers_in, "Origin");
    const char *method = apr_table_get(r->headers_in, "Access-Control-Request-Method");

    return r->method_number == M_OPTIONS && origin && *origin && method && *method &&
           !apr_table_get(r->headers_in, "Authorization");
}

/* A token that nobody needs: a bad one is refused all the same, a good one names the user. */
static int judge_optional(request_rec *r)
{
    rs_presented_t presented;
    rs_place_t place;

    if (!rs_request_is_ours(r) || rs_take(&presented, &place, r) == RS_TOKEN_ABSENT)
        return DECLINED;
    return rs_authn(r);
}

int rs_authz_access_hook(request_rec *r)
{
    const rs_dir_config_t *config = rs_dir_config(r);
    rs_request_t *request;
    int status;

    if (config->preflight == 1 && is_preflight(r))
        return OK;
    if (config->optional != 1 && !config->negated)
        return DECLINED;
    request = rs_request(r);
    if (request->checking_access)
        return DECLINED;
    if (config->optional == 1 && (status = judge_optional(r)) != OK && status != DECLINED)
        return status;
    return config->negated ? check_negation(r, request) : DECLINED;
}

int rs_authz_note_hook(request_rec *r, const char *auth_type)
{
    rs_answer_t answer = { .outcome = RS_TOKEN_ABSENT };

    if (strcasecmp(auth_type, RS_AUTH_TYPE) != 0)
        return DECLINED;
    /* mod_authz_core on its way to a denial that rs_authz_hook() will answer. */
    if (rs_request(r)->checking_authorization)
        return OK;
    answer.scope = rs_needs_of(rs_request(r)->lines, NULL, r).scope;
    rs_answer(r, &answer);
    return OK;
}
