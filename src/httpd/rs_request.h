/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What we know about one request. Each request_rec has its own; a subrequest or redirected request
 * finds the judgement of the one it came from. */
#ifndef RS_REQUEST_H
#define RS_REQUEST_H

#include "httpd/rs_config.h"
#include "token/rs_event.h"

typedef struct {
    bool judged; /* verdict holds */
    rs_verdict_t verdict;
    rs_presented_t presented; /* .token NULL: none */
    const rs_provider_t *by;  /* who judged; NULL: nobody did */
    apr_array_header_t
        *lines;        /* const rs_require_t *: our Require lines that httpd has looked at */
    bool negated_seen; /* one of them stands below `not` or RequireNone */
    bool checking_access, checking_authorization; /* guards of hooks that call themselves */
} rs_request_t;

/* This request's own, made when there is none. */
rs_request_t *rs_request(request_rec *r);

/* The nearest judgement along r->main and r->prev, r itself included; NULL: there is none. */
const rs_request_t *rs_request_judged(const request_rec *r);

/* Who this request is allowed as; NULL: nobody, or somebody whom another module has authenticated.
 */
const rs_principal_t *rs_request_principal(const request_rec *r);

/* What is known about a request that does not get through. */
rs_event_t rs_request_event(request_rec *r, const rs_request_t *request, rs_outcome_t outcome);

/* Does this Location use our AuthType? */
bool rs_request_is_ours(request_rec *r);

#endif
