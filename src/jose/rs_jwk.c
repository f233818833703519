/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Keys: which algorithms one is for, and what it is called. */
#include "jose/rs_jwk.h"
#include "base/rs_base64url.h"
#include "base/rs_limits.h"
#include "jose/rs_jwk_parts.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

/* ---- algorithms ---- */

bool rs_alg_setup(const rs_alg_t *alg, EVP_MD_CTX *ctx, EVP_PKEY *pkey, bool sign)
{
    EVP_PKEY_CTX *pctx = NULL;
    int done = sign ? EVP_DigestSignInit_ex(ctx, &pctx, alg->digest, NULL, NULL, pkey, NULL)
                    : EVP_DigestVerifyInit_ex(ctx, &pctx, alg->digest, NULL, NULL, pkey, NULL);

    if (done != 1)
        return false;
    if (alg->family == RS_FAMILY_RSA_PKCS1)
        return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PADDING) == 1;
    if (alg->family == RS_FAMILY_RSA_PSS)
        /* RFC 7518 3.5: the salt is as long as the digest; MGF1 uses the same digest by default. */
        return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
    return true;
}

static bool family_fits(const rs_jwk_t *key, const rs_alg_t *alg)
{
    switch (alg->family) {
    case RS_FAMILY_RSA_PKCS1:
        return key->kty == RS_JWK_RSA && EVP_PKEY_is_a(key->pkey, "RSA");
    case RS_FAMILY_RSA_PSS:
        return key->kty == RS_JWK_RSA;
    case RS_FAMILY_ECDSA:
        return key->kty == RS_JWK_EC && strcmp(key->curve, alg->curve) == 0;
    case RS_FAMILY_EDDSA:
        return key->kty == RS_JWK_OKP && (!alg->curve || strcmp(key->curve, alg->curve) == 0);
    case RS_FAMILY_HMAC:
        return key->kty == RS_JWK_OCT && key->secret_len >= alg->digest_bytes;
    }
    return false;
}

/* "EdDSA" in a key or a token is either curve; "Ed25519" is the same algorithm under its own name
 * (RFC 9864 2.2). */
static bool only_fits(const rs_jwk_t *key, const rs_alg_t *alg)
{
    return !key->only || key->only == alg ||
           (key->only->family == RS_FAMILY_EDDSA && alg->family == RS_FAMILY_EDDSA &&
            family_fits(key, key->only));
}

static unsigned prepare(rs_jwk_t *key)
{
    unsigned id, fitting = 0;

    for (id = 0; id < RS_ALG_COUNT; id++) {
        const rs_alg_t *alg = rs_alg_by_id(id);
        EVP_MD_CTX *ctx;
        if (!family_fits(key, alg) || !only_fits(key, alg))
            continue;
        ctx = EVP_MD_CTX_new();
        if (ctx && rs_alg_setup(alg, ctx, key->pkey, false)) {
            key->verify[id] = ctx;
            fitting++;
        }
        else
            EVP_MD_CTX_free(ctx);
    }
    return fitting;
}

/* ---- making ---- */

static apr_status_t jwk_free(void *data)
{
    rs_jwk_t *key = data;
    unsigned id;

    for (id = 0; id < RS_ALG_COUNT; id++)
        EVP_MD_CTX_free(key->verify[id]);
    EVP_PKEY_free(key->pkey);
    if (key->secret)
        OPENSSL_cleanse((void *)key->secret, key->secret_len);
    return APR_SUCCESS;
}

static const char *identify_rsa(rs_jwk_t *key)
{
    int bits = EVP_PKEY_get_bits(key->pkey);
    BIGNUM *e = NULL;
    bool fine;

    if (bits < RS_RSA_BITS_MIN) /* RFC 7518 3.3 */
        return "an RSA key of less than 2048 bits";
    if (bits > RS_RSA_BITS_MAX)
        return "an RSA key of more than 16384 bits";
    fine = EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(e) &&
           !BN_is_one(e) && BN_num_bits(e) <= 64;
    BN_free(e);
    key->kty = RS_JWK_RSA;
    return fine ? NULL : "an RSA key with an unusable exponent";
}

static const char *identify_ec(rs_jwk_t *key)
{
    static const struct {
        const char *group, *curve;
    } curves[] = { { "prime256v1", "P-256" }, { "secp384r1", "P-384" }, { "secp521r1", "P-521" } };
    EVP_PKEY_CTX *ctx;
    char group[32];
    bool on_curve;
    unsigned i;

    if (EVP_PKEY_get_utf8_string_param(key->pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                       NULL) != 1)
        return "an EC key without a named curve";
    for (i = 0; i < sizeof curves / sizeof curves[0] && strcmp(curves[i].group, group) != 0; i++)
        ;
    if (i == sizeof curves / sizeof curves[0])
        return "an EC key on another curve than P-256, P-384 and P-521";
    key->kty = RS_JWK_EC;
    key->curve = curves[i].curve;
    ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    on_curve = ctx && EVP_PKEY_public_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return on_curve ? NULL : "an EC key whose point is not on its curve";
}

static const char *identify(rs_jwk_t *key)
{
    if (EVP_PKEY_is_a(key->pkey, "RSA") || EVP_PKEY_is_a(key->pkey, "RSA-PSS"))
        return identify_rsa(key);
    if (EVP_PKEY_is_a(key->pkey, "EC"))
        return identify_ec(key);
    key->kty = RS_JWK_OKP;
    if (EVP_PKEY_is_a(key->pkey, "ED25519"))
        key->curve = "Ed25519";
    else if (EVP_PKEY_is_a(key->pkey, "ED448"))
        key->curve = "Ed448";
    else
        return "a key of a type that does not sign";
    return NULL;
}

static void set_thumbprint(rs_jwk_t *key, apr_pool_t *p)
{
    rs_span_t span;

    span.bytes = rs_jwk_required_members(key, p);
    span.len = strlen(span.bytes);
    rs_sha256(&span, 1, &key->thumbprint);
}

rs_jwk_t *rs_jwk_of_pkey(EVP_PKEY *pkey, const char *kid, const rs_alg_t *only, const char **why,
                         apr_pool_t *p)
{
    rs_jwk_t *key = apr_pcalloc(p, sizeof *key);

    key->pkey = pkey;
    key->kid = kid ? apr_pstrdup(p, kid) : NULL;
    key->only = only;
    apr_pool_cleanup_register(p, key, jwk_free, apr_pool_cleanup_null);
    ERR_set_mark();
    *why = identify(key);
    if (!*why && !prepare(key))
        *why = "a key that none of its algorithms can use (its alg is for another type of key)";
    ERR_pop_to_mark();
    if (*why)
        return NULL;
    set_thumbprint(key, p);
    return key;
}

/* ---- from a JWK ---- */

static bool names_operation(const rs_json_t *operations, const char *wanted)
{
    apr_size_t i;

    for (i = 0; i < rs_json_size(operations); i++) {
        apr_size_t len;
        const char *text = rs_json_text(rs_json_at(operations, i), &len);
        if (text && strcmp(text, wanted) == 0)
            return true;
    }
    return false;
}

/* RFC 7517 4.2-4.4: what the key says it is for. */
static const char *check_purpose(const rs_json_t *object, const rs_alg_t **only)
{
    const rs_json_t *use = rs_json_get(object, "use"), *ops = rs_json_get(object, "key_ops");
    const rs_json_t *alg = rs_json_get(object, "alg");
    apr_size_t len;
    const char *text;

    *only = NULL;
    if (use && (!(text = rs_json_text(use, &len)) || strcmp(text, "sig") != 0))
        return "a key that is not for signatures (use)";
    if (ops && (rs_json_type(ops) != RS_JSON_ARRAY || !names_operation(ops, "verify")))
        return "a key that is not for verifying (key_ops)";
    if (!alg)
        return NULL;
    *only = rs_alg_by_name(rs_json_text(alg, &len));
    return *only ? NULL : "a key for an algorithm that is not supported (alg)";
}

static const char *check_kid(const rs_json_t *object, const char **kid)
{
    const rs_json_t *value = rs_json_get(object, "kid");
    apr_size_t len = 0;

    *kid = rs_json_text(value, &len);
    if (value && !*kid)
        return "a key whose kid is not a string";
    return len > RS_KID_BYTES_MAX ? "a key with a kid of more than 256 bytes" : NULL;
}

static bool has_secret_part(const rs_json_t *object)
{
    static const char *const members[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };
    unsigned i;

    for (i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (rs_json_get(object, members[i]))
            return true;
    }
    return false;
}

const rs_jwk_t *rs_jwk_public(const rs_json_t *object, const char **why, apr_pool_t *p)
{
    const rs_alg_t *only;
    const char *kid;
    EVP_PKEY *pkey;

    *why = NULL;
    if (rs_json_type(object) != RS_JSON_OBJECT)
        *why = "a key that is not an object";
    else if (has_secret_part(object))
        *why = "a key with a secret part, which has no place in a public key set";
    if (*why || (*why = check_kid(object, &kid)) != NULL ||
        (*why = check_purpose(object, &only)) != NULL)
        return NULL;
    ERR_set_mark();
    pkey = rs_jwk_pkey_of_json(object, false, why, p);
    ERR_pop_to_mark();
    return pkey ? rs_jwk_of_pkey(pkey, kid, only, why, p) : NULL;
}

const rs_jwk_t *rs_jwk_shared(const unsigned char *secret, apr_size_t len, const char **why,
                              apr_pool_t *p)
{
    rs_jwk_t *key;
    rs_span_t spans[2] = { { "oct", 3 }, { secret, len } };

    *why = NULL;
    if (len < rs_alg_digest_bytes(rs_alg_by_id(RS_ALG_HS256))) {
        *why = "a shared key of less than 32 bytes"; /* RFC 7518 3.2 */
        return NULL;
    }
    key = apr_pcalloc(p, sizeof *key);
    key->kty = RS_JWK_OCT;
    key->secret = apr_pmemdup(p, secret, len);
    key->secret_len = len;
    apr_pool_cleanup_register(p, key, jwk_free, apr_pool_cleanup_null);
    rs_sha256(spans, 2, &key->thumbprint);
    return key;
}

/* Nobody is at the terminal: an encrypted key is a mistake of the configuration. */
static int no_password(char *buffer, int size, int writing, void *data)
{
    (void)buffer, (void)size, (void)writing, (void)data;
    return -1;
}

EVP_PKEY *rs_jwk_pkey_of_pem(const char *text, apr_size_t len, const char **why)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;

    BIO_free(bio);
    if (!pkey)
        *why = "no private key in PEM (unencrypted) and no private JWK";
    return pkey;
}

const rs_jwk_t *rs_jwk_private(const char *text, apr_size_t len, const char **why, apr_pool_t *p)
{
    const char *ignored, *kid = NULL;
    const rs_json_t *object = rs_json_object(text, len, &rs_json_document_limits, &ignored, p);
    const rs_alg_t *only = NULL;
    EVP_PKEY *pkey;

    *why = NULL;
    if (len > RS_SECRET_BYTES_MAX)
        *why = "a key file of more than 64 KiB";
    else if (object && !(*why = check_kid(object, &kid)))
        only = rs_alg_by_name(rs_json_string(object, "alg"));
    if (*why)
        return NULL;
    ERR_set_mark();
    pkey = object ? rs_jwk_pkey_of_json(object, true, why, p) : rs_jwk_pkey_of_pem(text, len, why);
    ERR_pop_to_mark();
    return pkey ? rs_jwk_of_pkey(pkey, kid, only, why, p) : NULL;
}

/* ---- asking ---- */

const char *rs_jwk_kid(const rs_jwk_t *key)
{
    return key->kid;
}

rs_jwk_kty_t rs_jwk_kty(const rs_jwk_t *key)
{
    return key->kty;
}

bool rs_jwk_fits(const rs_jwk_t *key, const rs_alg_t *alg)
{
    return alg->family == RS_FAMILY_HMAC ? family_fits(key, alg) : key->verify[alg->id] != NULL;
}

const rs_sha256_t *rs_jwk_thumbprint(const rs_jwk_t *key)
{
    return &key->thumbprint;
}

const char *rs_jwk_public_json(const rs_jwk_t *key, apr_pool_t *p)
{
    const char *members;

    if (key->kty == RS_JWK_OCT)
        return NULL;
    members = rs_jwk_required_members(key, p);
    if (!key->kid)
        return members;
    return apr_pstrcat(p, "{\"kid\":", rs_json_quote(key->kid, p), ",", members + 1, NULL);
}
