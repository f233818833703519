/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What happened to a request: the fields that the line of a refusal has, and that an audit trail
 * will carry. */
#ifndef RS_EVENT_H
#define RS_EVENT_H

#include "token/rs_outcome.h"

#include <apr_pools.h>

/* NULL members are not known, or of no matter. */
typedef struct {
    rs_outcome_t outcome;
    const char *token; /* rs_token_fingerprint(), never the token */
    const char *user, *client;
    const char *provider; /* its name */
    const char *method, *uri;
    const char *rule, *file; /* the Require line as written, and where */
    int line;
    const char *detail;                       /* what was found */
    const char *scope, *acr_values, *max_age; /* what would satisfy it */
} rs_event_t;

/* One line in the order of the members, without id; control bytes are the log's business. */
const char *rs_event_text(const rs_event_t *event, apr_pool_t *p);

#endif
