/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Verdicts for tests. */
#include "verdicts.h"

#include <stdlib.h>
#include <string.h>

rs_verdict_t verdict_accepted(const char *user, bool introspected, apr_time_t now,
                              apr_time_t valid_until, apr_pool_t *p)
{
    static const char claims[] = "{\"iss\":\"https://issuer.example\"}";
    rs_principal_t *principal = apr_pcalloc(p, sizeof *principal);
    const rs_json_t *json = rs_json_object(claims, strlen(claims), &rs_json_token_limits, NULL, p);
    rs_verdict_t verdict;

    if (!json)
        abort();
    principal->user = user;
    principal->subject = user;
    principal->issuer = "https://issuer.example";
    principal->scope = rs_scope_from_text("read write", p);
    principal->claims = rs_claims_from_json(json, p);
    verdict = rs_accept(principal, now, valid_until);
    verdict.introspected = introspected;
    return verdict;
}

rs_verdict_t verdict_inactive(apr_time_t now)
{
    rs_verdict_t verdict = rs_refuse(RS_TOKEN_INACTIVE, "not active", now);

    verdict.introspected = true;
    return verdict;
}
