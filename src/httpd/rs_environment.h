/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What the application learns of every token, and what it may be kept from. */
#ifndef RS_ENVIRONMENT_H
#define RS_ENVIRONMENT_H

#include <httpd.h>

/* fixups, before rs_identity_fixups_hook(), which may say otherwise: OAUTH2_ISSUER, OAUTH2_SUBJECT,
 * OAUTH2_CLIENT_ID, OAUTH2_SCOPE, OAUTH2_EXPIRES. */
int rs_environment_fixups_hook(request_rec *r);

/* fixups: OAuth2RSForwardToken off. */
int rs_environment_keep_token_hook(request_rec *r);

#endif
