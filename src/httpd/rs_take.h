/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Find the token of a request, and the conditions under which a token may travel. */
#ifndef RS_TAKE_H
#define RS_TAKE_H

#include "httpd/rs_places.h"
#include "token/rs_outcome.h"
#include "token/rs_presented.h"

#include <httpd.h>

/* RS_TOKEN_ACCEPTED: exactly one token, in *presented. RS_TOKEN_ABSENT, RS_TOKEN_AMBIGUOUS,
 * RS_REQUEST_MALFORMED or RS_TOKEN_MALFORMED otherwise (RFC 6750 sections 2 and 3.1). *place is
 * where it is, or what is malformed. */
rs_outcome_t rs_take(rs_presented_t *presented, rs_place_t *place, request_rec *r);

/* Does Authorization hold credentials of our scheme, whether they are looked at here or not? */
bool rs_take_sees_bearer(const request_rec *r);

/* May a token travel on this connection (RFC 6750 section 5.3)? TLS; a ServerName with https, by
 * which the operator says that an offloader stands in front; or a loopback peer that is no proxy.
 */
bool rs_transport_is_protected(const request_rec *r);

/* Does a program on this host send it, over loopback and through no proxy? */
bool rs_comes_from_this_host(const request_rec *r);

#endif
