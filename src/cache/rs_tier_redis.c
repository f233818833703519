/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The shared tier in Redis: keys, commands, what answers mean, when to leave it alone, what the log
 * hears. */
#include "cache/rs_tier_redis.h"
#include "base/rs_breaker.h"
#include "base/rs_clock.h"
#include "base/rs_limits.h"
#include "cache/rs_redis_route.h"

#include <apr_atomic.h>
#include <apr_strings.h>
#include <string.h>

#define BREAKER_FAILURES 3
#define BREAKER_OPEN apr_time_from_sec(1)
#define CALM_S 10 /* a command that is refused now and then is not "fine again" in between */

#define ACCEPTS(type) (1U << (type))

typedef enum {
    ACT_FETCH,
    ACT_STORE,
    ACT_ADD,
    ACT_REMOVE,
    ACT_REMOVE_IF,
    ACT_READ_STREAM,
    ACT_READ_ENTRY,
    ACT_APPEND,
    ACT_COUNT
} act_t;

static const struct {
    const char *name;
    unsigned types;
    bool repeatable;
} acts[ACT_COUNT] = {
    [ACT_FETCH] = { "GET", ACCEPTS(RS_REDIS_STRING) | ACCEPTS(RS_REDIS_NIL), true },
    [ACT_STORE] = { "SET", ACCEPTS(RS_REDIS_STATUS), true },
    /* Done twice it would find itself. */
    [ACT_ADD] = { "SET NX", ACCEPTS(RS_REDIS_STATUS) | ACCEPTS(RS_REDIS_NIL), false },
    [ACT_REMOVE] = { "DEL", ACCEPTS(RS_REDIS_INTEGER), true },
    [ACT_REMOVE_IF] = { "EVAL", ACCEPTS(RS_REDIS_INTEGER), true },
    [ACT_APPEND] = { "XADD", ACCEPTS(RS_REDIS_STRING), true },
    [ACT_READ_STREAM] = { "XREAD", ACCEPTS(RS_REDIS_ARRAY) | ACCEPTS(RS_REDIS_NIL), true },
    [ACT_READ_ENTRY] = { "EVAL", ACCEPTS(RS_REDIS_ARRAY) | ACCEPTS(RS_REDIS_NIL), true },
};

/* What stands between prefix and digest; a digest has no colon. */
static const char *const infixes[RS_KIND_COUNT] = {
    [RS_KIND_VERDICT] = "", [RS_KIND_NEGATIVE] = "", [RS_KIND_DOCUMENT] = "d:",
    [RS_KIND_CLAIM] = "c:", [RS_KIND_MARK] = "m:",
};

static const char remove_if[] =
    "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) end return 0";

/* ARGV: the id, the two names. What is cut off is longer than anything of ours. */
static const char read_entry[] =
    "local r=redis.call('XREAD','COUNT','1','STREAMS',KEYS[1],ARGV[1]) if not r then return r end "
    "local e,f=r[1][2][1],{} for i=#e[2]-1,1,-2 do f[e[2][i]]=string.sub(e[2][i+1],1,64) end "
    "return {e[1],{ARGV[2],f[ARGV[2]] or '',ARGV[3],f[ARGV[3]] or ''}}";

/* Errors by which a server says something about itself (ill: it counts as a failure of Redis) or
 * about the one command. */
static const struct {
    const char *code;
    bool ill;
    apr_status_t status;
    const char *remedy;
} refusals[] = {
    { "LOADING", true, APR_EGENERAL, "it is reading its data and will answer later" },
    { "BUSY", true, APR_EGENERAL, "it is busy with a script" },
    { "MASTERDOWN", true, APR_EGENERAL, "it is a replica without its master" },
    { "CLUSTERDOWN", true, APR_EGENERAL, "the cluster does not serve all of its slots" },
    { "NOAUTH", true, APR_EACCES, "it wants credentials; see OAuth2RSRedisCredentials" },
    { "WRONGPASS", true, APR_EACCES, "it does not accept OAuth2RSRedisCredentials" },
    /* A replica answers GET: as a failure it would be forgotten with the next success. */
    { "READONLY", false, APR_EGENERAL, "it is a replica; name the master, or its Sentinels" },
    { "NOPERM", false, APR_EACCES,
      "give its user the ACL rules in redis.md of the manual, for the keys with "
      "OAuth2RSCachePrefix" },
    { "OOM", false, APR_ENOSPC, "its memory is full; see maxmemory and maxmemory-policy" },
    { "MISCONF", false, APR_EGENERAL, "it cannot save to its disk and refuses to write" },
    { "NOREPLICAS", false, APR_EGENERAL, "it has too few replicas and refuses to write" },
    { "WRONGTYPE", false, APR_EGENERAL, "somebody else keeps values under OAuth2RSCachePrefix" },
    { "MOVED", false, APR_EGENERAL, "it belongs to a cluster; write redis+cluster://" },
};

#define REFUSALS (sizeof refusals / sizeof refusals[0])

/* One code of refusal, whichever commands it hits. */
typedef struct {
    rs_log_quiet_t quiet;
    apr_uint32_t last_s;
    apr_uint32_t acts; /* that were refused: bits */
} trouble_t;

typedef struct {
    rs_tier_t tier;
    const rs_redis_config_t *config;
    const rs_log_t *log;
    rs_redis_dial_t dial;
    rs_redis_route_t *route;
    rs_breaker_t breaker;
    trouble_t refused[REFUSALS + 1]; /* the last: of a code that we do not know */
    rs_log_quiet_t crowded;
} redis_tier_t;

static bool redis_healthy(rs_tier_t *tier, apr_time_t now)
{
    return rs_breaker_wait(&((redis_tier_t *)tier)->breaker, now) == 0;
}

static void say_failed(redis_tier_t *self, act_t act, apr_time_t now, const rs_redis_call_t *call)
{
    const char *where = call->where ? call->where : "(no server found)";
    const char *trouble = call->trouble ? call->trouble : "failed";

    if (rs_breaker_failed(&self->breaker, now))
        rs_log(self->log, RS_LOG_WARNING,
               "RS0410: Redis %s: %s; %d failures in a row: this process does without the shared "
               "cache and "
               "tries again every %d ms",
               where, trouble, BREAKER_FAILURES, (int)apr_time_as_msec(BREAKER_OPEN));
    else
        rs_log(self->log, RS_LOG_DEBUG, "RS0412: Redis %s: %s: %s; taken as a miss", where,
               acts[act].name, trouble);
}

static void say_well(redis_tier_t *self, const rs_redis_call_t *call)
{
    if (rs_breaker_succeeded(&self->breaker))
        rs_log(self->log, RS_LOG_NOTICE, "RS0411: Redis %s answers again: the shared cache is used",
               call->where);
}

/* which: a row of refusals, or REFUSALS. */
static void say_refused(redis_tier_t *self, act_t act, unsigned which, const char *code,
                        apr_time_t now, const rs_redis_call_t *call)
{
    trouble_t *trouble = &self->refused[which];
    apr_uint32_t kept_back;

    apr_atomic_set32(&trouble->last_s, (apr_uint32_t)apr_time_sec(now));
    __atomic_fetch_or(&trouble->acts, 1U << act, __ATOMIC_RELAXED);
    if (rs_log_quiet_ask(&trouble->quiet, now, &kept_back))
        rs_log(self->log, RS_LOG_WARNING,
               "RS0413: Redis %s answers %s with %s: %s; taken as a miss (%u more since the last "
               "line)",
               call->where, acts[act].name, code,
               which < REFUSALS ? refusals[which].remedy : "not expected", kept_back);
}

static void say_accepted(redis_tier_t *self, act_t act, apr_time_t now, const rs_redis_call_t *call)
{
    unsigned i;

    for (i = 0; i <= REFUSALS; i++) {
        trouble_t *trouble = &self->refused[i];
        if (!rs_log_quiet_is_told(&trouble->quiet) ||
            !(apr_atomic_read32(&trouble->acts) & 1U << act) ||
            (apr_uint32_t)apr_time_sec(now) - apr_atomic_read32(&trouble->last_s) < CALM_S ||
            !rs_log_quiet_over(&trouble->quiet))
            continue;
        apr_atomic_set32(&trouble->acts, 0);
        rs_log(self->log, RS_LOG_NOTICE, "RS0414: Redis %s accepts %s again", call->where,
               acts[act].name);
    }
}

static void say_crowded(redis_tier_t *self, apr_time_t now)
{
    apr_uint32_t kept_back;

    if (rs_log_quiet_ask(&self->crowded, now, &kept_back))
        rs_log(self->log, RS_LOG_WARNING,
               "RS0415: all %u connections of this process to Redis were in use for %d ms; taken "
               "as a miss "
               "(%u more since the last line); see OAuth2RSRedisPool",
               self->config->pool_max, (int)apr_time_as_msec(self->config->command_timeout),
               kept_back);
}

/* Redis said no. */
static apr_status_t judge_error(redis_tier_t *self, act_t act, const rs_redis_reply_t *reply,
                                apr_time_t now, rs_redis_call_t *call)
{
    unsigned i = 0;

    while (i < REFUSALS && !rs_redis_reply_is_error(reply, refusals[i].code))
        i++;
    if (i < REFUSALS && refusals[i].ill) {
        call->trouble = apr_psprintf(call->p, "%s is answered with %s (%s)", acts[act].name,
                                     refusals[i].code, refusals[i].remedy);
        say_failed(self, act, now, call);
        return refusals[i].status;
    }
    /* It answers: what it refuses is this command. */
    say_well(self, call);
    say_refused(self, act, i, rs_redis_reply_code(reply, call->p), now, call);
    return i < REFUSALS ? refusals[i].status : APR_EGENERAL;
}

/* Ask, and judge how Redis did. APR_SUCCESS: *reply is no error and of a type that the act can
 * have. */
static apr_status_t ask(redis_tier_t *self, act_t act, rs_redis_question_t *question,
                        const rs_redis_reply_t **reply, apr_time_t now, apr_pool_t *p)
{
    apr_time_t begun = rs_clock();
    rs_redis_call_t call;
    apr_status_t status;

    if (!rs_breaker_allows(&self->breaker, now))
        return APR_EAGAIN;
    question->types = acts[act].types;
    question->repeatable = acts[act].repeatable;
    rs_redis_call_begin(&call, self->config->connect_timeout, self->config->command_timeout, p);
    status = rs_redis_route_ask(self->route, question, reply, &call);
    /* It answers: whoever reads a stream goes on with less. */
    if (status == RS_REDIS_TOO_LARGE && act == ACT_READ_STREAM)
        return status;
    /* The call may have taken longer than the breaker stays open. */
    now += rs_clock() - begun;
    if (status == APR_EBUSY)
        say_crowded(self, now);
    else if (status != APR_SUCCESS)
        say_failed(self, act, now, &call);
    else if ((*reply)->type == RS_REDIS_ERROR)
        status = judge_error(self, act, *reply, now, &call);
    else {
        say_well(self, &call);
        say_accepted(self, act, now, &call);
    }
    return status;
}

static void add_key(rs_redis_question_t *question, const redis_tier_t *self,
                    const rs_cache_key_t *key, apr_pool_t *p)
{
    question->key =
        apr_pstrcat(p, self->config->prefix ? self->config->prefix : "", infixes[key->kind],
                    rs_hex(key->digest.bytes, RS_SHA256_BYTES, p), NULL);
    question->key_len = strlen(question->key);
    rs_redis_command_add_bytes(&question->command, question->key, question->key_len);
}

static apr_status_t redis_fetch(rs_tier_t *tier, const rs_cache_key_t *key,
                                const unsigned char **value, apr_size_t *len, apr_time_t now,
                                apr_pool_t *p)
{
    redis_tier_t *self = (redis_tier_t *)tier;
    rs_redis_question_t question = { .types = 0 };
    const rs_redis_reply_t *reply;
    apr_status_t status;

    rs_redis_command_add(&question.command, "GET");
    add_key(&question, self, key, p);
    status = ask(self, ACT_FETCH, &question, &reply, now, p);
    if (status != APR_SUCCESS)
        return status;
    if (reply->type == RS_REDIS_NIL)
        return APR_NOTFOUND;
    *value = (const unsigned char *)reply->text;
    *len = reply->len;
    return APR_SUCCESS;
}

/* SET, with NX or without. */
static apr_status_t set(redis_tier_t *self, act_t act, const rs_cache_key_t *key,
                        const unsigned char *value, apr_size_t len, apr_time_t expires,
                        apr_time_t now, apr_pool_t *p)
{
    rs_redis_question_t question = { .types = 0 };
    const rs_redis_reply_t *reply;
    apr_int64_t ms = expires > now ? (expires - now) / 1000 : 0;
    apr_status_t status;

    if (ms <= 0)
        return APR_SUCCESS;
    if (len > RS_SEALED_BYTES_MAX)
        return APR_ENOSPC;
    rs_redis_command_add(&question.command, "SET");
    add_key(&question, self, key, p);
    rs_redis_command_add_bytes(&question.command, value, len);
    if (act == ACT_ADD)
        rs_redis_command_add(&question.command, "NX");
    rs_redis_command_add(&question.command, "PX");
    rs_redis_command_add(&question.command, apr_psprintf(p, "%" APR_INT64_T_FMT, ms));
    status = ask(self, act, &question, &reply, now, p);
    if (status != APR_SUCCESS)
        return status;
    return reply->type == RS_REDIS_NIL ? APR_EEXIST : APR_SUCCESS;
}

static apr_status_t redis_store(rs_tier_t *tier, const rs_cache_key_t *key,
                                const unsigned char *value, apr_size_t len, apr_time_t expires,
                                apr_time_t now, apr_pool_t *p)
{
    return set((redis_tier_t *)tier, ACT_STORE, key, value, len, expires, now, p);
}

static apr_status_t redis_add(rs_tier_t *tier, const rs_cache_key_t *key,
                              const unsigned char *value, apr_size_t len, apr_time_t expires,
                              apr_time_t now, apr_pool_t *p)
{
    return set((redis_tier_t *)tier, ACT_ADD, key, value, len, expires, now, p);
}

static apr_status_t redis_remove(rs_tier_t *tier, const rs_cache_key_t *key,
                                 const unsigned char *value, apr_size_t len, apr_time_t now,
                                 apr_pool_t *p)
{
    redis_tier_t *self = (redis_tier_t *)tier;
    act_t act = value ? ACT_REMOVE_IF : ACT_REMOVE;
    rs_redis_question_t question = { .types = 0 };
    const rs_redis_reply_t *reply;
    apr_status_t status;

    rs_redis_command_add(&question.command, acts[act].name);
    if (value) {
        rs_redis_command_add(&question.command, remove_if);
        rs_redis_command_add(&question.command, "1");
    }
    add_key(&question, self, key, p);
    if (value)
        rs_redis_command_add_bytes(&question.command, value, len);
    status = ask(self, act, &question, &reply, now, p);
    if (status != APR_SUCCESS)
        return status;
    return reply->integer > 0 ? APR_SUCCESS : APR_NOTFOUND;
}

/* An array, of nothing where Redis says nil. */
static apr_status_t ask_array(redis_tier_t *self, act_t act, rs_redis_question_t *question,
                              const rs_redis_reply_t **reply, apr_time_t now, apr_pool_t *p)
{
    static const rs_redis_reply_t nothing = { .type = RS_REDIS_ARRAY };
    apr_status_t status = ask(self, act, question, reply, now, p);

    if (status == APR_SUCCESS && (*reply)->type == RS_REDIS_NIL)
        *reply = &nothing;
    return status;
}

static void name_stream(rs_redis_question_t *question, const redis_tier_t *self, const char *name,
                        apr_pool_t *p)
{
    question->key = apr_pstrcat(p, self->config->prefix ? self->config->prefix : "", name, NULL);
    question->key_len = strlen(question->key);
}

apr_status_t rs_tier_redis_read_stream(rs_tier_t *tier, const char *name, const char *after,
                                       unsigned count, const rs_redis_reply_t **reply,
                                       apr_time_t now, apr_pool_t *p)
{
    redis_tier_t *self = (redis_tier_t *)tier;
    /* Others may have written entries of many fields. */
    rs_redis_question_t question = { .elements_max = RS_REDIS_REPLY_ELEMENTS_MAX };

    name_stream(&question, self, name, p);
    rs_redis_command_add(&question.command, "XREAD");
    rs_redis_command_add(&question.command, "COUNT");
    rs_redis_command_add(&question.command, apr_psprintf(p, "%u", count));
    rs_redis_command_add(&question.command, "STREAMS");
    rs_redis_command_add(&question.command, question.key);
    rs_redis_command_add(&question.command, after);
    return ask_array(self, ACT_READ_STREAM, &question, reply, now, p);
}

apr_status_t rs_tier_redis_read_entry(rs_tier_t *tier, const char *name, const char *after,
                                      const char *const names[2], const rs_redis_reply_t **reply,
                                      apr_time_t now, apr_pool_t *p)
{
    redis_tier_t *self = (redis_tier_t *)tier;
    rs_redis_question_t question = { .elements_max = 2 + 4 };

    name_stream(&question, self, name, p);
    rs_redis_command_add(&question.command, "EVAL");
    rs_redis_command_add(&question.command, read_entry);
    rs_redis_command_add(&question.command, "1");
    rs_redis_command_add(&question.command, question.key);
    rs_redis_command_add(&question.command, after);
    rs_redis_command_add(&question.command, names[0]);
    rs_redis_command_add(&question.command, names[1]);
    return ask_array(self, ACT_READ_ENTRY, &question, reply, now, p);
}

apr_status_t rs_tier_redis_append(rs_tier_t *tier, const char *name,
                                  const rs_redis_field_t fields[2], apr_time_t now, apr_pool_t *p)
{
    redis_tier_t *self = (redis_tier_t *)tier;
    rs_redis_question_t question = { .types = 0 };
    const rs_redis_reply_t *reply;
    unsigned i;

    name_stream(&question, self, name, p);
    rs_redis_command_add(&question.command, "XADD");
    rs_redis_command_add(&question.command, question.key);
    rs_redis_command_add(&question.command, "MAXLEN");
    rs_redis_command_add(&question.command, "~");
    rs_redis_command_add(&question.command, apr_itoa(p, RS_MARKS_MAX));
    rs_redis_command_add(&question.command, "*");
    for (i = 0; i < 2; i++) {
        rs_redis_command_add(&question.command, fields[i].name);
        rs_redis_command_add_bytes(&question.command, fields[i].bytes, fields[i].len);
    }
    return ask(self, ACT_APPEND, &question, &reply, now, p);
}

apr_status_t rs_tier_redis_prepare(rs_redis_config_t *config, const char **trouble, apr_pool_t *p)
{
    rs_redis_tls_files_t files = { config->ca_file, config->client_cert, config->client_key };

    return config->tls ? rs_redis_tls_create(&config->tls_context, &files, trouble, p)
                       : APR_SUCCESS;
}

void rs_tier_redis_forget(rs_redis_config_t *config)
{
    if (config->tls_context)
        rs_redis_tls_forget(config->tls_context);
}

apr_status_t rs_tier_redis_create(rs_tier_t **tier, const rs_redis_config_t *config,
                                  const rs_log_t *log, apr_pool_t *p)
{
    redis_tier_t *self = apr_pcalloc(p, sizeof *self);
    apr_status_t status;

    self->tier.name = "redis";
    self->tier.one_place = true;
    self->tier.healthy = redis_healthy;
    self->tier.fetch = redis_fetch;
    self->tier.store = redis_store;
    self->tier.add = redis_add;
    self->tier.remove = redis_remove;
    self->config = apr_pmemdup(p, config, sizeof *config);
    self->log = log;
    rs_breaker_init(&self->breaker, BREAKER_FAILURES, BREAKER_OPEN);
    self->dial.config = self->config;
    status = rs_redis_names_create(&self->dial.names, p);
    self->dial.tls = self->config->tls_context;
    if (status == APR_SUCCESS && config->tls && !self->dial.tls)
        status = APR_EINVAL;
    if (status == APR_SUCCESS)
        status = rs_redis_route_create(&self->route, &self->dial, p);
    if (status == APR_SUCCESS)
        *tier = &self->tier;
    return status;
}
