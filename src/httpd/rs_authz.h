/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Authorization: the hooks around mod_authz_core that give OAuth's answers to its decisions. */
#ifndef RS_AUTHZ_H
#define RS_AUTHZ_H

#include <httpd.h>

/* check_access_ex, REALLY_FIRST: where negated lines decide, authenticate before they are looked
 * at; without a user they are neutral and httpd would grant. Likewise a token that no line needs
 * (OAuth2RSOptional). Answers OK to preflights alone (OAuth2RSPreflight). */
int rs_authz_access_hook(request_rec *r);

/* check_authz, REALLY_FIRST: run what follows ourselves, and turn a denial of somebody known into
 * 403. */
int rs_authz_hook(request_rec *r);

/* note_auth_failure: the challenge of a 401 that another module answers with. */
int rs_authz_note_hook(request_rec *r, const char *auth_type);

#endif
