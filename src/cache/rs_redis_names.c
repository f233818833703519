/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Addresses of hosts: a small table, and a thread for each lookup under way. */
#include "cache/rs_redis_names.h"
#include "base/rs_clock.h"
#include "base/rs_limits.h"

#include <apr_strings.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAMES_MAX 64 /* hosts of one tier; more are looked up in place of the oldest */
#define NAMES_FRESH apr_time_from_sec(60)
#define NAMES_PAUSE apr_time_from_sec(1) /* between lookups of a name that is not found */

typedef struct {
    char host[RS_REDIS_HOST_BYTES_MAX + 1];
    rs_redis_sockaddrs_t found;
    apr_time_t found_at, failed_at; /* 0: never */
    bool looking;
} name_t;

/* Not in a pool: a thread that is still waiting for the resolver may outlive it. */
typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned looking; /* threads */
    bool abandoned;   /* the last thread frees it */
    unsigned count;
    name_t names[NAMES_MAX];
} table_t;

struct rs_redis_names_t {
    table_t *table;
};

typedef struct {
    table_t *table;
    char host[RS_REDIS_HOST_BYTES_MAX + 1];
} lookup_t;

static void table_free(table_t *table)
{
    pthread_cond_destroy(&table->changed);
    pthread_mutex_destroy(&table->lock);
    free(table);
}

/* True: changed; false: the deadline passed. The lock is held. */
static bool wait_until(table_t *table, apr_time_t deadline)
{
    struct timespec when = { .tv_sec = deadline / APR_USEC_PER_SEC,
                             .tv_nsec = deadline % APR_USEC_PER_SEC * 1000 };

    return pthread_cond_timedwait(&table->changed, &table->lock, &when) == 0;
}

static apr_status_t names_end(void *data)
{
    table_t *table = data;
    apr_time_t deadline = rs_clock() + apr_time_from_sec(1);
    bool unused;

    pthread_mutex_lock(&table->lock);
    while (table->looking && wait_until(table, deadline))
        ;
    unused = !table->looking;
    table->abandoned = true;
    pthread_mutex_unlock(&table->lock);
    if (unused)
        table_free(table);
    return APR_SUCCESS;
}

apr_status_t rs_redis_names_create(rs_redis_names_t **names, apr_pool_t *p)
{
    table_t *table = calloc(1, sizeof *table);
    pthread_condattr_t attributes;

    if (!table)
        return APR_ENOMEM;
    pthread_mutex_init(&table->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&table->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    apr_pool_cleanup_register(p, table, names_end, apr_pool_cleanup_null);
    *names = apr_palloc(p, sizeof **names);
    (*names)->table = table;
    return APR_SUCCESS;
}

static bool ask_system(const char *host, int flags, rs_redis_sockaddrs_t *found)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags };
    struct addrinfo *list, *one;

    found->count = 0;
    if (getaddrinfo(host, NULL, &hints, &list) != 0)
        return false;
    for (one = list; one && found->count < RS_REDIS_ADDRESSES_PER_HOST_MAX; one = one->ai_next) {
        if (one->ai_addrlen > sizeof found->addresses[0])
            continue;
        memcpy(&found->addresses[found->count], one->ai_addr, one->ai_addrlen);
        found->lens[found->count++] = one->ai_addrlen;
    }
    freeaddrinfo(list);
    return found->count > 0;
}

static name_t *find_name(table_t *table, const char *host)
{
    unsigned i;

    for (i = 0; i < table->count; i++)
        if (strcmp(table->names[i].host, host) == 0)
            return &table->names[i];
    return NULL;
}

/* A place for a new name: the oldest one that nobody looks up. NULL: all are being looked up. */
static name_t *make_name(table_t *table, const char *host)
{
    name_t *made = NULL;
    unsigned i;

    if (table->count < NAMES_MAX)
        made = &table->names[table->count++];
    else
        for (i = 0; i < NAMES_MAX; i++)
            if (!table->names[i].looking && (!made || table->names[i].found_at < made->found_at))
                made = &table->names[i];
    if (!made)
        return NULL;
    memset(made, 0, sizeof *made);
    apr_cpystrn(made->host, host, sizeof made->host);
    return made;
}

static void *look_up(void *data)
{
    lookup_t *lookup = data;
    table_t *table = lookup->table;
    rs_redis_sockaddrs_t found;
    bool fine = ask_system(lookup->host, 0, &found);
    name_t *name;
    bool last;

    pthread_mutex_lock(&table->lock);
    name = find_name(table, lookup->host);
    if (name) {
        name->looking = false;
        if (fine) {
            name->found = found;
            name->found_at = rs_clock();
        }
        name->failed_at = fine ? 0 : rs_clock();
    }
    last = --table->looking == 0 && table->abandoned;
    pthread_cond_broadcast(&table->changed);
    pthread_mutex_unlock(&table->lock);
    if (last)
        table_free(table);
    free(lookup);
    return NULL;
}

static void start_lookup(table_t *table, name_t *name)
{
    lookup_t *lookup = calloc(1, sizeof *lookup);
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;

    if (!lookup)
        return;
    lookup->table = table;
    apr_cpystrn(lookup->host, name->host, sizeof lookup->host);
    name->looking = true;
    table->looking++;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    /* The signal that ends a process is for httpd's threads. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, &attributes, look_up, lookup) != 0) {
        name->looking = false;
        table->looking--;
        free(lookup);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

static bool wants_lookup(const name_t *name, apr_time_t now)
{
    if (name->looking || (name->failed_at && now - name->failed_at < NAMES_PAUSE))
        return false;
    return !name->found.count || now - name->found_at >= NAMES_FRESH;
}

/* The lock is held. The name may move while we wait, so it is found anew each time. */
static apr_status_t find_in_table(table_t *table, const char *host, rs_redis_sockaddrs_t *found,
                                  rs_redis_call_t *call)
{
    for (;;) {
        name_t *name = find_name(table, host);

        if (!name)
            name = make_name(table, host);
        if (!name)
            return APR_ENOENT;
        if (wants_lookup(name, rs_clock()))
            start_lookup(table, name);
        if (name->found.count) {
            *found = name->found;
            return APR_SUCCESS;
        }
        if (!name->looking)
            return APR_ENOENT;
        if (!wait_until(table, call->deadline))
            return APR_TIMEUP;
    }
}

static void set_port(rs_redis_sockaddrs_t *found, int port)
{
    unsigned i;

    for (i = 0; i < found->count; i++) {
        struct sockaddr_storage *address = &found->addresses[i];

        if (address->ss_family == AF_INET)
            ((struct sockaddr_in *)address)->sin_port = htons((apr_uint16_t)port);
        else if (address->ss_family == AF_INET6)
            ((struct sockaddr_in6 *)address)->sin6_port = htons((apr_uint16_t)port);
    }
}

apr_status_t rs_redis_names_find(rs_redis_names_t *names, const char *host, int port,
                                 rs_redis_sockaddrs_t *found, rs_redis_call_t *call)
{
    apr_status_t status = APR_SUCCESS;

    if (strlen(host) > RS_REDIS_HOST_BYTES_MAX)
        return APR_EINVAL;
    if (!ask_system(host, AI_NUMERICHOST, found)) {
        pthread_mutex_lock(&names->table->lock);
        status = find_in_table(names->table, host, found, call);
        pthread_mutex_unlock(&names->table->lock);
    }
    if (status == APR_SUCCESS)
        set_port(found, port);
    else
        call->trouble =
            apr_psprintf(call->p, "the address of %s is not known%s", host,
                         status == APR_TIMEUP ? " (no answer of the resolver yet)" : "");
    return status;
}
