/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* JWE compact serialisation (RFC 7516), decryption only: RSA-OAEP, RSA-OAEP-256, ECDH-ES (alone and
 * with A128KW, A192KW, A256KW) and dir, with A*GCM and A*CBC-HS*. No RSA1_5, no compression, no
 * passwords. */
#ifndef RS_JWE_H
#define RS_JWE_H

#include "base/rs_json.h"
#include "token/rs_outcome.h"

/* Private keys of ours. Immutable; used by all threads. */
typedef struct rs_jwe_keys_t rs_jwe_keys_t;

/* A private key in PEM, a private JWK (RSA, EC, OKP with X25519 or X448, oct), or a JWK set of
 * such. NULL with a sentence in *why when one of them is of no use: it is our own file. Freed with
 * p. */
const rs_jwe_keys_t *rs_jwe_keys_parse(const char *text, apr_size_t len, const char **why,
                                       apr_pool_t *p);

/* Five segments: the form alone. */
bool rs_jwe_looks_like(const char *token, apr_size_t len);

typedef struct {
    const char *bytes; /* NUL behind them */
    apr_size_t len;
    const char *typ, *cty; /* of the header, which the sender has written; NULL: none */
} rs_jwe_plain_t;

/* By the key that the header names, or by each that fits. RS_TOKEN_ACCEPTED: *plain lives as long
 * as p; who encrypted it is not known (anybody can). RS_TOKEN_MALFORMED: it is no JWE of the strict
 * form. RS_TOKEN_ALG_REFUSED: alg or enc is none of ours. RS_TOKEN_DECRYPTION_FAILED: all else, so
 * that no oracle arises (RFC 7516 11.5). */
rs_outcome_t rs_jwe_decrypt(const rs_jwe_keys_t *keys, const char *token, apr_size_t len,
                            rs_jwe_plain_t *plain, apr_pool_t *p);

#endif
