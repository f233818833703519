/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* URLs of issuers and endpoints: https, or plain http towards loopback only. */
#ifndef RS_URL_H
#define RS_URL_H

#include <apr_pools.h>
#include <stdbool.h>

typedef struct {
    const char *scheme; /* lower case */
    const char *host;   /* without brackets */
    int port;           /* the scheme's own when not written */
    const char *path;   /* "" when not written; with query */
    const char *origin; /* scheme://host[:port], the port only when it is not the scheme's own */
} rs_url_t;

/* Take an absolute http or https URL apart. NULL is fine, else a sentence (without the configured
 * name, which the caller puts before it): no host, userinfo, fragment, control bytes, too long,
 * other scheme. */
const char *rs_url_parse(rs_url_t *url, const char *text, apr_pool_t *p);

/* As above, and the connection must be protected: https, or http to 127.0.0.0/8, ::1 or localhost.
 */
const char *rs_url_check_endpoint(const char *text, apr_pool_t *p);

bool rs_url_is_loopback(const rs_url_t *url);

/* application/x-www-form-urlencoded (WHATWG/RFC 6749 appendix B). */
const char *rs_form_encode(const char *text, apr_pool_t *p);

#endif
