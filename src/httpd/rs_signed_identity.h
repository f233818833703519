/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Identity that an application can verify for itself: a JWT of our own in a header
 * (OAuth2RSSignedIdentity), signed with the key of OAuth2RSIdentityKey, and the key set to verify
 * it with (SetHandler oauth2-rs-jwks). */
#ifndef RS_SIGNED_IDENTITY_H
#define RS_SIGNED_IDENTITY_H

#include "base/rs_source.h"
#include "jose/rs_jwk.h"

#include <httpd.h>
#include <http_config.h>

/* Of the main server; constant after post_config. */
typedef struct {
    rs_source_t source;              /* .value NULL: not configured */
    const char *issuer;              /* the iss of our JWTs */
    const ap_directive_t *directive; /* for messages: file and line */
    apr_pool_t *pool;                /* where the key lives */
    const rs_jwk_t *key;
    const rs_alg_t *alg;
    const char *header; /* members of the JOSE header besides alg */
    const char *jwks;   /* what the handler serves */
} rs_identity_key_t;

/* Of a Location. */
typedef struct {
    const char *header; /* NULL: off */
    const char *audience;
} rs_signed_identity_t;

const char *rs_identity_key_set(cmd_parms *cmd, void *dir, const char *source, const char *issuer);
const char *rs_signed_identity_set(cmd_parms *cmd, void *dir, const char *header,
                                   const char *audience);

/* In post_config: read the key. NULL is fine, else a sentence. */
const char *rs_identity_key_load(rs_identity_key_t *key, apr_pool_t *p);

/* fixups, behind rs_identity_fixups_hook(): the header. */
int rs_signed_identity_fixups_hook(request_rec *r);
/* The handler oauth2-rs-jwks. */
int rs_signed_identity_handler(request_rec *r);

#endif
