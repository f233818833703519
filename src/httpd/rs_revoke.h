/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The handler oauth2-rs-revoke: revokes what a form names, in all processes and on all hosts. */
#ifndef RS_REVOKE_H
#define RS_REVOKE_H

#include <httpd.h>

int rs_revoke_handler(request_rec *r);

#endif
