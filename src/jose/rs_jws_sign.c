/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Making a JWS (RFC 7515 5.1): assertions for an issuer, identities for an application. */
#include "base/rs_base64url.h"
#include "jose/rs_jwk_parts.h"
#include "jose/rs_jws.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <string.h>

static apr_status_t sign_hmac(const rs_jwk_t *key, const rs_alg_t *alg, const char *input,
                              unsigned char *signature, size_t *len)
{
    EVP_MD *digest = EVP_MD_fetch(NULL, alg->digest, NULL);
    unsigned written = 0;
    bool fine = digest && HMAC(digest, key->secret, (int)key->secret_len,
                               (const unsigned char *)input, strlen(input), signature, &written);

    EVP_MD_free(digest);
    *len = written;
    return fine ? APR_SUCCESS : APR_EGENERAL;
}

static apr_status_t sign_evp(const rs_jwk_t *key, const rs_alg_t *alg, const char *input,
                             unsigned char *signature, size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool fine =
        ctx && rs_alg_setup(alg, ctx, key->pkey, true) &&
        EVP_DigestSign(ctx, signature, len, (const unsigned char *)input, strlen(input)) == 1;

    EVP_MD_CTX_free(ctx);
    return fine ? APR_SUCCESS : APR_EGENERAL;
}

/* DER to R and S of full size (RFC 7518 3.4). */
static apr_status_t raw_of_der(const rs_alg_t *alg, unsigned char *signature, size_t *len)
{
    const unsigned char *at = signature;
    int size = (int)alg->scalar_bytes;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)*len);
    bool fine = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature, size) == size &&
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + size, size) == size;

    ECDSA_SIG_free(pair);
    *len = 2 * alg->scalar_bytes;
    return fine ? APR_SUCCESS : APR_EGENERAL;
}

#define SIGNATURE_BYTES_MAX 2048 /* RSA of 16384 bits */

apr_status_t rs_jws_sign(const char **token, const rs_jwk_t *key, const rs_alg_t *alg,
                         const char *header_members, const char *payload, apr_pool_t *p)
{
    const char *kid = rs_jwk_kid(key), *header, *input;
    unsigned char signature[SIGNATURE_BYTES_MAX];
    size_t len = sizeof signature;
    apr_status_t status;

    if (!rs_jwk_fits(key, alg))
        return APR_EINVAL;
    header = apr_pstrcat(p, "{\"alg\":\"", rs_alg_name(alg), "\"", kid ? ",\"kid\":" : "",
                         kid ? rs_json_quote(kid, p) : "", *header_members ? "," : "",
                         header_members, "}", NULL);
    input =
        apr_pstrcat(p, rs_base64url_encode((const unsigned char *)header, strlen(header), p), ".",
                    rs_base64url_encode((const unsigned char *)payload, strlen(payload), p), NULL);
    ERR_set_mark();
    if (alg->family == RS_FAMILY_HMAC)
        status = sign_hmac(key, alg, input, signature, &len);
    else
        status = sign_evp(key, alg, input, signature, &len);
    if (status == APR_SUCCESS && alg->family == RS_FAMILY_ECDSA)
        status = raw_of_der(alg, signature, &len);
    ERR_pop_to_mark();
    if (status == APR_SUCCESS)
        *token = apr_pstrcat(p, input, ".", rs_base64url_encode(signature, len, p), NULL);
    return status;
}
