/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The JWT verifier: a signed token against the issuer's keys, then its claims against the rules. */
#ifndef RS_JWT_H
#define RS_JWT_H

#include "provider/rs_keys.h"

/* Whose word a signature is. */
typedef struct {
    const rs_provider_spec_t *spec;
    rs_keys_t *keys;
    rs_seat_t *seat; /* of the request: see rs_keys_hold() */
} rs_jwt_issuer_t;

/* The issuer's key that has signed this; NULL: none, or none that can be had. Lives as long as p.
 */
const rs_jwk_t *rs_jwt_key_of(const rs_jwt_issuer_t *issuer, const rs_jws_t *jws, apr_time_t now,
                              apr_pool_t *p);

/* The verdict on a token that was parsed; it and what it points to live as long as p. May fetch
 * keys, within the provider's timeouts. Its key is the thumbprint of the key that verified it. */
rs_verdict_t rs_jwt_judge(const rs_jwt_issuer_t *issuer, const rs_jws_t *jws, apr_time_t now,
                          apr_pool_t *p);

#endif
