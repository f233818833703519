/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Signature algorithms (RFC 7518, RFC 8037, RFC 9864): one table, each row all there is to know. */
#ifndef RS_ALG_H
#define RS_ALG_H

#include <apr_pools.h>
#include <stdbool.h>

typedef enum {
    RS_ALG_RS256,
    RS_ALG_RS384,
    RS_ALG_RS512,
    RS_ALG_PS256,
    RS_ALG_PS384,
    RS_ALG_PS512,
    RS_ALG_ES256,
    RS_ALG_ES384,
    RS_ALG_ES512,
    RS_ALG_EDDSA,
    RS_ALG_ED25519,
    RS_ALG_ED448,
    RS_ALG_HS256,
    RS_ALG_HS384,
    RS_ALG_HS512,
    RS_ALG_COUNT
} rs_alg_id_t;

typedef struct rs_alg_t rs_alg_t; /* a row; all rows are constant */

/* NULL for every name that is not in the table; "none" is not, in any case. */
const rs_alg_t *rs_alg_by_name(const char *name);
const rs_alg_t *rs_alg_by_id(rs_alg_id_t id);
const char *rs_alg_name(const rs_alg_t *alg);
bool rs_alg_is_symmetric(const rs_alg_t *alg);
/* Digest size in bytes, which a shared key must at least have (RFC 7518 3.2); 0 for EdDSA. */
apr_size_t rs_alg_digest_bytes(const rs_alg_t *alg);

/* A set of algorithms; the allow-list of a provider. */
typedef apr_uint32_t rs_alg_set_t;
#define RS_ALG_SET_EMPTY ((rs_alg_set_t)0)
rs_alg_set_t rs_alg_set_asymmetric(void); /* the default: everything with a public key */
rs_alg_set_t rs_alg_set_add(rs_alg_set_t set, const rs_alg_t *alg);
bool rs_alg_set_has(rs_alg_set_t set, const rs_alg_t *alg);

#endif
