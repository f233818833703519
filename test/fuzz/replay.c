/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Each file of the corpus once: what `make check` does with a fuzz target. Truncations come along.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX (1 << 20)

static unsigned replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = malloc(BYTES_MAX);
    size_t len, cut;

    if (!file || !bytes) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        exit(1);
    }
    len = fread(bytes, 1, BYTES_MAX, file);
    fclose(file);
    LLVMFuzzerTestOneInput(bytes, len);
    for (cut = 0; cut < len; cut += 1 + len / 64)
        LLVMFuzzerTestOneInput(bytes, cut);
    free(bytes);
    return 1;
}

int main(void)
{
    DIR *folder = opendir(FUZZ_CORPUS);
    struct dirent *entry;
    char path[4096];
    unsigned count = 0;

    if (!folder) {
        fprintf(stderr, "replay: no folder %s\n", FUZZ_CORPUS);
        return 1;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", FUZZ_CORPUS, entry->d_name);
        count += replay(path);
    }
    closedir(folder);
    printf("%u files\n", count);
    return count ? 0 : 1;
}
