/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The content of a JWE (RFC 7518 5): AES-GCM, and AES-CBC with HMAC. */
#include "base/rs_limits.h"
#include "jose/rs_jwe_parts.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <string.h>

static const rs_jwe_enc_t rows[] = {
    { "A128GCM", "AES-128-GCM", NULL, 16, 12, 16 },
    { "A192GCM", "AES-192-GCM", NULL, 24, 12, 16 },
    { "A256GCM", "AES-256-GCM", NULL, 32, 12, 16 },
    { "A128CBC-HS256", "AES-128-CBC", "SHA256", 32, 16, 16 },
    { "A192CBC-HS384", "AES-192-CBC", "SHA384", 48, 16, 24 },
    { "A256CBC-HS512", "AES-256-CBC", "SHA512", 64, 16, 32 },
};

const rs_jwe_enc_t *rs_jwe_enc(const char *name)
{
    unsigned i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static bool decrypt_gcm(const rs_jwe_t *jwe, EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
                        const unsigned char *cek, unsigned char *text, int *len)
{
    int part = 0;

    return EVP_DecryptInit_ex2(ctx, cipher, cek, jwe->iv.bytes, NULL) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &part, (const unsigned char *)jwe->aad,
                             (int)jwe->aad_len) == 1 &&
           EVP_DecryptUpdate(ctx, text, len, jwe->text.bytes, (int)jwe->text.len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)jwe->tag.len,
                               (void *)jwe->tag.bytes) == 1 &&
           EVP_DecryptFinal_ex(ctx, text + *len, &part) == 1;
}

/* RFC 7518 5.2.2.1: HMAC of header ‖ IV ‖ ciphertext ‖ length of the header in bits, its first
 * half. */
static bool mac_is_right(const rs_jwe_t *jwe, const unsigned char *cek, apr_pool_t *p)
{
    apr_size_t len = jwe->aad_len + jwe->iv.len + jwe->text.len + 8, bits = jwe->aad_len * 8;
    unsigned char *input = apr_pcalloc(p, len), tag[EVP_MAX_MD_SIZE];
    EVP_MD *digest = EVP_MD_fetch(NULL, jwe->enc->digest, NULL);
    unsigned tag_len = 0, i;
    bool made;

    memcpy(input, jwe->aad, jwe->aad_len);
    memcpy(input + jwe->aad_len, jwe->iv.bytes, jwe->iv.len);
    memcpy(input + jwe->aad_len + jwe->iv.len, jwe->text.bytes, jwe->text.len);
    for (i = 1; i <= 8; i++, bits >>= 8)
        input[len - i] = (unsigned char)bits;
    made = digest &&
           HMAC(digest, cek, (int)jwe->enc->cek_bytes / 2, input, len, tag, &tag_len) != NULL;
    EVP_MD_free(digest);
    return made && tag_len == 2 * jwe->tag.len &&
           CRYPTO_memcmp(tag, jwe->tag.bytes, jwe->tag.len) == 0;
}

static bool decrypt_cbc(const rs_jwe_t *jwe, EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
                        const unsigned char *cek, unsigned char *text, int *len)
{
    int part = 0;
    bool fine;

    fine =
        EVP_DecryptInit_ex2(ctx, cipher, cek + jwe->enc->cek_bytes / 2, jwe->iv.bytes, NULL) == 1 &&
        EVP_DecryptUpdate(ctx, text, len, jwe->text.bytes, (int)jwe->text.len) == 1 &&
        EVP_DecryptFinal_ex(ctx, text + *len, &part) == 1;
    *len += part;
    return fine;
}

const char *rs_jwe_content(const rs_jwe_t *jwe, const unsigned char *cek, apr_size_t *len,
                           apr_pool_t *p)
{
    const rs_jwe_enc_t *enc = jwe->enc;
    unsigned char *text;
    EVP_CIPHER_CTX *ctx;
    EVP_CIPHER *cipher;
    int written = 0;
    bool fine;

    if (jwe->iv.len != enc->iv_bytes || jwe->tag.len != enc->tag_bytes ||
        (enc->digest && !mac_is_right(jwe, cek, p)))
        return NULL;
    text = apr_pcalloc(p, jwe->text.len + EVP_MAX_BLOCK_LENGTH + 1);
    ctx = EVP_CIPHER_CTX_new();
    cipher = EVP_CIPHER_fetch(NULL, enc->cipher, NULL);
    fine = ctx && cipher &&
           (enc->digest ? decrypt_cbc(jwe, ctx, cipher, cek, text, &written)
                        : decrypt_gcm(jwe, ctx, cipher, cek, text, &written));
    EVP_CIPHER_free(cipher);
    EVP_CIPHER_CTX_free(ctx);
    if (!fine) {
        OPENSSL_cleanse(text, jwe->text.len);
        return NULL;
    }
    text[written] = '\0';
    *len = (apr_size_t)written;
    return (const char *)text;
}
