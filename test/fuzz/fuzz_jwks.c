/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A key set as an issuer or a file has it. */
#include "fuzz.h"
#include "jose/rs_jwks.h"

#include <apr_general.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static apr_pool_t *root;
    const char *why;
    apr_pool_t *p;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&p, root);
    rs_jwks_parse((const char *)bytes, len, &why, p);
    rs_jwk_private((const char *)bytes, len, &why, p);
    apr_pool_destroy(p);
    return 0;
}
