/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A target: foreign bytes go into one parser; whatever it says, nothing breaks. The same source is
 * driven by libFuzzer (test/fuzz/run) and by the replay of the corpus in `make check`. */
#ifndef FUZZ_H
#define FUZZ_H

#include <apr_general.h>
#include <apr_pools.h>
#include <stddef.h>
#include <stdint.h>

/* A pool for one input, to be destroyed behind it. */
static inline apr_pool_t *fuzz_pool(void)
{
    static apr_pool_t *root;
    apr_pool_t *p;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
    }
    apr_pool_create(&p, root);
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
