/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Client authentication: one row each. */
#include "provider/rs_client_auth.h"
#include "base/rs_base64url.h"
#include "base/rs_url.h"

#include <apr_strings.h>
#include <string.h>

/* RFC 6749 2.3.1: both are form-encoded first, then joined for HTTP Basic. */
static void prove_basic(const rs_client_auth_t *auth, rs_client_proof_t *proof, apr_pool_t *p)
{
    const char *joined =
        apr_pstrcat(p, rs_form_encode(auth->id, p), ":", rs_form_encode(auth->secret, p), NULL);

    proof->authorization = apr_pstrcat(
        p, "Basic ", rs_base64_encode((const unsigned char *)joined, strlen(joined), p), NULL);
}

static void prove_post(const rs_client_auth_t *auth, rs_client_proof_t *proof, apr_pool_t *p)
{
    proof->fields = apr_pstrcat(p, "&client_id=", rs_form_encode(auth->id, p),
                                "&client_secret=", rs_form_encode(auth->secret, p), NULL);
}

/* Nothing is proved; the issuer may want to know who asks. */
static void prove_none(const rs_client_auth_t *auth, rs_client_proof_t *proof, apr_pool_t *p)
{
    if (auth->id)
        proof->fields = apr_pstrcat(p, "&client_id=", rs_form_encode(auth->id, p), NULL);
}

typedef struct {
    rs_client_auth_method_t method;
    void (*prove)(const rs_client_auth_t *auth, rs_client_proof_t *proof, apr_pool_t *p);
} method_t;

static const method_t methods[] = {
    { RS_CLIENT_AUTH_BASIC, prove_basic },
    { RS_CLIENT_AUTH_POST, prove_post },
    { RS_CLIENT_AUTH_NONE, prove_none },
};

rs_client_proof_t rs_client_auth_prove(const rs_client_auth_t *auth, apr_pool_t *p)
{
    rs_client_proof_t proof = { NULL, "" };
    unsigned i;

    for (i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (methods[i].method == auth->method)
            methods[i].prove(auth, &proof, p);
    }
    return proof;
}
