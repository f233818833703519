/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A JWE from inside: for the files of this folder alone. */
#ifndef RS_JWE_PARTS_H
#define RS_JWE_PARTS_H

#include "jose/rs_jwe.h"
#include "jose/rs_jwk.h"

#include <openssl/evp.h>

#define RS_JWE_CEK_BYTES_MAX 64

typedef enum { RS_JWE_OAEP, RS_JWE_ECDH, RS_JWE_DIRECT } rs_jwe_family_t;

/* How the content key comes (RFC 7518 4.1). */
typedef struct {
    const char *name;
    rs_jwe_family_t family;
    const char *digest;    /* OAEP: as OpenSSL calls it */
    const char *wrap;      /* ECDH: the cipher that wraps the content key; NULL: none does */
    apr_size_t wrap_bytes; /* its key */
} rs_jwe_alg_t;

/* How the content is encrypted (RFC 7518 5.1). */
typedef struct {
    const char *name;
    const char *cipher;
    const char *digest; /* of the MAC; NULL: GCM */
    apr_size_t cek_bytes, iv_bytes, tag_bytes;
} rs_jwe_enc_t;

typedef struct {
    rs_jwk_kty_t kty;
    const char *kid, *only; /* the member alg; NULL: it does not say; likewise kid */
    EVP_PKEY *pkey;         /* NULL: an oct key */
    const unsigned char *secret;
    apr_size_t secret_len;
} rs_jwe_key_t;

struct rs_jwe_keys_t {
    const rs_jwe_key_t *keys;
    unsigned count;
};

typedef struct {
    const unsigned char *bytes;
    apr_size_t len;
} rs_jwe_part_t;

typedef struct {
    const char *aad; /* the header as it stands in the token */
    apr_size_t aad_len;
    const rs_json_t *header;
    const rs_jwe_alg_t *alg;
    const rs_jwe_enc_t *enc;
    const char *kid;
    rs_jwe_part_t key, iv, text, tag;
} rs_jwe_t;

const rs_jwe_alg_t *rs_jwe_alg(const char *name); /* NULL: none of ours */
const rs_jwe_enc_t *rs_jwe_enc(const char *name);

/* May this key decrypt that: kid, kty and alg? */
bool rs_jwe_key_fits(const rs_jwe_key_t *key, const rs_jwe_t *jwe);

/* enc->cek_bytes bytes of content key. False: it cannot be had; cek then holds random bytes, so
 * that going on takes the same way. */
bool rs_jwe_content_key(const rs_jwe_t *jwe, const rs_jwe_key_t *key, unsigned char *cek,
                        apr_pool_t *p);

/* The content, authenticated. NULL: the tag is wrong. */
const char *rs_jwe_content(const rs_jwe_t *jwe, const unsigned char *cek, apr_size_t *len,
                           apr_pool_t *p);

#endif
