/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* How we prove to the issuer who we are when we ask it about a token (RFC 6749 2.3.1). */
#ifndef RS_CLIENT_AUTH_H
#define RS_CLIENT_AUTH_H

#include "provider/rs_provider_spec.h"

typedef struct {
    rs_client_auth_method_t method;
    const char *id, *secret; /* NULL when the method needs none */
} rs_client_auth_t;

/* What a method adds to a call; lives as long as p. */
typedef struct {
    const char *authorization; /* the header's value; NULL: none */
    const char *fields;        /* "&name=value..." for the form; "" for none */
} rs_client_proof_t;

rs_client_proof_t rs_client_auth_prove(const rs_client_auth_t *auth, apr_pool_t *p);

#endif
