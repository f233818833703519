/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What an administrator wrote about one issuer: the draft that directives fill in, and its check.
 * Checked specs become providers (rs_provider.h) and are never changed again. */
#ifndef RS_PROVIDER_SPEC_H
#define RS_PROVIDER_SPEC_H

#include "base/rs_source.h"
#include "jose/rs_alg.h"
#include "net/rs_http.h"
#include "token/rs_policy.h"

#include <apr_tables.h>

typedef enum {
    RS_VALIDATE_AUTO,
    RS_VALIDATE_JWT,
    RS_VALIDATE_INTROSPECTION,
    RS_VALIDATE_BOTH
} rs_validate_t;

typedef enum {
    RS_CLIENT_AUTH_UNSET,
    RS_CLIENT_AUTH_BASIC,
    RS_CLIENT_AUTH_POST,
    RS_CLIENT_AUTH_SECRET_JWT,
    RS_CLIENT_AUTH_PRIVATE_KEY_JWT,
    RS_CLIENT_AUTH_TLS,
    RS_CLIENT_AUTH_BEARER,
    RS_CLIENT_AUTH_NONE
} rs_client_auth_method_t;

/* What the endpoint that is asked about tokens speaks. */
typedef enum {
    RS_INTROSPECTION_RFC7662,
    RS_INTROSPECTION_TOKENINFO,
    RS_INTROSPECTION_USERINFO
} rs_introspection_kind_t;

/* Where the issuer says what it is. */
typedef struct {
    bool off;
    const char *url; /* NULL with file NULL: the well-known places of the issuer */
    const char *file;
} rs_metadata_spec_t;

typedef struct {
    apr_array_header_t *urls;  /* const char *; empty with files empty: jwks_uri of the metadata */
    apr_array_header_t *files; /* const char *, absolute */
    apr_array_header_t *decryption_files; /* const char *, absolute: our private keys */
    rs_alg_set_t algorithms;
    rs_source_t shared_key; /* shared_key.value NULL: none */
    apr_interval_time_t refresh_min, refresh_max, stale_max, cooldown;
} rs_keys_spec_t;

typedef struct {
    const char *url; /* NULL: from the metadata */
    rs_introspection_kind_t kind;
    const char *unix_socket; /* where the URL's host listens; NULL: TCP */
    const char *client_id;
    rs_source_t client_secret; /* .value NULL: none */
    rs_client_auth_method_t auth;
    rs_source_t client_key;         /* of private_key_jwt; .value NULL: none */
    const rs_alg_t *client_key_alg; /* NULL: what the key is for */
    const char *assertion_audience; /* NULL: the issuer, or the endpoint: */
    bool assertion_for_endpoint;
    const char *params; /* "&name=value...", "" for none */
    bool params_hint;   /* token_type_hint is among them */
    bool signed_reply;  /* RFC 9701 is asked for and demanded */
    bool signed_reply_any_audience;
    apr_interval_time_t ttl_positive, ttl_negative, stale;
    unsigned breaker_failures; /* 0: never opens */
    apr_interval_time_t breaker_open;
    unsigned waiting_max; /* threads of one process; 0: half of them */
} rs_introspection_spec_t;

typedef struct {
    const char *name;
    rs_validate_t validate;
    rs_policy_t policy;
    rs_metadata_spec_t metadata;
    rs_keys_spec_t keys;
    rs_introspection_spec_t introspection;
    rs_http_peer_t peer;
    rs_source_t peer_key; /* of the client certificate; .value NULL: none */
} rs_provider_spec_t;

/* A draft with the defaults of the manual. */
rs_provider_spec_t *rs_provider_spec_create(const char *name, apr_pool_t *p);

/* What no single directive can see: what is missing, what contradicts. NULL is fine, else a
 * sentence with the remedy. Completes the draft with what follows from it. */
const char *rs_provider_spec_check(rs_provider_spec_t *spec, apr_pool_t *p);

/* Read what calls to the issuer need, as the user we are now: the key of the client certificate.
 * NULL is fine, else a sentence. */
const char *rs_provider_spec_load(rs_provider_spec_t *spec, apr_pool_t *p);

/* Is a token of no visible issuer a question for this provider's introspection endpoint? */
bool rs_provider_spec_introspects(const rs_provider_spec_t *spec);
/* Does it judge JWTs itself? */
bool rs_provider_spec_judges_jwts(const rs_provider_spec_t *spec);

/* How long a key set serves that says it is good for `fresh`; -1: it says nothing. */
apr_interval_time_t rs_keys_spec_interval(const rs_keys_spec_t *spec, apr_interval_time_t fresh);

/* Digest of the values that a verdict depends on: part of the cache key. No paths, no hosts of
 * ours, no names: two machines with one configuration agree, an edited configuration does not. */
void rs_provider_spec_fingerprint(const rs_provider_spec_t *spec, rs_sha256_t *fingerprint,
                                  apr_pool_t *p);

#endif
