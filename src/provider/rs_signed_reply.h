/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Introspection replies that the issuer signs, and may encrypt to us (RFC 9701). */
#ifndef RS_SIGNED_REPLY_H
#define RS_SIGNED_REPLY_H

#include "provider/rs_decryption.h"
#include "provider/rs_jwt.h"

#define RS_SIGNED_REPLY_TYPE "application/token-introspection+jwt"

typedef struct {
    rs_jwt_issuer_t issuer;
    rs_decryption_t *decryption;  /* ours; NULL: none */
    apr_time_t asked_at, come_at; /* the question, and the reply to it */
} rs_signed_reply_t;

/* The member token_introspection of a reply whose typ, signature, iss, aud and iat are right; NULL
 * with a sentence. Lives as long as p. */
const rs_json_t *rs_signed_reply_open(const rs_signed_reply_t *reply, const char *body,
                                      apr_size_t len, const char **why, apr_pool_t *p);

#endif
