/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What a row of the algorithm table holds: for the files of this folder alone. */
#ifndef RS_ALG_ROW_H
#define RS_ALG_ROW_H

#include "jose/rs_alg.h"

typedef enum {
    RS_FAMILY_RSA_PKCS1,
    RS_FAMILY_RSA_PSS,
    RS_FAMILY_ECDSA,
    RS_FAMILY_EDDSA,
    RS_FAMILY_HMAC
} rs_alg_family_t;

struct rs_alg_t {
    rs_alg_id_t id; /* the row's own number */
    const char *name;
    rs_alg_family_t family;
    const char *digest; /* as OpenSSL calls it; NULL: the algorithm has its own */
    apr_size_t digest_bytes;
    const char *curve;       /* JWK crv; NULL: not an elliptic one, or any of the family (EdDSA) */
    apr_size_t scalar_bytes; /* ECDSA: of R and of S (RFC 7518 3.4) */
};

#endif
