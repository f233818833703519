/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* JWS: taking a token apart, and the question whether a key has signed it. */
#include "jose/rs_jws.h"
#include "base/rs_base64url.h"
#include "base/rs_limits.h"
#include "jose/rs_jwk_parts.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <string.h>

struct rs_jws_t {
    const char *signing_input; /* header.payload of the token */
    apr_size_t signing_input_len;
    const rs_json_t *header;
    const rs_alg_t *alg;
    const char *alg_text, *kid, *typ;
    unsigned char *payload, *signature;
    apr_size_t payload_len, signature_len;
    const rs_json_t *claims; /* once asked for */
    const char *claims_why;
};

/* ---- parsing ---- */

static bool optional_text(const rs_json_t *header, const char *name, apr_size_t bytes_max,
                          const char **text)
{
    const rs_json_t *value = rs_json_get(header, name);
    apr_size_t len = 0;

    *text = rs_json_text(value, &len);
    return !value || (*text && len <= bytes_max);
}

#define TYP_BYTES_MAX 128
#define ALG_BYTES_MAX 64

/* jku, x5u, x5c and jwk are not looked at: a token does not say where its key is (RFC 8725 3.10).
 */
static bool read_header(rs_jws_t *jws, const char *text, apr_size_t len, apr_pool_t *p)
{
    unsigned char *bytes;
    apr_size_t bytes_len;

    if (len > (RS_JOSE_HEADER_BYTES_MAX + 2) / 3 * 4 ||
        rs_base64url_decode(text, len, &bytes, &bytes_len, p) != APR_SUCCESS)
        return false;
    jws->header = rs_json_object((const char *)bytes, bytes_len, &rs_json_token_limits, NULL, p);
    if (!jws->header)
        return false;
    /* RFC 7515 4.1.11: we understand no extension, so any crit is one too many; b64 (RFC 7797)
     * without crit is void. */
    if (rs_json_get(jws->header, "crit") || rs_json_get(jws->header, "b64"))
        return false;
    if (!optional_text(jws->header, "kid", RS_KID_BYTES_MAX, &jws->kid) ||
        !optional_text(jws->header, "typ", TYP_BYTES_MAX, &jws->typ) ||
        !optional_text(jws->header, "alg", ALG_BYTES_MAX, &jws->alg_text) || !jws->alg_text)
        return false;
    jws->alg = rs_alg_by_name(jws->alg_text);
    return true;
}

rs_outcome_t rs_jws_parse(const rs_jws_t **jws, const char *token, apr_size_t len, apr_pool_t *p)
{
    rs_jws_t *parsed;
    const char *first, *second, *end = token + len;

    if (len > RS_TOKEN_BYTES_MAX)
        return RS_TOKEN_MALFORMED;
    first = memchr(token, '.', len);
    second = first ? memchr(first + 1, '.', (apr_size_t)(end - first - 1)) : NULL;
    if (!second || memchr(second + 1, '.', (apr_size_t)(end - second - 1)))
        return RS_TOKEN_MALFORMED;
    parsed = apr_pcalloc(p, sizeof *parsed);
    parsed->signing_input = token;
    parsed->signing_input_len = (apr_size_t)(second - token);
    if (!read_header(parsed, token, (apr_size_t)(first - token), p) ||
        rs_base64url_decode(first + 1, (apr_size_t)(second - first - 1), &parsed->payload,
                            &parsed->payload_len, p) != APR_SUCCESS ||
        rs_base64url_decode(second + 1, (apr_size_t)(end - second - 1), &parsed->signature,
                            &parsed->signature_len, p) != APR_SUCCESS)
        return RS_TOKEN_MALFORMED;
    *jws = parsed;
    return RS_TOKEN_ACCEPTED;
}

const char *rs_jws_kid(const rs_jws_t *jws)
{
    return jws->kid;
}

const char *rs_jws_typ(const rs_jws_t *jws)
{
    return jws->typ;
}

const char *rs_jws_alg_text(const rs_jws_t *jws)
{
    return jws->alg_text;
}

const rs_alg_t *rs_jws_alg(const rs_jws_t *jws)
{
    return jws->alg;
}

const rs_json_t *rs_jws_header(const rs_jws_t *jws)
{
    return jws->header;
}

const rs_json_t *rs_jws_claims(const rs_jws_t *jws, const char **why, apr_pool_t *p)
{
    rs_jws_t *self = (rs_jws_t *)jws; /* what is remembered is no part of its value */

    if (!self->claims && !self->claims_why)
        self->claims = rs_json_object((const char *)jws->payload, jws->payload_len,
                                      &rs_json_token_limits, &self->claims_why, p);
    if (why)
        *why = self->claims ? NULL : self->claims_why;
    return self->claims;
}

const unsigned char *rs_jws_payload(const rs_jws_t *jws, apr_size_t *len)
{
    *len = jws->payload_len;
    return jws->payload;
}

/* ---- verifying ---- */

static bool verify_hmac(const rs_jws_t *jws, const rs_jwk_t *key)
{
    unsigned char tag[EVP_MAX_MD_SIZE];
    unsigned tag_len = 0;
    EVP_MD *digest = EVP_MD_fetch(NULL, jws->alg->digest, NULL);
    bool made = digest && HMAC(digest, key->secret, (int)key->secret_len,
                               (const unsigned char *)jws->signing_input, jws->signing_input_len,
                               tag, &tag_len);

    EVP_MD_free(digest);
    return made && tag_len == jws->signature_len &&
           CRYPTO_memcmp(tag, jws->signature, tag_len) == 0;
}

/* RFC 7518 3.4: R and S one behind the other, each of full size; the crypto library wants DER.
 * NULL: wrong size. */
static unsigned char *der_of_raw(const rs_jws_t *jws, int *der_len)
{
    int size = (int)jws->alg->scalar_bytes;
    ECDSA_SIG *pair;
    BIGNUM *r, *s;
    unsigned char *der = NULL;

    if (jws->signature_len != 2 * jws->alg->scalar_bytes)
        return NULL;
    pair = ECDSA_SIG_new();
    r = BN_bin2bn(jws->signature, size, NULL);
    s = BN_bin2bn(jws->signature + size, size, NULL);
    if (!pair || !r || !s || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
    }
    else
        *der_len = i2d_ECDSA_SIG(pair, &der);
    ECDSA_SIG_free(pair);
    return der;
}

static bool verify_prepared(const rs_jws_t *jws, const EVP_MD_CTX *prepared,
                            const unsigned char *signature, apr_size_t len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool fine = ctx && EVP_MD_CTX_copy_ex(ctx, prepared) == 1 &&
                EVP_DigestVerify(ctx, signature, len, (const unsigned char *)jws->signing_input,
                                 jws->signing_input_len) == 1;

    EVP_MD_CTX_free(ctx);
    return fine;
}

static bool verify_ecdsa(const rs_jws_t *jws, const EVP_MD_CTX *prepared)
{
    int der_len = 0;
    unsigned char *der = der_of_raw(jws, &der_len);
    bool fine = der && der_len > 0 && verify_prepared(jws, prepared, der, (apr_size_t)der_len);

    OPENSSL_free(der);
    return fine;
}

rs_outcome_t rs_jws_verify(const rs_jws_t *jws, const rs_jwk_t *key, rs_alg_set_t allowed)
{
    const rs_alg_t *alg = jws->alg;
    bool fine = false;

    if (!alg || !rs_alg_set_has(allowed, alg) || !rs_jwk_fits(key, alg))
        return RS_TOKEN_ALG_REFUSED;
    ERR_set_mark(); /* what fails here is no business of the TLS code that shares this thread's
                       error queue */
    switch (alg->family) {
    case RS_FAMILY_HMAC:
        fine = verify_hmac(jws, key);
        break;
    case RS_FAMILY_ECDSA:
        fine = verify_ecdsa(jws, key->verify[alg->id]);
        break;
    case RS_FAMILY_RSA_PKCS1:
    case RS_FAMILY_RSA_PSS:
    case RS_FAMILY_EDDSA:
        fine = verify_prepared(jws, key->verify[alg->id], jws->signature, jws->signature_len);
        break;
    }
    ERR_pop_to_mark();
    return fine ? RS_TOKEN_ACCEPTED : RS_TOKEN_SIGNATURE_WRONG;
}
