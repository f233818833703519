/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* JWE compact serialisation (RFC 7516), decryption only: RSA-OAEP, RSA-OAEP-256, ECDH-ES (alone, +A128KW,
 * +A256KW) and dir, with A128/192/256GCM and A*CBC-HS*. No RSA1_5, no compression, no password-based keys. */
#ifndef RS_JWE_H
#define RS_JWE_H

#include "jose/rs_jwk.h"
#include "token/rs_outcome.h"

/* Five segments and a header with alg and enc: only the form, nothing is decrypted. */
bool rs_jwe_looks_like(const char *token, apr_size_t len);

/* The decryption keys, by kid when the header names one. One answer for every reason of failure, so that no
 * oracle arises: RS_TOKEN_DECRYPTION_FAILED; RS_TOKEN_MALFORMED and RS_TOKEN_ALG_REFUSED say only what the
 * sender knows anyway. *plain lives as long as p; cty may be NULL. */
rs_outcome_t rs_jwe_decrypt(const char *token, apr_size_t len, const rs_jwk_t *const *keys,
                            unsigned key_count, const unsigned char **plain, apr_size_t *plain_len,
                            apr_pool_t *p);

#endif
