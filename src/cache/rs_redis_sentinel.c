/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The master that the Sentinels name: asked for once, and again when it is doubted, by one thread
 * for all; meanwhile, and when no Sentinel answers, the one known is used. A link to it must say
 * itself that it is a master (rs_redis_link.h), so that a Sentinel that is behind leads nobody to a
 * replica. */
#include "base/rs_limits.h"
#include "cache/rs_redis_inquiry.h"
#include "cache/rs_redis_map.h"

#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    rs_redis_map_t map;
    const rs_redis_dial_t *dial;
    rs_redis_pool_t *pool;
    apr_thread_mutex_t *lock; /* guards what follows */
    apr_thread_cond_t *asked;
    rs_redis_inquiry_t inquiry;
    rs_redis_address_t master; /* host: the text below */
    char host[RS_REDIS_HOST_BYTES_MAX + 1];
    unsigned first; /* of the Sentinels: to be asked the next time, by whoever is asking */
} sentinel_map_t;

static bool is_same(const rs_redis_address_t *one, const rs_redis_address_t *other)
{
    return one->port == other->port && strcmp(one->host, other->host) == 0;
}

static bool read_address(const rs_redis_reply_t *reply, rs_redis_address_t *address)
{
    const rs_redis_reply_t *host, *port;

    if (reply->type != RS_REDIS_ARRAY || reply->count != 2)
        return false;
    host = reply->elements[0];
    port = reply->elements[1];
    if (host->type != RS_REDIS_STRING || port->type != RS_REDIS_STRING || !host->len ||
        host->len > RS_REDIS_HOST_BYTES_MAX || strlen(host->text) != host->len)
        return false;
    address->host = host->text;
    address->port = atoi(port->text);
    return address->port > 0 && address->port < 65536;
}

static apr_status_t ask_one(sentinel_map_t *self, const rs_redis_address_t *sentinel,
                            rs_redis_address_t *master, rs_redis_call_t *call)
{
    rs_redis_errand_t errand = { .purpose = RS_REDIS_SENTINELS, .elements_max = 2 };
    const rs_redis_reply_t *reply;
    apr_status_t status;

    rs_redis_command_add(&errand.command, "SENTINEL");
    rs_redis_command_add(&errand.command, "get-master-addr-by-name");
    rs_redis_command_add(&errand.command, self->dial->config->sentinel_name);
    status = rs_redis_link_ask_once(self->dial, sentinel, &errand, &reply, call);
    if (status != APR_SUCCESS || read_address(reply, master))
        return status;
    call->trouble = reply->type == RS_REDIS_NIL ? "no Sentinel knows the master's name"
                                                : "a Sentinel answers with no address";
    return APR_NOTFOUND;
}

/* One after the other, as time allows, from where the last time ended. */
static apr_status_t ask_all(sentinel_map_t *self, rs_redis_address_t *master, rs_redis_call_t *call)
{
    const rs_redis_config_t *config = self->dial->config;
    unsigned first = self->first, asked = 0;
    apr_status_t status = APR_NOTFOUND;

    while (status != APR_SUCCESS && asked < config->address_count &&
           !(asked && rs_redis_call_is_over(call)))
        status = ask_one(self, &config->addresses[(first + asked++) % config->address_count],
                         master, call);
    if (status != APR_SUCCESS)
        self->first = rs_redis_map_turn(first, asked, config->address_count);
    return status;
}

static apr_status_t refresh(sentinel_map_t *self, rs_redis_call_t *call)
{
    rs_redis_address_t master;
    apr_status_t status = ask_all(self, &master, call);
    bool moved;

    apr_thread_mutex_lock(self->lock);
    moved = status == APR_SUCCESS && !is_same(&self->master, &master);
    if (moved) {
        apr_cpystrn(self->host, master.host, sizeof self->host);
        self->master.port = master.port;
    }
    rs_redis_inquiry_end(&self->inquiry, status == APR_SUCCESS);
    /* Without any master there is nothing to be spared by a pause. */
    if (!self->inquiry.known)
        self->inquiry.asked_at = 0;
    apr_thread_cond_broadcast(self->asked);
    apr_thread_mutex_unlock(self->lock);
    if (moved)
        rs_redis_pool_flush(self->pool);
    return status;
}

/* Is it ours to ask? Whoever has no master to go to waits for the one who is asking. The lock is
 * held. */
static bool ask_or_wait(sentinel_map_t *self, bool lost, const rs_redis_call_t *call)
{
    while (!rs_redis_inquiry_begin(&self->inquiry)) {
        apr_interval_time_t left = rs_redis_call_left(call);

        if (!self->inquiry.asking || (self->inquiry.known && !lost) || left <= 0)
            return false;
        apr_thread_cond_timedwait(self->asked, self->lock, left);
    }
    return true;
}

/* In p, or NULL. */
static const rs_redis_address_t *known_master(sentinel_map_t *self, apr_pool_t *p)
{
    const rs_redis_address_t *master = NULL;

    apr_thread_mutex_lock(self->lock);
    if (self->inquiry.known)
        master = rs_redis_address_copy(&self->master, p);
    apr_thread_mutex_unlock(self->lock);
    return master;
}

/* lost: the one that is known is none any more. */
static apr_status_t find_master(sentinel_map_t *self, bool lost, rs_redis_hop_t *hop,
                                rs_redis_call_t *call)
{
    apr_status_t status = APR_TIMEUP;
    bool ours;

    apr_thread_mutex_lock(self->lock);
    ours = ask_or_wait(self, lost, call);
    apr_thread_mutex_unlock(self->lock);
    if (ours) {
        status = refresh(self, call);
        /* Nobody is to be blamed for an answer that there is no time for. */
        if (status != APR_SUCCESS && rs_redis_call_is_over(call))
            return status;
    }
    hop->address = known_master(self, call->p);
    if (hop->address)
        return APR_SUCCESS;
    if (!ours)
        call->trouble = "no Sentinel answered in time";
    return status;
}

static apr_status_t find(rs_redis_map_t *map, const char *key, apr_size_t len, rs_redis_hop_t *hop,
                         rs_redis_call_t *call)
{
    (void)key, (void)len;
    return find_master((sentinel_map_t *)map, false, hop, call);
}

static void doubt(rs_redis_map_t *map, const rs_redis_hop_t *hop)
{
    sentinel_map_t *self = (sentinel_map_t *)map;

    apr_thread_mutex_lock(self->lock);
    /* Somebody may have found the new one meanwhile. */
    if (is_same(&self->master, hop->address))
        self->inquiry.doubted = true;
    apr_thread_mutex_unlock(self->lock);
}

/* A master that became a replica. */
static bool follow(rs_redis_map_t *map, const rs_redis_reply_t *reply, const char *key,
                   apr_size_t len, rs_redis_hop_t *hop, rs_redis_call_t *call)
{
    const rs_redis_address_t *left = hop->address;

    (void)key, (void)len;
    if (!rs_redis_reply_is_error(reply, "READONLY") &&
        !rs_redis_reply_is_error(reply, "MASTERDOWN"))
        return false;
    doubt(map, hop);
    hop->pause = true;
    return find_master((sentinel_map_t *)map, true, hop, call) == APR_SUCCESS &&
           !is_same(hop->address, left);
}

apr_status_t rs_redis_map_sentinel(rs_redis_map_t **map, const rs_redis_dial_t *dial,
                                   rs_redis_pool_t *pool, apr_pool_t *p)
{
    sentinel_map_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status = apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, p);

    if (status == APR_SUCCESS)
        status = apr_thread_cond_create(&made->asked, p);
    made->map.find = find;
    made->map.follow = follow;
    made->map.doubt = doubt;
    made->master.host = made->host;
    made->dial = dial;
    made->pool = pool;
    if (status == APR_SUCCESS)
        *map = &made->map;
    return status;
}
