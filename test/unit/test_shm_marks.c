/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The ring of marks: order, readers, what does not fit, writers that die, other processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes.h"
#include "httpd/rs_shm_marks.h"

#include <apr_strings.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define RETENTION (3600 * SECOND)
#define KEPT (RETENTION + RS_MARK_AHEAD_MAX)
#define CHILDREN 4
#define EACH 500

typedef struct {
    rs_shm_marks_t *ring;
    apr_pool_t *p;
} world_t;

static world_t *world(apr_uint32_t capacity, apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof *w);

    w->p = p;
    assert_int_equal(rs_shm_marks_create(&w->ring, capacity, p), APR_SUCCESS);
    return w;
}

static apr_status_t publish(world_t *w, unsigned number, apr_time_t now)
{
    rs_mark_t mark = { fake_digest(apr_itoa(w->p, (int)number)), now };

    return rs_shm_marks_publish(w->ring, &mark, RETENTION, now);
}

typedef struct {
    rs_marks_t *marks;
    rs_shm_marks_cursor_t cursor;
} reader_t;

static reader_t reader(world_t *w)
{
    reader_t made = { NULL, { 0, 0 } };

    assert_int_equal(rs_marks_create(&made.marks, RETENTION, w->p), APR_SUCCESS);
    return made;
}

static unsigned read_all(world_t *w, reader_t *r, apr_time_t now)
{
    rs_shm_marks_read(w->ring, &r->cursor, r->marks, now);
    if (rs_shm_marks_closed_at(w->ring))
        rs_marks_close(r->marks, rs_shm_marks_closed_at(w->ring));
    return rs_marks_count(r->marks);
}

/* Does the reader refuse a token of this age that no mark names? */
static bool is_closed(world_t *w, reader_t *r, apr_time_t issued, apr_time_t now)
{
    const char *json =
        apr_psprintf(w->p, "{\"iat\":%" APR_INT64_T_FMT "}", (apr_int64_t)apr_time_sec(issued));
    rs_principal_t principal = { .issuer = "https://issuer.example" };
    rs_verdict_t verdict = { .outcome = RS_TOKEN_ACCEPTED,
                             .introspected = true,
                             .principal = &principal };
    rs_presented_t presented = { .token = "token", .token_len = 5 };

    principal.claims = rs_claims_from_json(
        rs_json_object(json, strlen(json), &rs_json_token_limits, NULL, w->p), w->p);
    return rs_marks_refuse(r->marks, &presented, &verdict, now, w->p) != NULL;
}

static void each_reader_gets_each_mark(void **state)
{
    world_t *w = world(16, *state);
    reader_t one = reader(w), two;

    assert_int_equal(read_all(w, &one, NOW), 0);
    assert_int_equal(publish(w, 1, NOW), APR_SUCCESS);
    assert_int_equal(publish(w, 2, NOW), APR_SUCCESS);
    assert_int_equal(read_all(w, &one, NOW), 2);
    assert_int_equal(publish(w, 3, NOW), APR_SUCCESS);
    assert_int_equal(read_all(w, &one, NOW), 3);
    two = reader(w); /* of a process that begins later */
    assert_int_equal(read_all(w, &two, NOW), 3);
}

static void what_would_be_forgotten_too_early_closes_the_ring(void **state)
{
    world_t *w = world(4, *state);
    reader_t early = reader(w), late = reader(w);
    unsigned i;

    for (i = 0; i < 4; i++)
        assert_int_equal(publish(w, i, NOW), APR_SUCCESS);
    assert_int_equal(read_all(w, &early, NOW), 4);
    assert_false(is_closed(w, &early, NOW - SECOND, NOW));
    assert_int_equal(publish(w, 4, NOW + SECOND), APR_ENOSPC);
    assert_int_equal(read_all(w, &early, NOW + SECOND), 5);
    assert_int_equal(read_all(w, &late, NOW + SECOND), 4);
    assert_true(is_closed(w, &early, NOW, NOW + SECOND));
    assert_true(is_closed(w, &late, NOW, NOW + SECOND));
    assert_false(is_closed(w, &late, NOW + 2 * SECOND, NOW + 2 * SECOND));
}

static void what_is_spent_makes_room(void **state)
{
    world_t *w = world(4, *state);
    reader_t r = reader(w);
    apr_time_t later = NOW + KEPT + 1;
    unsigned i;

    for (i = 0; i < 4; i++)
        assert_int_equal(publish(w, i, NOW), APR_SUCCESS);
    for (i = 4; i < 8; i++)
        assert_int_equal(publish(w, i, later), APR_SUCCESS);
    assert_int_equal(read_all(w, &r, later), 4);
    assert_false(is_closed(w, &r, later - SECOND, later));
}

/* A process that begins later must not take them for news: its table would be full of them. */
static void what_is_spent_is_not_read(void **state)
{
    world_t *w = world(16, *state);
    apr_time_t half = NOW + RETENTION / 2, end = NOW + KEPT;
    reader_t early = reader(w), late = reader(w), later = reader(w);

    assert_int_equal(publish(w, 1, NOW), APR_SUCCESS);
    assert_int_equal(publish(w, 2, half), APR_SUCCESS);
    assert_int_equal(read_all(w, &early, end), 2);
    assert_int_equal(read_all(w, &late, end + 1), 1);
    /* It counts from when it was written, not from when it was read. */
    rs_marks_sweep(late.marks, half + KEPT);
    assert_int_equal(rs_marks_count(late.marks), 1);
    rs_marks_sweep(late.marks, half + KEPT + 1);
    assert_int_equal(rs_marks_count(late.marks), 0);
    assert_int_equal(read_all(w, &later, half + KEPT + 1), 0);
}

/* Of many that read the same from elsewhere one puts it here, and again when it says more. */
static void what_is_passed_on_by_all_stands_here_once(void **state)
{
    world_t *w = world(4, *state);
    reader_t r = reader(w);
    rs_mark_t mark = { fake_digest("a"), NOW };
    unsigned i;

    for (i = 0; i < 5; i++)
        rs_shm_marks_pass_on(w->ring, &mark, RETENTION, NOW);
    assert_int_equal(rs_shm_marks_closed_at(w->ring), 0);
    for (i = 0; i < 4; i++) {
        mark.not_before = NOW + 1 + i;
        rs_shm_marks_pass_on(w->ring, &mark, RETENTION, NOW);
    }
    assert_int_not_equal(rs_shm_marks_closed_at(w->ring), 0);
    assert_int_equal(read_all(w, &r, NOW), 1);
    assert_false(rs_shm_marks_is_whole(w->ring, 1));
    rs_shm_marks_set_whole(w->ring, 1);
    assert_true(rs_shm_marks_is_whole(w->ring, 1));
    /* After a restart that names another Redis. */
    assert_false(rs_shm_marks_is_whole(w->ring, 2));
}

/* A place that was taken and never filled costs two seconds, and nobody else any more. */
static void a_writer_that_died_does_not_stop_the_readers(void **state)
{
    world_t *w = world(4, *state);
    reader_t r = reader(w), later = reader(w);
    int status;

    assert_int_equal(publish(w, 1, NOW), APR_SUCCESS);
    if (fork() == 0) {
        /* NULL is not readable: it dies with the place taken. */
        signal(SIGSEGV, SIG_DFL);
        (void)rs_shm_marks_publish(w->ring, NULL, RETENTION, NOW);
        _exit(0);
    }
    assert_true(wait(&status) > 0);
    assert_int_not_equal(status, 0);
    assert_int_equal(publish(w, 2, NOW), APR_SUCCESS);
    assert_int_equal(read_all(w, &r, NOW), 1);
    assert_int_equal(read_all(w, &r, NOW + SECOND), 1);
    assert_int_equal(read_all(w, &r, NOW + 2 * SECOND), 2);
    assert_int_equal(read_all(w, &later, NOW + 2 * SECOND), 2);
    /* Nor in the next round. */
    assert_int_equal(publish(w, 3, NOW + KEPT + 1), APR_SUCCESS);
    assert_int_equal(publish(w, 4, NOW + KEPT + 1), APR_SUCCESS);
    assert_int_equal(publish(w, 5, NOW + KEPT + 1), APR_SUCCESS);
    assert_int_equal(read_all(w, &r, NOW + KEPT + 1), 5);
}

/* A mark that is read for the first time while its writer has a place and has not filled it: what
 * happens then, happens while he sleeps. */
static struct {
    world_t *w;
    reader_t *readers;
    unsigned sleeps;
    rs_mark_t *mark; /* alone in a page that cannot be read */
    size_t page;
} sleeper;

static void give_up_the_sleeper(int signal_number)
{
    reader_t *r = &sleeper.readers[0];
    rs_mark_t mark = { fake_digest("later"), NOW };

    (void)signal_number;
    (void)mprotect(sleeper.mark, sleeper.page, PROT_READ);
    while (sleeper.sleeps) {
        sleeper.sleeps--;
        (void)rs_shm_marks_publish(sleeper.w->ring, &mark, RETENTION, NOW);
        rs_shm_marks_read(sleeper.w->ring, &r->cursor, r->marks, NOW);
        rs_shm_marks_read(sleeper.w->ring, &r->cursor, r->marks, NOW + 2 * SECOND);
    }
}

/* He is told that it is felt: so it must be. */
static void a_writer_that_slept_is_not_given_up_for_good(void **state)
{
    world_t *w = world(4, *state);
    reader_t readers[2] = { reader(w), reader(w) };
    rs_mark_t mark = { fake_digest("slow"), NOW };

    sleeper.w = w;
    sleeper.readers = readers;
    sleeper.sleeps = 1;
    sleeper.page = (size_t)sysconf(_SC_PAGESIZE);
    sleeper.mark =
        mmap(NULL, sleeper.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(sleeper.mark != MAP_FAILED);
    *sleeper.mark = mark;
    assert_int_equal(mprotect(sleeper.mark, sleeper.page, PROT_NONE), 0);
    signal(SIGSEGV, give_up_the_sleeper);
    assert_int_equal(rs_shm_marks_publish(w->ring, sleeper.mark, RETENTION, NOW), APR_SUCCESS);
    signal(SIGSEGV, SIG_DFL);
    assert_int_equal(sleeper.sleeps, 0);
    assert_int_equal(read_all(w, &readers[0], NOW + 2 * SECOND), 2);
    assert_true(rs_marks_has(readers[0].marks, &mark));
    assert_int_equal(read_all(w, &readers[1], NOW + 2 * SECOND), 2);
    assert_true(rs_marks_has(readers[1].marks, &mark));
    munmap(sleeper.mark, sleeper.page);
}

static void many_processes_write_and_none_is_lost(void **state)
{
    world_t *w = world(CHILDREN * EACH, *state);
    reader_t r = reader(w);
    unsigned child, i;
    int status;

    for (child = 0; child < CHILDREN; child++)
        if (fork() == 0) {
            for (i = 0; i < EACH; i++)
                (void)publish(w, child * EACH + i, NOW);
            _exit(0);
        }
    for (i = 0; i < 200; i++)
        (void)read_all(w, &r, NOW);
    for (child = 0; child < CHILDREN; child++)
        assert_true(wait(&status) > 0);
    assert_int_equal(read_all(w, &r, NOW), CHILDREN * EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(each_reader_gets_each_mark),
        FAKE_TEST(what_would_be_forgotten_too_early_closes_the_ring),
        FAKE_TEST(what_is_spent_makes_room),
        FAKE_TEST(what_is_spent_is_not_read),
        FAKE_TEST(what_is_passed_on_by_all_stands_here_once),
        FAKE_TEST(a_writer_that_died_does_not_stop_the_readers),
        FAKE_TEST(a_writer_that_slept_is_not_given_up_for_good),
        FAKE_TEST(many_processes_write_and_none_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
