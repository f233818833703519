/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The masters of a cluster and their slots (Redis Cluster specification): asked for at the first
 * use, corrected by each MOVED, asked for again when somebody doubts them. */
#include "base/rs_limits.h"
#include "cache/rs_redis_inquiry.h"
#include "cache/rs_redis_map.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 16384
#define NOBODY 0xffff
#define ELEMENTS_MAX RS_REDIS_REPLY_ELEMENTS_MAX

typedef struct {
    char host[RS_REDIS_HOST_BYTES_MAX + 1];
    int port;
} node_t;

typedef struct {
    apr_uint16_t owner[SLOTS]; /* of nodes; NOBODY: not known */
    node_t nodes[RS_REDIS_NODES_MAX];
    unsigned count;
} table_t;

typedef struct {
    rs_redis_map_t map;
    const rs_redis_dial_t *dial;
    apr_thread_mutex_t *lock; /* guards what follows */
    table_t *table;
    rs_redis_inquiry_t inquiry;
    unsigned first; /* to be asked the next time, by whoever is asking */
} cluster_map_t;

/* ---- slots ---- */

/* CRC-16/XMODEM of the key, or of what stands between the first { and the next } if that is not
 * empty. */
static unsigned slot_of(const char *key, apr_size_t len)
{
    const char *open = memchr(key, '{', len), *close;
    unsigned crc = 0, bit;

    if (open && (close = memchr(open + 1, '}', len - (apr_size_t)(open + 1 - key))) != NULL &&
        close != open + 1) {
        key = open + 1;
        len = (apr_size_t)(close - key);
    }
    for (; len; len--, key++) {
        crc ^= (unsigned)(unsigned char)*key << 8;
        for (bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1 & 0xffff;
    }
    return crc % SLOTS;
}

/* ---- the table, with the lock held ---- */

/* NOBODY: the table is full, or that is no address. */
static apr_uint16_t node_index(table_t *table, const char *host, int port)
{
    unsigned i;

    if (!*host || strlen(host) > RS_REDIS_HOST_BYTES_MAX || port <= 0 || port > 65535)
        return NOBODY;
    for (i = 0; i < table->count; i++)
        if (table->nodes[i].port == port && strcmp(table->nodes[i].host, host) == 0)
            return (apr_uint16_t)i;
    if (table->count == RS_REDIS_NODES_MAX)
        return NOBODY;
    apr_cpystrn(table->nodes[i].host, host, sizeof table->nodes[i].host);
    table->nodes[i].port = port;
    return (apr_uint16_t)table->count++;
}

static const rs_redis_address_t *address_of(const node_t *node, apr_pool_t *p)
{
    rs_redis_address_t *address = apr_palloc(p, sizeof *address);

    address->host = apr_pstrdup(p, node->host);
    address->port = node->port;
    return address;
}

/* ---- asking ---- */

static bool is_number(const rs_redis_reply_t *reply, long long most)
{
    return reply->type == RS_REDIS_INTEGER && reply->integer >= 0 && reply->integer <= most;
}

/* One range of CLUSTER SLOTS: first, last, master, replicas... An empty or unknown host is the one
 * that was asked. */
static bool read_range(table_t *table, const rs_redis_reply_t *range,
                       const rs_redis_address_t *asked)
{
    const rs_redis_reply_t *master, *host;
    apr_uint16_t owner;
    long long slot;

    if (range->type != RS_REDIS_ARRAY || range->count < 3 ||
        !is_number(range->elements[0], SLOTS - 1) || !is_number(range->elements[1], SLOTS - 1))
        return false;
    master = range->elements[2];
    if (master->type != RS_REDIS_ARRAY || master->count < 2 ||
        !is_number(master->elements[1], 65535))
        return false;
    host = master->elements[0];
    if (host->type != RS_REDIS_NIL &&
        (host->type != RS_REDIS_STRING || strlen(host->text) != host->len))
        return false;
    owner = node_index(table,
                       host->type == RS_REDIS_NIL || !host->len || strcmp(host->text, "?") == 0
                           ? asked->host
                           : host->text,
                       (int)master->elements[1]->integer);
    for (slot = range->elements[0]->integer; slot <= range->elements[1]->integer; slot++)
        table->owner[slot] = owner;
    return owner != NOBODY;
}

static bool read_table(table_t *table, const rs_redis_reply_t *reply,
                       const rs_redis_address_t *asked)
{
    unsigned i;

    memset(table->owner, 0xff, sizeof table->owner);
    table->count = 0;
    if (reply->type != RS_REDIS_ARRAY || !reply->count)
        return false;
    for (i = 0; i < reply->count; i++)
        if (!read_range(table, reply->elements[i], asked))
            return false;
    return true;
}

static apr_status_t ask_one(cluster_map_t *self, const rs_redis_address_t *server, table_t *table,
                            rs_redis_call_t *call)
{
    rs_redis_errand_t errand = { .purpose = RS_REDIS_DATA, .elements_max = ELEMENTS_MAX };
    const rs_redis_reply_t *reply;
    apr_status_t status;

    rs_redis_command_add(&errand.command, "CLUSTER");
    rs_redis_command_add(&errand.command, "SLOTS");
    status = rs_redis_link_ask_once(self->dial, server, &errand, &reply, call);
    if (status != APR_SUCCESS || read_table(table, reply, server))
        return status;
    call->trouble = reply->type == RS_REDIS_ERROR
                        ? "it refuses CLUSTER SLOTS (is it a cluster, and is +cluster|slots "
                          "allowed?)"
                        : "its answer to CLUSTER SLOTS has no slots";
    return APR_NOTFOUND;
}

/* Those of the configuration, then those that were in the cluster before. NULL: there are no more.
 */
static const rs_redis_address_t *candidate(cluster_map_t *self, unsigned i, apr_pool_t *p)
{
    const rs_redis_config_t *config = self->dial->config;
    const rs_redis_address_t *address = NULL;

    if (i < config->address_count)
        return &config->addresses[i];
    i -= config->address_count;
    apr_thread_mutex_lock(self->lock);
    if (self->inquiry.known && i < self->table->count)
        address = address_of(&self->table->nodes[i], p);
    apr_thread_mutex_unlock(self->lock);
    return address;
}

static unsigned count_candidates(cluster_map_t *self)
{
    unsigned count;

    apr_thread_mutex_lock(self->lock);
    count = self->dial->config->address_count + (self->inquiry.known ? self->table->count : 0);
    apr_thread_mutex_unlock(self->lock);
    return count;
}

/* One after the other, as time allows, from where the last time ended. */
static apr_status_t ask_all(cluster_map_t *self, table_t *fresh, rs_redis_call_t *call)
{
    unsigned count = count_candidates(self), asked = 0, first = self->first % count;
    apr_status_t status = APR_NOTFOUND;
    const rs_redis_address_t *server;

    while (status != APR_SUCCESS && asked < count && !(asked && rs_redis_call_is_over(call)) &&
           (server = candidate(self, (first + asked) % count, call->p)) != NULL) {
        status = ask_one(self, server, fresh, call);
        asked++;
    }
    if (status != APR_SUCCESS)
        self->first = rs_redis_map_turn(first, asked, count);
    return status;
}

static apr_status_t refresh(cluster_map_t *self, rs_redis_call_t *call)
{
    table_t *fresh = malloc(sizeof *fresh), *old = NULL;
    apr_status_t status = fresh ? ask_all(self, fresh, call) : APR_ENOMEM;

    apr_thread_mutex_lock(self->lock);
    if (status == APR_SUCCESS) {
        old = self->table;
        self->table = fresh;
    }
    rs_redis_inquiry_end(&self->inquiry, status == APR_SUCCESS);
    apr_thread_mutex_unlock(self->lock);
    free(status == APR_SUCCESS ? old : fresh);
    return status;
}

/* ---- the map ---- */

static const rs_redis_address_t *owner_of(cluster_map_t *self, unsigned slot, apr_pool_t *p)
{
    apr_uint16_t owner = self->inquiry.known ? self->table->owner[slot] : NOBODY;

    return owner == NOBODY ? NULL : address_of(&self->table->nodes[owner], p);
}

/* Where nothing is known any server of the cluster will do: it sends us on. */
static apr_status_t find(rs_redis_map_t *map, const char *key, apr_size_t len, rs_redis_hop_t *hop,
                         rs_redis_call_t *call)
{
    cluster_map_t *self = (cluster_map_t *)map;
    unsigned slot = slot_of(key, len);
    bool ours;

    apr_thread_mutex_lock(self->lock);
    ours = rs_redis_inquiry_begin(&self->inquiry);
    apr_thread_mutex_unlock(self->lock);
    if (ours)
        (void)refresh(self, call);
    apr_thread_mutex_lock(self->lock);
    hop->address = owner_of(self, slot, call->p);
    apr_thread_mutex_unlock(self->lock);
    if (!hop->address)
        hop->address = &self->dial->config->addresses[slot % self->dial->config->address_count];
    return APR_SUCCESS;
}

/* "MOVED 3999 127.0.0.1:6381": an empty host is the one that was asked; an IPv6 address holds
 * colons, the last one is before the port. */
static bool read_target(const rs_redis_reply_t *reply, const rs_redis_hop_t *hop, unsigned *slot,
                        rs_redis_address_t *target, apr_pool_t *p)
{
    const char *number = strchr(reply->text, ' '), *place = number ? strchr(number + 1, ' ') : NULL;
    const char *colon = place ? strrchr(place, ':') : NULL;
    apr_int64_t value = number ? apr_atoi64(number + 1) : -1;

    if (!colon || value < 0 || value >= SLOTS)
        return false;
    *slot = (unsigned)value;
    target->host = apr_pstrmemdup(p, place + 1, (apr_size_t)(colon - place - 1));
    if ((!*target->host || strcmp(target->host, "?") == 0) && hop->address)
        target->host = hop->address->host;
    target->port = atoi(colon + 1);
    return *target->host && strlen(target->host) <= RS_REDIS_HOST_BYTES_MAX && target->port > 0 &&
           target->port < 65536;
}

static void note_moved(cluster_map_t *self, unsigned slot, const rs_redis_address_t *target)
{
    apr_thread_mutex_lock(self->lock);
    if (self->inquiry.known)
        self->table->owner[slot] = node_index(self->table, target->host, target->port);
    /* One slot has moved, so more may have. */
    self->inquiry.doubted = true;
    apr_thread_mutex_unlock(self->lock);
}

static void doubt(rs_redis_map_t *map, const rs_redis_hop_t *hop)
{
    cluster_map_t *self = (cluster_map_t *)map;

    (void)hop;
    apr_thread_mutex_lock(self->lock);
    self->inquiry.doubted = true;
    apr_thread_mutex_unlock(self->lock);
}

static bool follow(rs_redis_map_t *map, const rs_redis_reply_t *reply, const char *key,
                   apr_size_t len, rs_redis_hop_t *hop, rs_redis_call_t *call)
{
    bool moved = rs_redis_reply_is_error(reply, "MOVED");
    rs_redis_address_t *target;
    unsigned slot;

    (void)key, (void)len;
    if (rs_redis_reply_is_error(reply, "TRYAGAIN")) {
        hop->pause = true;
        return true;
    }
    if (rs_redis_reply_is_error(reply, "CLUSTERDOWN") || rs_redis_reply_is_error(reply, "READONLY"))
        doubt(map, hop);
    target = apr_palloc(call->p, sizeof *target);
    if ((!moved && !rs_redis_reply_is_error(reply, "ASK")) ||
        !read_target(reply, hop, &slot, target, call->p))
        return false;
    if (moved)
        note_moved((cluster_map_t *)map, slot, target);
    hop->address = target;
    hop->asking = !moved;
    return true;
}

static apr_status_t free_table(void *data)
{
    free(((cluster_map_t *)data)->table);
    return APR_SUCCESS;
}

apr_status_t rs_redis_map_cluster(rs_redis_map_t **map, const rs_redis_dial_t *dial, apr_pool_t *p)
{
    cluster_map_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status = apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, p);

    made->map.find = find;
    made->map.follow = follow;
    made->map.doubt = doubt;
    made->dial = dial;
    apr_pool_cleanup_register(p, made, free_table, apr_pool_cleanup_null);
    if (status == APR_SUCCESS)
        *map = &made->map;
    return status;
}
