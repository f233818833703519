/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Claims in httpd's expressions. A path that is written as it stands is compiled with the
 * configuration. */
#include "httpd/rs_expr.h"
#include "httpd/rs_request.h"

#include <apr_strings.h>
#include <string.h>

static rs_claim_t claim_of(const ap_expr_eval_ctx_t *ctx, const rs_claim_path_t *compiled,
                           const char *written)
{
    const rs_principal_t *principal = ctx->r ? rs_request_principal(ctx->r) : NULL;
    rs_claim_t none = { .type = RS_JSON_ABSENT };
    rs_claim_path_t path;

    if (!principal)
        return none;
    if (compiled)
        return rs_claims_at(&principal->claims, compiled);
    if (!written || rs_claim_path_compile(&path, written, ctx->p))
        return none;
    return rs_claims_at(&principal->claims, &path);
}

/* A string as it is, anything else as JSON; a string that holds a NUL is nothing: it would be
 * compared as less than it is. */
static const char *text_of(const rs_claim_t *claim, apr_pool_t *p)
{
    switch (claim->type) {
    case RS_JSON_ABSENT:
    case RS_JSON_NULL:
        return "";
    case RS_JSON_STRING:
        return strlen(claim->text) == claim->len ? claim->text : "";
    default:
        return rs_claim_json(claim, p);
    }
}

static const char *one_claim(ap_expr_eval_ctx_t *ctx, const void *data, const char *argument)
{
    rs_claim_t claim = claim_of(ctx, data, argument);

    return text_of(&claim, ctx->p);
}

static apr_array_header_t *all_claims(ap_expr_eval_ctx_t *ctx, const void *data,
                                      const char *argument)
{
    rs_claim_t claim = claim_of(ctx, data, argument), element;
    apr_array_header_t *list = apr_array_make(ctx->p, 4, sizeof(const char *));
    rs_claim_iter_t it;

    if (claim.type != RS_JSON_ARRAY) {
        if (claim.type != RS_JSON_ABSENT && claim.type != RS_JSON_NULL)
            APR_ARRAY_PUSH(list, const char *) = text_of(&claim, ctx->p);
        return list;
    }
    it = rs_claim_iterate(&claim);
    while (rs_claim_next(&it, &element, NULL))
        APR_ARRAY_PUSH(list, const char *) = text_of(&element, ctx->p);
    return list;
}

int rs_expr_lookup_hook(ap_expr_lookup_parms *parms)
{
    rs_claim_path_t *path;
    const char *trouble;

    if (parms->type == AP_EXPR_FUNC_STRING && strcasecmp(parms->name, "oauth2_claim") == 0)
        *parms->func = (const void *)one_claim;
    else if (parms->type == AP_EXPR_FUNC_LIST && strcasecmp(parms->name, "oauth2_claims") == 0)
        *parms->func = (const void *)all_claims;
    else
        return DECLINED;
    *parms->data = NULL;
    if (!parms->arg)
        return OK;
    path = apr_palloc(parms->pool, sizeof *path);
    trouble = rs_claim_path_compile(path, apr_pstrdup(parms->pool, parms->arg), parms->pool);
    if (trouble) {
        *parms->err = apr_psprintf(parms->pool, "the claim path \"%s\" %s", parms->arg, trouble);
        return !OK;
    }
    *parms->data = path;
    return OK;
}
