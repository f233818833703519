/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Documents in shared memory: times, places, other processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes.h"
#include "httpd/rs_shm_documents.h"

#include <apr_strings.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define CHILDREN 4
#define ROUNDS 200

typedef struct {
    rs_shm_lock_t lock;
    rs_shm_documents_t *documents;
    apr_pool_t *p;
} world_t;

static world_t *world(unsigned places, apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof *w);
    apr_global_mutex_t *mutex;

    w->p = p;
    assert_int_equal(apr_global_mutex_create(&mutex, NULL, APR_LOCK_DEFAULT_TIMED, p), APR_SUCCESS);
    rs_shm_lock_init(&w->lock, mutex, RS_SHM_LOCK_WAIT);
    assert_int_equal(rs_shm_documents_create(
                         &w->documents, places * (RS_SHM_DOCUMENT_BYTES_MAX + 100), &w->lock, p),
                     APR_SUCCESS);
    return w;
}

static void store(world_t *w, const char *name, const char *value, apr_time_t expires,
                  apr_time_t now)
{
    rs_sha256_t key = fake_digest(name);

    assert_int_equal(rs_shm_documents_store(w->documents, &key, (const unsigned char *)value,
                                            strlen(value), expires, now),
                     APR_SUCCESS);
}

/* "" is nothing. */
static const char *fetch(world_t *w, const char *name, apr_time_t now)
{
    rs_sha256_t key = fake_digest(name);
    const unsigned char *value;
    apr_size_t len;

    if (rs_shm_documents_fetch(w->documents, &key, &value, &len, now, w->p) != APR_SUCCESS)
        return "";
    return apr_pstrmemdup(w->p, (const char *)value, len);
}

static void what_is_stored_is_there_until_its_time(void **state)
{
    world_t *w = world(4, *state);

    assert_string_equal(fetch(w, "a", NOW), "");
    store(w, "a", "one", NOW + SECOND, NOW);
    store(w, "b", "two", NOW + 2 * SECOND, NOW);
    assert_string_equal(fetch(w, "a", NOW + SECOND - 1), "one");
    assert_string_equal(fetch(w, "a", NOW + SECOND), "");
    assert_string_equal(fetch(w, "b", NOW + SECOND), "two");
    store(w, "b", "another", NOW + 3 * SECOND, NOW);
    assert_string_equal(fetch(w, "b", NOW + 2 * SECOND), "another");
}

static void the_first_gives_way_when_all_places_are_taken(void **state)
{
    world_t *w = world(3, *state);

    store(w, "a", "one", NOW + 99 * SECOND, NOW);
    store(w, "b", "two", NOW + 99 * SECOND, NOW + 1);
    store(w, "c", "three", NOW + 99 * SECOND, NOW + 2);
    store(w, "a", "one again", NOW + 99 * SECOND, NOW + 3);
    store(w, "d", "four", NOW + 99 * SECOND, NOW + 4);
    assert_string_equal(fetch(w, "b", NOW + 5), "");
    assert_string_equal(fetch(w, "a", NOW + 5), "one again");
    assert_string_equal(fetch(w, "c", NOW + 5), "three");
    assert_string_equal(fetch(w, "d", NOW + 5), "four");
}

static void what_is_over_gives_way_first(void **state)
{
    world_t *w = world(2, *state);

    store(w, "a", "one", NOW + 99 * SECOND, NOW);
    store(w, "b", "two", NOW + SECOND, NOW + 1);
    store(w, "c", "three", NOW + 99 * SECOND, NOW + 2 * SECOND);
    assert_string_equal(fetch(w, "a", NOW + 2 * SECOND), "one");
    assert_string_equal(fetch(w, "c", NOW + 2 * SECOND), "three");
}

static void the_largest_fits_and_a_larger_one_does_not(void **state)
{
    world_t *w = world(0, *state); /* one place there is */
    char *large = apr_palloc(*state, RS_SHM_DOCUMENT_BYTES_MAX + 2);
    rs_sha256_t key = fake_digest("large");

    memset(large, 'x', RS_SHM_DOCUMENT_BYTES_MAX + 1);
    large[RS_SHM_DOCUMENT_BYTES_MAX + 1] = '\0';
    assert_int_equal(rs_shm_documents_store(w->documents, &key, (unsigned char *)large,
                                            RS_SHM_DOCUMENT_BYTES_MAX + 1, NOW + SECOND, NOW),
                     APR_ENOSPC);
    large[RS_SHM_DOCUMENT_BYTES_MAX] = '\0';
    store(w, "large", large, NOW + SECOND, NOW);
    assert_string_equal(fetch(w, "large", NOW), large);
}

/* Each child stores documents of one letter, and must never see a mixture. */
static int be_child(world_t *w, unsigned number)
{
    char text[2001];
    unsigned round;

    for (round = 0; round < ROUNDS; round++) {
        const char *found;
        memset(text, 'a' + (int)number, sizeof text - 1);
        text[100 + 9 * round] = '\0';
        store(w, "shared", text, NOW + SECOND, NOW);
        found = fetch(w, "shared", NOW);
        if (!*found || strspn(found, (char[]){ *found, 0 }) != strlen(found))
            return 1;
    }
    return 0;
}

static void processes_see_whole_documents(void **state)
{
    world_t *w = world(2, *state);
    unsigned i;
    int status;

    for (i = 0; i < CHILDREN; i++)
        if (fork() == 0)
            _exit(be_child(w, i));
    for (i = 0; i < CHILDREN; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_true(*fetch(w, "shared", NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(what_is_stored_is_there_until_its_time),
        FAKE_TEST(the_first_gives_way_when_all_places_are_taken),
        FAKE_TEST(what_is_over_gives_way_first),
        FAKE_TEST(the_largest_fits_and_a_larger_one_does_not),
        FAKE_TEST(processes_see_whole_documents),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
