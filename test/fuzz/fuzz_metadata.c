/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What an issuer says about itself. */
#include "fuzz.h"
#include "provider/rs_metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    rs_metadata_document_t document;
    const char *why;
    rs_provider_spec_t *spec;
    apr_pool_t *p = fuzz_pool();

    spec = rs_provider_spec_create("fuzz", p);
    spec->policy.issuer = "https://login.example.com";
    spec->introspection.auth = len % 2 ? RS_CLIENT_AUTH_TLS : RS_CLIENT_AUTH_NONE;
    rs_metadata_parse(&document, (const char *)bytes, len, spec, &why, p);
    apr_pool_destroy(p);
    return 0;
}
