/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What threads share, under ThreadSanitizer: key snapshots that are replaced every 50 ms, the local
 * tier, flights, and the connections to Redis.
 *
 *   stress SECONDS [URL-OF-A-REDIS] */
#include "fakes.h"
#include "key_maker.h"
#include "cache/rs_tier_redis.h"
#include "jose/rs_jws.h"
#include "provider/rs_provider.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <apr_time.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 8
#define ROTATION apr_time_from_msec(50)
#define TOKENS 64
#define KEYS 2
#define ISSUER "https://issuer.example"
#define NOW apr_time_from_sec(1700000000)

static struct {
    fake_http_t http;
    fake_log_t log;
    rs_services_t services;
    rs_provider_t *provider;
    rs_tier_t *redis; /* NULL: none */
    const char *sets[KEYS];
    rs_presented_t tokens[KEYS][TOKENS];
    atomic_bool over;
    _Atomic apr_int64_t now; /* a clock that goes an hour at each rotation: keys are old then */
    atomic_uint rotations, accepted, refused, undecided, stored;
    apr_pool_t *p;
} world;

static void answer(fake_http_t *self, const rs_http_request_t *request, rs_http_response_t *reply)
{
    (void)self, (void)request;
    reply->status = 200;
    reply->body = (char *)world.sets[atomic_load(&world.rotations) % KEYS];
    reply->body_len = strlen(reply->body);
}

static void make_tokens(void)
{
    unsigned key, i;

    for (key = 0; key < KEYS; key++) {
        const rs_jwk_t *jwk = key_make("ED25519", world.p);
        const char *kid = key ? "\"kid\":\"b\"," : "\"kid\":\"a\",";
        world.sets[key] = key_set_text(world.p, key_public_text(jwk, kid, world.p), NULL);
        for (i = 0; i < TOKENS; i++) {
            rs_presented_t *token = &world.tokens[key][i];
            const char *payload = apr_psprintf(
                world.p,
                "{\"iss\":\"" ISSUER "\",\"aud\":\"api\",\"sub\":\"u%u\",\"exp\":4102444800}", i);
            if (rs_jws_sign(&token->token, jwk, rs_alg_by_name("EdDSA"),
                            key ? "\"kid\":\"b\"" : "\"kid\":\"a\"", payload,
                            world.p) != APR_SUCCESS)
                abort();
            token->token_len = strlen(token->token);
            token->fingerprint = "00000000";
        }
    }
}

static bool wants_nothing(const rs_log_t *self, rs_log_level_t level)
{
    (void)self, (void)level;
    return false;
}

static void make_provider(void)
{
    static const char *const audiences[] = { "api" };
    rs_provider_spec_t *spec = rs_provider_spec_create("stress", world.p);
    rs_local_config_t local = { 64, 1024 * 1024 }; /* small: much is evicted */
    rs_cache_config_t cache = { .local_ttl = apr_time_from_sec(1) };
    const char *why;

    fake_http_init(&world.http);
    world.http.answer = answer;
    spec->policy.issuer = ISSUER;
    spec->policy.audiences = audiences;
    spec->policy.audience_count = 1;
    spec->validate = RS_VALIDATE_JWT;
    spec->keys.cooldown = 1;
    APR_ARRAY_PUSH(spec->keys.urls, const char *) = ISSUER "/jwks";
    world.services.http = &world.http.http;
    fake_log_init(&world.log);
    world.log.log.wants = wants_nothing;
    world.services.log = &world.log.log;
    world.services.random = rs_random_bytes;
    if (rs_local_create(&cache.local, &local, world.p) != APR_SUCCESS ||
        rs_cache_create(&world.services.cache, &cache, world.p) != APR_SUCCESS ||
        rs_provider_create(&world.provider, spec, &world.services, NOW, &why, world.p) !=
            APR_SUCCESS)
        abort();
}

static void make_redis(const char *url)
{
    rs_redis_config_t config = { .connect_timeout = apr_time_from_sec(1),
                                 .command_timeout = apr_time_from_sec(1),
                                 .pool_max = THREADS / 2,
                                 .prefix = "stress:" };

    if (rs_redis_url_parse(&config, url, world.p) ||
        rs_tier_redis_create(&world.redis, &config, world.services.log, world.p) != APR_SUCCESS)
        abort();
}

static void ask(const rs_presented_t *token, apr_time_t now, apr_pool_t *p)
{
    rs_question_t question = { .providers = &world.provider,
                               .provider_count = 1,
                               .presented = token,
                               .ttl_positive = RS_TTL_UNLIMITED,
                               .ttl_negative = RS_TTL_UNLIMITED };
    const rs_provider_t *by;
    rs_verdict_t verdict = rs_providers_judge(&question, &by, now, p);

    if (rs_verdict_is_accepted(&verdict))
        atomic_fetch_add(&world.accepted, 1);
    else if (verdict.outcome == RS_TOKEN_UNDECIDED)
        atomic_fetch_add(&world.undecided, 1);
    else
        atomic_fetch_add(&world.refused, 1);
}

static void use_redis(unsigned number, apr_pool_t *p)
{
    rs_cache_key_t key = { RS_KIND_VERDICT, fake_digest(apr_itoa(p, (int)(number % 16))) };
    const unsigned char *value;
    apr_size_t len;
    apr_time_t now = apr_time_now();

    if (world.redis->fetch(world.redis, &key, &value, &len, now, p) == APR_SUCCESS && len != 5)
        abort();
    if (world.redis->store(world.redis, &key, (const unsigned char *)"value", 5,
                           now + apr_time_from_sec(5), now, p) == APR_SUCCESS)
        atomic_fetch_add(&world.stored, 1);
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    unsigned number = (unsigned)(uintptr_t)data;
    apr_pool_t *p;

    (void)thread;
    apr_pool_create_unmanaged(&p);
    while (!atomic_load(&world.over)) {
        apr_time_t now = atomic_load(&world.now);
        number = number * 1664525 + 1013904223;
        ask(&world.tokens[number >> 8 & 1][number >> 16 & (TOKENS - 1)], now, p);
        if (world.redis && !(number >> 9 & 3))
            use_redis(number >> 12, p);
        apr_pool_clear(p);
    }
    apr_pool_destroy(p);
    return NULL;
}

int main(int argc, char *argv[])
{
    apr_thread_t *threads[THREADS];
    apr_status_t status;
    apr_time_t end;
    uintptr_t i;

    apr_initialize();
    apr_pool_create(&world.p, NULL);
    atomic_store(&world.now, NOW);
    make_tokens();
    make_provider();
    if (argc > 2)
        make_redis(argv[2]);
    for (i = 0; i < THREADS; i++)
        if (apr_thread_create(&threads[i], NULL, work, (void *)(i + 1), world.p) != APR_SUCCESS)
            abort();
    for (end = apr_time_now() + apr_time_from_sec(atoi(argv[1])); apr_time_now() < end;) {
        apr_sleep(ROTATION);
        atomic_fetch_add(&world.rotations, 1);
        atomic_fetch_add(&world.now, apr_time_from_sec(4000));
    }
    atomic_store(&world.over, true);
    for (i = 0; i < THREADS; i++)
        apr_thread_join(&status, threads[i]);
    printf(
        "# stress: %u rotations under %d threads: %u accepted, %u refused (their key has left), %u "
        "undecided; %u stored in Redis\n",
        world.rotations, THREADS, world.accepted, world.refused, world.undecided, world.stored);
    if (!world.accepted || !world.refused || (world.redis && !world.stored))
        return 1;
    apr_pool_destroy(world.p);
    apr_terminate();
    return 0;
}
