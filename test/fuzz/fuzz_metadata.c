/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What an issuer says about itself. */
#include "fuzz.h"
#include "provider/rs_metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    rs_metadata_document_t document;
    const char *why;
    apr_pool_t *p = fuzz_pool();

    rs_metadata_parse(&document, (const char *)bytes, len, "https://login.example.com", len % 2,
                      &why, p);
    apr_pool_destroy(p);
    return 0;
}
