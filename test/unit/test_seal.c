/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Sealed values: what opens, and everything that must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rs_limits.h"
#include "cache/rs_seal.h"
#include "fakes.h"

#include <apr_strings.h>
#include <string.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define OLD "an old secret of thirty-two bytes"
#define NEW "a new secret of more than 32 bytes"
#define VALUE "a value that nobody else may read"

static rs_seal_t *seal_of(const char *secret, const char *previous, apr_pool_t *p)
{
    rs_seal_t *seal = NULL;

    assert_int_equal(
        rs_seal_create(&seal, secret, strlen(secret), previous, previous ? strlen(previous) : 0, p),
        APR_SUCCESS);
    return seal;
}

typedef struct {
    const unsigned char *bytes;
    apr_size_t len;
} sealed_t;

static sealed_t close_seal(const rs_seal_t *seal, rs_kind_t kind, const char *name,
                           const char *value, apr_pool_t *p)
{
    rs_cache_key_t key = { kind, fake_digest(name) };
    sealed_t sealed;

    assert_int_equal(rs_seal_close(seal, &key, (const unsigned char *)value, strlen(value),
                                   &sealed.bytes, &sealed.len, p),
                     APR_SUCCESS);
    return sealed;
}

static bool opens(const rs_seal_t *seal, rs_kind_t kind, const char *name, sealed_t sealed,
                  apr_pool_t *p)
{
    rs_cache_key_t key = { kind, fake_digest(name) };
    const unsigned char *value;
    apr_size_t len;

    if (rs_seal_open(seal, &key, sealed.bytes, sealed.len, &value, &len, p) != APR_SUCCESS)
        return false;
    assert_int_equal(len, strlen(VALUE));
    assert_memory_equal(value, VALUE, len);
    return true;
}

static void what_is_sealed_opens(void **state)
{
    rs_seal_t *seal = seal_of(NEW, NULL, *state);
    sealed_t sealed = close_seal(seal, RS_KIND_VERDICT, "key", VALUE, *state);

    assert_true(opens(seal, RS_KIND_VERDICT, "key", sealed, *state));
    assert_true(opens(seal_of(NEW, NULL, *state), RS_KIND_VERDICT, "key", sealed, *state));
    assert_int_equal(sealed.len, 1 + 12 + strlen(VALUE) + 16);
}

static void an_empty_value_can_be_sealed(void **state)
{
    rs_seal_t *seal = seal_of(NEW, NULL, *state);
    rs_cache_key_t key = { RS_KIND_CLAIM, fake_digest("key") };
    sealed_t sealed = close_seal(seal, RS_KIND_CLAIM, "key", "", *state);
    const unsigned char *value;
    apr_size_t len = 7;

    assert_int_equal(rs_seal_open(seal, &key, sealed.bytes, sealed.len, &value, &len, *state),
                     APR_SUCCESS);
    assert_int_equal(len, 0);
}

static void two_seals_of_one_value_differ(void **state)
{
    rs_seal_t *seal = seal_of(NEW, NULL, *state);
    sealed_t a = close_seal(seal, RS_KIND_VERDICT, "key", VALUE, *state);
    sealed_t b = close_seal(seal, RS_KIND_VERDICT, "key", VALUE, *state);

    assert_int_equal(a.len, b.len);
    assert_memory_not_equal(a.bytes + 1, b.bytes + 1, 12);
    assert_memory_not_equal(a.bytes + 13, b.bytes + 13, strlen(VALUE));
}

static void every_flipped_bit_is_refused(void **state)
{
    rs_seal_t *seal = seal_of(NEW, OLD, *state);
    sealed_t sealed = close_seal(seal, RS_KIND_VERDICT, "key", VALUE, *state);
    unsigned char *copy = apr_pmemdup(*state, sealed.bytes, sealed.len);
    sealed_t changed = { copy, sealed.len };
    apr_size_t at;
    unsigned bit;

    for (at = 0; at < sealed.len; at++) {
        for (bit = 0; bit < 8; bit++) {
            copy[at] ^= (unsigned char)(1 << bit);
            assert_false(opens(seal, RS_KIND_VERDICT, "key", changed, *state));
            copy[at] ^= (unsigned char)(1 << bit);
        }
    }
    assert_true(opens(seal, RS_KIND_VERDICT, "key", changed, *state));
}

static void every_other_length_is_refused(void **state)
{
    rs_seal_t *seal = seal_of(NEW, NULL, *state);
    sealed_t sealed = close_seal(seal, RS_KIND_VERDICT, "key", VALUE, *state), other;
    unsigned char *longer = apr_pcalloc(*state, sealed.len + 1);

    for (other = sealed; other.len > 0;) {
        other.len--;
        assert_false(opens(seal, RS_KIND_VERDICT, "key", other, *state));
    }
    memcpy(longer, sealed.bytes, sealed.len);
    other.bytes = longer;
    other.len = sealed.len + 1;
    assert_false(opens(seal, RS_KIND_VERDICT, "key", other, *state));
}

static void the_previous_secret_opens_and_never_seals(void **state)
{
    rs_seal_t *old = seal_of(OLD, NULL, *state), *both = seal_of(NEW, OLD, *state);
    sealed_t by_old = close_seal(old, RS_KIND_VERDICT, "key", VALUE, *state);
    sealed_t by_both = close_seal(both, RS_KIND_VERDICT, "key", VALUE, *state);

    assert_true(opens(both, RS_KIND_VERDICT, "key", by_old, *state));
    assert_false(opens(old, RS_KIND_VERDICT, "key", by_both, *state));
    assert_true(opens(seal_of(NEW, NULL, *state), RS_KIND_VERDICT, "key", by_both, *state));
    assert_false(opens(seal_of(NEW, NULL, *state), RS_KIND_VERDICT, "key", by_old, *state));
}

static void a_value_belongs_to_its_key_and_kind(void **state)
{
    static const rs_kind_t kinds[] = { RS_KIND_VERDICT, RS_KIND_DOCUMENT, RS_KIND_CLAIM,
                                       RS_KIND_MARK };
    rs_seal_t *seal = seal_of(NEW, NULL, *state);
    unsigned from, to;

    for (from = 0; from < 4; from++) {
        sealed_t sealed = close_seal(seal, kinds[from], "key", VALUE, *state);
        assert_false(opens(seal, kinds[from], "another key", sealed, *state));
        for (to = 0; to < 4; to++)
            assert_int_equal(opens(seal, kinds[to], "key", sealed, *state), from == to);
    }
}

/* They have one place in a tier, so one seal. */
static void verdicts_and_negatives_share_a_seal(void **state)
{
    rs_seal_t *seal = seal_of(NEW, NULL, *state);
    sealed_t sealed = close_seal(seal, RS_KIND_NEGATIVE, "key", VALUE, *state);

    assert_true(opens(seal, RS_KIND_VERDICT, "key", sealed, *state));
}

static void short_secrets_are_refused(void **state)
{
    const char *fit = "0123456789abcdef0123456789abcdef";
    rs_seal_t *seal = NULL;

    assert_int_equal(rs_seal_create(&seal, fit, 31, NULL, 0, *state), APR_EINVAL);
    assert_int_equal(rs_seal_create(&seal, fit, 32, fit, 31, *state), APR_EINVAL);
    assert_int_equal(rs_seal_create(&seal, fit, 32, fit, 32, *state), APR_SUCCESS);
}

static void a_value_that_is_too_large_is_not_sealed(void **state)
{
    rs_seal_t *seal = seal_of(NEW, NULL, *state);
    rs_cache_key_t key = { RS_KIND_VERDICT, fake_digest("key") };
    unsigned char *large = apr_pcalloc(*state, RS_SEALED_BYTES_MAX);
    const unsigned char *sealed;
    apr_size_t len;

    assert_int_equal(
        rs_seal_close(seal, &key, large, RS_SEALED_BYTES_MAX - 28, &sealed, &len, *state),
        APR_ENOSPC);
    assert_int_equal(
        rs_seal_close(seal, &key, large, RS_SEALED_BYTES_MAX - 29, &sealed, &len, *state),
        APR_SUCCESS);
    assert_int_equal(len, RS_SEALED_BYTES_MAX);
}

/* ---- the tier ---- */

static void a_sealed_tier_shows_nothing_to_the_inner_one(void **state)
{
    fake_tier_t inner;
    rs_tier_t *tier;
    rs_cache_key_t key = { RS_KIND_VERDICT, fake_digest("key") };
    const unsigned char *value;
    apr_size_t len;
    unsigned i;

    fake_tier_init(&inner, *state);
    tier = rs_tier_sealed(&inner.tier, seal_of(NEW, NULL, *state), *state);
    assert_int_equal(tier->store(tier, &key, (const unsigned char *)VALUE, strlen(VALUE),
                                 NOW + SECOND, NOW, *state),
                     APR_SUCCESS);
    for (i = 0; i + 8 < inner.places[0].len; i++)
        assert_memory_not_equal(inner.places[0].value + i, VALUE, 8);
    assert_int_equal(tier->fetch(tier, &key, &value, &len, NOW, *state), APR_SUCCESS);
    assert_memory_equal(value, VALUE, strlen(VALUE));
}

static void a_value_that_does_not_open_is_a_miss_and_told_once(void **state)
{
    fake_tier_t inner;
    fake_log_t log;
    rs_tier_t *tier;
    rs_cache_key_t key = { RS_KIND_VERDICT, fake_digest("key") };
    const unsigned char *value;
    apr_size_t len;
    unsigned i;

    fake_tier_init(&inner, *state);
    fake_log_init(&log);
    tier = rs_tier_sealed(&inner.tier, seal_of(NEW, NULL, *state), *state);
    rs_tier_sealed_tells(tier, &log.log);
    inner.tier.store(&inner.tier, &key, (const unsigned char *)VALUE, strlen(VALUE), NOW + SECOND,
                     NOW, *state);
    for (i = 0; i < 5; i++)
        assert_int_equal(tier->fetch(tier, &key, &value, &len, NOW, *state), APR_NOTFOUND);
    assert_int_equal(log.lines[RS_LOG_WARNING], 1);
    assert_null(strstr(log.text, VALUE));
}

static void a_claim_is_added_once_and_taken_back_by_its_owner(void **state)
{
    fake_tier_t inner;
    rs_tier_t *tier;
    rs_cache_key_t key = { RS_KIND_CLAIM, fake_digest("key") };
    const unsigned char *mine = (const unsigned char *)"mine",
                        *hers = (const unsigned char *)"hers";

    fake_tier_init(&inner, *state);
    tier = rs_tier_sealed(&inner.tier, seal_of(NEW, NULL, *state), *state);
    assert_int_equal(tier->add(tier, &key, mine, 4, NOW + SECOND, NOW, *state), APR_SUCCESS);
    assert_int_equal(tier->add(tier, &key, hers, 4, NOW + SECOND, NOW, *state), APR_EEXIST);
    assert_int_equal(tier->remove(tier, &key, hers, 4, NOW, *state), APR_NOTFOUND);
    assert_int_equal(tier->remove(tier, &key, mine, 3, NOW, *state), APR_NOTFOUND);
    assert_int_equal(tier->remove(tier, &key, mine, 4, NOW, *state), APR_SUCCESS);
    assert_int_equal(inner.count, 0);
    assert_int_equal(tier->add(tier, &key, hers, 4, NOW + SECOND, NOW, *state), APR_SUCCESS);
    assert_int_equal(tier->remove(tier, &key, NULL, 0, NOW, *state), APR_SUCCESS);
    inner.sick = true;
    assert_false(tier->healthy(tier, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(what_is_sealed_opens),
        FAKE_TEST(an_empty_value_can_be_sealed),
        FAKE_TEST(two_seals_of_one_value_differ),
        FAKE_TEST(every_flipped_bit_is_refused),
        FAKE_TEST(every_other_length_is_refused),
        FAKE_TEST(the_previous_secret_opens_and_never_seals),
        FAKE_TEST(a_value_belongs_to_its_key_and_kind),
        FAKE_TEST(verdicts_and_negatives_share_a_seal),
        FAKE_TEST(short_secrets_are_refused),
        FAKE_TEST(a_value_that_is_too_large_is_not_sealed),
        FAKE_TEST(a_sealed_tier_shows_nothing_to_the_inner_one),
        FAKE_TEST(a_value_that_does_not_open_is_a_miss_and_told_once),
        FAKE_TEST(a_claim_is_added_once_and_taken_back_by_its_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
