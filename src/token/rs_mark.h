/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Revocation marks: one token, or everything that was issued before a moment to a subject, a client
 * or a session, or by an issuer. Pure: what a mark says, and which marks an accepted token falls
 * under. */
#ifndef RS_MARK_H
#define RS_MARK_H

#include "token/rs_presented.h"
#include "token/rs_verdict.h"

typedef enum {
    RS_MARK_TOKEN = 't',
    RS_MARK_SUBJECT = 's',
    RS_MARK_CLIENT = 'c',
    RS_MARK_SESSION = 'd',
    RS_MARK_ISSUER = 'i'
} rs_mark_kind_t;

typedef struct {
    rs_sha256_t of;        /* rs_mark_digest() */
    apr_time_t not_before; /* what was issued earlier is revoked; of a token: of no matter */
} rs_mark_t;

/* SHA-256("mod_oauth2_rs mark 1" NUL kind NUL issuer NUL value): of an issuer value "". Of a token
 * see rs_mark_digest_token(). */
void rs_mark_digest(rs_sha256_t *digest, rs_mark_kind_t kind, const char *issuer,
                    const char *value);

/* The digest of a token, for whoever revokes it and for whoever is shown it: issuer "", and as
 * value the token, of a signed JWT (three segments, the first of which is a JSON object) without
 * its last segment. Who holds a token can give an ECDSA signature another value that is as good:
 * r, n - s. What is signed he cannot change. */
void rs_mark_digest_token(rs_sha256_t *digest, const char *token, apr_size_t len, apr_pool_t *p);

/* What it covers was issued before this: before it was heard of, or a little later, where the
 * issuer's clock is ahead. */
apr_time_t rs_mark_counts_from(const rs_mark_t *mark, apr_time_t heard_at);

/* How far the clock of an issuer may be ahead: as much as OAuth2RSLeeway takes. A token that is
 * revoked may have been issued so much later by its iat, and is younger than the mark for it. */
#define RS_MARK_AHEAD_MAX apr_time_from_sec(600)

/* Nothing that it covers is younger than the retention any more: it may be forgotten. */
bool rs_mark_is_spent(apr_time_t counts_from, apr_interval_time_t retention, apr_time_t now);

/* As it travels: format byte 1 ‖ 32 bytes digest ‖ 8 bytes not_before in microseconds, most
 * significant first. */
#define RS_MARK_BYTES (1 + RS_SHA256_BYTES + 8)
void rs_mark_encode(const rs_mark_t *mark, unsigned char bytes[RS_MARK_BYTES]);
bool rs_mark_decode(rs_mark_t *mark, const unsigned char *bytes, apr_size_t len);

#define RS_MARKS_OF_TOKEN 5
/* The digests under which this token may be marked; how many. */
unsigned rs_marks_of(const rs_presented_t *presented, const rs_principal_t *principal,
                     rs_sha256_t digests[RS_MARKS_OF_TOKEN], apr_pool_t *p);

/* Its iat; 0: it has none, so that every "not before" comes later. */
apr_time_t rs_mark_issued_at(const rs_principal_t *principal);

#endif
