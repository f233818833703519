/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The token in a form (RFC 6750 section 2.2). The body is read ahead, within a bound, and handed on
 * byte for byte. */
#ifndef RS_FORM_H
#define RS_FORM_H

#include <httpd.h>
#include <stdbool.h>

/* Reads ahead at most once. *count: how many access_token fields there are; *token the value of the
 * first, decoded. A request that is no urlencoded form with a body, or one of more than
 * RS_FORM_BYTES_MAX, has none. APR_EGENERAL: the client did not send what it announced. */
apr_status_t rs_form_token(request_rec *r, unsigned *count, const char **token);

/* Take the field out of what the application will read (OAuth2RSForwardToken off). */
void rs_form_remove_token(request_rec *r);

void rs_form_register(apr_pool_t *p);

#endif
