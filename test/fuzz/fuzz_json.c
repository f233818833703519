/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* JSON, and the flat block that is made of it. */
#include "fuzz.h"
#include "token/rs_claims.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const rs_json_t *json;
    const char *why;
    apr_pool_t *p = fuzz_pool();

    json = rs_json_object((const char *)bytes, len, &rs_json_token_limits, &why, p);
    if (json) {
        rs_claims_t claims = rs_claims_from_json(json, p);
        rs_claim_t all = rs_claims_root(&claims);
        if (!rs_claims_well_formed(claims.bytes, claims.len) || !rs_claim_json(&all, p))
            abort();
    }
    (void)rs_claims_well_formed(bytes, len);
    apr_pool_destroy(p);
    return 0;
}
