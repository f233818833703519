/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What the application learns, and that nobody else can tell it the same. */
#ifndef RS_ENVIRONMENT_H
#define RS_ENVIRONMENT_H

#include <httpd.h>

/* post_read_request: remove client-sent headers that look like ours, on every path. */
int rs_environment_scrub_hook(request_rec *r);

/* fixups: OAUTH2_ISSUER, OAUTH2_SUBJECT, OAUTH2_CLIENT_ID, OAUTH2_SCOPE, OAUTH2_EXPIRES. */
int rs_environment_fixups_hook(request_rec *r);

#endif
