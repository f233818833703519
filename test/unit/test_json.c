/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Strict, bounded JSON; the JSONTestSuite, each text as the value of a member. */
#include "base/rs_base64url.h"
#include "base/rs_json.h"
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>

static const rs_json_t *parse(const char *text, apr_size_t len, apr_pool_t *p)
{
    const char *why = NULL;
    const rs_json_t *json = rs_json_object(text, len, &rs_json_token_limits, &why, p);

    assert_true((json == NULL) == (why != NULL));
    return json;
}

/* Well-formed, and refused all the same: duplicate names, and a NUL in a text. */
static bool we_are_stricter(const char *name)
{
    return strstr(name, "duplicated_key") || strstr(name, "null_escape") ||
           strstr(name, "escaped_null_in_key");
}

typedef struct {
    apr_pool_t *p;
    unsigned checked;
} suite_t;

static bool check_case(void *baton, const char *name, const rs_json_t *value)
{
    suite_t *suite = baton;
    const char *encoded;
    apr_size_t encoded_len, len = 0, all;
    unsigned char *text;
    char *wrapped;
    bool passed;

    encoded = rs_json_text(value, &encoded_len);
    if (!encoded || rs_base64_decode(encoded, encoded_len, &text, &len, suite->p) != APR_SUCCESS)
        fail_msg("%s: cannot be read", name);
    wrapped = apr_palloc(suite->p, len + 8);
    memcpy(wrapped, "{\"a\":", 5);
    memcpy(wrapped + 5, text, len);
    wrapped[5 + len] = '}';
    all = len + 6;
    passed = parse(wrapped, all, suite->p) != NULL;
    if (strncmp(name, "test_parsing/y_", 15) == 0 && !passed && !we_are_stricter(name))
        fail_msg("%s is refused", name);
    if (strncmp(name, "test_parsing/n_", 15) == 0 && passed)
        fail_msg("%s is accepted", name);
    suite->checked++;
    return true;
}

static char *read_suite(apr_size_t *len)
{
    FILE *file = fopen(TEST_VECTORS "/jsontestsuite/cases.json", "rb");
    char *text = malloc(4 << 20);

    assert_non_null(file);
    *len = fread(text, 1, 4 << 20, file);
    fclose(file);
    return text;
}

static void the_json_test_suite_is_passed(void **state)
{
    static const rs_json_limits_t generous = { 4 << 20, 8, 100000 };
    suite_t suite = { *state, 0 };
    const char *why = "";
    apr_size_t len;
    char *text = read_suite(&len);
    const rs_json_t *cases = rs_json_object(text, len, &generous, &why, *state);

    free(text);
    assert_non_null(cases);
    assert_true(rs_json_each_member(cases, check_case, &suite));
    assert_true(suite.checked > 300);
}

static void only_an_object_is_accepted(void **state)
{
    static const char *const bad[] = { "",
                                       " ",
                                       "[]",
                                       "1",
                                       "\"a\"",
                                       "null",
                                       "{} {}",
                                       "{}x",
                                       "{\"a\":1,\"a\":2}",
                                       "{\"a\":{\"b\":1,\"b\":1}}",
                                       "{\"a\":\"\\u0000\"}",
                                       "{\"a\\u0000b\":1}" };
    unsigned i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_null(parse(bad[i], strlen(bad[i]), *state));
    assert_null(parse("{}\0", 3, *state));
    assert_non_null(parse("{}", 2, *state));
    assert_non_null(parse(" {\"a\" : 1}\n", 11, *state));
}

static const char *nested(unsigned depth, apr_pool_t *p)
{
    char *text = apr_palloc(p, 2 * (apr_size_t)depth + 16);

    strcpy(text, "{\"a\":");
    memset(text + 5, '[', depth);
    memset(text + 5 + depth, ']', depth);
    strcpy(text + 5 + 2 * (apr_size_t)depth, "}");
    return text;
}

static void depth_is_bounded(void **state)
{
    const char *text = nested(rs_json_token_limits.depth_max - 1, *state);

    assert_non_null(parse(text, strlen(text), *state));
    text = nested(rs_json_token_limits.depth_max, *state);
    assert_null(parse(text, strlen(text), *state));
    text = nested(100000, *state);
    assert_null(rs_json_object(text, strlen(text), &rs_json_document_limits, NULL, *state));
}

static void values_are_bounded(void **state)
{
    const char *text = "{\"a\":[0";
    unsigned i;

    for (i = 0; i < rs_json_token_limits.values_max; i++)
        text =
            i % 64 ? apr_pstrcat(*state, text, ",0", NULL) : apr_pstrcat(*state, text, ",0", NULL);
    text = apr_pstrcat(*state, text, "]}", NULL);
    assert_null(parse(text, strlen(text), *state));
}

static void texts_are_quoted_in_ascii(void **state)
{
    assert_string_equal(rs_json_quote("a\"\\\n\xc3\xa9\xf0\x9f\x98\x80", *state),
                        "\"a\\\"\\\\\\n\\u00E9\\uD83D\\uDE00\"");
    assert_null(rs_json_quote("\xff", *state));
}

static void a_member_is_appended_or_left_out(void **state)
{
    const char *begun = "{\"a\":1";

    assert_string_equal(rs_json_append(begun, "b", "\"", *state), "{\"a\":1,\"b\":\"\\\"\"");
    assert_string_equal(rs_json_append(begun, "b", "", *state), begun);
    assert_string_equal(rs_json_append(begun, "b", NULL, *state), begun);
    assert_string_equal(rs_json_append(begun, "b", "\xff", *state), begun);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_json_test_suite_is_passed),
        CASE(only_an_object_is_accepted),
        CASE(depth_is_bounded),
        CASE(values_are_bounded),
        CASE(texts_are_quoted_in_ascii),
        CASE(a_member_is_appended_or_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
