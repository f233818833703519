/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Everything the client presented, gathered once. */
#ifndef RS_PRESENTED_H
#define RS_PRESENTED_H

#include <apr_pools.h>
#include <stdbool.h>

typedef enum { RS_SCHEME_BEARER } rs_scheme_t;

typedef struct {
    rs_scheme_t scheme;
    const char *token;
    apr_size_t token_len;
    bool elsewhere;          /* it was not in the Authorization header */
    const char *fingerprint; /* rs_token_fingerprint(), for the log */
} rs_presented_t;

/* RFC 6750 2.1: b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=" */
bool rs_token_is_b64token(const char *text, apr_size_t len);

#endif
