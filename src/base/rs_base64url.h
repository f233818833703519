/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* base64url without padding (RFC 7515 section 2, RFC 4648 section 5), strict: no white space, no
 * padding, no foreign character, unused bits zero, so that one value has exactly one spelling. */
#ifndef RS_BASE64URL_H
#define RS_BASE64URL_H

#include <apr_pools.h>
#include <stdbool.h>

/* *out gets a NUL behind its len bytes. APR_EINVAL when text is not strict base64url. */
apr_status_t rs_base64url_decode(const char *text, apr_size_t text_len, unsigned char **out,
                                 apr_size_t *len, apr_pool_t *p);

const char *rs_base64url_encode(const unsigned char *bytes, apr_size_t len, apr_pool_t *p);

/* Ordinary base64 with padding, for HTTP Basic (RFC 7617) and x5c (RFC 7517 section 4.7). */
const char *rs_base64_encode(const unsigned char *bytes, apr_size_t len, apr_pool_t *p);
apr_status_t rs_base64_decode(const char *text, apr_size_t text_len, unsigned char **out,
                              apr_size_t *len, apr_pool_t *p);

#endif
