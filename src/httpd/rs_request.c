/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Request state and the way from one request_rec to another. */
#include "httpd/rs_request.h"

#include <http_core.h>

static rs_request_t *own(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &oauth2_rs_module);
}

rs_request_t *rs_request(request_rec *r)
{
    rs_request_t *request = own(r);

    if (request)
        return request;
    request = apr_pcalloc(r->pool, sizeof *request);
    request->lines = apr_array_make(r->pool, 4, sizeof(void *));
    ap_set_module_config(r->request_config, &oauth2_rs_module, request);
    return request;
}

const rs_request_t *rs_request_judged(const request_rec *r)
{
    for (; r; r = r->main ? r->main : r->prev) {
        const rs_request_t *request = own(r);
        if (request && request->judged)
            return request;
    }
    return NULL;
}

const rs_principal_t *rs_request_principal(const request_rec *r)
{
    const rs_request_t *request;

    if (!r->user || !r->ap_auth_type || strcasecmp(r->ap_auth_type, RS_AUTH_TYPE) != 0)
        return NULL;
    request = rs_request_judged(r);
    return request && rs_verdict_is_accepted(&request->verdict) ? request->verdict.principal : NULL;
}

rs_event_t rs_request_event(request_rec *r, const rs_request_t *request, rs_outcome_t outcome)
{
    const rs_principal_t *principal = request->verdict.principal;
    rs_event_t event = { .outcome = outcome, .method = r->method, .uri = r->uri };

    event.token = request->presented.token ? request->presented.fingerprint : NULL;
    event.provider = request->by ? rs_provider_spec(request->by)->name : NULL;
    event.user = principal ? r->user : NULL;
    event.client = principal ? principal->client : NULL;
    return event;
}

bool rs_request_is_ours(request_rec *r)
{
    const char *type = ap_auth_type(r);

    return type && strcasecmp(type, RS_AUTH_TYPE) == 0;
}
