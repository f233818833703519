/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Keys for tests, made anew at each run. */
#ifndef KEY_MAKER_H
#define KEY_MAKER_H

#include "jose/rs_jwk.h"
#include "jose/rs_jws.h"

/* A private key of "RSA", "RSA1024", "P-256", "P-384", "P-521", "secp256k1", "ED25519", "ED448", or
 * "oct" (64 bytes), in PEM (not for oct). */
const char *key_pem(const char *type, bool public_part, apr_pool_t *p);
const rs_jwk_t *key_make(const char *type, apr_pool_t *p);

/* The public half as a JWK; members like "\"kid\":\"a\"," stand first. */
const char *key_public_text(const rs_jwk_t *key, const char *members, apr_pool_t *p);
const rs_jwk_t *key_public(const rs_jwk_t *key, const char *members, apr_pool_t *p);
/* {"keys":[...]} of the texts up to NULL. */
const char *key_set_text(apr_pool_t *p, ...);

/* A certificate for that type, self-signed: PEM, or base64 of DER for x5c. */
const char *key_certificate(const char *type, bool pem, const rs_jwk_t **key, apr_pool_t *p);

/* header_members as rs_jws_sign(); fails the test when it cannot sign. */
const char *key_sign(const rs_jwk_t *key, const char *alg, const char *header_members,
                     const char *payload, apr_pool_t *p);

#endif
