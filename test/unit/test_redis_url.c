/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The URL of a Redis: what is taken, and what is said of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cache/rs_tier_redis.h"
#include "fakes.h"

#include <apr_strings.h>
#include <string.h>

static void urls_that_are_taken(void **state)
{
    static const struct {
        const char *url;
        rs_redis_topology_t topology;
        bool tls;
        const char *first; /* host:port */
        unsigned count;
        int database;
        const char *name;
    } rows[] = {
        { "redis://localhost", RS_REDIS_SINGLE, false, "localhost:6379", 1, 0, NULL },
        { "REDISS://r.example.com:7000/15", RS_REDIS_SINGLE, true, "r.example.com:7000", 1, 15,
          NULL },
        { "redis://[::1]:1/0", RS_REDIS_SINGLE, false, "::1:1", 1, 0, NULL },
        { "redis://[fe80::1%25]", RS_REDIS_SINGLE, false, "fe80::1%25:6379", 1, 0, NULL },
        { "redis://10.0.0.1:65535/", RS_REDIS_SINGLE, false, "10.0.0.1:65535", 1, 0, NULL },
        { "redis+sentinel://a,b:1,c/mymaster", RS_REDIS_SENTINEL, false, "a:26379", 3, 0,
          "mymaster" },
        { "rediss+sentinel://a/m/3", RS_REDIS_SENTINEL, true, "a:26379", 1, 3, "m" },
        { "redis+cluster://a,b", RS_REDIS_CLUSTER, false, "a:6379", 2, 0, NULL },
        { "rediss+cluster://a/", RS_REDIS_CLUSTER, true, "a:6379", 1, 0, NULL },
    };
    unsigned i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rs_redis_config_t config = { .database = 7 };
        assert_null(rs_redis_url_parse(&config, rows[i].url, *state));
        assert_int_equal(config.topology, rows[i].topology);
        assert_int_equal(config.tls, rows[i].tls);
        assert_int_equal(config.address_count, rows[i].count);
        assert_int_equal(config.database, rows[i].database);
        assert_string_equal(
            apr_psprintf(*state, "%s:%d", config.addresses[0].host, config.addresses[0].port),
            rows[i].first);
        if (rows[i].name)
            assert_string_equal(config.sentinel_name, rows[i].name);
        else
            assert_null(config.sentinel_name);
    }
}

static void a_socket_is_taken(void **state)
{
    rs_redis_config_t config = { .tls = true };

    assert_null(rs_redis_url_parse(&config, "unix:/run/redis/redis.sock", *state));
    assert_string_equal(config.socket, "/run/redis/redis.sock");
    assert_false(config.tls);
    assert_int_equal(config.address_count, 0);
}

static void urls_that_are_refused(void **state)
{
    static const struct {
        const char *url, *words;
    } rows[] = {
        { "", "not a Redis URL" },
        { "http://localhost", "not a Redis URL" },
        { "redis:localhost", "not a Redis URL" },
        { "redis://", "host is missing" },
        { "redis:///3", "host is missing" },
        { "redis://user:secret-word@h", "OAuth2RSRedisCredentials" },
        { "redis://h?db=3", "no query" },
        { "redis://h#3", "no query" },
        { "redis://a b", "blank" },
        { "redis://a\tb", "blank" },
        { "redis://h:0", "is 0" },
        { "redis://h:65536", "too large" },
        { "redis://h:99999999999999999999", "too large" },
        { "redis://h:x", "not a number" },
        { "redis://h:", "not a number" },
        { "redis://h/x", "not a number" },
        { "redis://h/16384", "too large" },
        { "redis://h/-1", "not a number" },
        { "redis://[::1", "not closed" },
        { "redis://[::1]x", "behind an IPv6" },
        { "redis://[]", "not a host" },
        { "redis://a/b/c", "not a number" },
        { "redis://a,b", "several addresses" },
        { "redis+sentinel://a", "name of the master" },
        { "redis+sentinel://a/", "name of the master" },
        { "redis+sentinel://a//3", "name of the master" },
        { "redis+cluster://a/1", "no databases" },
        { "redis+cluster://a,,b", "not a host" },
        { "unix:redis.sock", "slash" },
    };
    unsigned i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rs_redis_config_t config = { 0 };
        const char *trouble = rs_redis_url_parse(&config, rows[i].url, *state);
        if (!trouble || !strstr(trouble, rows[i].words) || strstr(trouble, "secret-word"))
            fail_msg("%s: %s", rows[i].url, trouble ? trouble : "(taken)");
    }
}

static void lengths_have_bounds(void **state)
{
    rs_redis_config_t config = { 0 };
    char *path = apr_palloc(*state, 300);

    memset(path, 'x', 299);
    path[299] = '\0';
    assert_non_null(rs_redis_url_parse(&config, apr_pstrcat(*state, "unix:/", path, NULL), *state));
    assert_non_null(
        rs_redis_url_parse(&config, apr_pstrcat(*state, "redis://", path, NULL), *state));
    path[253] = '\0';
    assert_null(rs_redis_url_parse(&config, apr_pstrcat(*state, "redis://", path, NULL), *state));
}

static void where_credentials_would_be_seen(void **state)
{
    static const struct {
        const char *host;
        bool tls, plaintext, exposed;
    } rows[] = {
        { "localhost", false, false, false },
        { "127.0.0.1", false, false, false },
        { "::1", false, false, false },
        { "10.0.0.1", false, false, true },
        { "r.example.com", false, false, true },
        { "r.example.com", true, false, false },
        { "r.example.com", false, true, false },
        { "127.0.0.1.example.com", false, false, true },
        { "localhost.example.com", false, false, true },
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rs_redis_config_t config = { .tls = rows[i].tls, .plaintext = rows[i].plaintext };
        rs_redis_address_t address = { rows[i].host, 6379 };
        assert_int_equal(rs_redis_is_exposed(&config, &address), rows[i].exposed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(urls_that_are_taken),
        FAKE_TEST(a_socket_is_taken),
        FAKE_TEST(urls_that_are_refused),
        FAKE_TEST(lengths_have_bounds),
        FAKE_TEST(where_credentials_would_be_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
