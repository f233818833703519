/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Sealed values: AES-256-GCM (NIST SP 800-38D) under keys from HKDF-SHA-256 (RFC 5869). */
#include "cache/rs_seal.h"
#include "base/rs_limits.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <string.h>

#define SEAL_FORMAT 1
#define SEAL_NONCE_BYTES 12
#define SEAL_TAG_BYTES 16
#define SEAL_KEY_BYTES 32
#define SEAL_EXTRA_BYTES (1 + SEAL_NONCE_BYTES + SEAL_TAG_BYTES)
#define SEAL_SALT "mod_oauth2_rs sealed value 1"
#define SEAL_SECRETS 2

/* Type and cache key: what a value is bound to. */
#define SEAL_BINDING_BYTES (2 + RS_SHA256_BYTES)

struct rs_seal_t {
    EVP_KDF *hkdf;
    EVP_CIPHER *gcm;
    unsigned secrets;                                      /* current, previous */
    unsigned char extracted[SEAL_SECRETS][SEAL_KEY_BYTES]; /* RFC 5869 2.2 */
};

static const unsigned char types[RS_KIND_COUNT] = {
    [RS_KIND_VERDICT] = 'v', [RS_KIND_NEGATIVE] = 'v', [RS_KIND_DOCUMENT] = 'd',
    [RS_KIND_CLAIM] = 'c',   [RS_KIND_MARK] = 'm',
};

void rs_seal_forget(rs_seal_t *seal)
{
    OPENSSL_cleanse(seal->extracted, sizeof seal->extracted);
    EVP_KDF_free(seal->hkdf);
    EVP_CIPHER_free(seal->gcm);
    seal->hkdf = NULL;
    seal->gcm = NULL;
    seal->secrets = 0;
}

static apr_status_t forget(void *data)
{
    rs_seal_forget(data);
    return APR_SUCCESS;
}

static bool extract(rs_seal_t *seal, const char *secret, apr_size_t len)
{
    unsigned written = 0;

    return HMAC(EVP_sha256(), SEAL_SALT, (int)strlen(SEAL_SALT), (const unsigned char *)secret, len,
                seal->extracted[seal->secrets++], &written) &&
           written == SEAL_KEY_BYTES;
}

apr_status_t rs_seal_create(rs_seal_t **seal, const char *secret, apr_size_t secret_len,
                            const char *previous, apr_size_t previous_len, apr_pool_t *p)
{
    rs_seal_t *made;

    if (secret_len < RS_CACHE_SECRET_BYTES_MIN ||
        (previous && previous_len < RS_CACHE_SECRET_BYTES_MIN))
        return APR_EINVAL;
    made = apr_pcalloc(p, sizeof *made);
    apr_pool_cleanup_register(p, made, forget, apr_pool_cleanup_null);
    made->hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    made->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    if (!made->hkdf || !made->gcm || !extract(made, secret, secret_len))
        return APR_EGENERAL;
    if (previous && !extract(made, previous, previous_len))
        return APR_EGENERAL;
    *seal = made;
    return APR_SUCCESS;
}

static void bind_to(const rs_cache_key_t *key, unsigned char binding[SEAL_BINDING_BYTES])
{
    binding[0] = SEAL_FORMAT;
    binding[1] = types[key->kind];
    memcpy(binding + 2, key->digest.bytes, RS_SHA256_BYTES);
}

/* RFC 5869 2.3, with the binding as info. */
static bool expand(const rs_seal_t *seal, unsigned which, const unsigned char *binding,
                   unsigned char derived[SEAL_KEY_BYTES])
{
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(seal->hkdf);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)seal->extracted[which],
                                          SEAL_KEY_BYTES),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)binding, SEAL_BINDING_BYTES),
        OSSL_PARAM_construct_end(),
    };
    bool fine = ctx && EVP_KDF_derive(ctx, derived, SEAL_KEY_BYTES, params) == 1;

    EVP_KDF_CTX_free(ctx);
    return fine;
}

static bool encrypt(EVP_CIPHER_CTX *ctx, const unsigned char *binding, const unsigned char *value,
                    apr_size_t len, unsigned char *text, unsigned char *tag)
{
    int part;

    return EVP_EncryptUpdate(ctx, NULL, &part, binding, SEAL_BINDING_BYTES) == 1 &&
           EVP_EncryptUpdate(ctx, text, &part, value, (int)len) == 1 &&
           EVP_EncryptFinal_ex(ctx, text + part, &part) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_BYTES, tag) == 1;
}

apr_status_t rs_seal_close(const rs_seal_t *seal, const rs_cache_key_t *key,
                           const unsigned char *value, apr_size_t len, const unsigned char **sealed,
                           apr_size_t *sealed_len, apr_pool_t *p)
{
    unsigned char binding[SEAL_BINDING_BYTES], derived[SEAL_KEY_BYTES];
    unsigned char *made;
    EVP_CIPHER_CTX *ctx;
    bool fine;

    if (len > RS_SEALED_BYTES_MAX - SEAL_EXTRA_BYTES)
        return APR_ENOSPC;
    made = apr_palloc(p, len + SEAL_EXTRA_BYTES);
    made[0] = SEAL_FORMAT;
    bind_to(key, binding);
    if (rs_random_bytes(made + 1, SEAL_NONCE_BYTES) != APR_SUCCESS ||
        !expand(seal, 0, binding, derived))
        return APR_EGENERAL;
    ctx = EVP_CIPHER_CTX_new();
    fine = ctx && EVP_EncryptInit_ex2(ctx, seal->gcm, derived, made + 1, NULL) == 1 &&
           encrypt(ctx, binding, value, len, made + 1 + SEAL_NONCE_BYTES,
                   made + 1 + SEAL_NONCE_BYTES + len);
    EVP_CIPHER_CTX_free(ctx);
    OPENSSL_cleanse(derived, sizeof derived);
    if (!fine)
        return APR_EGENERAL;
    *sealed = made;
    *sealed_len = len + SEAL_EXTRA_BYTES;
    return APR_SUCCESS;
}

/* With one of the secrets. `text` holds what came out only when true. */
static bool decrypt(const rs_seal_t *seal, unsigned which, const unsigned char *binding,
                    const unsigned char *sealed, apr_size_t len, unsigned char *text)
{
    const unsigned char *cipher = sealed + 1 + SEAL_NONCE_BYTES;
    unsigned char derived[SEAL_KEY_BYTES];
    EVP_CIPHER_CTX *ctx;
    bool fine;
    int part = 0;

    if (!expand(seal, which, binding, derived))
        return false;
    ctx = EVP_CIPHER_CTX_new();
    fine = ctx && EVP_DecryptInit_ex2(ctx, seal->gcm, derived, sealed + 1, NULL) == 1 &&
           EVP_DecryptUpdate(ctx, NULL, &part, binding, SEAL_BINDING_BYTES) == 1 &&
           EVP_DecryptUpdate(ctx, text, &part, cipher, (int)len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_BYTES,
                               (void *)(cipher + len)) == 1 &&
           EVP_DecryptFinal_ex(ctx, text + part, &part) == 1;
    EVP_CIPHER_CTX_free(ctx);
    OPENSSL_cleanse(derived, sizeof derived);
    if (!fine)
        OPENSSL_cleanse(text, len);
    return fine;
}

apr_status_t rs_seal_open(const rs_seal_t *seal, const rs_cache_key_t *key,
                          const unsigned char *sealed, apr_size_t sealed_len,
                          const unsigned char **value, apr_size_t *len, apr_pool_t *p)
{
    unsigned char binding[SEAL_BINDING_BYTES];
    unsigned char *text;
    unsigned which;

    if (sealed_len < SEAL_EXTRA_BYTES || sealed_len > RS_SEALED_BYTES_MAX ||
        sealed[0] != SEAL_FORMAT)
        return APR_EINVAL;
    bind_to(key, binding);
    text = apr_palloc(p, sealed_len - SEAL_EXTRA_BYTES + 1);
    for (which = 0; which < seal->secrets; which++) {
        if (decrypt(seal, which, binding, sealed, sealed_len - SEAL_EXTRA_BYTES, text)) {
            *value = text;
            *len = sealed_len - SEAL_EXTRA_BYTES;
            return APR_SUCCESS;
        }
    }
    return APR_EINVAL;
}

/* RFC 5869 2.3 with one block: HMAC(extracted, info ‖ 1). */
bool rs_seal_mac(const rs_seal_t *seal, unsigned which, const void *bytes, apr_size_t len,
                 rs_sha256_t *mac)
{
    static const unsigned char info[] = "mod_oauth2_rs marks 1\001";
    unsigned char key[SEAL_KEY_BYTES];
    unsigned written = 0;
    bool fine;

    if (which >= seal->secrets)
        return false;
    fine = HMAC(EVP_sha256(), seal->extracted[which], SEAL_KEY_BYTES, info, sizeof info - 1, key,
                &written) &&
           HMAC(EVP_sha256(), key, SEAL_KEY_BYTES, bytes, len, mac->bytes, &written);
    OPENSSL_cleanse(key, sizeof key);
    return fine && written == RS_SHA256_BYTES;
}

/* The tier. */

typedef struct {
    rs_tier_t tier;
    rs_tier_t *inner;
    const rs_seal_t *seal;
    const rs_log_t *log;
    rs_log_quiet_t foreign;
} sealed_tier_t;

static bool sealed_healthy(rs_tier_t *self, apr_time_t now)
{
    rs_tier_t *inner = ((sealed_tier_t *)self)->inner;

    return inner->healthy(inner, now);
}

static void say_foreign(sealed_tier_t *self, apr_time_t now)
{
    apr_uint32_t kept_back;

    if (rs_log_quiet_ask(&self->foreign, now, &kept_back))
        rs_log(
            self->log, RS_LOG_WARNING,
            "RS0401: a value in the shared cache (%s) does not open with the cache secrets of this "
            "server; taken as not there (%u more since the last line). Do all servers that share "
            "it have "
            "the same OAuth2RSCacheSecret, and the previous one during a change?",
            self->inner->name, kept_back);
}

static apr_status_t sealed_fetch(rs_tier_t *tier, const rs_cache_key_t *key,
                                 const unsigned char **value, apr_size_t *len, apr_time_t now,
                                 apr_pool_t *p)
{
    sealed_tier_t *self = (sealed_tier_t *)tier;
    const unsigned char *sealed;
    apr_size_t sealed_len;
    apr_status_t status = self->inner->fetch(self->inner, key, &sealed, &sealed_len, now, p);

    if (status != APR_SUCCESS)
        return status;
    if (rs_seal_open(self->seal, key, sealed, sealed_len, value, len, p) == APR_SUCCESS)
        return APR_SUCCESS;
    say_foreign(self, now);
    return APR_NOTFOUND;
}

/* How the inner tier keeps it: store or add. */
typedef apr_status_t put_fn(rs_tier_t *self, const rs_cache_key_t *key, const unsigned char *value,
                            apr_size_t len, apr_time_t expires, apr_time_t now, apr_pool_t *p);

static apr_status_t put(const sealed_tier_t *self, put_fn *how, const rs_cache_key_t *key,
                        const unsigned char *value, apr_size_t len, apr_time_t expires,
                        apr_time_t now, apr_pool_t *p)
{
    const unsigned char *sealed;
    apr_size_t sealed_len;
    apr_status_t status = rs_seal_close(self->seal, key, value, len, &sealed, &sealed_len, p);

    return status == APR_SUCCESS ? how(self->inner, key, sealed, sealed_len, expires, now, p)
                                 : status;
}

static apr_status_t sealed_store(rs_tier_t *tier, const rs_cache_key_t *key,
                                 const unsigned char *value, apr_size_t len, apr_time_t expires,
                                 apr_time_t now, apr_pool_t *p)
{
    const sealed_tier_t *self = (sealed_tier_t *)tier;

    return put(self, self->inner->store, key, value, len, expires, now, p);
}

static apr_status_t sealed_add(rs_tier_t *tier, const rs_cache_key_t *key,
                               const unsigned char *value, apr_size_t len, apr_time_t expires,
                               apr_time_t now, apr_pool_t *p)
{
    const sealed_tier_t *self = (sealed_tier_t *)tier;

    return put(self, self->inner->add, key, value, len, expires, now, p);
}

/* No two seals of one value are alike (the nonce), so the owner's value is compared here and the
 * inner tier compares the seal that was found: whoever came in between left another. */
static apr_status_t sealed_remove(rs_tier_t *tier, const rs_cache_key_t *key,
                                  const unsigned char *value, apr_size_t len, apr_time_t now,
                                  apr_pool_t *p)
{
    sealed_tier_t *self = (sealed_tier_t *)tier;
    const unsigned char *sealed, *found;
    apr_size_t sealed_len, found_len;
    apr_status_t status;

    if (!value)
        return self->inner->remove(self->inner, key, NULL, 0, now, p);
    status = self->inner->fetch(self->inner, key, &sealed, &sealed_len, now, p);
    if (status != APR_SUCCESS)
        return status;
    if (rs_seal_open(self->seal, key, sealed, sealed_len, &found, &found_len, p) != APR_SUCCESS ||
        found_len != len || CRYPTO_memcmp(found, value, len) != 0)
        return APR_NOTFOUND;
    return self->inner->remove(self->inner, key, sealed, sealed_len, now, p);
}

rs_tier_t *rs_tier_sealed(rs_tier_t *inner, const rs_seal_t *seal, apr_pool_t *p)
{
    sealed_tier_t *self = apr_pcalloc(p, sizeof *self);

    self->tier.name = inner->name;
    self->tier.one_place = inner->one_place;
    self->tier.certain = inner->certain;
    self->tier.healthy = sealed_healthy;
    self->tier.fetch = sealed_fetch;
    self->tier.store = sealed_store;
    self->tier.add = sealed_add;
    self->tier.remove = sealed_remove;
    self->inner = inner;
    self->seal = seal;
    return &self->tier;
}

void rs_tier_sealed_tells(rs_tier_t *sealed, const rs_log_t *log)
{
    ((sealed_tier_t *)sealed)->log = log;
}
