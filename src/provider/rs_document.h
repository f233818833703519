/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Documents of an issuer (key sets, metadata) that one process has fetched and others need not: in
 * the shared tier, which authenticates them. An optimisation: whoever finds none asks the issuer.
 */
#ifndef RS_DOCUMENT_H
#define RS_DOCUMENT_H

#include "provider/rs_provider_spec.h"
#include "provider/rs_services.h"

typedef struct {
    const char *text;
    apr_size_t len;
    apr_time_t fetched_at;     /* from the issuer, by whomever */
    apr_interval_time_t fresh; /* what its reply said; -1: nothing */
} rs_document_t;

typedef struct {
    const char *url;
    apr_interval_time_t age_max; /* of a document that is of use */
    const rs_provider_spec_t *spec;
    const rs_services_t *services;
} rs_document_place_t;

/* What was fetched from there after `after`. False: there is none that is young enough, or no
 * shared tier. *document lives as long as p, its text has a NUL behind it. */
bool rs_document_find(rs_document_t *document, const rs_document_place_t *place, apr_time_t after,
                      apr_time_t now, apr_pool_t *p);

/* Let others find it. */
void rs_document_share(const rs_document_t *document, const rs_document_place_t *place,
                       apr_time_t now, apr_pool_t *p);

#endif
