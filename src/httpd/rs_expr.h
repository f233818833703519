/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Functions for httpd's expressions: oauth2_claim('PATH') is one text, oauth2_claims('PATH') a list
 * for -in. They see the token of a request that was let in, so they are empty before
 * authentication. */
#ifndef RS_EXPR_H
#define RS_EXPR_H

#include <ap_expr.h>

int rs_expr_lookup_hook(ap_expr_lookup_parms *parms);

#endif
