/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* JWS compact serialisation (RFC 7515): parsing never verifies, verifying never parses. */
#ifndef RS_JWS_H
#define RS_JWS_H

#include "base/rs_json.h"
#include "jose/rs_alg.h"
#include "jose/rs_jwk.h"
#include "token/rs_outcome.h"

typedef struct rs_jws_t rs_jws_t;

/* Exactly three segments of strict base64url, a bounded strict JSON header without crit and without
 * b64. RS_TOKEN_ACCEPTED here means: well-formed. The alg may be one we do not know; rs_jws_alg()
 * then is NULL. *jws lives as long as p; it points into token. */
rs_outcome_t rs_jws_parse(const rs_jws_t **jws, const char *token, apr_size_t len, apr_pool_t *p);

const char *rs_jws_kid(const rs_jws_t *jws); /* NULL: none; at most RS_KID_BYTES_MAX */
const char *rs_jws_typ(const rs_jws_t *jws); /* NULL: none */
const char *
rs_jws_alg_text(const rs_jws_t *jws); /* as written, control bytes replaced: for the log */
const rs_alg_t *rs_jws_alg(const rs_jws_t *jws); /* NULL: not in our table */
const rs_json_t *rs_jws_header(const rs_jws_t *jws);

/* The payload as strict JSON object; parsed at the first call, NULL when it is none. *why as
 * rs_json_object. */
const rs_json_t *rs_jws_claims(const rs_jws_t *jws, const char **why, apr_pool_t *p);
/* The payload's bytes (a nested JWT, a reply). */
const unsigned char *rs_jws_payload(const rs_jws_t *jws, apr_size_t *len);

/* RS_TOKEN_ACCEPTED, RS_TOKEN_ALG_REFUSED (not allowed, or the key does not fit it) or
 * RS_TOKEN_SIGNATURE_WRONG. Every failure inside the crypto library counts as the last. */
rs_outcome_t rs_jws_verify(const rs_jws_t *jws, const rs_jwk_t *key, rs_alg_set_t allowed);

/* Sign: header_members is the inside of the JOSE header besides alg ("\"typ\":\"JWT\"", "" for
 * none; kid is added when the key has one), payload the bytes. */
apr_status_t rs_jws_sign(const char **token, const rs_jwk_t *key, const rs_alg_t *alg,
                         const char *header_members, const char *payload, apr_pool_t *p);

#endif
