/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Authentication: from a request to a principal. */
#ifndef RS_AUTHN_H
#define RS_AUTHN_H

#include <httpd.h>

/* Judge what the request presents. OK: r->user is set and rs_request_principal() answers. Else the
 * status, with the answer composed. Judges once: a request that was judged is not judged again. */
int rs_authn(request_rec *r);

/* The check_authn hook. */
int rs_authn_hook(request_rec *r);

#endif
