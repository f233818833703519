/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* One connection to Redis. It lives in a pool of its own, as connections come and go in any thread.
 */
#include "cache/rs_redis_link.h"
#include "base/rs_limits.h"

#include <apr_strings.h>
#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#define READ_BYTES (16 * 1024)
#define GREETINGS_MAX 3
#define ROLE_ELEMENTS_MAX 4096 /* a master lists its replicas */

struct rs_redis_link_t {
    apr_pool_t *pool;
    rs_redis_wire_t *wire;
    rs_redis_reader_t *reader;
    rs_redis_address_t address; /* host NULL: the unix socket */
    bool silent;
};

void rs_redis_command_add_bytes(rs_redis_command_t *command, const void *bytes, apr_size_t len)
{
    assert(command->count < RS_REDIS_ARGUMENTS_MAX);
    command->arguments[command->count] = bytes;
    command->lens[command->count++] = len;
}

void rs_redis_command_add(rs_redis_command_t *command, const char *argument)
{
    rs_redis_command_add_bytes(command, argument, strlen(argument));
}

static apr_status_t make_link(rs_redis_link_t **link, const rs_redis_address_t *address)
{
    apr_pool_t *pool;
    rs_redis_link_t *made;
    apr_status_t status = apr_pool_create_unmanaged_ex(&pool, NULL, NULL);

    if (status != APR_SUCCESS)
        return status;
    made = apr_pcalloc(pool, sizeof *made);
    made->pool = pool;
    if (address) {
        made->address.host = apr_pstrdup(pool, address->host);
        made->address.port = address->port;
    }
    status = rs_redis_reader_create(&made->reader, pool);
    if (status != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return status;
    }
    *link = made;
    return APR_SUCCESS;
}

void rs_redis_link_close(rs_redis_link_t *link)
{
    apr_pool_destroy(link->pool);
}

static apr_status_t connect_link(rs_redis_link_t *link, const rs_redis_dial_t *dial,
                                 rs_redis_call_t *call)
{
    const rs_redis_address_t *address = &link->address;
    apr_status_t status;

    if (!address->host)
        return rs_redis_wire_open_unix(&link->wire, dial->config->socket, call, link->pool);
    status = rs_redis_wire_open_tcp(&link->wire, dial->names, address->host, address->port, call,
                                    link->pool);
    if (status != APR_SUCCESS || !dial->tls)
        return status;
    return rs_redis_wire_start_tls(link->wire, dial->tls, address->host, call);
}

static const rs_redis_command_t no_command = { 0 };

static void add_auth(rs_redis_command_t *command, const char *user, const char *password)
{
    rs_redis_command_add(command, "AUTH");
    if (user)
        rs_redis_command_add(command, user);
    rs_redis_command_add(command, password);
}

/* What is said before the first question; the names go along for the log. */
static unsigned make_greetings(rs_redis_command_t *greetings, const char **names,
                               const rs_redis_config_t *config, rs_redis_purpose_t purpose,
                               apr_pool_t *p)
{
    bool data = purpose == RS_REDIS_DATA;
    const char *password = data ? config->password : config->sentinel_password;
    unsigned count = 0;

    if (password) {
        greetings[count] = no_command;
        names[count] = "AUTH";
        add_auth(&greetings[count++], data ? config->user : config->sentinel_user, password);
    }
    if (data && config->database > 0) {
        greetings[count] = no_command;
        names[count] = "SELECT";
        rs_redis_command_add(&greetings[count], "SELECT");
        rs_redis_command_add(&greetings[count++], apr_itoa(p, config->database));
    }
    if (data && config->topology == RS_REDIS_SENTINEL) {
        greetings[count] = no_command;
        names[count] = "ROLE";
        rs_redis_command_add(&greetings[count++], "ROLE");
    }
    return count;
}

static bool is_master(const rs_redis_reply_t *reply)
{
    return reply->type == RS_REDIS_ARRAY && reply->count > 0 &&
           reply->elements[0]->type == RS_REDIS_STRING &&
           strcmp(reply->elements[0]->text, "master") == 0;
}

/* Sentinels and clusters name servers that the start could not look at. */
static bool would_expose(const rs_redis_link_t *link, const rs_redis_dial_t *dial,
                         rs_redis_purpose_t purpose)
{
    const rs_redis_config_t *config = dial->config;

    return link->address.host && rs_redis_is_exposed(config, &link->address) &&
           (purpose == RS_REDIS_DATA ? config->password : config->sentinel_password);
}

static apr_status_t greet(rs_redis_link_t *link, const rs_redis_dial_t *dial,
                          rs_redis_purpose_t purpose, rs_redis_call_t *call)
{
    rs_redis_command_t greetings[GREETINGS_MAX];
    const rs_redis_reply_t *replies[GREETINGS_MAX];
    const char *names[GREETINGS_MAX];
    unsigned count = make_greetings(greetings, names, dial->config, purpose, call->p);
    apr_status_t status;
    unsigned i;

    if (!count)
        return APR_SUCCESS;
    if (would_expose(link, dial, purpose)) {
        call->trouble = "credentials would travel to this host unencrypted: use TLS (rediss+...), "
                        "or write OAuth2RSRedisPlaintext on";
        return APR_EACCES;
    }
    status = rs_redis_link_ask(link, greetings, count, replies, ROLE_ELEMENTS_MAX, call);
    if (status != APR_SUCCESS)
        return status;
    for (i = 0; i < count; i++) {
        if (replies[i]->type == RS_REDIS_ERROR) {
            call->trouble =
                apr_psprintf(call->p, "%s was answered with %s (see %s)", names[i],
                             rs_redis_reply_code(replies[i], call->p),
                             strcmp(names[i], "SELECT") == 0 ? "the database in OAuth2RSCache"
                             : purpose == RS_REDIS_DATA      ? "OAuth2RSRedisCredentials"
                                                             : "OAuth2RSSentinelCredentials");
            return APR_EACCES;
        }
        if (strcmp(names[i], "ROLE") == 0 && !is_master(replies[i])) {
            call->trouble = "it is not the master";
            return APR_EACCES;
        }
    }
    return APR_SUCCESS;
}

apr_status_t rs_redis_link_open(rs_redis_link_t **link, const rs_redis_dial_t *dial,
                                const rs_redis_address_t *address, rs_redis_purpose_t purpose,
                                rs_redis_call_t *call)
{
    rs_redis_link_t *made;
    apr_status_t status = make_link(&made, address);

    if (status != APR_SUCCESS)
        return status;
    rs_redis_call_step(call, call->connect_timeout);
    status = connect_link(made, dial, call);
    if (status == APR_SUCCESS)
        status = greet(made, dial, purpose, call);
    if (status == APR_SUCCESS)
        *link = made;
    else
        rs_redis_link_close(made);
    return status;
}

/* One command in the protocol's form, at the end of the pipeline. */
static bool append(char **pipeline, apr_size_t *len, const rs_redis_command_t *command,
                   apr_pool_t *p)
{
    char *formatted;
    char *joined;
    int formatted_len = redisFormatCommandArgv(&formatted, command->count,
                                               (const char **)command->arguments, command->lens);

    if (formatted_len < 0)
        return false;
    joined = apr_palloc(p, *len + (apr_size_t)formatted_len);
    if (*len)
        memcpy(joined, *pipeline, *len);
    memcpy(joined + *len, formatted, (apr_size_t)formatted_len);
    free(formatted);
    *pipeline = joined;
    *len += (apr_size_t)formatted_len;
    return true;
}

static apr_status_t unreadable(rs_redis_call_t *call, apr_status_t status)
{
    call->trouble = status == RS_REDIS_TOO_LARGE ? "its answer is larger than expected"
                                                 : "its answer is not a Redis reply";
    return status;
}

static apr_status_t take_reply(rs_redis_link_t *link, const rs_redis_reply_t **reply,
                               rs_redis_call_t *call)
{
    char bytes[READ_BYTES];
    apr_size_t got;
    apr_status_t status;

    for (;;) {
        status = rs_redis_reader_next(link->reader, reply);
        if (status == APR_SUCCESS)
            return APR_SUCCESS;
        if (status != APR_EAGAIN)
            return unreadable(call, status);
        status = rs_redis_wire_receive(link->wire, bytes, sizeof bytes, &got, call);
        if (status != APR_SUCCESS)
            return status;
        link->silent = false;
        status = rs_redis_reader_feed(link->reader, bytes, got);
        if (status != APR_SUCCESS)
            return unreadable(call, status);
    }
}

apr_status_t rs_redis_link_ask(rs_redis_link_t *link, const rs_redis_command_t *commands,
                               unsigned count, const rs_redis_reply_t **replies,
                               unsigned elements_max, rs_redis_call_t *call)
{
    char *pipeline = NULL;
    apr_size_t len = 0;
    apr_status_t status;
    unsigned i;

    for (i = 0; i < count; i++)
        if (!append(&pipeline, &len, &commands[i], call->p))
            return APR_ENOMEM;
    link->silent = true;
    rs_redis_reader_begin(link->reader, elements_max, RS_REDIS_REPLY_BYTES_MAX, call->p);
    status = rs_redis_wire_send(link->wire, pipeline, len, call);
    for (i = 0; status == APR_SUCCESS && i < count; i++)
        status = take_reply(link, &replies[i], call);
    return status;
}

apr_status_t rs_redis_link_ask_once(const rs_redis_dial_t *dial, const rs_redis_address_t *address,
                                    const rs_redis_errand_t *errand, const rs_redis_reply_t **reply,
                                    rs_redis_call_t *call)
{
    rs_redis_link_t *link;
    apr_status_t status = rs_redis_link_open(&link, dial, address, errand->purpose, call);

    if (status != APR_SUCCESS)
        return status;
    rs_redis_call_step(call, call->command_timeout);
    status = rs_redis_link_ask(link, &errand->command, 1, reply, errand->elements_max, call);
    rs_redis_link_close(link);
    return status;
}

bool rs_redis_link_was_silent(const rs_redis_link_t *link)
{
    return link->silent;
}

bool rs_redis_link_is_usable(const rs_redis_link_t *link)
{
    return rs_redis_reader_is_empty(link->reader) && rs_redis_wire_is_quiet(link->wire);
}

bool rs_redis_link_leads_to(const rs_redis_link_t *link, const rs_redis_address_t *address)
{
    if (!address || !link->address.host)
        return !address && !link->address.host;
    return link->address.port == address->port && strcmp(link->address.host, address->host) == 0;
}
