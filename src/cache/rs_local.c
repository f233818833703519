/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The local tier: shards of a lock, a hash table of chains and two rings each.
 *
 *   shard ── buckets[] ─▶ slot ─▶ slot        a lookup walks one chain of its bucket
 *         ├─ ring[VERDICTS]                   in the order of arrival; the hand of the second
 * chance goes round └─ ring[NEGATIVES]                  inactive tokens, so that garbage evicts
 * garbage only
 *
 * Second chance: a fetch sets `used`; the hand takes the mark away and passes by, or evicts what
 * has none. A newcomer begins without the mark: of a flood of tokens that are seen once each is
 * gone when the hand comes to it, and what is fetched between two rounds of the hand stays. */
#include "cache/rs_local.h"

#include <apr_ring.h>
#include <apr_thread_mutex.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SHARD_COUNT 32 /* a power of two */
#define BUCKETS_MIN 16
#define NEGATIVES_SHARE 8
#define PASSES_MAX 64 /* of the hand at one eviction: bounded time, whatever is marked */

typedef struct slot_t slot_t;
struct slot_t {
    APR_RING_ENTRY(slot_t) link;
    slot_t *next; /* in the bucket */
    rs_sha256_t key;
    rs_entry_t *entry;
    apr_time_t until;
    bool negative, used;
};
APR_RING_HEAD(slot_ring_t, slot_t);

typedef struct {
    apr_thread_mutex_t *lock;
    slot_t **buckets; /* grown as entries come */
    unsigned bucket_count, count[2];
    unsigned count_max[2];
    apr_size_t bytes, bytes_max, evictions;
    struct slot_ring_t ring[2]; /* [negative]; the hand is at the head */
} shard_t;

struct rs_local_t {
    shard_t shards[SHARD_COUNT];
};

static shard_t *shard_of(rs_local_t *local, const rs_sha256_t *key)
{
    return &local->shards[key->bytes[0] & (SHARD_COUNT - 1)];
}

static unsigned bucket_of(const shard_t *shard, const rs_sha256_t *key)
{
    unsigned hash;

    memcpy(&hash, key->bytes + 1, sizeof hash);
    return hash & (shard->bucket_count - 1);
}

/* ---- with the shard's lock held ---- */

static slot_t **find(shard_t *shard, const rs_sha256_t *key)
{
    slot_t **at = &shard->buckets[bucket_of(shard, key)];

    while (*at && !rs_sha256_equal(&(*at)->key, key))
        at = &(*at)->next;
    return at;
}

static apr_size_t slot_bytes(const slot_t *slot)
{
    return sizeof *slot + rs_entry_bytes(slot->entry);
}

static void drop(shard_t *shard, slot_t **at)
{
    slot_t *slot = *at;

    assert(slot);
    *at = slot->next;
    APR_RING_REMOVE(slot, link);
    shard->count[slot->negative]--;
    shard->bytes -= slot_bytes(slot);
    rs_entry_release(slot->entry);
    free(slot);
}

/* Make room of one in a ring: what is past its time or not used since the hand was here last. */
static void evict(shard_t *shard, bool negative, apr_time_t now)
{
    struct slot_ring_t *ring = &shard->ring[negative];
    unsigned passes;
    slot_t *slot;

    for (passes = 0; !APR_RING_EMPTY(ring, slot_t, link); passes++) {
        slot = APR_RING_FIRST(ring);
        if (slot->until <= now || !slot->used || passes >= PASSES_MAX)
            break;
        slot->used = false;
        APR_RING_REMOVE(slot, link);
        APR_RING_INSERT_TAIL(ring, slot, slot_t, link);
    }
    if (APR_RING_EMPTY(ring, slot_t, link))
        return;
    drop(shard, find(shard, &APR_RING_FIRST(ring)->key));
    shard->evictions++;
}

static void grow(shard_t *shard)
{
    unsigned old_count = shard->bucket_count, i;
    slot_t **old = shard->buckets, **grown = calloc((size_t)old_count * 2, sizeof *grown);

    if (!grown)
        return; /* longer chains, nothing worse */
    shard->buckets = grown;
    shard->bucket_count = old_count * 2;
    for (i = 0; i < old_count; i++) {
        while (old[i]) {
            slot_t *slot = old[i];
            slot_t **bucket = &grown[bucket_of(shard, &slot->key)];
            old[i] = slot->next;
            slot->next = *bucket;
            *bucket = slot;
        }
    }
    free(old);
}

static void insert(shard_t *shard, slot_t *slot)
{
    slot_t **bucket;

    if (shard->count[0] + shard->count[1] >= shard->bucket_count)
        grow(shard);
    bucket = &shard->buckets[bucket_of(shard, &slot->key)];
    slot->next = *bucket;
    *bucket = slot;
    APR_RING_INSERT_TAIL(&shard->ring[slot->negative], slot, slot_t, link);
    shard->count[slot->negative]++;
    shard->bytes += slot_bytes(slot);
}

/* Bytes are made free among one's own kind first: garbage pushes no one out of the verdicts. */
static void make_room(shard_t *shard, bool negative, apr_size_t bytes, apr_time_t now)
{
    while (shard->count[negative] >= shard->count_max[negative])
        evict(shard, negative, now);
    while (shard->bytes + bytes > shard->bytes_max && shard->count[negative])
        evict(shard, negative, now);
}

static void clear(shard_t *shard)
{
    unsigned kind;

    for (kind = 0; kind < 2; kind++) {
        while (!APR_RING_EMPTY(&shard->ring[kind], slot_t, link))
            drop(shard, find(shard, &APR_RING_FIRST(&shard->ring[kind])->key));
    }
}

/* ---- the interface ---- */

static apr_status_t shard_destroy(void *data)
{
    shard_t *shard = data;

    clear(shard);
    free(shard->buckets);
    return APR_SUCCESS;
}

static apr_status_t shard_init(shard_t *shard, const rs_local_config_t *config, apr_pool_t *p)
{
    unsigned negatives = config->entries_max / NEGATIVES_SHARE;
    apr_status_t status = apr_thread_mutex_create(&shard->lock, APR_THREAD_MUTEX_DEFAULT, p);

    if (status != APR_SUCCESS)
        return status;
    shard->count_max[false] = (config->entries_max + SHARD_COUNT - 1) / SHARD_COUNT;
    shard->count_max[true] = (negatives + SHARD_COUNT - 1) / SHARD_COUNT;
    shard->count_max[true] += shard->count_max[true] == 0;
    shard->bytes_max = config->bytes_max / SHARD_COUNT;
    shard->bucket_count = BUCKETS_MIN;
    shard->buckets = calloc(BUCKETS_MIN, sizeof(slot_t *));
    APR_RING_INIT(&shard->ring[false], slot_t, link);
    APR_RING_INIT(&shard->ring[true], slot_t, link);
    if (!shard->buckets)
        return APR_ENOMEM;
    apr_pool_cleanup_register(p, shard, shard_destroy, apr_pool_cleanup_null);
    return APR_SUCCESS;
}

apr_status_t rs_local_create(rs_local_t **local, const rs_local_config_t *config, apr_pool_t *p)
{
    rs_local_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status = APR_SUCCESS;
    unsigned i;

    if (!config->entries_max)
        return APR_EINVAL;
    for (i = 0; i < SHARD_COUNT && status == APR_SUCCESS; i++)
        status = shard_init(&made->shards[i], config, p);
    if (status == APR_SUCCESS)
        *local = made;
    return status;
}

rs_entry_t *rs_local_fetch(rs_local_t *local, const rs_sha256_t *key, apr_time_t now)
{
    shard_t *shard = shard_of(local, key);
    rs_entry_t *entry = NULL;
    slot_t **at;

    apr_thread_mutex_lock(shard->lock);
    at = find(shard, key);
    if (*at && (*at)->until <= now)
        drop(shard, at);
    else if (*at) {
        (*at)->used = true;
        entry = rs_entry_retain((*at)->entry);
    }
    apr_thread_mutex_unlock(shard->lock);
    return entry;
}

void rs_local_store(rs_local_t *local, const rs_sha256_t *key, rs_entry_t *entry, bool negative,
                    apr_time_t until, apr_time_t now)
{
    shard_t *shard = shard_of(local, key);
    slot_t *slot, **at;

    if (until <= now || sizeof *slot + rs_entry_bytes(entry) > shard->bytes_max)
        return;
    slot = calloc(1, sizeof *slot);
    if (!slot)
        return;
    slot->key = *key;
    slot->entry = rs_entry_retain(entry);
    slot->until = until;
    slot->negative = negative;
    apr_thread_mutex_lock(shard->lock);
    at = find(shard, key);
    if (*at) {
        slot->used = (*at)->used;
        drop(shard, at);
    }
    make_room(shard, negative, slot_bytes(slot), now);
    insert(shard, slot);
    apr_thread_mutex_unlock(shard->lock);
}

void rs_local_remove(rs_local_t *local, const rs_sha256_t *key)
{
    shard_t *shard = shard_of(local, key);
    slot_t **at;

    apr_thread_mutex_lock(shard->lock);
    at = find(shard, key);
    if (*at)
        drop(shard, at);
    apr_thread_mutex_unlock(shard->lock);
}

void rs_local_clear(rs_local_t *local)
{
    unsigned i;

    for (i = 0; i < SHARD_COUNT; i++) {
        apr_thread_mutex_lock(local->shards[i].lock);
        clear(&local->shards[i]);
        apr_thread_mutex_unlock(local->shards[i].lock);
    }
}

rs_local_stats_t rs_local_stats(rs_local_t *local)
{
    rs_local_stats_t stats = { 0, 0, 0, 0 };
    unsigned i;

    for (i = 0; i < SHARD_COUNT; i++) {
        shard_t *shard = &local->shards[i];
        apr_thread_mutex_lock(shard->lock);
        stats.entries += shard->count[false];
        stats.negatives += shard->count[true];
        stats.bytes += shard->bytes;
        stats.evictions += shard->evictions;
        apr_thread_mutex_unlock(shard->lock);
    }
    return stats;
}
