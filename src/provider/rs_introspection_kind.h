/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What differs between the endpoints that can be asked about a token: RFC 7662, Google's tokeninfo,
 * and userinfo (OpenID Connect Core 5.3), which knows whose the token is and nothing else. */
#ifndef RS_INTROSPECTION_KIND_H
#define RS_INTROSPECTION_KIND_H

#include "base/rs_json.h"
#include "net/rs_http.h"
#include "provider/rs_client_auth.h"
#include "token/rs_presented.h"

/* What a call is made of. */
typedef struct {
    const rs_introspection_spec_t *spec;
    const rs_client_auth_t *auth;
    const rs_presented_t *presented;
    const char *endpoint;
    apr_time_t now;
} rs_asking_t;

/* Fill in form, accept and headers; what they hold lives as long as p. */
void rs_introspection_compose(const rs_asking_t *asking, rs_http_request_t *request, apr_pool_t *p);

/* Does a reply that is not 200 speak about the token, and not about us? Then why the token is
 * refused, for the log, as long as p; else NULL. */
const char *rs_introspection_refusal(const rs_introspection_spec_t *spec,
                                     const rs_http_response_t *response, apr_pool_t *p);

/* The body of a 200 as what RFC 7662 2.2 would say, as long as p. NULL: it is no such reply, *why
 * says what is wrong. */
const rs_json_t *rs_introspection_translate(rs_introspection_kind_t kind, const rs_json_t *reply,
                                            const char **why, apr_time_t now, apr_pool_t *p);

#endif
