/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* From a key to the answer about it. */
#include "cache/rs_redis_route.h"
#include "base/rs_clock.h"
#include "base/rs_limits.h"

#include <apr_strings.h>
#include <string.h>

#define PAUSE apr_time_from_msec(5) /* before asking again a server that is moving the key */

/* The one server. */

typedef struct {
    rs_redis_map_t map;
    const rs_redis_address_t *address;
} single_t;

static apr_status_t single_find(rs_redis_map_t *self, const char *key, apr_size_t len,
                                rs_redis_hop_t *hop, rs_redis_call_t *call)
{
    (void)key;
    (void)len;
    (void)call;
    hop->address = ((single_t *)self)->address;
    return APR_SUCCESS;
}

static bool single_follow(rs_redis_map_t *self, const rs_redis_reply_t *reply, const char *key,
                          apr_size_t len, rs_redis_hop_t *hop, rs_redis_call_t *call)
{
    (void)self;
    (void)reply;
    (void)key;
    (void)len;
    (void)hop;
    (void)call;
    return false;
}

static void single_doubt(rs_redis_map_t *self, const rs_redis_hop_t *hop)
{
    (void)self;
    (void)hop;
}

unsigned rs_redis_map_turn(unsigned first, unsigned asked, unsigned count)
{
    return (first + (asked > 1 ? asked - 1 : 1)) % count;
}

rs_redis_map_t *rs_redis_map_single(const rs_redis_dial_t *dial, apr_pool_t *p)
{
    single_t *made = apr_pcalloc(p, sizeof *made);

    made->map.find = single_find;
    made->map.follow = single_follow;
    made->map.doubt = single_doubt;
    made->address = dial->config->socket ? NULL : &dial->config->addresses[0];
    return &made->map;
}

rs_redis_address_t *rs_redis_address_copy(const rs_redis_address_t *address, apr_pool_t *p)
{
    rs_redis_address_t *copy = apr_palloc(p, sizeof *copy);

    copy->host = apr_pstrdup(p, address->host);
    copy->port = address->port;
    return copy;
}

apr_status_t rs_redis_route_create(rs_redis_route_t **route, const rs_redis_dial_t *dial,
                                   apr_pool_t *p)
{
    rs_redis_route_t *made = apr_pcalloc(p, sizeof *made);
    apr_status_t status = rs_redis_pool_create(&made->pool, dial, p);

    if (status != APR_SUCCESS)
        return status;
    switch (dial->config->topology) {
    case RS_REDIS_SINGLE:
        made->map = rs_redis_map_single(dial, p);
        break;
    case RS_REDIS_SENTINEL:
        status = rs_redis_map_sentinel(&made->map, dial, made->pool, p);
        break;
    case RS_REDIS_CLUSTER:
        status = rs_redis_map_cluster(&made->map, dial, p);
        break;
    }
    if (status == APR_SUCCESS)
        *route = made;
    return status;
}

/* One question on one link; with ASKING before it when this server is about to get the key. */
static apr_status_t ask_link(rs_redis_link_t *link, const rs_redis_question_t *question,
                             bool asking, const rs_redis_reply_t **reply, rs_redis_call_t *call)
{
    rs_redis_command_t commands[2] = { { 0 } };
    const rs_redis_reply_t *replies[2];
    unsigned count = 0;
    apr_status_t status;

    if (asking)
        rs_redis_command_add(&commands[count++], "ASKING");
    commands[count++] = question->command;
    rs_redis_call_step(call, call->command_timeout);
    status = rs_redis_link_ask(link, commands, count, replies, question->elements_max, call);
    if (status != APR_SUCCESS)
        return status;
    *reply = replies[count - 1];
    if ((*reply)->type == RS_REDIS_ERROR || question->types & 1U << (*reply)->type)
        return APR_SUCCESS;
    call->trouble = "its answer has another type than the command gives";
    return APR_EINVAL;
}

static void note_where(rs_redis_call_t *call, const rs_redis_hop_t *hop)
{
    if (!hop->address)
        call->where = "unix socket";
    else
        call->where = apr_psprintf(call->p, strchr(hop->address->host, ':') ? "[%s]:%d" : "%s:%d",
                                   hop->address->host, hop->address->port);
}

/* A server that was restarted, or that closes idle connections, is not ill: a connection that
 * failed without a sign of life is replaced once by a new one. The others that were idle when it
 * was taken share its fate. */
static apr_status_t ask_hop(rs_redis_route_t *route, const rs_redis_question_t *question,
                            const rs_redis_hop_t *hop, const rs_redis_reply_t **reply,
                            rs_redis_call_t *call)
{
    apr_time_t begun = rs_clock();
    rs_redis_link_t *link;
    bool fresh, dead, again = true;
    apr_status_t status;

    note_where(call, hop);
    while (again) {
        rs_redis_call_step(call, call->command_timeout);
        status = rs_redis_pool_take(route->pool, hop->address, &link, &fresh, call);
        if (status != APR_SUCCESS)
            return status;
        status = ask_link(link, question, hop->asking, reply, call);
        dead = status != APR_SUCCESS && !fresh && rs_redis_link_was_silent(link);
        again = dead && status != APR_TIMEUP && question->repeatable;
        rs_redis_pool_give(route->pool, link, status == APR_SUCCESS);
        if (dead)
            rs_redis_pool_distrust(route->pool, hop->address, begun);
    }
    return status;
}

apr_status_t rs_redis_route_ask(rs_redis_route_t *route, const rs_redis_question_t *question,
                                const rs_redis_reply_t **reply, rs_redis_call_t *call)
{
    rs_redis_hop_t hop = { 0 };
    unsigned hops;
    apr_status_t status =
        route->map->find(route->map, question->key, question->key_len, &hop, call);

    if (status != APR_SUCCESS)
        return status;
    for (hops = 0;; hops++) {
        status = ask_hop(route, question, &hop, reply, call);
        if (status != APR_SUCCESS) {
            if (status != APR_EBUSY)
                route->map->doubt(route->map, &hop);
            return status;
        }
        if ((*reply)->type != RS_REDIS_ERROR || hops == RS_REDIS_REDIRECTS_MAX)
            return APR_SUCCESS;
        hop.asking = hop.pause = false;
        if (!route->map->follow(route->map, *reply, question->key, question->key_len, &hop, call))
            return APR_SUCCESS;
        if (hop.pause)
            apr_sleep(PAUSE);
    }
}
