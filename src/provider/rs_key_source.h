/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* One place keys come from: an address of the issuer or a file. Remembers the last text that was
 * good. Used by one thread at a time. */
#ifndef RS_KEY_SOURCE_H
#define RS_KEY_SOURCE_H

#include "base/rs_watched_file.h"
#include "jose/rs_jwks.h"
#include "net/rs_http.h"

typedef struct {
    rs_watched_file_t file; /* .path NULL: an address */
    const char *url;        /* NULL with path NULL: the one that the metadata names */
    char *text;             /* malloc'ed; NULL: never had */
    apr_size_t len;
    apr_time_t fetched_at;     /* of an address: when the text was had, by whomever; 0: never */
    apr_interval_time_t fresh; /* how long it is good for, by its own word; -1: it says nothing */
    bool failing;              /* the last fetch was no success */
} rs_key_source_t;

/* Read the file if it has changed since; *changed says so, also of a version that is of no use,
 * which changes nothing: then *why is a sentence. *remarks: what was skipped, "" for nothing. */
apr_status_t rs_key_source_read(rs_key_source_t *source, bool *changed, const char **why,
                                const char **remarks, apr_pool_t *ptemp);

typedef struct {
    rs_http_t *http;
    const rs_http_peer_t *peer;
    const char *url;
} rs_key_fetch_t;

/* Likewise a text that is at hand. */
apr_status_t rs_key_source_take(rs_key_source_t *source, const char *text, apr_size_t len,
                                const char **why, const char **remarks, apr_pool_t *ptemp);

/* Likewise from the issuer. *fresh is how long the reply says it is good for; -1: it says nothing.
 */
apr_status_t rs_key_source_fetch(rs_key_source_t *source, const rs_key_fetch_t *fetch,
                                 apr_interval_time_t *fresh, const char **why, const char **remarks,
                                 apr_pool_t *ptemp);

/* Cache-Control max-age less Age (RFC 9111 4.2); no-store and no-cache are 0. -1: nothing is said.
 */
apr_interval_time_t rs_http_freshness(const rs_http_response_t *response);

#endif
