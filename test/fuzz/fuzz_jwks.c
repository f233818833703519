/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A key set as an issuer or a file has it. */
#include "fuzz.h"
#include "jose/rs_jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *why;
    apr_pool_t *p = fuzz_pool();

    rs_jwks_parse((const char *)bytes, len, &why, p);
    rs_jwk_private((const char *)bytes, len, &why, p);
    apr_pool_destroy(p);
    return 0;
}
