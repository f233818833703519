/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* One connection to one Redis: opened, authenticated and on its database; then questions and
 * replies. */
#ifndef RS_REDIS_LINK_H
#define RS_REDIS_LINK_H

#include "cache/rs_redis_reply.h"
#include "cache/rs_redis_wire.h"
#include "cache/rs_tier_redis.h"

/* What all connections of a tier need. Constant. */
typedef struct {
    const rs_redis_config_t *config;
    rs_redis_tls_t *tls; /* NULL: plain */
    rs_redis_names_t *names;
} rs_redis_dial_t;

typedef enum {
    RS_REDIS_DATA,     /* a server that keeps our values; behind Sentinel it must say that it is a
                          master */
    RS_REDIS_SENTINELS /* one that knows where they are */
} rs_redis_purpose_t;

#define RS_REDIS_ARGUMENTS_MAX 12

typedef struct {
    int count;
    const char *arguments[RS_REDIS_ARGUMENTS_MAX];
    size_t lens[RS_REDIS_ARGUMENTS_MAX];
} rs_redis_command_t;

void rs_redis_command_add(rs_redis_command_t *command, const char *argument);
void rs_redis_command_add_bytes(rs_redis_command_t *command, const void *bytes, apr_size_t len);

typedef struct rs_redis_link_t rs_redis_link_t;

/* Connect, TLS, AUTH, SELECT and (behind Sentinel) ROLE, all within connect_timeout. APR_EACCES:
 * credentials, database or role were not accepted; call->trouble says what. address is copied; NULL
 * is the unix socket. */
apr_status_t rs_redis_link_open(rs_redis_link_t **link, const rs_redis_dial_t *dial,
                                const rs_redis_address_t *address, rs_redis_purpose_t purpose,
                                rs_redis_call_t *call);

/* Sends all commands in one go and takes as many replies, until call->deadline. Errors of Redis are
 * replies. After a failure the link is to be closed. */
apr_status_t rs_redis_link_ask(rs_redis_link_t *link, const rs_redis_command_t *commands,
                               unsigned count, const rs_redis_reply_t **replies,
                               unsigned elements_max, rs_redis_call_t *call);

/* What is asked seldom. */
typedef struct {
    rs_redis_purpose_t purpose;
    rs_redis_command_t command;
    unsigned elements_max; /* of the reply */
} rs_redis_errand_t;

/* On a link of its own, which is closed again. */
apr_status_t rs_redis_link_ask_once(const rs_redis_dial_t *dial, const rs_redis_address_t *address,
                                    const rs_redis_errand_t *errand, const rs_redis_reply_t **reply,
                                    rs_redis_call_t *call);

/* Did the last question fail although nothing of a reply came? A connection that was closed while
 * idle does. */
bool rs_redis_link_was_silent(const rs_redis_link_t *link);

/* It can take a question: alive, and nothing is left of an earlier one. */
bool rs_redis_link_is_usable(const rs_redis_link_t *link);

bool rs_redis_link_leads_to(const rs_redis_link_t *link, const rs_redis_address_t *address);

void rs_redis_link_close(rs_redis_link_t *link);

#endif
