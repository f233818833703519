/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Who an accepted token speaks for. A value: its pointers lead into the block it was made in. */
#ifndef RS_PRINCIPAL_H
#define RS_PRINCIPAL_H

#include "token/rs_scope.h"
#include <apr_time.h>

typedef struct {
    const char *user;    /* r->user; never NULL or "" */
    const char *issuer;  /* the provider's issuer when the reply named none; never NULL */
    const char *subject; /* NULL: the token names none */
    const char *client;  /* NULL: the token names none */
    rs_scope_t scope;
    apr_time_t expires; /* the claim exp; 0: there was none */
    rs_claims_t claims;
} rs_principal_t;

#endif
