/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The local tier: bounds, expiry, who is evicted, threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cache/rs_local.h"
#include "fakes.h"
#include "verdicts.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdatomic.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define SHARDS 32

static rs_local_t *create(unsigned entries_max, apr_size_t bytes_max, apr_pool_t *p)
{
    rs_local_config_t config = { entries_max, bytes_max };
    rs_local_t *local = NULL;

    assert_int_equal(rs_local_create(&local, &config, p), APR_SUCCESS);
    return local;
}

static rs_entry_t *entry_of(const char *user, apr_pool_t *p)
{
    rs_verdict_t verdict = verdict_accepted(user, true, NOW, NOW + 600 * SECOND, p);
    rs_entry_t *entry = rs_entry_of_verdict(&verdict, p);

    assert_non_null(entry);
    return entry;
}

/* Keys of one shard, so that its bounds can be counted out. */
static rs_sha256_t key_of(unsigned number)
{
    rs_sha256_t key = { { 0 } };

    key.bytes[1] = (unsigned char)number;
    key.bytes[2] = (unsigned char)(number >> 8);
    return key;
}

static void put(rs_local_t *local, unsigned number, bool negative, apr_time_t until, apr_pool_t *p)
{
    rs_sha256_t key = key_of(number);
    rs_entry_t *entry = entry_of(apr_psprintf(p, "user%u", number), p);

    rs_local_store(local, &key, entry, negative, until, NOW);
    rs_entry_release(entry);
}

static bool has(rs_local_t *local, unsigned number, apr_time_t now)
{
    rs_sha256_t key = key_of(number);
    rs_entry_t *entry = rs_local_fetch(local, &key, now);

    rs_entry_release(entry);
    return entry != NULL;
}

static void what_is_stored_is_found_until_its_time(void **state)
{
    rs_local_t *local = create(1000, 1 << 20, *state);
    rs_sha256_t key = key_of(1);
    rs_entry_t *entry;

    put(local, 1, false, NOW + SECOND, *state);
    entry = rs_local_fetch(local, &key, NOW + SECOND - 1);
    assert_non_null(entry);
    assert_string_equal(rs_entry_verdict(entry)->principal->user, "user1");
    rs_entry_release(entry);
    assert_false(has(local, 2, NOW));
    assert_false(has(local, 1, NOW + SECOND));
    assert_int_equal(rs_local_stats(local).entries, 0);
}

static void what_is_past_its_time_is_not_stored(void **state)
{
    rs_local_t *local = create(1000, 1 << 20, *state);

    put(local, 1, false, NOW, *state);
    put(local, 2, false, NOW - 1, *state);
    assert_int_equal(rs_local_stats(local).entries, 0);
}

static void a_held_entry_outlives_its_place(void **state)
{
    rs_local_t *local = create(1000, 1 << 20, *state);
    rs_sha256_t key = key_of(1);
    rs_entry_t *entry;

    put(local, 1, false, NOW + SECOND, *state);
    entry = rs_local_fetch(local, &key, NOW);
    rs_local_remove(local, &key);
    assert_false(has(local, 1, NOW));
    assert_string_equal(rs_entry_verdict(entry)->principal->user, "user1");
    rs_entry_release(entry);
    rs_local_remove(local, &key);
}

static void a_newer_entry_takes_the_place(void **state)
{
    rs_local_t *local = create(1000, 1 << 20, *state);

    put(local, 1, false, NOW + SECOND, *state);
    put(local, 1, true, NOW + 2 * SECOND, *state);
    assert_int_equal(rs_local_stats(local).entries, 0);
    assert_int_equal(rs_local_stats(local).negatives, 1);
    assert_true(has(local, 1, NOW + SECOND));
    rs_local_clear(local);
    assert_int_equal(rs_local_stats(local).negatives, 0);
    assert_int_equal(rs_local_stats(local).bytes, 0);
}

static void the_number_of_entries_is_bounded(void **state)
{
    rs_local_t *local = create(8 * SHARDS, 1 << 24, *state);
    unsigned i;

    for (i = 0; i < 100; i++)
        put(local, i, false, NOW + SECOND, *state);
    assert_int_equal(rs_local_stats(local).entries, 8);
    assert_int_equal(rs_local_stats(local).evictions, 92);
    assert_true(has(local, 99, NOW));
    assert_false(has(local, 0, NOW));
}

static void the_bytes_are_bounded(void **state)
{
    rs_entry_t *entry = entry_of("user10", *state);
    apr_size_t one = rs_entry_bytes(entry) + 128, bytes_max = 4 * one;
    rs_local_t *local = create(1000 * SHARDS, bytes_max * SHARDS, *state);
    unsigned i;

    rs_entry_release(entry);
    for (i = 10; i < 60; i++) {
        put(local, i, false, NOW + SECOND, *state);
        assert_true(rs_local_stats(local).bytes <= bytes_max);
        assert_true(has(local, i, NOW));
    }
    assert_true(rs_local_stats(local).entries >= 3);
}

static void what_is_larger_than_a_share_is_not_kept(void **state)
{
    rs_local_t *local = create(1000, 64 * SHARDS, *state);

    put(local, 1, false, NOW + SECOND, *state);
    assert_int_equal(rs_local_stats(local).entries, 0);
    assert_int_equal(rs_local_stats(local).bytes, 0);
}

static void what_is_fetched_gets_a_second_chance(void **state)
{
    rs_local_t *local = create(8 * SHARDS, 1 << 24, *state);
    unsigned i;

    put(local, 0, false, NOW + SECOND, *state);
    for (i = 1; i < 200; i++) {
        assert_true(has(local, 0, NOW));
        put(local, i, false, NOW + SECOND, *state);
    }
    assert_true(has(local, 0, NOW));
    assert_false(has(local, 1, NOW));
}

static void negatives_evict_negatives_alone(void **state)
{
    rs_local_t *local = create(64 * SHARDS, 1 << 24, *state);
    unsigned i;

    for (i = 0; i < 64; i++)
        put(local, i, false, NOW + SECOND, *state);
    for (i = 1000; i < 1500; i++)
        put(local, i, true, NOW + SECOND, *state);
    assert_int_equal(rs_local_stats(local).entries, 64);
    assert_int_equal(rs_local_stats(local).negatives, 8);
    for (i = 0; i < 64; i++)
        assert_true(has(local, i, NOW));
    assert_true(has(local, 1499, NOW));
}

static void negatives_do_not_take_the_bytes_of_verdicts(void **state)
{
    rs_entry_t *entry = entry_of("user10", *state);
    rs_local_t *local = create(1000 * SHARDS, 4 * (rs_entry_bytes(entry) + 128) * SHARDS, *state);
    apr_size_t verdicts, bytes_max = 4 * (rs_entry_bytes(entry) + 128);
    unsigned i;

    rs_entry_release(entry);
    for (i = 10; i < 14; i++)
        put(local, i, false, NOW + SECOND, *state);
    verdicts = rs_local_stats(local).entries;
    for (i = 1000; i < 1100; i++)
        put(local, i, true, NOW + SECOND, *state);
    assert_int_equal(rs_local_stats(local).entries, verdicts);
    assert_true(rs_local_stats(local).bytes <= bytes_max + bytes_max / 2);
}

/* ---- threads ---- */

#define THREADS 8
#define ROUNDS 4000
#define KEYS 200

typedef struct {
    rs_local_t *local;
    rs_entry_t **entries;
    _Atomic unsigned wrong;
} stress_t;

static void *APR_THREAD_FUNC hammer(apr_thread_t *thread, void *data)
{
    stress_t *stress = data;
    unsigned i, seed = (unsigned)(uintptr_t)thread;

    for (i = 0; i < ROUNDS; i++) {
        unsigned number = (seed = seed * 1103515245 + 12345) >> 8 & 0xff;
        rs_sha256_t key;
        rs_entry_t *entry;
        number %= KEYS;
        key = key_of(number);
        key.bytes[0] = (unsigned char)number;
        if (i % 7 == 0)
            rs_local_remove(stress->local, &key);
        else if (i % 3 == 0)
            rs_local_store(stress->local, &key, stress->entries[number], i % 5 == 0, NOW + SECOND,
                           NOW);
        else if ((entry = rs_local_fetch(stress->local, &key, NOW + (i % 11 == 0) * SECOND))) {
            if (entry != stress->entries[number] ||
                !rs_verdict_is_accepted(rs_entry_verdict(entry)))
                stress->wrong++;
            rs_entry_release(entry);
        }
    }
    return NULL;
}

static void threads_do_not_disturb_each_other(void **state)
{
    stress_t stress = { create(3 * SHARDS, 1 << 20, *state),
                        apr_pcalloc(*state, KEYS * sizeof(rs_entry_t *)), 0 };
    apr_thread_t *threads[THREADS];
    apr_status_t ended;
    unsigned i;

    for (i = 0; i < KEYS; i++)
        stress.entries[i] = entry_of("user", *state);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(apr_thread_create(&threads[i], NULL, hammer, &stress, *state), 0);
    for (i = 0; i < THREADS; i++)
        apr_thread_join(&ended, threads[i]);
    assert_int_equal(stress.wrong, 0);
    assert_true(rs_local_stats(stress.local).entries <= 3 * SHARDS);
    for (i = 0; i < KEYS; i++)
        rs_entry_release(stress.entries[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(what_is_stored_is_found_until_its_time),
        FAKE_TEST(what_is_past_its_time_is_not_stored),
        FAKE_TEST(a_held_entry_outlives_its_place),
        FAKE_TEST(a_newer_entry_takes_the_place),
        FAKE_TEST(the_number_of_entries_is_bounded),
        FAKE_TEST(the_bytes_are_bounded),
        FAKE_TEST(what_is_larger_than_a_share_is_not_kept),
        FAKE_TEST(what_is_fetched_gets_a_second_chance),
        FAKE_TEST(negatives_evict_negatives_alone),
        FAKE_TEST(negatives_do_not_take_the_bytes_of_verdicts),
        FAKE_TEST(threads_do_not_disturb_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
