/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What an issuer says about itself: RFC 8414, then OpenID Connect Discovery 1.0. */
#ifndef RS_METADATA_H
#define RS_METADATA_H

#include "provider/rs_provider_spec.h"
#include "provider/rs_services.h"

/* The URLs we use. Immutable; NULL members were not named or are not acceptable. */
typedef struct {
    const char *jwks_uri;
    const char *introspection_endpoint;
    apr_time_t fetched_at; /* by whomever */
} rs_metadata_document_t;

/* Check a document: its issuer must be the configured one (RFC 8414 3.3), its URLs must be
 * protected. Where our certificate proves who we are, what the issuer has set aside for such
 * clients goes before (RFC 8705 5). *why is a sentence when the answer is not APR_SUCCESS. */
apr_status_t rs_metadata_parse(rs_metadata_document_t *document, const char *text, apr_size_t len,
                               const rs_provider_spec_t *spec, const char **why, apr_pool_t *p);

/* The places to look, in order: RFC 8414 section 3.1 inserts the well-known part before the path,
 * OpenID Connect appends it; servers do either with both. NULL-terminated. */
const char *const *rs_metadata_places(const char *issuer, apr_pool_t *p);

typedef struct rs_metadata_t rs_metadata_t;

apr_status_t rs_metadata_create(rs_metadata_t **metadata, const rs_provider_spec_t *spec,
                                const rs_services_t *services, apr_pool_t *p);

/* The document, copied into p; fetched when there is none or it is old. A document that could be
 * had before keeps serving when fetching fails. *why is a sentence on failure, which is another's
 * with APR_EAGAIN: nobody was asked for this caller, because somebody asks already, or after a
 * failure, when the issuer is left alone for a moment. */
apr_status_t rs_metadata_get(rs_metadata_t *metadata, rs_metadata_document_t *document,
                             apr_time_t now, const char **why, apr_pool_t *p);

#endif
