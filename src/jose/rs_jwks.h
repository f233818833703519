/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A key set: immutable once made. Who holds it and when it is replaced is the key source's business
 * (provider/rs_keys.h). */
#ifndef RS_JWKS_H
#define RS_JWKS_H

#include "jose/rs_jwk.h"
#include "jose/rs_jws.h"

typedef struct rs_jwks_t rs_jwks_t;

/* Make a set from what an endpoint or a file says: a JWKS, a single JWK, PEM public keys or
 * certificates, or a map of kid to PEM. Keys that cannot be used are skipped; what was skipped and
 * why is in rs_jwks_remarks(). NULL with a sentence in *why when the text is none of these or not
 * one key of it is usable. */
const rs_jwks_t *rs_jwks_parse(const char *text, apr_size_t len, const char **why, apr_pool_t *p);

/* The set of one key. */
const rs_jwks_t *rs_jwks_of(const rs_jwk_t *key, apr_pool_t *p);
/* The keys of several sets, in order. The sets must outlive p. */
const rs_jwks_t *rs_jwks_join(const rs_jwks_t *const *sets, unsigned count, apr_pool_t *p);

unsigned rs_jwks_count(const rs_jwks_t *keys);
const char *rs_jwks_remarks(const rs_jwks_t *keys); /* "" when nothing was skipped */

/* The keys that may have signed this: by kid if the token names one, and always by kty, use,
 * key_ops, alg and crv. Without kid every fitting key, at most RS_KEYS_TRIED_PER_TOKEN_MAX. Call
 * with *at = 0 first; NULL: no more. */
const rs_jwk_t *rs_jwks_next(const rs_jwks_t *keys, const rs_jws_t *jws, unsigned *at);

/* Is there a key of this name in the set, whatever it is good for? */
bool rs_jwks_names(const rs_jwks_t *keys, const char *kid);

/* Is the key with this thumbprint in the set? */
bool rs_jwks_has(const rs_jwks_t *keys, const rs_sha256_t *thumbprint);

#endif
