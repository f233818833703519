/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The shared tier in Redis. Values arrive sealed (rs_seal.h); this file's business is time,
 * connections and keys: prefix + hex of the digest, PX from the expiry. A VERDICT and a NEGATIVE of
 * one digest share one key. */
#ifndef RS_TIER_REDIS_H
#define RS_TIER_REDIS_H

#include "base/rs_log.h"
#include "cache/rs_redis_reply.h"
#include "cache/rs_tier.h"

typedef enum { RS_REDIS_SINGLE, RS_REDIS_SENTINEL, RS_REDIS_CLUSTER } rs_redis_topology_t;

typedef struct {
    const char *host;
    int port;
} rs_redis_address_t;

/* Constant after configuration. */
typedef struct {
    rs_redis_topology_t topology;
    const rs_redis_address_t *addresses;
    unsigned address_count;
    const char *socket;        /* unix socket instead of an address; NULL: none */
    const char *sentinel_name; /* the master's name */
    int database;
    bool tls;
    const char *ca_file, *client_cert, *client_key; /* PEM; NULL: the system's, none */
    struct rs_redis_tls_t *tls_context;             /* of rs_tier_redis_prepare() */
    const char *user, *password;                    /* NULL: none */
    const char *sentinel_user, *sentinel_password;
    bool plaintext; /* credentials may travel unencrypted to another host */
    const char *prefix;
    apr_interval_time_t connect_timeout, command_timeout;
    unsigned pool_max; /* connections of one process, in use and to one server */
} rs_redis_config_t;

/* redis://HOST[:PORT][/DB], rediss://..., unix:PATH, redis+sentinel://h1[:p],h2/NAME[/DB],
 * redis+cluster://h1[:p],h2 (rediss+... with TLS). Fills the address part of config. NULL is fine,
 * else a sentence. Userinfo is refused. */
const char *rs_redis_url_parse(rs_redis_config_t *config, const char *url, apr_pool_t *p);

/* Would credentials travel to this address unencrypted, and nobody has allowed it? */
bool rs_redis_is_exposed(const rs_redis_config_t *config, const rs_redis_address_t *address);

/* Before the fork: read the files of TLS as the user we are now, into config->tls_context, which
 * lives as long as p. *trouble is a sentence when the answer is not APR_SUCCESS. */
apr_status_t rs_tier_redis_prepare(rs_redis_config_t *config, const char **trouble, apr_pool_t *p);

/* Give that back: for a process that ends without clearing p, after its tiers have ended. */
void rs_tier_redis_forget(rs_redis_config_t *config);

/* Connects to nothing; the first use does. Call in the process that will use it. Freed with p,
 * which must be used by one thread at a time during creation only. */
apr_status_t rs_tier_redis_create(rs_tier_t **tier, const rs_redis_config_t *config,
                                  const rs_log_t *log, apr_pool_t *p);

/* XREAD of prefix + name behind an id: at most count entries in *reply, an array (of nothing when
 * there are none), which lives as long as p. RS_REDIS_TOO_LARGE: fewer of them may be readable. */
apr_status_t rs_tier_redis_read_stream(rs_tier_t *tier, const char *name, const char *after,
                                       unsigned count, const rs_redis_reply_t **reply,
                                       apr_time_t now, apr_pool_t *p);

/* The first of these entries, however large it is: of the fields with these names the beginnings
 * alone, and nothing of others. [id, [name, value, name, value]], or an array of nothing. */
apr_status_t rs_tier_redis_read_entry(rs_tier_t *tier, const char *name, const char *after,
                                      const char *const names[2], const rs_redis_reply_t **reply,
                                      apr_time_t now, apr_pool_t *p);

typedef struct {
    const char *name;
    const void *bytes;
    apr_size_t len;
} rs_redis_field_t;

/* XADD to prefix + name: an entry of two fields. The stream is kept at about RS_MARKS_MAX entries.
 */
apr_status_t rs_tier_redis_append(rs_tier_t *tier, const char *name,
                                  const rs_redis_field_t fields[2], apr_time_t now, apr_pool_t *p);

#endif
