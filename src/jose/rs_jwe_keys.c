/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Keys that decrypt. */
#include "base/rs_base64url.h"
#include "base/rs_limits.h"
#include "jose/rs_jwe_parts.h"
#include "jose/rs_jwk_parts.h"

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

static apr_status_t key_free(void *data)
{
    rs_jwe_key_t *key = data;

    EVP_PKEY_free(key->pkey);
    if (key->secret)
        OPENSSL_cleanse((void *)key->secret, key->secret_len);
    return APR_SUCCESS;
}

static const char *identify(rs_jwe_key_t *key)
{
    static const struct {
        const char *name;
        rs_jwk_kty_t kty;
    } types[] = {
        { "RSA", RS_JWK_RSA }, { "EC", RS_JWK_EC }, { "X25519", RS_JWK_OKP }, { "X448", RS_JWK_OKP }
    };
    unsigned i;

    for (i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (!EVP_PKEY_is_a(key->pkey, types[i].name))
            continue;
        key->kty = types[i].kty;
        return key->kty == RS_JWK_RSA && EVP_PKEY_get_bits(key->pkey) < RS_RSA_BITS_MIN
                   ? "an RSA key of less than 2048 bits"
                   : NULL;
    }
    return "a key of a type that does not decrypt";
}

/* RFC 7518 6.4. */
static const char *read_secret(rs_jwe_key_t *key, const rs_json_t *object, apr_pool_t *p)
{
    apr_size_t len;
    const char *text = rs_json_text(rs_json_get(object, "k"), &len);
    unsigned char *bytes;

    if (!text || rs_base64url_decode(text, len, &bytes, &key->secret_len, p) != APR_SUCCESS ||
        key->secret_len > RS_JWE_CEK_BYTES_MAX || key->secret_len < 16)
        return "an oct key whose k is not of 16 to 64 bytes";
    key->kty = RS_JWK_OCT;
    key->secret = bytes;
    return NULL;
}

static const char *read_jwk(rs_jwe_key_t *key, const rs_json_t *object, apr_pool_t *p)
{
    const char *kty = rs_json_string(object, "kty"), *use = rs_json_string(object, "use");
    const char *why = NULL;

    if (use && strcmp(use, "enc") != 0)
        return "a key that is not for encryption (use)";
    key->kid = rs_json_string(object, "kid");
    key->only = rs_json_string(object, "alg");
    if (key->only && !rs_jwe_alg(key->only) && !rs_jwe_enc(key->only))
        return "a key for an algorithm that is not supported (alg)";
    if (kty && strcmp(kty, "oct") == 0)
        return read_secret(key, object, p);
    key->pkey = rs_jwk_pkey_of_json(object, true, &why, p);
    return key->pkey ? identify(key) : why;
}

static const char *read_pem(rs_jwe_key_t *key, const char *text, apr_size_t len)
{
    const char *why = NULL;

    key->pkey = rs_jwk_pkey_of_pem(text, len, &why);
    return key->pkey ? identify(key) : why;
}

const rs_jwe_keys_t *rs_jwe_keys_parse(const char *text, apr_size_t len, const char **why,
                                       apr_pool_t *p)
{
    const char *no_json;
    const rs_json_t *object = rs_json_object(text, len, &rs_json_document_limits, &no_json, p);
    const rs_json_t *list = rs_json_get(object, "keys");
    rs_jwe_keys_t *made = apr_pcalloc(p, sizeof *made);
    rs_jwe_key_t *keys;
    unsigned i;

    made->count = list ? (unsigned)rs_json_size(list) : 1;
    *why = !made->count || made->count > RS_KEYS_PER_SET_MAX ? "a set of no key or too many" : NULL;
    keys = apr_pcalloc(p, (made->count + 1) * sizeof *keys);
    made->keys = keys;
    ERR_set_mark();
    for (i = 0; i < made->count && !*why; i++) {
        apr_pool_cleanup_register(p, &keys[i], key_free, apr_pool_cleanup_null);
        *why = object ? read_jwk(&keys[i], list ? rs_json_at(list, i) : object, p)
                      : read_pem(&keys[i], text, len);
    }
    ERR_pop_to_mark();
    return *why ? NULL : made;
}
