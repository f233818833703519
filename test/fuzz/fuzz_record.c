/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A cached verdict that somebody has changed. */
#include "fuzz.h"
#include "token/rs_record.h"

#include <apr_general.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    rs_record_t record;
    /* A block of exactly this size, so that a byte too far is seen. */
    unsigned char *copy = malloc(len ? len : 1);

    memcpy(copy, bytes, len);
    if (rs_record_decode(copy, len, &record) == APR_SUCCESS &&
        rs_verdict_is_accepted(&record.verdict)) {
        rs_claim_t claim = rs_claims_get(&record.principal.claims, "sub");
        if (!record.principal.user || strlen(record.principal.user) > len || claim.len > len)
            abort();
    }
    free(copy);
    return 0;
}
