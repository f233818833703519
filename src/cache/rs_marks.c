/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Marks: a hash table behind a lock that nobody takes as long as it is empty. */
#include "cache/rs_marks.h"
#include "base/rs_limits.h"

#include <apr_thread_mutex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384 /* a power of two */
#define BLIND_RETRY_AFTER apr_time_from_sec(1)

typedef struct node_t node_t;
struct node_t {
    node_t *next;
    rs_mark_t mark;
    apr_time_t counts_from; /* rs_mark_counts_from(), of all that were heard */
};

struct rs_marks_t {
    apr_interval_time_t retention;
    rs_marks_look_fn look; /* NULL: the table is filled by itself */
    void *look_baton;
    atomic_bool blind;
    atomic_uint count;
    _Atomic apr_int64_t closed_at; /* 0: never was full */
    apr_thread_mutex_t *lock;      /* guards what follows */
    node_t *buckets[BUCKETS];
};

static void clear(rs_marks_t *marks, apr_time_t now)
{
    unsigned i;

    for (i = 0; i < BUCKETS; i++) {
        node_t **at = &marks->buckets[i];
        while (*at) {
            node_t *node = *at;
            if (!rs_mark_is_spent(node->counts_from, marks->retention, now)) {
                at = &node->next;
                continue;
            }
            *at = node->next;
            free(node);
            atomic_fetch_sub(&marks->count, 1);
        }
    }
}

static apr_status_t destroy(void *data)
{
    clear(data, APR_INT64_MAX);
    return APR_SUCCESS;
}

apr_status_t rs_marks_create(rs_marks_t **marks, apr_interval_time_t retention, apr_pool_t *p)
{
    rs_marks_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status = apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, p);

    made->retention = retention;
    apr_pool_cleanup_register(p, made, destroy, apr_pool_cleanup_null);
    if (status == APR_SUCCESS)
        *marks = made;
    return status;
}

apr_interval_time_t rs_marks_retention(const rs_marks_t *marks)
{
    return marks->retention;
}

/* With the lock held. */
static node_t **bucket_of(rs_marks_t *marks, const rs_sha256_t *of)
{
    unsigned hash;

    memcpy(&hash, of->bytes, sizeof hash);
    return &marks->buckets[hash & (BUCKETS - 1)];
}

static node_t *find(rs_marks_t *marks, const rs_sha256_t *of)
{
    node_t *node = *bucket_of(marks, of);

    while (node && !rs_sha256_equal(&node->mark.of, of))
        node = node->next;
    return node;
}

static node_t *insert(rs_marks_t *marks, const rs_mark_t *mark)
{
    node_t *node = atomic_load(&marks->count) < RS_MARKS_MAX ? malloc(sizeof *node) : NULL;
    node_t **bucket = bucket_of(marks, &mark->of);

    if (!node)
        return NULL;
    node->mark = *mark;
    node->next = *bucket;
    *bucket = node;
    atomic_fetch_add(&marks->count, 1);
    return node;
}

bool rs_marks_add(rs_marks_t *marks, const rs_mark_t *mark, apr_time_t heard_at)
{
    apr_time_t counts_from = rs_mark_counts_from(mark, heard_at);
    node_t *node;

    apr_thread_mutex_lock(marks->lock);
    node = find(marks, &mark->of);
    if (!node && (node = insert(marks, mark)) != NULL)
        node->counts_from = counts_from;
    if (node) {
        /* Of several the latest counts. What is read again is not news. */
        if (node->mark.not_before < mark->not_before)
            node->mark.not_before = mark->not_before;
        if (node->counts_from < counts_from)
            node->counts_from = counts_from;
    }
    apr_thread_mutex_unlock(marks->lock);
    if (!node)
        rs_marks_close(marks, counts_from);
    return node != NULL;
}

bool rs_marks_has(rs_marks_t *marks, const rs_mark_t *mark)
{
    const node_t *node;
    bool has;

    apr_thread_mutex_lock(marks->lock);
    node = find(marks, &mark->of);
    has = node && node->mark.not_before >= mark->not_before;
    apr_thread_mutex_unlock(marks->lock);
    return has;
}

void rs_marks_close(rs_marks_t *marks, apr_time_t at)
{
    apr_int64_t was = atomic_load(&marks->closed_at);

    while (was < at && !atomic_compare_exchange_weak(&marks->closed_at, &was, at))
        ;
}

apr_time_t rs_marks_closed_at(const rs_marks_t *marks)
{
    return atomic_load(&marks->closed_at);
}

void rs_marks_set_look(rs_marks_t *marks, rs_marks_look_fn look, void *baton)
{
    marks->look = look;
    marks->look_baton = baton;
}

void rs_marks_set_blind(rs_marks_t *marks, bool blind)
{
    atomic_store(&marks->blind, blind);
}

/* digests[0] is the token's own: whatever it says, it is revoked. */
static bool is_marked(rs_marks_t *marks, const rs_sha256_t *digests, unsigned count,
                      apr_time_t issued)
{
    bool marked = false;
    unsigned i;

    apr_thread_mutex_lock(marks->lock);
    for (i = 0; i < count && !marked; i++) {
        const node_t *node = find(marks, &digests[i]);
        marked = node && (i == 0 || issued < node->mark.not_before);
    }
    apr_thread_mutex_unlock(marks->lock);
    return marked;
}

const char *rs_marks_refuse(rs_marks_t *marks, const rs_presented_t *presented,
                            const rs_verdict_t *verdict, apr_time_t now, apr_pool_t *p)
{
    apr_time_t issued = rs_mark_issued_at(verdict->principal);
    apr_int64_t closed_at = atomic_load(&marks->closed_at);
    rs_sha256_t digests[RS_MARKS_OF_TOKEN];
    unsigned count;

    if (closed_at && issued < closed_at)
        return "there are more revocations than can be kept, and it is older than they are";
    /* An issuer that is asked says itself what it has revoked long ago. */
    if (!verdict->introspected && now - issued > marks->retention)
        return "it is older than revocations are kept (OAuth2RSRevocation)";
    if (!atomic_load(&marks->count))
        return NULL;
    count = rs_marks_of(presented, verdict->principal, digests, p);
    return is_marked(marks, digests, count, issued) ? "a revocation mark covers it" : NULL;
}

rs_verdict_t rs_marks_judge(rs_marks_t *marks, const rs_presented_t *presented,
                            const rs_verdict_t *verdict, apr_time_t now, apr_pool_t *p)
{
    const char *why;

    if (marks->look)
        marks->look(marks->look_baton, p);
    if (atomic_load(&marks->blind))
        return rs_undecided("what was revoked before this server started is not known yet",
                            BLIND_RETRY_AFTER, now);
    why = rs_marks_refuse(marks, presented, verdict, now, p);
    return why ? rs_refuse(RS_TOKEN_REVOKED, why, now) : *verdict;
}

void rs_marks_sweep(rs_marks_t *marks, apr_time_t now)
{
    apr_int64_t closed_at = atomic_load(&marks->closed_at);

    if (closed_at && now - closed_at > marks->retention)
        atomic_store(&marks->closed_at, 0);
    if (!atomic_load(&marks->count))
        return;
    apr_thread_mutex_lock(marks->lock);
    clear(marks, now);
    apr_thread_mutex_unlock(marks->lock);
}

unsigned rs_marks_count(const rs_marks_t *marks)
{
    return atomic_load(&marks->count);
}
