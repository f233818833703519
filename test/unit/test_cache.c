/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The verdict cache: what is kept where, and until when it is served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cache/rs_cache.h"
#include "fakes.h"
#include "verdicts.h"

#include <string.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define LOCAL_TTL (5 * SECOND)

static const rs_cache_ttl_t usual = { 300 * SECOND, 10 * SECOND, 0 };
static const rs_cache_ttl_t zero = { 0, 0, 0 };

typedef struct {
    fake_tier_t tier;
    rs_cache_t *cache;
    rs_sha256_t key;
    apr_pool_t *p;
} world_t;

static world_t *world_of(bool local, bool shared, bool revocation, apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof *w);
    rs_local_config_t size = { 1000, 1 << 20 };
    rs_cache_config_t config = { .local_ttl = LOCAL_TTL, .revocation = revocation };

    fake_tier_init(&w->tier, p);
    w->p = p;
    w->key = fake_digest("token");
    if (local)
        assert_int_equal(rs_local_create(&config.local, &size, p), APR_SUCCESS);
    config.shared = shared ? &w->tier.tier : NULL;
    assert_int_equal(rs_cache_create(&w->cache, &config, p), APR_SUCCESS);
    return w;
}

static world_t *world(bool local, bool shared, apr_pool_t *p)
{
    return world_of(local, shared, false, p);
}

static void store(world_t *w, const rs_verdict_t *verdict, const rs_cache_ttl_t *ttl)
{
    rs_entry_release(rs_cache_store(w->cache, &w->key, verdict, ttl, NOW, w->p));
}

static const rs_verdict_t *fetch(world_t *w, const rs_cache_ttl_t *ttl, apr_time_t now)
{
    return rs_cache_fetch(w->cache, &w->key, ttl, false, now, w->p);
}

static rs_verdict_t introspected(world_t *w)
{
    return verdict_accepted("someone", true, NOW, NOW + 3600 * SECOND, w->p);
}

static void an_introspected_verdict_is_served_for_its_ttl(void **state)
{
    world_t *w = world(true, false, *state);
    rs_verdict_t verdict = introspected(w);

    store(w, &verdict, &usual);
    assert_string_equal(fetch(w, &usual, NOW + 300 * SECOND - 1)->principal->user, "someone");
    assert_null(fetch(w, &usual, NOW + 300 * SECOND));
}

static void a_verdict_is_not_served_past_the_tokens_end(void **state)
{
    world_t *w = world(true, true, *state);
    rs_verdict_t verdict = verdict_accepted("someone", true, NOW, NOW + 7 * SECOND, w->p);

    store(w, &verdict, &usual);
    assert_non_null(fetch(w, &usual, NOW + 7 * SECOND - 1));
    assert_null(fetch(w, &usual, NOW + 7 * SECOND));
    assert_true(w->tier.expires == NOW + 7 * SECOND);
}

static void a_jwts_verdict_does_not_obey_the_ttl(void **state)
{
    world_t *w = world(true, true, *state);
    rs_verdict_t verdict = verdict_accepted("someone", false, NOW, NOW + 900 * SECOND, w->p);

    store(w, &verdict, &zero);
    assert_non_null(fetch(w, &zero, NOW + 900 * SECOND - 1));
    assert_null(fetch(w, &zero, NOW + 900 * SECOND));
}

static void a_jwts_verdict_never_reaches_the_shared_tier(void **state)
{
    world_t *w = world(true, true, *state);
    rs_verdict_t verdict = verdict_accepted("someone", false, NOW, NOW + 900 * SECOND, w->p);

    store(w, &verdict, &usual);
    assert_int_equal(w->tier.stores, 0);
    w = world(false, true, *state);
    store(w, &verdict, &usual);
    assert_int_equal(w->tier.stores, 0);
    assert_null(fetch(w, &usual, NOW));
}

/* Somebody who can write into the shared tier must not pass off a verdict that needs no key. */
static void a_jwts_verdict_in_the_shared_tier_is_not_served(void **state)
{
    world_t *w = world(true, true, *state);
    rs_verdict_t verdict = verdict_accepted("someone", false, NOW, NOW + 900 * SECOND, w->p);
    rs_cache_key_t place = { RS_KIND_VERDICT, w->key };
    const unsigned char *bytes;
    apr_size_t len;

    rs_record_encode(&verdict, &bytes, &len, w->p);
    w->tier.tier.store(&w->tier.tier, &place, bytes, len, NOW + SECOND, NOW, w->p);
    assert_null(fetch(w, &usual, NOW));
}

static void an_undecided_verdict_is_never_kept(void **state)
{
    world_t *w = world(true, true, *state);
    rs_verdict_t verdict = rs_undecided("nobody answers", SECOND, NOW);
    rs_entry_t *entry;

    verdict.introspected = true;
    verdict.valid_until = NOW + 900 * SECOND;
    entry = rs_cache_store(w->cache, &w->key, &verdict, &usual, NOW, w->p);
    assert_non_null(entry); /* for those who wait */
    rs_entry_release(entry);
    assert_int_equal(w->tier.stores, 0);
    assert_null(fetch(w, &usual, NOW));
}

static void only_what_the_table_names_is_kept(void **state)
{
    int outcome;

    for (outcome = RS_TOKEN_ABSENT; outcome < RS_OUTCOME_COUNT; outcome++) {
        world_t *w = world(true, true, *state);
        rs_verdict_t verdict = verdict_inactive(NOW);
        bool stored = rs_outcome_row((rs_outcome_t)outcome)->stored != RS_STORED_NEVER;
        verdict.outcome = outcome;
        store(w, &verdict, &usual);
        assert_int_equal(w->tier.stores, stored);
        assert_int_equal(fetch(w, &usual, NOW) != NULL, stored);
        /* Nobody was asked: judging again costs less. */
        w = world(true, true, *state);
        verdict.introspected = false;
        store(w, &verdict, &usual);
        assert_int_equal(w->tier.stores, 0);
        assert_null(fetch(w, &usual, NOW));
    }
}

static void an_inactive_token_has_the_negative_ttl_and_place(void **state)
{
    world_t *w = world(true, true, *state);
    rs_verdict_t verdict = verdict_inactive(NOW);

    store(w, &verdict, &usual);
    assert_int_equal(w->tier.places[0].key.kind, RS_KIND_NEGATIVE);
    assert_int_equal(fetch(w, &usual, NOW + 10 * SECOND - 1)->outcome, RS_TOKEN_INACTIVE);
    assert_null(fetch(w, &usual, NOW + 10 * SECOND));
}

static void ttl_zero_neither_stores_nor_reads(void **state)
{
    world_t *w = world(true, true, *state);
    rs_verdict_t verdict = introspected(w), inactive = verdict_inactive(NOW);

    store(w, &verdict, &zero);
    store(w, &inactive, &zero);
    assert_int_equal(w->tier.stores, 0);
    store(w, &verdict, &usual);
    assert_null(fetch(w, &zero, NOW));
    assert_non_null(fetch(w, &usual, NOW));
}

/* One Location may want fresher answers than the one that stored. */
static void each_reader_has_its_own_idea_of_fresh(void **state)
{
    const rs_cache_ttl_t strict = { 2 * SECOND, SECOND, 0 };
    world_t *w = world(true, false, *state);
    rs_verdict_t verdict = introspected(w);

    store(w, &verdict, &usual);
    assert_non_null(fetch(w, &strict, NOW + 2 * SECOND - 1));
    assert_null(fetch(w, &strict, NOW + 2 * SECOND));
    assert_non_null(fetch(w, &usual, NOW + 2 * SECOND));
}

static void the_local_life_is_short_beside_a_healthy_tier(void **state)
{
    world_t *w = world(true, true, *state);
    rs_verdict_t verdict = introspected(w);

    store(w, &verdict, &usual);
    assert_non_null(fetch(w, &usual, NOW + LOCAL_TTL - 1));
    assert_int_equal(w->tier.fetches, 0);
    assert_non_null(fetch(w, &usual, NOW + LOCAL_TTL));
    assert_int_equal(w->tier.fetches, 1);
    w->tier.count = 0; /* a purge comes through */
    assert_null(fetch(w, &usual, NOW + 2 * LOCAL_TTL));
}

static void a_sick_tier_leaves_it_to_the_local_one(void **state)
{
    world_t *w = world(true, true, *state);
    rs_verdict_t verdict = introspected(w);

    w->tier.sick = true;
    store(w, &verdict, &usual);
    w->tier.fetch_status = APR_EGENERAL;
    assert_non_null(fetch(w, &usual, NOW + 300 * SECOND - 1));
    assert_int_equal(w->tier.fetches, 0);
    assert_null(fetch(w, &usual, NOW + 300 * SECOND));
    assert_int_equal(w->tier.fetches, 1); /* trouble ends the search */
}

static void without_news_of_revocations_the_local_life_is_short(void **state)
{
    world_t *w = world_of(true, true, true, *state);
    rs_verdict_t verdict = introspected(w);

    w->tier.sick = true;
    store(w, &verdict, &usual);
    w->tier.fetch_status = APR_EGENERAL;
    assert_non_null(fetch(w, &usual, NOW + LOCAL_TTL - 1));
    assert_null(fetch(w, &usual, NOW + LOCAL_TTL));
}

static void another_process_finds_what_one_stored(void **state)
{
    world_t *one = world(true, true, *state), *other = world(true, true, *state);
    rs_verdict_t verdict = introspected(one), inactive = verdict_inactive(NOW);

    store(one, &verdict, &usual);
    other->tier.places[0] = one->tier.places[0];
    other->tier.count = 1;
    assert_string_equal(fetch(other, &usual, NOW + SECOND)->principal->user, "someone");
    assert_int_equal(other->tier.fetches, 1);
    assert_non_null(fetch(other, &usual, NOW + SECOND));
    assert_int_equal(other->tier.fetches, 1); /* now it is local */
    other->tier.count = 0;
    one = world(false, true, *state);
    store(one, &inactive, &usual);
    assert_int_equal(fetch(one, &usual, NOW)->outcome, RS_TOKEN_INACTIVE);
    assert_int_equal(one->tier.fetches, 2); /* not among the verdicts */
}

static void local_only_does_not_ask_the_shared_tier(void **state)
{
    world_t *w = world(false, true, *state);
    rs_verdict_t verdict = introspected(w);

    store(w, &verdict, &usual);
    assert_null(rs_cache_fetch(w->cache, &w->key, &usual, true, NOW, w->p));
    assert_int_equal(w->tier.fetches, 0);
}

static void garbage_in_the_shared_tier_is_a_miss(void **state)
{
    world_t *w = world(true, true, *state);
    rs_verdict_t verdict = introspected(w);
    rs_cache_key_t place = { RS_KIND_VERDICT, w->key };
    const unsigned char *bytes;
    apr_size_t len, cut;

    rs_record_encode(&verdict, &bytes, &len, w->p);
    for (cut = 0; cut < len; cut++) {
        w->tier.tier.store(&w->tier.tier, &place, bytes, cut, NOW + SECOND, NOW, w->p);
        assert_null(fetch(w, &usual, NOW));
    }
    w->tier.tier.store(&w->tier.tier, &place, bytes, len, NOW + SECOND, NOW, w->p);
    assert_non_null(fetch(w, &usual, NOW));
}

/* The issuer's no ends what was accepted, whether the no itself can be kept or not. */
static void a_refusal_removes_what_was_accepted(void **state)
{
    int outcome, place, status;

    for (outcome = RS_TOKEN_ABSENT; outcome < RS_OUTCOME_COUNT; outcome++)
        for (place = 0; place < 2; place++)
            for (status = 0; status < 2; status++) {
                world_t *w = world(true, true, *state);
                rs_verdict_t accepted = introspected(w), refused = verdict_inactive(NOW);
                w->tier.tier.one_place = place;
                store(w, &accepted, &usual);
                refused.outcome = outcome;
                w->tier.store_status = status ? APR_EGENERAL : APR_SUCCESS;
                store(w, &refused, &usual);
                /* (the fake has two places anyway) */
                if (!place || status || !rs_verdict_is_storable(&refused))
                    assert_int_equal(w->tier.count, !status && rs_verdict_is_storable(&refused));
                assert_true(w->tier.count == 0 ||
                            w->tier.places[w->tier.count - 1].key.kind == RS_KIND_NEGATIVE);
            }
}

/* A clock that was set back would prolong what the issuer said. */
static void what_was_decided_in_the_future_is_dropped(void **state)
{
    world_t *w = world(true, false, *state);
    rs_verdict_t verdict = introspected(w);

    store(w, &verdict, &usual);
    assert_non_null(fetch(w, &usual, NOW - 60 * SECOND));
    assert_null(fetch(w, &usual, NOW - 61 * SECOND));
    assert_null(fetch(w, &usual, NOW));
}

/* A record that is too large says nothing about the tier. */
static void a_full_tier_is_no_trouble(void **state)
{
    world_t *w = world(true, true, *state);
    rs_verdict_t verdict = introspected(w);

    w->tier.store_status = APR_ENOSPC;
    store(w, &verdict, &usual);
    assert_false(rs_cache_was_in_trouble(w->cache, 10 * SECOND, NOW));
    w->tier.store_status = APR_EGENERAL;
    store(w, &verdict, &usual);
    assert_true(rs_cache_was_in_trouble(w->cache, 10 * SECOND, NOW));
}

static void what_is_forgotten_is_gone_here(void **state)
{
    world_t *w = world(true, false, *state);
    rs_verdict_t verdict = introspected(w);

    store(w, &verdict, &usual);
    rs_cache_forget(w->cache, &w->key);
    assert_null(fetch(w, &usual, NOW));
}

static void no_tier_at_all_keeps_nothing(void **state)
{
    world_t *w = world(false, false, *state);
    rs_verdict_t verdict = introspected(w);

    store(w, &verdict, &usual);
    assert_null(fetch(w, &usual, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(an_introspected_verdict_is_served_for_its_ttl),
        FAKE_TEST(a_verdict_is_not_served_past_the_tokens_end),
        FAKE_TEST(a_jwts_verdict_does_not_obey_the_ttl),
        FAKE_TEST(a_jwts_verdict_never_reaches_the_shared_tier),
        FAKE_TEST(a_jwts_verdict_in_the_shared_tier_is_not_served),
        FAKE_TEST(an_undecided_verdict_is_never_kept),
        FAKE_TEST(only_what_the_table_names_is_kept),
        FAKE_TEST(an_inactive_token_has_the_negative_ttl_and_place),
        FAKE_TEST(ttl_zero_neither_stores_nor_reads),
        FAKE_TEST(each_reader_has_its_own_idea_of_fresh),
        FAKE_TEST(the_local_life_is_short_beside_a_healthy_tier),
        FAKE_TEST(a_sick_tier_leaves_it_to_the_local_one),
        FAKE_TEST(without_news_of_revocations_the_local_life_is_short),
        FAKE_TEST(another_process_finds_what_one_stored),
        FAKE_TEST(local_only_does_not_ask_the_shared_tier),
        FAKE_TEST(garbage_in_the_shared_tier_is_a_miss),
        FAKE_TEST(a_refusal_removes_what_was_accepted),
        FAKE_TEST(what_was_decided_in_the_future_is_dropped),
        FAKE_TEST(a_full_tier_is_no_trouble),
        FAKE_TEST(what_is_forgotten_is_gone_here),
        FAKE_TEST(no_tier_at_all_keeps_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
