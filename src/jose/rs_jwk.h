/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* One key (RFC 7517): public for verifying, or private/secret for signing and decrypting. Parsed
 * once; the EVP key inside is used by all threads and never changed. */
#ifndef RS_JWK_H
#define RS_JWK_H

#include "base/rs_digest.h"
#include "base/rs_json.h"
#include "jose/rs_alg.h"

typedef struct rs_jwk_t rs_jwk_t;

typedef enum { RS_JWK_RSA, RS_JWK_EC, RS_JWK_OKP, RS_JWK_OCT } rs_jwk_kty_t;

/* A public key as an issuer publishes it. NULL with a sentence in *why when it cannot verify
 * signatures: unusable, too small, off the curve, for encryption, private parts in it, unknown
 * type. The key is freed with p. */
const rs_jwk_t *rs_jwk_public(const rs_json_t *object, const char **why, apr_pool_t *p);

/* A secret for HS* (the bytes as they are). NULL when it is shorter than the smallest digest. */
const rs_jwk_t *rs_jwk_shared(const unsigned char *secret, apr_size_t len, const char **why,
                              apr_pool_t *p);

/* A private key from PEM or from a private JWK, for signing and for decryption. */
const rs_jwk_t *rs_jwk_private(const char *text, apr_size_t len, const char **why, apr_pool_t *p);

const char *rs_jwk_kid(const rs_jwk_t *key); /* NULL: it has none */
rs_jwk_kty_t rs_jwk_kty(const rs_jwk_t *key);
/* May this key verify signatures of this algorithm: kty, crv, use, key_ops, alg and size? */
bool rs_jwk_fits(const rs_jwk_t *key, const rs_alg_t *alg);
/* RFC 7638; of a shared key the thumbprint of the secret. */
const rs_sha256_t *rs_jwk_thumbprint(const rs_jwk_t *key);
/* The public half as a JWK, one JSON object, for a JWKS of our own. NULL for a shared key. */
const char *rs_jwk_public_json(const rs_jwk_t *key, apr_pool_t *p);

#endif
