/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Refusals as problem details (RFC 9457): a body that programs read. */
#ifndef RS_PROBLEM_H
#define RS_PROBLEM_H

#include "token/rs_outcome.h"

#include <httpd.h>

typedef enum {
    RS_ERROR_BODY_UNSET = -1,
    RS_ERROR_BODY_ACCEPT, /* when the client accepts JSON and no HTML */
    RS_ERROR_BODY_HTTPD,  /* never: httpd's own or an ErrorDocument */
    RS_ERROR_BODY_PROBLEM /* always */
} rs_error_body_t;

/* Give this refusal such a body, if the Location or the client wants that. detail and scope may be
 * NULL. An ErrorDocument stays, unless the Location says `problem`. */
void rs_problem_set(request_rec *r, const rs_outcome_row_t *row, const char *detail,
                    const char *scope);

/* insert_error_filter: the body's content type. */
void rs_problem_error_filter_hook(request_rec *r);
void rs_problem_register(apr_pool_t *p);

#endif
