/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The content key of a JWE (RFC 7518 4). */
#include "base/rs_base64url.h"
#include "base/rs_limits.h"
#include "jose/rs_jwe_parts.h"
#include "jose/rs_jwk_parts.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/rsa.h>
#include <string.h>

static const rs_jwe_alg_t rows[] = {
    { "RSA-OAEP", RS_JWE_OAEP, "SHA1", NULL, 0 },
    { "RSA-OAEP-256", RS_JWE_OAEP, "SHA256", NULL, 0 },
    { "ECDH-ES", RS_JWE_ECDH, NULL, NULL, 0 },
    { "ECDH-ES+A128KW", RS_JWE_ECDH, NULL, "AES-128-WRAP", 16 },
    { "ECDH-ES+A192KW", RS_JWE_ECDH, NULL, "AES-192-WRAP", 24 },
    { "ECDH-ES+A256KW", RS_JWE_ECDH, NULL, "AES-256-WRAP", 32 },
    { "dir", RS_JWE_DIRECT, NULL, NULL, 0 },
};

const rs_jwe_alg_t *rs_jwe_alg(const char *name)
{
    unsigned i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

bool rs_jwe_key_fits(const rs_jwe_key_t *key, const rs_jwe_t *jwe)
{
    if (jwe->kid && key->kid && strcmp(jwe->kid, key->kid) != 0)
        return false;
    /* Where the key is the content key itself, its alg may be the name of enc. */
    if (key->only && strcmp(key->only, jwe->alg->name) != 0 &&
        (jwe->alg->family != RS_JWE_DIRECT || strcmp(key->only, jwe->enc->name) != 0))
        return false;
    switch (jwe->alg->family) {
    case RS_JWE_OAEP:
        return key->kty == RS_JWK_RSA;
    case RS_JWE_ECDH:
        return key->kty == RS_JWK_EC || key->kty == RS_JWK_OKP;
    case RS_JWE_DIRECT:
        return key->kty == RS_JWK_OCT && key->secret_len == jwe->enc->cek_bytes;
    }
    return false;
}

/* ---- RSA (4.3) ---- */

static bool unwrap_oaep(const rs_jwe_t *jwe, const rs_jwe_key_t *key, unsigned char *cek,
                        apr_pool_t *p)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    size_t len = (size_t)EVP_PKEY_get_size(key->pkey);
    unsigned char *made = apr_pcalloc(p, len);
    bool fine;

    /* MGF1 has the same digest by default. */
    fine = ctx && EVP_PKEY_decrypt_init(ctx) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, jwe->alg->digest, NULL) == 1 &&
           EVP_PKEY_decrypt(ctx, made, &len, jwe->key.bytes, jwe->key.len) == 1 &&
           len == jwe->enc->cek_bytes;
    EVP_PKEY_CTX_free(ctx);
    if (fine)
        memcpy(cek, made, len);
    OPENSSL_cleanse(made, (size_t)EVP_PKEY_get_size(key->pkey));
    return fine;
}

/* ---- ECDH-ES (4.6) ---- */

#define AGREED_BYTES_MAX 66 /* P-521 */
#define PARTY_BYTES_MAX 512

static EVP_PKEY *sender_key(const rs_jwe_t *jwe, apr_pool_t *p)
{
    const rs_json_t *epk = rs_json_get(jwe->header, "epk");
    const char *why;

    /* A private part in it is nobody's business, and a sign that something is wrong. */
    if (rs_json_type(epk) != RS_JSON_OBJECT || rs_json_get(epk, "d"))
        return NULL;
    return rs_jwk_pkey_of_json(epk, false, &why, p);
}

/* The shared secret. The point must be on the curve of our key, else a sender could learn the key
 * bit by bit (invalid-curve attack, RFC 8725 3.4). */
static bool agree(const rs_jwe_key_t *key, EVP_PKEY *sender, unsigned char *agreed, size_t *len)
{
    EVP_PKEY_CTX *check = EVP_PKEY_CTX_new_from_pkey(NULL, sender, NULL);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    bool fine = check && ctx && EVP_PKEY_parameters_eq(key->pkey, sender) == 1 &&
                EVP_PKEY_public_check(check) == 1 && EVP_PKEY_derive_init(ctx) == 1 &&
                EVP_PKEY_derive_set_peer(ctx, sender) == 1 &&
                EVP_PKEY_derive(ctx, agreed, len) == 1;

    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(ctx);
    return fine;
}

static unsigned char *put_number(unsigned char *at, apr_size_t number)
{
    at[0] = (unsigned char)(number >> 24);
    at[1] = (unsigned char)(number >> 16);
    at[2] = (unsigned char)(number >> 8);
    at[3] = (unsigned char)number;
    return at + 4;
}

static unsigned char *put_bytes(unsigned char *at, const void *bytes, apr_size_t len)
{
    at = put_number(at, len);
    if (len)
        memcpy(at, bytes, len);
    return at + len;
}

/* 4.6.1.2, 4.6.1.3. Absent: empty. */
static bool party(const rs_json_t *header, const char *name, rs_jwe_part_t *part, apr_pool_t *p)
{
    const rs_json_t *value = rs_json_get(header, name);
    apr_size_t len = 0;
    const char *text = rs_json_text(value, &len);
    unsigned char *bytes;

    part->len = 0;
    part->bytes = NULL;
    if (!value)
        return true;
    if (!text || len > PARTY_BYTES_MAX ||
        rs_base64url_decode(text, len, &bytes, &part->len, p) != APR_SUCCESS)
        return false;
    part->bytes = bytes;
    return true;
}

/* 4.6.2: AlgorithmID is enc where the agreed key is the content key, else alg. */
static apr_size_t derivation_info(const rs_jwe_t *jwe, apr_size_t key_bytes, unsigned char *info,
                                  apr_pool_t *p)
{
    const char *use = jwe->alg->wrap ? jwe->alg->name : jwe->enc->name;
    unsigned char *at = info;
    rs_jwe_part_t sender, recipient;

    if (!party(jwe->header, "apu", &sender, p) || !party(jwe->header, "apv", &recipient, p))
        return 0;
    at = put_bytes(at, use, strlen(use));
    at = put_bytes(at, sender.bytes, sender.len);
    at = put_bytes(at, recipient.bytes, recipient.len);
    at = put_number(at, key_bytes * 8);
    return (apr_size_t)(at - info);
}

#define INFO_BYTES_MAX (4 * 4 + 64 + 2 * PARTY_BYTES_MAX)

/* The Concat KDF of NIST SP 800-56A, which OpenSSL calls single-step. */
static bool derive(const rs_jwe_t *jwe, const unsigned char *agreed, size_t agreed_len,
                   unsigned char *derived, size_t len, apr_pool_t *p)
{
    unsigned char *info = apr_palloc(p, INFO_BYTES_MAX);
    apr_size_t info_len = derivation_info(jwe, len, info, p);
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)agreed, agreed_len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, info_len),
        OSSL_PARAM_construct_end(),
    };
    bool fine = info_len && ctx && EVP_KDF_derive(ctx, derived, len, params) == 1;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return fine;
}

/* RFC 3394. */
static bool unwrap_aes(const rs_jwe_t *jwe, const unsigned char *wrapper, unsigned char *cek)
{
    unsigned char made[RS_JWE_CEK_BYTES_MAX + 16];
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, jwe->alg->wrap, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0, rest = 0;
    bool fine = jwe->key.len == jwe->enc->cek_bytes + 8 && cipher && ctx;

    if (fine)
        EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    fine = fine && EVP_DecryptInit_ex2(ctx, cipher, wrapper, NULL, NULL) == 1 &&
           EVP_DecryptUpdate(ctx, made, &len, jwe->key.bytes, (int)jwe->key.len) == 1 &&
           EVP_DecryptFinal_ex(ctx, made + len, &rest) == 1 &&
           len + rest == (int)jwe->enc->cek_bytes;
    if (fine)
        memcpy(cek, made, jwe->enc->cek_bytes);
    OPENSSL_cleanse(made, sizeof made);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    return fine;
}

static bool agree_on_key(const rs_jwe_t *jwe, const rs_jwe_key_t *key, unsigned char *cek,
                         apr_pool_t *p)
{
    unsigned char agreed[AGREED_BYTES_MAX], wrapper[32];
    size_t len = sizeof agreed;
    EVP_PKEY *sender = sender_key(jwe, p);
    bool fine = sender && agree(key, sender, agreed, &len);

    EVP_PKEY_free(sender);
    if (fine && !jwe->alg->wrap)
        fine = !jwe->key.len && derive(jwe, agreed, len, cek, jwe->enc->cek_bytes, p);
    else if (fine)
        fine = derive(jwe, agreed, len, wrapper, jwe->alg->wrap_bytes, p) &&
               unwrap_aes(jwe, wrapper, cek);
    OPENSSL_cleanse(agreed, sizeof agreed);
    OPENSSL_cleanse(wrapper, sizeof wrapper);
    return fine;
}

/* ---- all of them ---- */

static bool take_secret(const rs_jwe_t *jwe, const rs_jwe_key_t *key, unsigned char *cek)
{
    if (jwe->key.len)
        return false; /* 4.5: empty */
    memcpy(cek, key->secret, jwe->enc->cek_bytes);
    return true;
}

bool rs_jwe_content_key(const rs_jwe_t *jwe, const rs_jwe_key_t *key, unsigned char *cek,
                        apr_pool_t *p)
{
    bool random = rs_random_bytes(cek, RS_JWE_CEK_BYTES_MAX) == APR_SUCCESS;
    bool had = false;

    switch (jwe->alg->family) {
    case RS_JWE_OAEP:
        had = unwrap_oaep(jwe, key, cek, p);
        break;
    case RS_JWE_ECDH:
        had = agree_on_key(jwe, key, cek, p);
        break;
    case RS_JWE_DIRECT:
        had = take_secret(jwe, key, cek);
        break;
    }
    return had && random;
}
