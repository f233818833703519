/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Documents in shared memory: places one behind the other, all of which are looked at. */
#include "httpd/rs_shm_documents.h"

#include <apr_shm.h>
#include <apr_strings.h>
#include <string.h>

typedef struct {
    apr_time_t expires; /* 0: free, or being written */
    apr_time_t stored_at;
    rs_sha256_t key;
    apr_size_t len;
    unsigned char value[RS_SHM_DOCUMENT_BYTES_MAX];
} place_t;

struct rs_shm_documents_t {
    place_t *places;
    apr_size_t count;
    rs_shm_lock_t *lock;
};

apr_status_t rs_shm_documents_create(rs_shm_documents_t **documents, apr_size_t bytes,
                                     rs_shm_lock_t *lock, apr_pool_t *p)
{
    rs_shm_documents_t *made = apr_pcalloc(p, sizeof *made);
    apr_shm_t *shm;
    apr_status_t status;
    apr_size_t i;

    made->lock = lock;
    made->count = bytes / sizeof *made->places;
    if (made->count < 1)
        made->count = 1;
    /* The segment goes with p. */
    status = apr_shm_create(&shm, made->count * sizeof *made->places, NULL, p);
    if (status != APR_SUCCESS)
        return status;
    made->places = apr_shm_baseaddr_get(shm);
    for (i = 0; i < made->count; i++)
        made->places[i].expires = 0;
    *documents = made;
    return APR_SUCCESS;
}

static bool holds(const place_t *place, const rs_sha256_t *key)
{
    return place->expires && rs_sha256_equal(&place->key, key);
}

static const place_t *find(const rs_shm_documents_t *documents, const rs_sha256_t *key,
                           apr_time_t now)
{
    apr_size_t i;

    for (i = 0; i < documents->count; i++)
        if (holds(&documents->places[i], key))
            return documents->places[i].expires > now ? &documents->places[i] : NULL;
    return NULL;
}

apr_status_t rs_shm_documents_fetch(rs_shm_documents_t *documents, const rs_sha256_t *key,
                                    const unsigned char **value, apr_size_t *len, apr_time_t now,
                                    apr_pool_t *p)
{
    unsigned char *copy = apr_palloc(p, RS_SHM_DOCUMENT_BYTES_MAX);
    const place_t *place;
    apr_status_t status = rs_shm_lock_acquire(documents->lock);

    if (status != APR_SUCCESS)
        return status;
    place = find(documents, key, now);
    if (place) {
        *len = place->len < RS_SHM_DOCUMENT_BYTES_MAX ? place->len : RS_SHM_DOCUMENT_BYTES_MAX;
        memcpy(copy, place->value, *len);
    }
    rs_shm_lock_release(documents->lock);
    *value = copy;
    return place ? APR_SUCCESS : APR_NOTFOUND;
}

/* Where a document goes: over itself, else to a place whose time is over, else to the oldest. */
static place_t *choose(rs_shm_documents_t *documents, const rs_sha256_t *key, apr_time_t now)
{
    place_t *best = documents->places;
    apr_size_t i;

    for (i = 0; i < documents->count; i++) {
        place_t *place = &documents->places[i];
        apr_time_t age = place->expires > now ? place->stored_at : 0;
        if (holds(place, key))
            return place;
        if (age < (best->expires > now ? best->stored_at : 0))
            best = place;
    }
    return best;
}

/* The writer may be killed between any two instructions: what is half written is not there. */
static void set_expires(place_t *place, apr_time_t expires)
{
    __atomic_store_n(&place->expires, expires, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

apr_status_t rs_shm_documents_store(rs_shm_documents_t *documents, const rs_sha256_t *key,
                                    const unsigned char *value, apr_size_t len, apr_time_t expires,
                                    apr_time_t now)
{
    place_t *place;
    apr_status_t status;

    if (len > RS_SHM_DOCUMENT_BYTES_MAX)
        return APR_ENOSPC;
    if ((status = rs_shm_lock_acquire(documents->lock)) != APR_SUCCESS)
        return status;
    place = choose(documents, key, now);
    set_expires(place, 0);
    place->key = *key;
    place->stored_at = now;
    place->len = len;
    memcpy(place->value, value, len);
    set_expires(place, expires);
    rs_shm_lock_release(documents->lock);
    return APR_SUCCESS;
}
