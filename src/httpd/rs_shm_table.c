/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A table of small values in anonymous shared memory: linear probing within a window, all of which
 * is looked at, so that slots fall free by the clock alone and removal needs no tombstones. */
#include "httpd/rs_shm_table.h"

#include <apr_shm.h>
#include <apr_strings.h>
#include <stddef.h>
#include <string.h>

/* One slot in shared memory; the value takes value_bytes_max. */
typedef struct {
    apr_time_t expires; /* 0: free */
    unsigned char len;
    unsigned char key[RS_SHA256_BYTES];
    unsigned char value[];
} slot_t;

struct rs_shm_table_t {
    unsigned char *slots;
    apr_size_t slot_bytes;
    apr_uint32_t count, window;
    rs_shm_table_config_t config;
};

typedef struct {
    const rs_sha256_t *key;
    const unsigned char *value;
    apr_size_t len;
    apr_time_t expires;
} item_t;

apr_status_t rs_shm_table_create(rs_shm_table_t **table, const rs_shm_table_config_t *config,
                                 apr_pool_t *p)
{
    rs_shm_table_t *made = apr_pcalloc(p, sizeof *made);
    apr_shm_t *shm;
    apr_size_t count;
    apr_status_t status;

    if (config->value_bytes_max > RS_SHM_VALUE_BYTES_MAX)
        return APR_EINVAL;
    made->config = *config;
    made->slot_bytes = APR_ALIGN_DEFAULT(offsetof(slot_t, value) + config->value_bytes_max);
    count = config->bytes / made->slot_bytes;
    if (count < 1 || count > APR_UINT32_MAX)
        return APR_EINVAL;
    made->count = (apr_uint32_t)count;
    made->window = made->count < RS_SHM_PROBES_MAX ? made->count : RS_SHM_PROBES_MAX;
    /* The segment goes with p. */
    status = apr_shm_create(&shm, count * made->slot_bytes, NULL, p);
    if (status != APR_SUCCESS)
        return status;
    made->slots = apr_shm_baseaddr_get(shm);
    memset(made->slots, 0, count * made->slot_bytes);
    *table = made;
    return APR_SUCCESS;
}

apr_uint32_t rs_shm_table_slots(const rs_shm_table_t *table)
{
    return table->count;
}

static apr_uint32_t first_slot(const rs_shm_table_t *table, const rs_sha256_t *key)
{
    apr_uint64_t mixed;

    memcpy(&mixed, key->bytes, sizeof mixed);
    mixed = (mixed ^ table->config.seed[0]) * (table->config.seed[1] | 1);
    return (apr_uint32_t)(((mixed >> 32) * table->count) >> 32);
}

/* The slot where the key lives, or NULL; *vacant is the first one that is free or past its time, or
 * NULL. */
static slot_t *find(const rs_shm_table_t *table, const rs_sha256_t *key, apr_time_t now,
                    slot_t **vacant)
{
    apr_uint32_t at = first_slot(table, key), probe;

    *vacant = NULL;
    for (probe = 0; probe < table->window; probe++) {
        slot_t *slot = (slot_t *)(void *)(table->slots + at * table->slot_bytes);
        if (slot->expires <= now) {
            if (!*vacant)
                *vacant = slot;
        }
        else if (memcmp(slot->key, key->bytes, RS_SHA256_BYTES) == 0)
            return slot;
        at = at + 1 < table->count ? at + 1 : 0;
    }
    return NULL;
}

/* Everything written before is there when the time is: the writer may be killed between any two
 * instructions. */
static void set_expires(slot_t *slot, apr_time_t expires)
{
    __atomic_store_n(&slot->expires, expires, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static void write_value(slot_t *slot, const item_t *item)
{
    slot->len = (unsigned char)item->len;
    if (item->len)
        memcpy(slot->value, item->value, item->len);
    set_expires(slot, item->expires);
}

static void occupy(slot_t *slot, const item_t *item)
{
    /* Free first: a clock set back must not revive half of what stood here. */
    set_expires(slot, 0);
    memcpy(slot->key, item->key->bytes, RS_SHA256_BYTES);
    write_value(slot, item);
}

static bool acceptable(const rs_shm_table_t *table, const item_t *item, apr_time_t now)
{
    return item->len <= table->config.value_bytes_max && item->expires > now;
}

apr_status_t rs_shm_table_fetch(rs_shm_table_t *table, const rs_sha256_t *key,
                                const unsigned char **value, apr_size_t *len, apr_time_t now,
                                apr_pool_t *p)
{
    unsigned char copy[RS_SHM_VALUE_BYTES_MAX];
    slot_t *slot, *vacant;
    apr_status_t status = rs_shm_lock_acquire(table->config.lock);

    if (status != APR_SUCCESS)
        return status;
    slot = find(table, key, now, &vacant);
    if (slot) {
        *len =
            slot->len <= table->config.value_bytes_max ? slot->len : table->config.value_bytes_max;
        memcpy(copy, slot->value, *len);
    }
    rs_shm_lock_release(table->config.lock);
    if (!slot)
        return APR_NOTFOUND;
    *value = apr_pmemdup(p, copy, *len);
    return APR_SUCCESS;
}

apr_status_t rs_shm_table_store(rs_shm_table_t *table, const rs_sha256_t *key,
                                const unsigned char *value, apr_size_t len, apr_time_t expires,
                                apr_time_t now)
{
    const item_t item = { key, value, len, expires };
    slot_t *slot, *vacant;
    apr_status_t status;

    if (!acceptable(table, &item, now))
        return APR_EINVAL;
    if ((status = rs_shm_lock_acquire(table->config.lock)) != APR_SUCCESS)
        return status;
    slot = find(table, key, now, &vacant);
    if (slot)
        write_value(slot, &item);
    else if (vacant)
        occupy(vacant, &item);
    else
        status = APR_ENOSPC;
    rs_shm_lock_release(table->config.lock);
    return status;
}

apr_status_t rs_shm_table_add(rs_shm_table_t *table, const rs_sha256_t *key,
                              const unsigned char *value, apr_size_t len, apr_time_t expires,
                              apr_time_t now)
{
    const item_t item = { key, value, len, expires };
    slot_t *vacant;
    apr_status_t status;

    if (!acceptable(table, &item, now))
        return APR_EINVAL;
    if ((status = rs_shm_lock_acquire(table->config.lock)) != APR_SUCCESS)
        return status;
    if (find(table, key, now, &vacant))
        status = APR_EEXIST;
    else if (vacant)
        occupy(vacant, &item);
    else
        status = APR_ENOSPC;
    rs_shm_lock_release(table->config.lock);
    return status;
}

apr_status_t rs_shm_table_remove(rs_shm_table_t *table, const rs_sha256_t *key,
                                 const unsigned char *value, apr_size_t len, apr_time_t now)
{
    slot_t *slot, *vacant;
    apr_status_t status = rs_shm_lock_acquire(table->config.lock);

    if (status != APR_SUCCESS)
        return status;
    slot = find(table, key, now, &vacant);
    if (slot && (!value || (slot->len == len && memcmp(slot->value, value, len) == 0)))
        set_expires(slot, 0);
    else
        status = APR_NOTFOUND;
    rs_shm_lock_release(table->config.lock);
    return status;
}
