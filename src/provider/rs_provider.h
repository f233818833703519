/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A provider: our relation to one issuer. Built from a checked spec before the children fork,
 * constant from then on but for its keys and metadata, which have locks of their own. */
#ifndef RS_PROVIDER_H
#define RS_PROVIDER_H

#include "provider/rs_introspection.h"
#include "token/rs_presented.h"

typedef struct rs_provider_t rs_provider_t;

/* Read the key files and secrets of spec, as the user we are now. services may still be empty: each
 * child sets its members before the first question, and they stay; the cache may be NULL. NULL in
 * *why when the answer is APR_SUCCESS, else a sentence with the remedy. No network. Freed with p.
 */
apr_status_t rs_provider_create(rs_provider_t **provider, const rs_provider_spec_t *spec,
                                const rs_services_t *services, apr_time_t now, const char **why,
                                apr_pool_t *p);

const rs_provider_spec_t *rs_provider_spec(const rs_provider_t *provider);

/* For pages: how things are now in this process. */
typedef struct {
    rs_keys_state_t keys;
    unsigned waiting; /* for the issuer */
    bool introspects; /* else the next is empty */
    rs_introspection_state_t introspection;
} rs_provider_state_t;
rs_provider_state_t rs_provider_state(const rs_provider_t *provider, apr_time_t now);

/* Background work: keys and metadata that are due. From one thread of the process, at any interval.
 */
void rs_provider_tend(rs_provider_t *provider, apr_time_t now, apr_pool_t *ptemp);

/* Give back what was fetched: for a child that ends, since nobody clears the pool of creation
 * there. */
void rs_provider_forget(rs_provider_t *provider);

#define RS_TTL_UNLIMITED ((apr_interval_time_t)-1)

/* One question: is this token good here? */
typedef struct {
    rs_provider_t *const *providers; /* those of the Location */
    unsigned provider_count;
    const rs_presented_t *presented;
    const char *client; /* whose budget of inactive tokens is used; NULL: nobody's */
    apr_interval_time_t ttl_positive,
        ttl_negative; /* the Location's caps; RS_TTL_UNLIMITED: none; 0: ask anew */
} rs_question_t;

/* The verdict, alive as long as p. *by is the provider that judged, NULL when none did (unknown
 * issuer, malformed). A token is shown to at most one issuer, and only to the one it may belong to:
 * with several candidates the answer is RS_SERVER_MISCONFIGURED. Never blocks longer than the
 * providers' timeouts. */
rs_verdict_t rs_providers_judge(const rs_question_t *question, const rs_provider_t **by,
                                apr_time_t now, apr_pool_t *p);

#endif
