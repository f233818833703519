/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What distinguishes one Require word from another: a row each. */
#ifndef RS_REQUIRE_KINDS_H
#define RS_REQUIRE_KINDS_H

#include "httpd/rs_require.h"

#include <mod_auth.h>

/* What the client can do about an unmet line. */
typedef enum { RS_REMEDY_NONE, RS_REMEDY_SCOPE, RS_REMEDY_STEP_UP } rs_remedy_t;

struct rs_require_kind_t {
    const char *name;
    rs_remedy_t remedy;
    /* Check and prepare the arguments; NULL is fine, else a sentence. */
    const char *(*compile)(rs_require_t *line, cmd_parms *cmd);
    bool (*met)(const rs_require_t *line, const rs_principal_t *principal, request_rec *r);
    bool whole; /* the one argument is an expression as a whole: "%{" in it begins no argument of
                   its own */
};

/* NULL: no word of ours. */
const rs_require_kind_t *rs_require_kind_find(const char *name);

/* Between the registration, of one provider for all kinds, and what they share. words is what
 * stands behind the word of the kind. */
const char *rs_require_parse(cmd_parms *cmd, const char *words, const void **parsed);
authz_status rs_require_check(request_rec *r, const rs_require_t *line);

/* NULL: the expression failed or is empty, so the line denies. */
const char *rs_argument_value(const rs_argument_t *argument, request_rec *r);

/* Does any value of the claim satisfy one of the line's arguments? */
bool rs_require_claim_met(const rs_require_t *line, const rs_claim_t *claim, request_rec *r);

#endif
