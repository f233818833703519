/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* SHA-256 and random bytes, from OpenSSL. */
#include "base/rs_digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

void rs_sha256(const rs_span_t *spans, unsigned count, rs_sha256_t *digest)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool fine = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
    unsigned i;

    for (i = 0; fine && i < count; i++)
        fine = EVP_DigestUpdate(ctx, spans[i].bytes, spans[i].len) == 1;
    fine = fine && EVP_DigestFinal_ex(ctx, digest->bytes, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    /* No SHA-256 means no memory or a broken crypto library. A made-up digest would be a cache key
     * shared by all tokens: end the process, as a pool does when memory is out. */
    if (!fine)
        abort();
}

bool rs_sha256_equal(const rs_sha256_t *a, const rs_sha256_t *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

const char *rs_hex(const unsigned char *bytes, apr_size_t len, apr_pool_t *p)
{
    static const char digits[] = "0123456789abcdef";
    char *text = apr_palloc(p, len * 2 + 1);
    apr_size_t i;

    for (i = 0; i < len; i++) {
        text[i * 2] = digits[bytes[i] >> 4];
        text[i * 2 + 1] = digits[bytes[i] & 15];
    }
    text[len * 2] = '\0';
    return text;
}

const char *rs_token_fingerprint(const char *token, apr_size_t len, apr_pool_t *p)
{
    rs_span_t span = { token, len };
    rs_sha256_t digest;

    rs_sha256(&span, 1, &digest);
    return rs_hex(digest.bytes, RS_FINGERPRINT_CHARS / 2, p);
}

apr_status_t rs_random_bytes(unsigned char *bytes, apr_size_t len)
{
    return RAND_bytes(bytes, (int)len) == 1 ? APR_SUCCESS : APR_EGENERAL;
}

void rs_wipe(void *bytes, apr_size_t len)
{
    OPENSSL_cleanse(bytes, len);
}

void rs_crypto_leave_thread(void)
{
    OPENSSL_thread_stop();
}
