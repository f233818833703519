/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The table of signature algorithms. */
#include "jose/rs_alg.h"
#include "jose/rs_alg_row.h"

#include <assert.h>
#include <string.h>

/* RFC 7518 3.1, RFC 8037 3.1, RFC 9864 2.2. */
static const rs_alg_t rows[] = {
    { RS_ALG_RS256, "RS256", RS_FAMILY_RSA_PKCS1, "SHA256", 32, NULL, 0 },
    { RS_ALG_RS384, "RS384", RS_FAMILY_RSA_PKCS1, "SHA384", 48, NULL, 0 },
    { RS_ALG_RS512, "RS512", RS_FAMILY_RSA_PKCS1, "SHA512", 64, NULL, 0 },
    { RS_ALG_PS256, "PS256", RS_FAMILY_RSA_PSS, "SHA256", 32, NULL, 0 },
    { RS_ALG_PS384, "PS384", RS_FAMILY_RSA_PSS, "SHA384", 48, NULL, 0 },
    { RS_ALG_PS512, "PS512", RS_FAMILY_RSA_PSS, "SHA512", 64, NULL, 0 },
    { RS_ALG_ES256, "ES256", RS_FAMILY_ECDSA, "SHA256", 32, "P-256", 32 },
    { RS_ALG_ES384, "ES384", RS_FAMILY_ECDSA, "SHA384", 48, "P-384", 48 },
    { RS_ALG_ES512, "ES512", RS_FAMILY_ECDSA, "SHA512", 64, "P-521", 66 },
    { RS_ALG_EDDSA, "EdDSA", RS_FAMILY_EDDSA, NULL, 0, NULL, 0 },
    { RS_ALG_ED25519, "Ed25519", RS_FAMILY_EDDSA, NULL, 0, "Ed25519", 0 },
    { RS_ALG_ED448, "Ed448", RS_FAMILY_EDDSA, NULL, 0, "Ed448", 0 },
    { RS_ALG_HS256, "HS256", RS_FAMILY_HMAC, "SHA256", 32, NULL, 0 },
    { RS_ALG_HS384, "HS384", RS_FAMILY_HMAC, "SHA384", 48, NULL, 0 },
    { RS_ALG_HS512, "HS512", RS_FAMILY_HMAC, "SHA512", 64, NULL, 0 },
};

static_assert(sizeof rows / sizeof rows[0] == RS_ALG_COUNT, "one row for each algorithm");
static_assert(RS_ALG_COUNT <= 32, "a set is 32 bits");

const rs_alg_t *rs_alg_by_name(const char *name)
{
    unsigned i;

    for (i = 0; name && i < RS_ALG_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}

const rs_alg_t *rs_alg_by_id(rs_alg_id_t id)
{
    return (unsigned)id < RS_ALG_COUNT ? &rows[id] : NULL;
}

const char *rs_alg_name(const rs_alg_t *alg)
{
    return alg->name;
}

bool rs_alg_is_symmetric(const rs_alg_t *alg)
{
    return alg->family == RS_FAMILY_HMAC;
}

apr_size_t rs_alg_digest_bytes(const rs_alg_t *alg)
{
    return alg->digest_bytes;
}

rs_alg_set_t rs_alg_set_asymmetric(void)
{
    rs_alg_set_t set = RS_ALG_SET_EMPTY;
    unsigned i;

    for (i = 0; i < RS_ALG_COUNT; i++) {
        if (!rs_alg_is_symmetric(&rows[i]))
            set = rs_alg_set_add(set, &rows[i]);
    }
    return set;
}

rs_alg_set_t rs_alg_set_add(rs_alg_set_t set, const rs_alg_t *alg)
{
    return set | (rs_alg_set_t)1 << alg->id;
}

bool rs_alg_set_has(rs_alg_set_t set, const rs_alg_t *alg)
{
    return (set >> alg->id & 1) != 0;
}
