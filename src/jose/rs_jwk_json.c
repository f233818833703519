/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Between the members of a JWK (RFC 7518 6, RFC 8037 2) and the keys of the crypto library. */
#include "base/rs_base64url.h"
#include "base/rs_limits.h"
#include "jose/rs_jwk_parts.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <string.h>

/* ---- reading ---- */

typedef struct {
    const unsigned char *bytes;
    apr_size_t len;
} member_t;

static bool read_member(const rs_json_t *object, const char *name, member_t *member, apr_pool_t *p)
{
    apr_size_t len;
    const char *text = rs_json_text(rs_json_get(object, name), &len);
    unsigned char *bytes;

    if (!text || len > RS_RSA_BITS_MAX / 8 * 4 / 3 + 4 ||
        rs_base64url_decode(text, len, &bytes, &member->len, p) != APR_SUCCESS || !member->len)
        return false;
    member->bytes = bytes;
    return true;
}

static EVP_PKEY *make(const char *type, OSSL_PARAM_BLD *build, bool secret_part)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    OSSL_PARAM *params = build ? OSSL_PARAM_BLD_to_param(build) : NULL;
    EVP_PKEY *pkey = NULL;

    if (ctx && params && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &pkey, secret_part ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                          params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

#define RSA_MEMBERS_PUBLIC 2
#define RSA_MEMBERS 8

/* RFC 7518 6.3: with a secret part all of it. */
static EVP_PKEY *rsa_of_json(const rs_json_t *object, bool secret_part, apr_pool_t *p)
{
    static const char *const names[RSA_MEMBERS] = { "n", "e", "d", "p", "q", "dp", "dq", "qi" };
    static const char *const params[RSA_MEMBERS] = {
        OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
        OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
    };
    unsigned count = secret_part ? RSA_MEMBERS : RSA_MEMBERS_PUBLIC, i;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *numbers[RSA_MEMBERS] = { NULL };
    EVP_PKEY *pkey = NULL;
    member_t member;
    bool fine = build != NULL;

    for (i = 0; fine && i < count; i++) {
        fine = read_member(object, names[i], &member, p) &&
               (numbers[i] = BN_bin2bn(member.bytes, (int)member.len, NULL)) != NULL &&
               OSSL_PARAM_BLD_push_BN(build, params[i], numbers[i]) == 1;
    }
    if (fine)
        pkey = make("RSA", build, secret_part);
    OSSL_PARAM_BLD_free(build);
    for (i = 0; i < RSA_MEMBERS; i++)
        BN_clear_free(numbers[i]);
    return pkey;
}

/* RFC 7518 6.2: coordinates have exactly the size of the field. */
static EVP_PKEY *ec_of_json(const rs_json_t *object, bool secret_part, apr_pool_t *p)
{
    const char *crv = rs_json_string(object, "crv");
    const rs_alg_t *alg = NULL;
    unsigned id;
    unsigned char *point;
    OSSL_PARAM_BLD *build;
    EVP_PKEY *pkey = NULL;
    BIGNUM *scalar = NULL;
    member_t x, y, d = { NULL, 0 };

    for (id = RS_ALG_ES256; crv && id <= RS_ALG_ES512 && !alg; id++)
        alg = strcmp(rs_alg_by_id(id)->curve, crv) == 0 ? rs_alg_by_id(id) : NULL;
    if (!alg || !read_member(object, "x", &x, p) || !read_member(object, "y", &y, p) ||
        x.len != alg->scalar_bytes || y.len != alg->scalar_bytes)
        return NULL;
    if (secret_part && (!read_member(object, "d", &d, p) || d.len != alg->scalar_bytes))
        return NULL;
    point = apr_palloc(p, 1 + 2 * alg->scalar_bytes);
    point[0] = POINT_CONVERSION_UNCOMPRESSED;
    memcpy(point + 1, x.bytes, x.len);
    memcpy(point + 1 + x.len, y.bytes, y.len);
    build = OSSL_PARAM_BLD_new();
    if (d.bytes)
        scalar = BN_bin2bn(d.bytes, (int)d.len, NULL);
    if (build && OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, crv, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point,
                                         1 + x.len + y.len) == 1 &&
        (!secret_part || OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1))
        pkey = make("EC", build, secret_part);
    OSSL_PARAM_BLD_free(build);
    BN_clear_free(scalar);
    return pkey;
}

static EVP_PKEY *okp_of_json(const rs_json_t *object, bool secret_part, apr_pool_t *p)
{
    static const struct {
        const char *crv;
        int type;
    } curves[] = { { "Ed25519", EVP_PKEY_ED25519 },
                   { "Ed448", EVP_PKEY_ED448 },
                   { "X25519", EVP_PKEY_X25519 },
                   { "X448", EVP_PKEY_X448 } };
    const char *crv = rs_json_string(object, "crv");
    int type = 0;
    member_t member;
    unsigned i;

    for (i = 0; crv && i < sizeof curves / sizeof curves[0] && !type; i++)
        type = strcmp(curves[i].crv, crv) == 0 ? curves[i].type : 0;
    if (!type || !read_member(object, secret_part ? "d" : "x", &member, p))
        return NULL;
    return secret_part ? EVP_PKEY_new_raw_private_key(type, NULL, member.bytes, member.len)
                       : EVP_PKEY_new_raw_public_key(type, NULL, member.bytes, member.len);
}

/* RFC 7517 4.7: ordinary base64 of DER, the key's own certificate first. Nobody's chain is trusted
 * here: the set itself came from the issuer. */
static EVP_PKEY *pkey_of_x5c(const rs_json_t *object, apr_pool_t *p)
{
    apr_size_t text_len, len;
    const char *text = rs_json_text(rs_json_at(rs_json_get(object, "x5c"), 0), &text_len);
    unsigned char *der;
    const unsigned char *at;
    X509 *certificate;
    EVP_PKEY *pkey;

    if (!text || rs_base64_decode(text, text_len, &der, &len, p) != APR_SUCCESS)
        return NULL;
    at = der;
    certificate = d2i_X509(NULL, &at, (long)len);
    pkey = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    return pkey;
}

typedef struct {
    const char *kty;
    const char *names[2]; /* of such keys in the crypto library */
    const char *first;    /* a member that any such key has, unless it is in a certificate alone */
    EVP_PKEY *(*read)(const rs_json_t *object, bool secret_part, apr_pool_t *p);
} type_t;

static const type_t types[] = {
    { "RSA", { "RSA", "RSA-PSS" }, "n", rsa_of_json },
    { "EC", { "EC", "EC" }, "x", ec_of_json },
    { "OKP", { "ED25519", "ED448" }, "x", okp_of_json },
};

/* RFC 7517 4.7: the certificate's key is the one that the other members describe. */
static EVP_PKEY *certified(const type_t *type, const rs_json_t *object, apr_pool_t *p)
{
    EVP_PKEY *pkey = pkey_of_x5c(object, p);

    if (!pkey || EVP_PKEY_is_a(pkey, type->names[0]) || EVP_PKEY_is_a(pkey, type->names[1]))
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

EVP_PKEY *rs_jwk_pkey_of_json(const rs_json_t *object, bool secret_part, const char **why,
                              apr_pool_t *p)
{
    const char *kty = rs_json_string(object, "kty");
    EVP_PKEY *pkey;
    unsigned i;

    for (i = 0; kty && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].kty, kty) != 0)
            continue;
        pkey = !secret_part && !rs_json_get(object, types[i].first)
                   ? certified(&types[i], object, p)
                   : types[i].read(object, secret_part, p);
        if (!pkey)
            *why = apr_psprintf(
                p, "an unusable %s key: a member is missing, of the wrong size or no key", kty);
        return pkey;
    }
    *why = "a key of a type that is not supported (kty)";
    return NULL;
}

/* ---- writing ---- */

static const char *number_text(const rs_jwk_t *key, const char *param, apr_size_t size,
                               apr_pool_t *p)
{
    BIGNUM *number = NULL;
    unsigned char *bytes;

    if (EVP_PKEY_get_bn_param(key->pkey, param, &number) != 1)
        return "";
    if (!size)
        size = (apr_size_t)BN_num_bytes(number);
    bytes = apr_pcalloc(p, size + 1);
    if (BN_bn2binpad(number, bytes, (int)size) < 0)
        size = 0;
    BN_free(number);
    return rs_base64url_encode(bytes, size, p);
}

static const char *raw_text(const rs_jwk_t *key, apr_pool_t *p)
{
    unsigned char bytes[64];
    size_t len = sizeof bytes;

    if (EVP_PKEY_get_raw_public_key(key->pkey, bytes, &len) != 1)
        len = 0;
    return rs_base64url_encode(bytes, len, p);
}

const char *rs_jwk_required_members(const rs_jwk_t *key, apr_pool_t *p)
{
    apr_size_t size;

    switch (key->kty) {
    case RS_JWK_RSA:
        return apr_psprintf(p, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}",
                            number_text(key, OSSL_PKEY_PARAM_RSA_E, 0, p),
                            number_text(key, OSSL_PKEY_PARAM_RSA_N, 0, p));
    case RS_JWK_EC:
        size = (apr_size_t)(EVP_PKEY_get_bits(key->pkey) + 7) / 8;
        return apr_psprintf(p, "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
                            key->curve, number_text(key, OSSL_PKEY_PARAM_EC_PUB_X, size, p),
                            number_text(key, OSSL_PKEY_PARAM_EC_PUB_Y, size, p));
    case RS_JWK_OKP:
        return apr_psprintf(p, "{\"crv\":\"%s\",\"kty\":\"OKP\",\"x\":\"%s\"}", key->curve,
                            raw_text(key, p));
    case RS_JWK_OCT:
        break;
    }
    return "{}";
}
