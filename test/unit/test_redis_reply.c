/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Replies of Redis: forms, pieces, and what must not cost anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cache/rs_redis_reply.h"
#include "fakes.h"

#include <apr_strings.h>
#include <string.h>

static rs_redis_reader_t *reader_for(unsigned elements, apr_size_t bytes, apr_pool_t *p)
{
    rs_redis_reader_t *reader;

    assert_int_equal(rs_redis_reader_create(&reader, p), APR_SUCCESS);
    rs_redis_reader_begin(reader, elements, bytes, p);
    return reader;
}

static apr_status_t feed(rs_redis_reader_t *reader, const char *text)
{
    return rs_redis_reader_feed(reader, text, strlen(text));
}

/* The status of reading this one reply. */
static apr_status_t read_one(const char *text, const rs_redis_reply_t **reply, apr_pool_t *p)
{
    rs_redis_reader_t *reader = reader_for(8, 4096, p);

    assert_int_equal(feed(reader, text), APR_SUCCESS);
    return rs_redis_reader_next(reader, reply);
}

static void every_form_is_read(void **state)
{
    const rs_redis_reply_t *reply;

    assert_int_equal(read_one("+OK\r\n", &reply, *state), APR_SUCCESS);
    assert_int_equal(reply->type, RS_REDIS_STATUS);
    assert_int_equal(read_one("$-1\r\n", &reply, *state), APR_SUCCESS);
    assert_int_equal(reply->type, RS_REDIS_NIL);
    assert_int_equal(read_one("*-1\r\n", &reply, *state), APR_SUCCESS);
    assert_int_equal(reply->type, RS_REDIS_NIL);
    assert_int_equal(read_one(":-42\r\n", &reply, *state), APR_SUCCESS);
    assert_int_equal(reply->integer, -42);
    assert_int_equal(read_one("$3\r\na\nb\r\n", &reply, *state), APR_SUCCESS);
    assert_int_equal(reply->type, RS_REDIS_STRING);
    assert_int_equal(reply->len, 3);
    assert_memory_equal(reply->text, "a\nb", 4);
    assert_int_equal(read_one("*2\r\n$1\r\na\r\n*1\r\n:7\r\n", &reply, *state), APR_SUCCESS);
    assert_int_equal(reply->count, 2);
    assert_string_equal(reply->elements[0]->text, "a");
    assert_int_equal(reply->elements[1]->elements[0]->integer, 7);
    assert_int_equal(read_one("-OOM it is full\r\n", &reply, *state), APR_SUCCESS);
    assert_true(rs_redis_reply_is_error(reply, "OOM"));
    assert_false(rs_redis_reply_is_error(reply, "OO"));
    assert_false(rs_redis_reply_is_error(reply, "OOMX"));
    assert_string_equal(rs_redis_reply_code(reply, *state), "OOM");
}

/* What stands behind the code may quote a key or a value. */
static void only_the_code_of_an_error_is_told(void **state)
{
    const rs_redis_reply_t *reply;

    assert_int_equal(read_one("-secretive words\r\n", &reply, *state), APR_SUCCESS);
    assert_string_equal(rs_redis_reply_code(reply, *state), "an error");
    assert_int_equal(read_one("-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n", &reply, *state),
                     APR_SUCCESS);
    assert_int_equal(strlen(rs_redis_reply_code(reply, *state)), 20);
}

static void pieces_come_together(void **state)
{
    static const char text[] = "*2\r\n$5\r\nhello\r\n:12\r\n+NEXT\r\n";
    rs_redis_reader_t *reader = reader_for(2, 4096, *state);
    const rs_redis_reply_t *reply;
    const char *c;

    for (c = text; strcmp(c, "\n+NEXT\r\n") != 0; c++) {
        assert_int_equal(rs_redis_reader_feed(reader, c, 1), APR_SUCCESS);
        assert_int_equal(rs_redis_reader_next(reader, &reply), APR_EAGAIN);
    }
    assert_int_equal(feed(reader, c), APR_SUCCESS);
    assert_int_equal(rs_redis_reader_next(reader, &reply), APR_SUCCESS);
    assert_string_equal(reply->elements[0]->text, "hello");
    assert_false(rs_redis_reader_is_empty(reader));
    assert_int_equal(rs_redis_reader_next(reader, &reply), APR_SUCCESS);
    assert_string_equal(reply->text, "NEXT");
    assert_true(rs_redis_reader_is_empty(reader));
}

static void what_is_no_reply_or_too_much_ends_the_reading(void **state)
{
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\n",
        "%1\r\n+a\r\n+b\r\n", /* RESP3 */
        "~1\r\n+a\r\n",
        ">1\r\n+a\r\n",
        "*2147483648\r\n",
        "*9223372036854775807\r\n",
        "*-2\r\n",
        "$-2\r\n",
        "$99999999999999999999\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
        ":12x\r\n",
    };
    const rs_redis_reply_t *reply;
    unsigned i;

    for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (read_one(texts[i], &reply, *state) != APR_EINVAL)
            fail_msg("%s", texts[i]);
}

static void elements_have_a_bound(void **state)
{
    static const char *const texts[] = { "*100000000\r\n", "*9\r\n", "*2\r\n*8\r\n",
                                         "*2\r\n*6\r\n*1\r\n" };
    const rs_redis_reply_t *reply;
    unsigned i;

    for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(read_one(texts[i], &reply, *state), RS_REDIS_TOO_LARGE);
}

static void bytes_have_a_bound(void **state)
{
    rs_redis_reader_t *reader = reader_for(0, 10, *state);
    const rs_redis_reply_t *reply;

    assert_int_equal(feed(reader, "$100\r\n1234"), APR_SUCCESS);
    assert_int_equal(rs_redis_reader_next(reader, &reply), APR_EAGAIN);
    assert_int_equal(feed(reader, "5"), RS_REDIS_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(every_form_is_read),    FAKE_TEST(only_the_code_of_an_error_is_told),
        FAKE_TEST(pieces_come_together),  FAKE_TEST(what_is_no_reply_or_too_much_ends_the_reading),
        FAKE_TEST(elements_have_a_bound), FAKE_TEST(bytes_have_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
