/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* How we prove to the issuer who we are when we ask it about a token (RFC 6749 2.3.1, RFC 7523 2.2,
 * RFC 8705 2). */
#ifndef RS_CLIENT_AUTH_H
#define RS_CLIENT_AUTH_H

#include "jose/rs_jwk.h"
#include "provider/rs_provider_spec.h"

typedef struct {
    rs_client_auth_method_t method;
    const char *id, *secret; /* NULL when the method needs none */
    const rs_jwk_t *key;     /* of assertions: the private key, or the secret; NULL: none */
    const rs_alg_t *alg;     /* that they are signed with */
    const char *audience;    /* of assertions; NULL: the endpoint that is asked */
    apr_pool_t *pool;        /* of the key; NULL: there is none */
} rs_client_auth_t;

/* Reads secret and key, as the user we are now. *why is a sentence when the answer is not
 * APR_SUCCESS. */
apr_status_t rs_client_auth_create(rs_client_auth_t *auth, const rs_provider_spec_t *spec,
                                   const char **why, apr_pool_t *p);

/* Give back the key: for a process that ends without clearing the pool of creation. */
void rs_client_auth_forget(rs_client_auth_t *auth);

/* What a method adds to a call; lives as long as p. */
typedef struct {
    const char *authorization; /* the header's value; NULL: none */
    const char *fields;        /* "&name=value..." for the form; "" for none */
} rs_client_proof_t;

rs_client_proof_t rs_client_auth_prove(const rs_client_auth_t *auth, const char *endpoint,
                                       apr_time_t now, apr_pool_t *p);

#endif
