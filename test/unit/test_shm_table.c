/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The table in shared memory: times, capacity, claims, other processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes.h"
#include "httpd/rs_shm_table.h"

#include <apr_strings.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define CHILDREN 4
#define KEYS 200

typedef struct {
    rs_shm_lock_t lock;
    rs_shm_table_t *table;
} world_t;

static world_t *world(apr_size_t bytes, apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof *w);
    rs_shm_table_config_t config = { bytes, 16, { 11, 13 }, &w->lock };
    apr_global_mutex_t *mutex;

    assert_int_equal(apr_global_mutex_create(&mutex, NULL, APR_LOCK_DEFAULT_TIMED, p), APR_SUCCESS);
    rs_shm_lock_init(&w->lock, mutex, RS_SHM_LOCK_WAIT);
    assert_int_equal(rs_shm_table_create(&w->table, &config, p), APR_SUCCESS);
    return w;
}

static rs_sha256_t key_of(unsigned number)
{
    char text[16];

    apr_snprintf(text, sizeof text, "key %u", number);
    return fake_digest(text);
}

static apr_status_t store(world_t *w, unsigned number, const char *value, apr_time_t expires,
                          apr_time_t now)
{
    rs_sha256_t key = key_of(number);

    return rs_shm_table_store(w->table, &key, (const unsigned char *)value, strlen(value), expires,
                              now);
}

static apr_status_t add(world_t *w, unsigned number, const char *value, apr_time_t expires,
                        apr_time_t now)
{
    rs_sha256_t key = key_of(number);

    return rs_shm_table_add(w->table, &key, (const unsigned char *)value, strlen(value), expires,
                            now);
}

/* The value as text; NULL: not there. */
static const char *value_of(world_t *w, unsigned number, apr_time_t now, apr_pool_t *p)
{
    rs_sha256_t key = key_of(number);
    const unsigned char *value;
    apr_size_t len;

    if (rs_shm_table_fetch(w->table, &key, &value, &len, now, p) != APR_SUCCESS)
        return NULL;
    return apr_pstrmemdup(p, (const char *)value, len);
}

static void what_is_stored_is_there_until_its_time(void **state)
{
    world_t *w = world(65536, *state);

    assert_null(value_of(w, 1, NOW, *state));
    assert_int_equal(store(w, 1, "one", NOW + SECOND, NOW), APR_SUCCESS);
    assert_string_equal(value_of(w, 1, NOW + SECOND - 1, *state), "one");
    assert_null(value_of(w, 1, NOW + SECOND, *state));
    assert_int_equal(store(w, 1, "", NOW + 2 * SECOND, NOW), APR_SUCCESS);
    assert_string_equal(value_of(w, 1, NOW, *state), "");
}

static void bad_values_and_times_are_refused(void **state)
{
    world_t *w = world(65536, *state);
    rs_shm_table_config_t config = { 65536, RS_SHM_VALUE_BYTES_MAX + 1, { 0, 0 }, &w->lock };
    rs_shm_table_t *table;

    assert_int_equal(store(w, 1, "0123456789abcdef0", NOW + SECOND, NOW), APR_EINVAL);
    assert_int_equal(store(w, 1, "0123456789abcdef", NOW + SECOND, NOW), APR_SUCCESS);
    assert_int_equal(store(w, 2, "x", NOW, NOW), APR_EINVAL);
    assert_int_equal(add(w, 2, "x", NOW - 1, NOW), APR_EINVAL);
    assert_int_equal(rs_shm_table_create(&table, &config, *state), APR_EINVAL);
    config.value_bytes_max = 8;
    config.bytes = 8;
    assert_int_equal(rs_shm_table_create(&table, &config, *state), APR_EINVAL);
}

static void only_the_first_adds(void **state)
{
    world_t *w = world(65536, *state);

    assert_int_equal(add(w, 1, "mine", NOW + SECOND, NOW), APR_SUCCESS);
    assert_int_equal(add(w, 1, "hers", NOW + SECOND, NOW), APR_EEXIST);
    assert_string_equal(value_of(w, 1, NOW, *state), "mine");
    assert_int_equal(add(w, 1, "hers", NOW + 2 * SECOND, NOW + SECOND), APR_SUCCESS);
}

static void a_claim_is_removed_by_its_owner(void **state)
{
    world_t *w = world(65536, *state);
    rs_sha256_t key = key_of(1);
    const unsigned char *mine = (const unsigned char *)"mine";

    assert_int_equal(add(w, 1, "mine", NOW + SECOND, NOW), APR_SUCCESS);
    assert_int_equal(rs_shm_table_remove(w->table, &key, mine, 3, NOW), APR_NOTFOUND);
    assert_int_equal(rs_shm_table_remove(w->table, &key, (const unsigned char *)"hers", 4, NOW),
                     APR_NOTFOUND);
    assert_int_equal(rs_shm_table_remove(w->table, &key, mine, 4, NOW), APR_SUCCESS);
    assert_int_equal(rs_shm_table_remove(w->table, &key, NULL, 0, NOW), APR_NOTFOUND);
    assert_null(value_of(w, 1, NOW, *state));
}

static void a_full_table_forgets_nothing(void **state)
{
    world_t *w = world(1024, *state);
    apr_uint32_t slots = rs_shm_table_slots(w->table), i;

    assert_true(slots >= 4 && slots <= RS_SHM_PROBES_MAX);
    for (i = 0; i < slots; i++)
        assert_int_equal(add(w, i, "x", NOW + SECOND, NOW), APR_SUCCESS);
    assert_int_equal(add(w, slots, "x", NOW + SECOND, NOW), APR_ENOSPC);
    assert_int_equal(store(w, slots, "x", NOW + SECOND, NOW), APR_ENOSPC);
    assert_int_equal(store(w, 0, "y", NOW + SECOND, NOW), APR_SUCCESS);
    for (i = 0; i < slots; i++)
        assert_non_null(value_of(w, i, NOW, *state));
    assert_int_equal(add(w, slots, "x", NOW + 2 * SECOND, NOW + SECOND), APR_SUCCESS);
}

static int claim_all(world_t *w)
{
    unsigned i;
    int won = 0;

    for (i = 0; i < KEYS; i++)
        won += add(w, i, "x", NOW + SECOND, NOW) == APR_SUCCESS;
    return won;
}

static void of_many_processes_one_gets_each_claim(void **state)
{
    world_t *w = world(1 << 20, *state);
    pid_t children[CHILDREN];
    int total = 0, status;
    unsigned i;

    for (i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            int won = apr_global_mutex_child_init(&w->lock.mutex, NULL, *state) == APR_SUCCESS
                          ? claim_all(w)
                          : KEYS + 1;
            _exit(won);
        }
    }
    for (i = 0; i < CHILDREN; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        total += WEXITSTATUS(status);
    }
    assert_int_equal(total, KEYS);
    assert_non_null(value_of(w, 0, NOW, *state));
}

static void count_changes(void *data, bool in_trouble)
{
    unsigned *changes = data;

    changes[in_trouble]++;
}

/* Nobody waits without end for a holder that is stopped. */
static void a_lock_that_is_held_is_an_error_not_a_wait(void **state)
{
    world_t *w = world(65536, *state);
    int ready[2], done[2], status;
    unsigned changes[2] = { 0, 0 };
    apr_time_t begun;
    pid_t child;
    char byte;

    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(done), 0);
    rs_shm_lock_init(&w->lock, w->lock.mutex, apr_time_from_msec(100));
    rs_shm_lock_on_change(&w->lock, count_changes, changes);
    child = fork();
    if (child == 0) {
        apr_global_mutex_child_init(&w->lock.mutex, NULL, *state);
        apr_global_mutex_lock(w->lock.mutex);
        byte = (char)write(ready[1], "x", 1);
        byte = (char)read(done[0], &byte, 1);
        apr_global_mutex_unlock(w->lock.mutex);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    begun = apr_time_now();
    assert_int_not_equal(add(w, 1, "x", NOW + SECOND, NOW), APR_SUCCESS);
    assert_int_not_equal(add(w, 1, "x", NOW + SECOND, NOW), APR_SUCCESS);
    assert_true(apr_time_now() - begun < apr_time_from_sec(10));
    assert_true(changes[true] == 1 && changes[false] == 0);
    assert_int_equal(write(done[1], "x", 1), 1);
    waitpid(child, &status, 0);
    assert_int_equal(add(w, 1, "x", NOW + SECOND, NOW), APR_SUCCESS);
    assert_true(changes[true] == 1 && changes[false] == 1);
    close(ready[0]);
    close(ready[1]);
    close(done[0]);
    close(done[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(what_is_stored_is_there_until_its_time),
        FAKE_TEST(bad_values_and_times_are_refused),
        FAKE_TEST(only_the_first_adds),
        FAKE_TEST(a_claim_is_removed_by_its_owner),
        FAKE_TEST(a_full_table_forgets_nothing),
        FAKE_TEST(of_many_processes_one_gets_each_claim),
        FAKE_TEST(a_lock_that_is_held_is_an_error_not_a_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
