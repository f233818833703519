/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The WWW-Authenticate we answer with (RFC 6750 section 3, RFC 9470 section 3, RFC 9728
 * section 5.1). */
#ifndef RS_CHALLENGE_H
#define RS_CHALLENGE_H

#include <apr_pools.h>

/* NULL members are left out. The order on the wire is the order here. */
typedef struct {
    const char *scheme; /* "Bearer" */
    const char *realm;
    const char *error;
    const char *error_description;
    const char *scope;
    const char *acr_values;
    const char *max_age;
    const char *resource_metadata;
} rs_challenge_t;

/* One challenge. realm is escaped; in the others bytes that RFC 6750 section 3 does not allow
 * become '?'. */
const char *rs_challenge_format(const rs_challenge_t *challenge, apr_pool_t *p);

#endif
