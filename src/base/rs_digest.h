/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* SHA-256 (FIPS 180-4) in the three ways the module needs it. */
#ifndef RS_DIGEST_H
#define RS_DIGEST_H

#include <apr_pools.h>
#include <stdbool.h>

#define RS_SHA256_BYTES 32
#define RS_FINGERPRINT_CHARS 8

typedef struct {
    unsigned char bytes[RS_SHA256_BYTES];
} rs_sha256_t;

typedef struct {
    const void *bytes;
    apr_size_t len;
} rs_span_t;

/* Digest of the spans one behind the other. Whoever joins fields of variable length puts their
 * lengths in. */
void rs_sha256(const rs_span_t *spans, unsigned count, rs_sha256_t *digest);

bool rs_sha256_equal(const rs_sha256_t *a, const rs_sha256_t *b);

const char *rs_hex(const unsigned char *bytes, apr_size_t len, apr_pool_t *p);

/* What the log says in place of a token: the first 8 hex digits of its digest. Too short to be
 * looked up in a cache or to be guessed back. */
const char *rs_token_fingerprint(const char *token, apr_size_t len, apr_pool_t *p);

/* Bytes of a cryptographic random generator. */
apr_status_t rs_random_bytes(unsigned char *bytes, apr_size_t len);

/* Give back what OpenSSL keeps for the calling thread, which may use it again: for a thread of
 * background work, which may still be there when OpenSSL cleans up at the end of the process. */
void rs_crypto_leave_thread(void);

/* Overwrite what must not stay in memory; no compiler takes it away. */
void rs_wipe(void *bytes, apr_size_t len);

#endif
