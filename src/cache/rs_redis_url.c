/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The URL of a Redis: where it is, in one word of the configuration. */
#include "base/rs_limits.h"
#include "base/rs_url.h"
#include "cache/rs_tier_redis.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include <sys/un.h>

#define REDIS_PORT 6379
#define SENTINEL_PORT 26379

typedef struct {
    const char *scheme;
    rs_redis_topology_t topology;
    bool tls;
    int port;
} form_t;

static const form_t forms[] = {
    { "redis://", RS_REDIS_SINGLE, false, REDIS_PORT },
    { "rediss://", RS_REDIS_SINGLE, true, REDIS_PORT },
    { "redis+sentinel://", RS_REDIS_SENTINEL, false, SENTINEL_PORT },
    { "rediss+sentinel://", RS_REDIS_SENTINEL, true, SENTINEL_PORT },
    { "redis+cluster://", RS_REDIS_CLUSTER, false, REDIS_PORT },
    { "rediss+cluster://", RS_REDIS_CLUSTER, true, REDIS_PORT },
};

static const char *parse_number(const char *text, int max, int *number)
{
    long value = 0;
    const char *c;

    if (!*text)
        return "is not a number";
    for (c = text; *c; c++) {
        if (!apr_isdigit(*c))
            return "is not a number";
        value = value * 10 + (*c - '0');
        if (value > max)
            return "is too large";
    }
    *number = (int)value;
    return NULL;
}

/* A name, an IPv4 address, or (in brackets) an IPv6 address. */
static bool is_host(const char *host, bool brackets)
{
    const char *allowed = brackets ? "0123456789abcdefABCDEF:.%" : NULL;
    const char *c;

    if (!*host || strlen(host) > RS_REDIS_HOST_BYTES_MAX)
        return false;
    for (c = host; *c; c++)
        if (brackets ? !strchr(allowed, *c) : !apr_isalnum(*c) && !strchr(".-_", *c))
            return false;
    return true;
}

static const char *parse_address(rs_redis_address_t *address, char *text, int port, apr_pool_t *p)
{
    bool brackets = *text == '[';
    char *end = brackets ? strchr(text, ']') : text + strcspn(text, ":");
    const char *trouble = NULL;

    if (!end)
        return "the bracket of an IPv6 address is not closed";
    address->port = port;
    if (brackets)
        *end++ = '\0';
    if (*end == ':') {
        *end++ = '\0';
        trouble = parse_number(end, 65535, &address->port);
    }
    else if (*end)
        return apr_psprintf(p, "\"%s\" behind an IPv6 address", end);
    address->host = text + (brackets ? 1 : 0);
    if (!is_host(address->host, brackets))
        return apr_psprintf(p, "\"%s\" is not a host", address->host);
    if (trouble || !address->port)
        return apr_psprintf(p, "the port of \"%s\" %s", address->host, trouble ? trouble : "is 0");
    return NULL;
}

static const char *parse_addresses(rs_redis_config_t *config, char *text, int port, apr_pool_t *p)
{
    rs_redis_address_t *addresses;
    const char *trouble;
    unsigned count = 1;
    char *c, *next;

    for (c = text; *c; c++)
        count += *c == ',';
    if (count > RS_REDIS_ADDRESSES_MAX)
        return apr_psprintf(p, "%u addresses; at most %d are taken", count, RS_REDIS_ADDRESSES_MAX);
    if (count > 1 && config->topology == RS_REDIS_SINGLE)
        return "several addresses: write redis+sentinel:// or redis+cluster://";
    addresses = apr_pcalloc(p, count * sizeof *addresses);
    config->addresses = addresses;
    config->address_count = count;
    for (; text; text = next, addresses++) {
        next = strchr(text, ',');
        if (next)
            *next++ = '\0';
        trouble = parse_address(addresses, text, port, p);
        if (trouble)
            return trouble;
    }
    return NULL;
}

/* What is behind the addresses: [NAME][/DB]. `rest` is what follows the first slash, or NULL. */
static const char *parse_rest(rs_redis_config_t *config, char *rest, apr_pool_t *p)
{
    const char *trouble;

    if (config->topology == RS_REDIS_SENTINEL) {
        if (!rest || !*rest || *rest == '/')
            return "the name of the master is missing: redis+sentinel://HOST,HOST/NAME";
        config->sentinel_name = rest;
        rest = strchr(rest, '/');
        if (rest)
            *rest++ = '\0';
    }
    if (!rest || !*rest)
        return NULL;
    if (config->topology == RS_REDIS_CLUSTER)
        return "a cluster has no databases; end the URL behind the addresses";
    trouble = parse_number(rest, RS_REDIS_DATABASE_MAX, &config->database);
    return trouble ? apr_psprintf(p, "the database \"%s\" %s", rest, trouble) : NULL;
}

static const char *parse_socket(rs_redis_config_t *config, const char *path, apr_pool_t *p)
{
    struct sockaddr_un address;

    if (*path != '/')
        return "the path of a unix socket begins with a slash: unix:/run/redis/redis.sock";
    if (strlen(path) >= sizeof address.sun_path)
        return apr_psprintf(p, "the path of a unix socket has at most %" APR_SIZE_T_FMT " bytes",
                            sizeof address.sun_path - 1);
    config->topology = RS_REDIS_SINGLE;
    config->tls = false;
    config->socket = apr_pstrdup(p, path);
    config->addresses = NULL;
    config->address_count = 0;
    return NULL;
}

static const form_t *find_form(const char *url)
{
    unsigned i;

    for (i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strncasecmp(url, forms[i].scheme, strlen(forms[i].scheme)) == 0)
            return &forms[i];
    return NULL;
}

static const char *check_characters(const char *url)
{
    const char *c;

    if (strlen(url) > RS_URL_BYTES_MAX)
        return "the URL is too long";
    for (c = url; *c; c++)
        if (!apr_isgraph(*c))
            return "the URL holds a blank or a control character";
    return NULL;
}

const char *rs_redis_url_parse(rs_redis_config_t *config, const char *url, apr_pool_t *p)
{
    const form_t *form = find_form(url);
    const char *trouble = check_characters(url);
    char *text, *rest;

    if (trouble)
        return trouble;
    if (strncmp(url, "unix:", 5) == 0)
        return parse_socket(config, url + 5, p);
    if (!form)
        return "not a Redis URL: redis://HOST, rediss://HOST, unix:PATH, "
               "redis+sentinel://HOST,HOST/NAME or redis+cluster://HOST,HOST";
    text = apr_pstrdup(p, url + strlen(form->scheme));
    /* What we refuse may hold a password: it is not repeated. */
    if (strchr(text, '@'))
        return "user and password do not belong into the URL: use OAuth2RSRedisCredentials";
    if (strpbrk(text, "?#"))
        return "a Redis URL has no query and no fragment";
    config->topology = form->topology;
    config->tls = form->tls;
    config->socket = NULL;
    config->database = 0;
    config->sentinel_name = NULL;
    rest = strchr(text, '/');
    if (rest)
        *rest++ = '\0';
    if (!*text)
        return "the host is missing";
    trouble = parse_addresses(config, text, form->port, p);
    return trouble ? trouble : parse_rest(config, rest, p);
}

bool rs_redis_is_exposed(const rs_redis_config_t *config, const rs_redis_address_t *address)
{
    rs_url_t url = { "http", address->host, 0, "", "" };

    return !config->tls && !config->plaintext && !rs_url_is_loopback(&url);
}
