/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Who asks, of many processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cache/rs_cache_claim.h"
#include "fakes.h"

#define NOW apr_time_from_sec(1700000000)
#define LIFETIME apr_time_from_sec(10)

typedef struct {
    fake_tier_t tier;
    rs_cache_t *cache;
    rs_sha256_t key;
} world_t;

static world_t *world(apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof *w);
    rs_cache_config_t config = { .shared = &w->tier.tier };

    fake_tier_init(&w->tier, p);
    w->key = fake_digest("token");
    assert_int_equal(rs_cache_create(&w->cache, &config, p), APR_SUCCESS);
    return w;
}

static bool take(world_t *w, rs_cache_claim_t *claim, apr_pool_t *p)
{
    return rs_cache_claim_take(claim, w->cache, &w->key, LIFETIME, NOW, p);
}

static void one_asks_the_others_wait(void **state)
{
    world_t *w = world(*state);
    rs_cache_claim_t first, second;

    assert_true(take(w, &first, *state));
    assert_int_equal(w->tier.expires, NOW + LIFETIME);
    assert_false(take(w, &second, *state));
    rs_cache_claim_end(&second, NOW, *state); /* not his: nothing happens */
    assert_false(take(w, &second, *state));
    rs_cache_claim_end(&first, NOW, *state);
    assert_true(take(w, &second, *state));
}

/* It ran out meanwhile, and another has it now. */
static void nobody_takes_back_what_is_anothers(void **state)
{
    world_t *w = world(*state);
    rs_cache_claim_t late, next, third;

    assert_true(take(w, &late, *state));
    w->tier.count = 0;
    assert_true(take(w, &next, *state));
    rs_cache_claim_end(&late, NOW, *state);
    assert_false(take(w, &third, *state));
}

static void a_sick_tier_stops_nobody(void **state)
{
    world_t *w = world(*state);
    rs_cache_claim_t first, second;

    w->tier.sick = true;
    assert_true(take(w, &first, *state));
    assert_true(take(w, &second, *state));
    rs_cache_claim_end(&first, NOW, *state);
}

static void a_tier_that_does_nothing_late_leaves_no_ghosts(void **state)
{
    world_t *w = world(*state);
    rs_cache_claim_t first, second;

    w->tier.tier.certain = true;
    rs_cache_note(w->cache, APR_TIMEUP, NOW);
    assert_true(take(w, &first, *state));
    assert_false(take(w, &second, *state));
}

/* What it was told before it fell ill may be carried out when it is well again. */
static void claims_of_an_ill_tier_are_not_waited_for(void **state)
{
    world_t *w = world(*state);
    rs_cache_claim_t ghost, claim;

    assert_true(take(w, &ghost, *state));
    rs_cache_note(w->cache, APR_TIMEUP, NOW);
    assert_true(take(w, &claim, *state));
    assert_true(
        rs_cache_claim_take(&claim, w->cache, &w->key, LIFETIME, NOW + LIFETIME - 1, *state));
    assert_false(rs_cache_claim_take(&claim, w->cache, &w->key, LIFETIME, NOW + LIFETIME, *state));
    rs_cache_note(w->cache, APR_NOTFOUND, NOW + LIFETIME);
    rs_cache_note(w->cache, APR_EEXIST, NOW + LIFETIME);
    assert_false(rs_cache_claim_take(&claim, w->cache, &w->key, LIFETIME, NOW + LIFETIME, *state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(one_asks_the_others_wait),
        FAKE_TEST(nobody_takes_back_what_is_anothers),
        FAKE_TEST(a_sick_tier_stops_nobody),
        FAKE_TEST(a_tier_that_does_nothing_late_leaves_no_ghosts),
        FAKE_TEST(claims_of_an_ill_tier_are_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
