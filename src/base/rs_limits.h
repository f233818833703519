/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Every bound on bytes that come from outside, by name. Compare before allocating.
 * Units end the name; a bound without a unit counts things. */
#ifndef RS_LIMITS_H
#define RS_LIMITS_H

/* The token as presented. httpd's own LimitRequestFieldSize (8190) is usually met first. */
#define RS_TOKEN_BYTES_MAX (32 * 1024)
#define RS_JOSE_HEADER_BYTES_MAX (4 * 1024)
#define RS_KID_BYTES_MAX 256

/* JSON inside a token: header and claims. */
#define RS_TOKEN_JSON_DEPTH_MAX 16
#define RS_TOKEN_JSON_VALUES_MAX 2048

/* JSON from an endpoint or a file: key sets, metadata, introspection replies. */
#define RS_DOCUMENT_BYTES_MAX (1024 * 1024)
#define RS_DOCUMENT_JSON_DEPTH_MAX 32
#define RS_DOCUMENT_JSON_VALUES_MAX 65536

#define RS_KEYS_PER_SET_MAX 256
#define RS_KEYS_TRIED_PER_TOKEN_MAX 16
#define RS_RSA_BITS_MIN 2048
#define RS_RSA_BITS_MAX 16384

/* HTTP replies of an issuer. */
#define RS_INTROSPECTION_BYTES_MAX (256 * 1024)
#define RS_METADATA_BYTES_MAX (256 * 1024)
#define RS_JWKS_BYTES_MAX (1024 * 1024)
#define RS_HTTP_HEADER_BYTES_MAX 1024
#define RS_HTTP_HEADERS_BYTES_MAX (64 * 1024) /* all of a reply, interim replies with it */
#define RS_URL_BYTES_MAX 2048

/* A form that may hold a token; a larger one is handed on unread. */
#define RS_FORM_BYTES_MAX (64 * 1024)

/* A claim as a variable or header for the application. */
#define RS_IDENTITY_BYTES_MAX 4096

/* Secrets and key files named in the configuration. */
#define RS_SECRET_BYTES_MAX (64 * 1024)
#define RS_CACHE_SECRET_BYTES_MIN 32

/* A cached verdict; a larger one is judged anew each time. */
#define RS_RECORD_BYTES_MAX (64 * 1024)
#define RS_SCOPES_PER_TOKEN_MAX 1024 /* a token with so many or more is refused */

/* Revocation marks in one process: some 10 MiB. */
#define RS_MARKS_MAX 100000

/* A reply of Redis: the records are the largest thing we ever ask for. */
#define RS_REDIS_REPLY_BYTES_MAX (2 * 1024 * 1024)
#define RS_REDIS_REPLY_ELEMENTS_MAX 65536
#define RS_REDIS_REPLY_DEPTH_MAX 7
#define RS_SEALED_BYTES_MAX (RS_REDIS_REPLY_BYTES_MAX - 1024)

#define RS_REDIS_ADDRESSES_MAX 32 /* in one URL */
#define RS_REDIS_HOST_BYTES_MAX 253
#define RS_REDIS_DATABASE_MAX 16383
#define RS_REDIS_NODES_MAX 1024 /* masters of a cluster */
#define RS_REDIS_REDIRECTS_MAX 5

#endif
