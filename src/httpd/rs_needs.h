/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What the Require lines of a request ask for, as one scope set for the challenge (RFC 6750 section
 * 3). */
#ifndef RS_NEEDS_H
#define RS_NEEDS_H

#include "httpd/rs_require.h"

typedef struct {
    const char *scope; /* everything needed, what is granted included; "": no scope is asked for */
    unsigned missing;  /* how many of them are not granted */
    unsigned beyond;   /* unmet lines that nothing the client can ask for would help */
    unsigned step_up;  /* unmet lines that a new authentication would help (RFC 9470) */
    const char *acr_values; /* for the challenge; NULL: none asked */
    const char *max_age;
    const rs_require_t *failed; /* the first unmet line on the cheapest way; NULL: none of ours */
} rs_needs_t;

/* lines: const rs_require_t *. All lines of a RequireAll are needed; of a RequireAny the
 * alternative with fewest missing; negated lines never. principal NULL: nobody yet. */
rs_needs_t rs_needs_of(const apr_array_header_t *lines, const rs_principal_t *principal,
                       request_rec *r);

#endif
