/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What an issuer says about itself. */
#include "fuzz.h"
#include "provider/rs_metadata.h"

#include <apr_general.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static apr_pool_t *root;
    rs_metadata_document_t document;
    const char *why;
    apr_pool_t *p;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&p, root);
    rs_metadata_parse(&document, (const char *)bytes, len, "https://login.example.com", &why, p);
    apr_pool_destroy(p);
    return 0;
}
