/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Files that change, and files that cannot be read for a while. */
#include "base/rs_watched_file.h"
#include "cases.h"

#include <apr_file_io.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BYTES_MAX 8

typedef struct {
    rs_watched_file_t file;
    bool changed;
    char *text;
    apr_size_t len;
    apr_pool_t *p;
} watch_t;

static watch_t watch(apr_pool_t *p)
{
    const char *folder = getenv("TMPDIR");
    char *path = apr_psprintf(p, "%s/rs-watched-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(path);
    watch_t made = { .file = { .path = path }, .p = p };

    assert_true(fd >= 0);
    close(fd);
    return made;
}

/* A version of that time. */
static void write_at(const watch_t *w, const char *text, apr_time_t mtime)
{
    FILE *file = fopen(w->file.path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(apr_file_mtime_set(w->file.path, mtime, w->p), APR_SUCCESS);
}

static apr_status_t look(watch_t *w)
{
    w->text = NULL;
    return rs_watched_file_read(&w->file, BYTES_MAX, &w->changed, &w->text, &w->len, w->p);
}

static void sees_text(watch_t *w, const char *text)
{
    assert_int_equal(look(w), APR_SUCCESS);
    assert_true(w->changed);
    assert_string_equal(w->text, text);
    assert_int_equal(w->len, strlen(text));
}

static void sees_nothing_new(watch_t *w)
{
    assert_int_equal(look(w), APR_SUCCESS);
    assert_false(w->changed);
}

static void sees_failure(watch_t *w)
{
    assert_int_not_equal(look(w), APR_SUCCESS);
    assert_true(w->changed);
}

static void each_version_is_read_once(void **state)
{
    watch_t w = watch(*state);

    write_at(&w, "one", NOW);
    sees_text(&w, "one");
    sees_nothing_new(&w);
    write_at(&w, "two", NOW - SECOND);
    sees_text(&w, "two");
    sees_nothing_new(&w);
    remove(w.file.path);
}

/* What reproducible images give their files. */
static void a_file_of_the_first_second_is_read(void **state)
{
    watch_t w = watch(*state);

    write_at(&w, "one", 0);
    sees_text(&w, "one");
    sees_nothing_new(&w);
    remove(w.file.path);
}

/* As with a key that is written first and made readable for us later: its time stays. */
static void a_failure_is_tried_again_and_told_once(void **state)
{
    watch_t w = watch(*state);

    write_at(&w, "one", NOW);
    sees_text(&w, "one");
    write_at(&w, "far too long", NOW + SECOND);
    sees_failure(&w);
    sees_nothing_new(&w);
    sees_nothing_new(&w);
    write_at(&w, "two", NOW + SECOND);
    sees_text(&w, "two");
    sees_nothing_new(&w);
    remove(w.file.path);
}

static void another_version_that_fails_is_told_again(void **state)
{
    watch_t w = watch(*state);

    write_at(&w, "far too long", NOW);
    sees_failure(&w);
    sees_nothing_new(&w);
    write_at(&w, "far too long", NOW + SECOND);
    sees_failure(&w);
    sees_nothing_new(&w);
    remove(w.file.path);
    sees_failure(&w);
    sees_nothing_new(&w);
}

static void a_file_that_was_away_and_is_the_same_is_no_news(void **state)
{
    watch_t w = watch(*state);

    write_at(&w, "one", NOW);
    sees_text(&w, "one");
    remove(w.file.path);
    sees_failure(&w);
    write_at(&w, "one", NOW);
    sees_nothing_new(&w);
    remove(w.file.path);
    sees_failure(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_version_is_read_once),
        CASE(a_file_of_the_first_second_is_read),
        CASE(a_failure_is_tried_again_and_told_once),
        CASE(another_version_that_fails_is_told_again),
        CASE(a_file_that_was_away_and_is_the_same_is_no_news),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
