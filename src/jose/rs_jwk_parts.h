/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A key from inside: for the files of this folder alone. */
#ifndef RS_JWK_PARTS_H
#define RS_JWK_PARTS_H

#include "jose/rs_alg_row.h"
#include "jose/rs_jwk.h"

#include <openssl/evp.h>

struct rs_jwk_t {
    rs_jwk_kty_t kty;
    const char *kid;
    const char *curve;    /* JWK crv; NULL: not an elliptic one */
    const rs_alg_t *only; /* the member alg; NULL: the key does not say */
    EVP_PKEY *pkey;       /* NULL: a shared key */
    const unsigned char *secret;
    apr_size_t secret_len;
    rs_sha256_t thumbprint;
    /* Prepared verifications, copied for each token: what OpenSSL looks up by name is looked up
     * once. NULL: this algorithm is not for this key. Never changed, so threads may copy at the
     * same time. */
    EVP_MD_CTX *verify[RS_ALG_COUNT];
};

/* pkey as a key of ours, which frees it with p. NULL with a sentence when it is of no use for
 * signatures; pkey is freed then too. kid, only: may be NULL. */
rs_jwk_t *rs_jwk_of_pkey(EVP_PKEY *pkey, const char *kid, const rs_alg_t *only, const char **why,
                         apr_pool_t *p);

/* The EVP key that a JWK describes, public or (secret_part) private; NULL with a sentence. The
 * caller frees it. */
EVP_PKEY *rs_jwk_pkey_of_json(const rs_json_t *object, bool secret_part, const char **why,
                              apr_pool_t *p);

/* The private key in a PEM text without a password; NULL with a sentence. The caller frees it. */
EVP_PKEY *rs_jwk_pkey_of_pem(const char *text, apr_size_t len, const char **why);

/* The public members in the order of RFC 7638 3.2, without kid: what a thumbprint is made of. */
const char *rs_jwk_required_members(const rs_jwk_t *key, apr_pool_t *p);

/* Set up ctx for signing or verifying with this algorithm. */
bool rs_alg_setup(const rs_alg_t *alg, EVP_MD_CTX *ctx, EVP_PKEY *pkey, bool sign);

#endif
