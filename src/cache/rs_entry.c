/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Entries: a decoded record and its bytes in one block. */
#include "cache/rs_entry.h"
#include "base/rs_limits.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct rs_entry_t {
    atomic_uint references;
    apr_size_t bytes;
    rs_record_t record; /* its strings lead into what follows */
    max_align_t content[];
};

rs_entry_t *rs_entry_of_record(const unsigned char *bytes, apr_size_t len)
{
    rs_entry_t *entry;

    if (len > RS_RECORD_BYTES_MAX)
        return NULL;
    entry = malloc(sizeof *entry + len);
    if (!entry)
        return NULL;
    atomic_init(&entry->references, 1);
    entry->bytes = sizeof *entry + len;
    memcpy(entry->content, bytes, len);
    if (rs_record_decode((const unsigned char *)entry->content, len, &entry->record) !=
        APR_SUCCESS) {
        free(entry);
        return NULL;
    }
    return entry;
}

rs_entry_t *rs_entry_of_verdict(const rs_verdict_t *verdict, apr_pool_t *ptemp)
{
    const unsigned char *bytes;
    apr_size_t len;

    rs_record_encode(verdict, &bytes, &len, ptemp);
    return rs_entry_of_record(bytes, len);
}

rs_entry_t *rs_entry_retain(rs_entry_t *entry)
{
    atomic_fetch_add_explicit(&entry->references, 1, memory_order_relaxed);
    return entry;
}

void rs_entry_release(rs_entry_t *entry)
{
    if (entry && atomic_fetch_sub_explicit(&entry->references, 1, memory_order_acq_rel) == 1)
        free(entry);
}

static apr_status_t release_late(void *data)
{
    rs_entry_release(data);
    return APR_SUCCESS;
}

void rs_entry_release_with(rs_entry_t *entry, apr_pool_t *p)
{
    apr_pool_cleanup_register(p, entry, release_late, apr_pool_cleanup_null);
}

const rs_verdict_t *rs_entry_verdict(const rs_entry_t *entry)
{
    return &entry->record.verdict;
}

apr_size_t rs_entry_bytes(const rs_entry_t *entry)
{
    return entry->bytes;
}
