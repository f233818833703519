/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Sealed values for a tier that others can read or write (Redis): AES-256-GCM, a key for each value
 * by HKDF-SHA-256 (RFC 5869) of the cache secret, type and cache key in both derivation and
 * associated data. A value that was moved to another key, changed, or made without the secret does
 * not open.
 *
 *   sealed = format byte ‖ 12 bytes nonce ‖ ciphertext ‖ 16 bytes tag */
#ifndef RS_SEAL_H
#define RS_SEAL_H

#include "base/rs_log.h"
#include "cache/rs_tier.h"

typedef struct rs_seal_t rs_seal_t;

/* previous may be NULL: opened with, never sealed with. Each at least RS_CACHE_SECRET_BYTES_MIN
 * bytes, else APR_EINVAL. The secrets are not kept, only what is derived from them; it is wiped
 * with p. */
apr_status_t rs_seal_create(rs_seal_t **seal, const char *secret, apr_size_t secret_len,
                            const char *previous, apr_size_t previous_len, apr_pool_t *p);

/* Wipe it before its pool ends: for a child that ends, since nobody clears the pool of creation
 * there. */
void rs_seal_forget(rs_seal_t *seal);

/* APR_ENOSPC: larger than RS_SEALED_BYTES_MAX. */
apr_status_t rs_seal_close(const rs_seal_t *seal, const rs_cache_key_t *key,
                           const unsigned char *value, apr_size_t len, const unsigned char **sealed,
                           apr_size_t *sealed_len, apr_pool_t *p);
/* APR_EINVAL when it is not ours. */
apr_status_t rs_seal_open(const rs_seal_t *seal, const rs_cache_key_t *key,
                          const unsigned char *sealed, apr_size_t sealed_len,
                          const unsigned char **value, apr_size_t *len, apr_pool_t *p);

/* HMAC-SHA-256 of bytes under a key for revocation marks: of the current secret (which 0) or the
 * previous one (1). False: there is no such secret. */
bool rs_seal_mac(const rs_seal_t *seal, unsigned which, const void *bytes, apr_size_t len,
                 rs_sha256_t *mac);

/* A tier that seals what goes into `inner` and opens what comes out of it. Verdicts and negatives
 * share one type, as they share one key. A value that does not open is a miss. */
rs_tier_t *rs_tier_sealed(rs_tier_t *inner, const rs_seal_t *seal, apr_pool_t *p);

/* Where that tier says, once a minute at most, that it met values which do not open. */
void rs_tier_sealed_tells(rs_tier_t *sealed, const rs_log_t *log);

#endif
