/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What the local tier takes: resident memory for 100,000 tokens, and for the default bounds. */
#include "cache/rs_local.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW apr_time_from_sec(1700000000)

static long rss_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;

    if (!file || fscanf(file, "%ld %ld", &size, &resident) != 2)
        exit(1);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* The claims of a usual access token; each of another user. */
static rs_entry_t *entry_of(unsigned i, apr_pool_t *p)
{
    const char *user = apr_psprintf(p, "user-%08u", i), *why;
    const char *text = apr_psprintf(
        p,
        "{\"iss\":\"https://login.example.com/realms/acme\",\"aud\":[\"https://"
        "api.example.com\"],\"sub\":\"%s\","
        "\"client_id\":\"web-shop\",\"scope\":\"openid profile read:users "
        "write:users\",\"iat\":1700000000,"
        "\"exp\":1700003600,\"jti\":\"c0ffee00-%08u\",\"roles\":[\"user\",\"editor\"]}",
        user, i);
    rs_principal_t principal = { .user = user,
                                 .issuer = "https://login.example.com/realms/acme",
                                 .subject = user,
                                 .client = "web-shop" };
    rs_verdict_t verdict;

    principal.claims =
        rs_claims_from_json(rs_json_object(text, strlen(text), &rs_json_token_limits, &why, p), p);
    principal.scope = rs_scope_from_text("openid profile read:users write:users", p);
    verdict = rs_accept(&principal, NOW, NOW + apr_time_from_sec(3600));
    return rs_entry_of_verdict(&verdict, p);
}

static void measure(unsigned tokens, unsigned entries_max, apr_pool_t *root)
{
    rs_local_config_t config = { entries_max, (apr_size_t)entries_max * 2048 };
    rs_local_t *local;
    rs_local_stats_t stats;
    apr_pool_t *p, *temp;
    long before = rss_kib(), taken;
    unsigned i;

    apr_pool_create(&p, root);
    apr_pool_create(&temp, root);
    if (rs_local_create(&local, &config, p) != APR_SUCCESS)
        exit(1);
    for (i = 0; i < tokens; i++) {
        rs_entry_t *entry = entry_of(i, temp);
        rs_sha256_t key;
        rs_span_t span = { &i, sizeof i };
        rs_sha256(&span, 1, &key);
        rs_local_store(local, &key, entry, false, NOW + apr_time_from_sec(3600), NOW);
        rs_entry_release(entry);
        apr_pool_clear(temp);
    }
    stats = rs_local_stats(local);
    taken = rss_kib() - before;
    printf("%u tokens, OAuth2RSLocalCache %u: %lu kept, %ld KiB resident, %ld bytes for each\n",
           tokens, entries_max, (unsigned long)stats.entries, taken,
           taken * 1024 / (long)(stats.entries ? stats.entries : 1));
    apr_pool_destroy(p);
    apr_pool_destroy(temp);
}

int main(int argc, char *argv[])
{
    apr_pool_t *root;

    apr_initialize();
    apr_pool_create(&root, NULL);
    /* Each in a process of its own, so that none finds memory of another. */
    if (argc == 3)
        measure((unsigned)atoi(argv[1]), (unsigned)atoi(argv[2]), root);
    apr_pool_destroy(root);
    apr_terminate();
    return 0;
}
