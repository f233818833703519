/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The master that the Sentinels name: asked for once, and again when it is doubted. A link to it
 * must say itself that it is a master (rs_redis_link.h), so that a Sentinel that is behind leads
 * nobody to a replica. */
#include "base/rs_limits.h"
#include "cache/rs_redis_map.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    rs_redis_map_t map;
    const rs_redis_dial_t *dial;
    rs_redis_pool_t *pool;
    apr_thread_mutex_t *lock;               /* guards what follows */
    char host[RS_REDIS_HOST_BYTES_MAX + 1]; /* "": not known */
    int port;
    unsigned first; /* of the Sentinels: to be asked the next time */
} sentinel_map_t;

/* *address in call->p, or NULL: not known. */
static const rs_redis_address_t *known(sentinel_map_t *self, rs_redis_call_t *call)
{
    rs_redis_address_t *address = NULL;

    apr_thread_mutex_lock(self->lock);
    if (*self->host) {
        address = apr_palloc(call->p, sizeof *address);
        address->host = apr_pstrdup(call->p, self->host);
        address->port = self->port;
    }
    apr_thread_mutex_unlock(self->lock);
    return address;
}

/* True when it is another one than before. */
static bool keep(sentinel_map_t *self, const rs_redis_address_t *address)
{
    bool changed;

    apr_thread_mutex_lock(self->lock);
    changed = strcmp(self->host, address->host) != 0 || self->port != address->port;
    apr_cpystrn(self->host, address->host, sizeof self->host);
    self->port = address->port;
    apr_thread_mutex_unlock(self->lock);
    return changed;
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

static unsigned first_to_ask(sentinel_map_t *self)
{
    unsigned first;

    apr_thread_mutex_lock(self->lock);
    first = self->first;
    apr_thread_mutex_unlock(self->lock);
    return first;
}

static void ask_first(sentinel_map_t *self, unsigned first)
{
    apr_thread_mutex_lock(self->lock);
    self->first = first;
    apr_thread_mutex_unlock(self->lock);
}

/* One after the other, as time allows, from where the last time ended. */
static apr_status_t ask_all(sentinel_map_t *self, rs_redis_address_t *master, rs_redis_call_t *call)
{
    const rs_redis_config_t *config = self->dial->config;
    unsigned first = first_to_ask(self), asked = 0;
    apr_status_t status = APR_NOTFOUND;

    while (status != APR_SUCCESS && asked < config->address_count &&
           !(asked && rs_redis_call_is_over(call)))
        status = ask_one(self, &config->addresses[(first + asked++) % config->address_count],
                         master, call);
    if (status != APR_SUCCESS)
        ask_first(self, rs_redis_map_turn(first, asked, config->address_count));
    return status;
}

static apr_status_t find(rs_redis_map_t *map, const char *key, apr_size_t len, rs_redis_hop_t *hop,
                         rs_redis_call_t *call)
{
    sentinel_map_t *self = (sentinel_map_t *)map;
    rs_redis_address_t master;
    apr_status_t status;

    (void)key, (void)len;
    hop->address = known(self, call);
    if (hop->address)
        return APR_SUCCESS;
    status = ask_all(self, &master, call);
    if (status != APR_SUCCESS)
        return status;
    hop->address = rs_redis_address_copy(&master, call->p);
    if (keep(self, &master))
        rs_redis_pool_flush(self->pool);
    return APR_SUCCESS;
}

static void forget(sentinel_map_t *self, const rs_redis_hop_t *hop)
{
    apr_thread_mutex_lock(self->lock);
    /* Somebody may have found the new one meanwhile. */
    if (hop->address && strcmp(self->host, hop->address->host) == 0 &&
        self->port == hop->address->port)
        *self->host = '\0';
    apr_thread_mutex_unlock(self->lock);
}

/* A master that became a replica. */
static bool follow(rs_redis_map_t *map, const rs_redis_reply_t *reply, const char *key,
                   apr_size_t len, rs_redis_hop_t *hop, rs_redis_call_t *call)
{
    if (!rs_redis_reply_is_error(reply, "READONLY") &&
        !rs_redis_reply_is_error(reply, "MASTERDOWN"))
        return false;
    forget((sentinel_map_t *)map, hop);
    hop->pause = true;
    return find(map, key, len, hop, call) == APR_SUCCESS;
}

static void doubt(rs_redis_map_t *map, const rs_redis_hop_t *hop)
{
    forget((sentinel_map_t *)map, hop);
}

apr_status_t rs_redis_map_sentinel(rs_redis_map_t **map, const rs_redis_dial_t *dial,
                                   rs_redis_pool_t *pool, apr_pool_t *p)
{
    sentinel_map_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status = apr_thread_mutex_create(&made->lock, APR_THREAD_MUTEX_DEFAULT, p);

    made->map.find = find;
    made->map.follow = follow;
    made->map.doubt = doubt;
    made->dial = dial;
    made->pool = pool;
    if (status == APR_SUCCESS)
        *map = &made->map;
    return status;
}
