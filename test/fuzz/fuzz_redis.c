/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What a Redis, or something in its place, sends. */
#include "cache/rs_redis_reply.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    rs_redis_reader_t *reader;
    const rs_redis_reply_t *reply;
    apr_pool_t *p = fuzz_pool();

    if (rs_redis_reader_create(&reader, p) == APR_SUCCESS) {
        rs_redis_reader_begin(reader, 64, 65536, p);
        if (rs_redis_reader_feed(reader, (const char *)bytes, len) == APR_SUCCESS) {
            while (rs_redis_reader_next(reader, &reply) == APR_SUCCESS)
                ;
        }
    }
    apr_pool_destroy(p);
    return 0;
}
