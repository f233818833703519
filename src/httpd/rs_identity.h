/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Claims that a Location hands to the application: OAuth2RSEnv as variables, OAuth2RSHeader as
 * headers of the request. */
#ifndef RS_IDENTITY_H
#define RS_IDENTITY_H

#include "token/rs_claims.h"

#include <httpd.h>
#include <http_config.h>

typedef enum { RS_FORM_JOIN, RS_FORM_JSON, RS_FORM_BASE64 } rs_identity_form_t;

typedef struct {
    const char *name;
    bool header; /* else a variable */
    bool off;    /* takes away what an outer section has */
    bool whole;  /* all claims, not one */
    rs_claim_path_t path;
    rs_identity_form_t form;
} rs_identity_t;

const char *rs_identity_set_env(cmd_parms *cmd, void *dir, const char *name, const char *claim);
const char *rs_identity_set_header(cmd_parms *cmd, void *dir, const char *name, const char *claim,
                                   const char *form);

/* By name: the inner section's stand in place of the outer one's. Either may be NULL. */
apr_array_header_t *rs_identity_merge(const apr_array_header_t *outer,
                                      const apr_array_header_t *inner, apr_pool_t *p);

/* fixups: headers that this or an earlier Location names are removed, then set from the token. */
int rs_identity_fixups_hook(request_rec *r);

#endif
