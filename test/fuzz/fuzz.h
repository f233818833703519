/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A target: foreign bytes go into one parser; whatever it says, nothing breaks. The same source is driven by
 * libFuzzer (test/fuzz/run) and by the replay of the corpus in `make check`. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
