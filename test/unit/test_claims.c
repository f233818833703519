/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The flat block of claims. */
#include "cases.h"
#include "token/rs_claims.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static const char text[] =
    "{\"sub\":\"alice\",\"n\":-5,\"r\":2.5,\"t\":true,\"f\":false,\"z\":null,\"e\":\"\","
    "\"list\":[\"a\",1,[\"b\"],{\"c\":\"d\"}],\"o\":{\"a/"
    "b\":{\"m~n\":7},\"\":1},\"cognito:groups\":[\"x\"]}";

static rs_claims_t flat(void **state)
{
    const rs_json_t *object =
        rs_json_object(text, strlen(text), &rs_json_token_limits, NULL, *state);

    assert_non_null(object);
    return rs_claims_from_json(object, *state);
}

static rs_claim_t at(const rs_claims_t *claims, const char *written, void **state)
{
    rs_claim_path_t path;

    assert_null(rs_claim_path_compile(&path, written, *state));
    return rs_claims_at(claims, &path);
}

static void values_are_found_by_name(void **state)
{
    rs_claims_t claims = flat(state);

    assert_true(rs_claims_well_formed(claims.bytes, claims.len));
    assert_string_equal(rs_claims_get(&claims, "sub").text, "alice");
    assert_int_equal(rs_claims_get(&claims, "n").integer, -5);
    assert_true(rs_claims_get(&claims, "r").real == 2.5);
    assert_true(rs_claims_get(&claims, "t").boolean);
    assert_int_equal(rs_claims_get(&claims, "z").type, RS_JSON_NULL);
    assert_int_equal(rs_claims_get(&claims, "none").type, RS_JSON_ABSENT);
    assert_int_equal(rs_claims_get(&claims, "e").len, 0);
    assert_int_equal(rs_claims_get(&claims, "su").type, RS_JSON_ABSENT);
}

static void a_name_is_taken_whole_and_a_pointer_is_followed(void **state)
{
    rs_claims_t claims = flat(state);

    assert_int_equal(at(&claims, "cognito:groups", state).type, RS_JSON_ARRAY);
    assert_int_equal(at(&claims, "/o/a~1b/m~0n", state).integer, 7);
    assert_int_equal(at(&claims, "/list/1", state).integer, 1);
    assert_int_equal(at(&claims, "/list/9", state).type, RS_JSON_ABSENT);
    assert_int_equal(at(&claims, "/sub/x", state).type, RS_JSON_ABSENT);
    assert_int_equal(at(&claims, "o/a", state).type, RS_JSON_ABSENT);
}

static void a_list_is_walked(void **state)
{
    rs_claims_t claims = flat(state);
    rs_claim_t list = rs_claims_get(&claims, "list"), element;
    rs_claim_iter_t it = rs_claim_iterate(&list);
    unsigned count = 0;

    while (rs_claim_next(&it, &element, NULL))
        count++;
    assert_int_equal(count, 4);
    assert_string_equal(rs_claim_json(&list, *state), "[\"a\",1,[\"b\"],{\"c\":\"d\"}]");
}

/* {"aud":["api-00000",...]} */
static rs_claims_t long_list(unsigned count, apr_pool_t *p)
{
    char *json = apr_palloc(p, 16 + 12 * (apr_size_t)count), *at = json;
    const rs_json_t *object;
    unsigned i;

    at += sprintf(at, "{\"aud\":[");
    for (i = 0; i < count; i++)
        at += sprintf(at, "%s\"api-%05u\"", i ? "," : "", i);
    at += sprintf(at, "]}");
    object = rs_json_object(json, (apr_size_t)(at - json), &rs_json_document_limits, NULL, p);
    assert_non_null(object);
    return rs_claims_from_json(object, p);
}

static long resident_kib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void the_text_of_a_long_list_takes_memory_in_proportion(void **state)
{
    rs_claims_t claims = long_list(20000, *state);
    rs_claim_t list = rs_claims_get(&claims, "aud");
    long before = resident_kib();
    const char *json = rs_claim_json(&list, *state);

    assert_int_equal(strlen(json), 20000 * 12 + 1);
    assert_memory_equal(json, "[\"api-00000\",\"api-00001\",", 25);
    assert_string_equal(json + strlen(json) - 13, ",\"api-19999\"]");
    assert_true(resident_kib() - before < 64 * 1024);
}

static void the_start_of_a_text_ends_at_its_bound(void **state)
{
    rs_claims_t claims = flat(state);
    rs_claim_t list = rs_claims_get(&claims, "list"), sub = rs_claims_get(&claims, "sub");
    const char *whole = rs_claim_json(&list, *state);
    apr_size_t bound;

    for (bound = 0; bound < strlen(whole); bound++)
        assert_string_equal(rs_claim_json_start(&list, bound, *state),
                            apr_psprintf(*state, "%.*s...", (int)bound, whole));
    assert_string_equal(rs_claim_json_start(&list, strlen(whole), *state), whole);
    assert_string_equal(rs_claim_json_start(&sub, 4, *state), "\"ali...");
    assert_string_equal(rs_claim_json_start(&sub, 7, *state), "\"alice\"");
}

static void values_are_written_as_json(void **state)
{
    static const char *const words[][2] = {
        { "n", "-5" },   { "r", "2.5" },
        { "t", "true" }, { "f", "false" },
        { "z", "null" }, { "none", "null" },
        { "e", "\"\"" }, { "o", "{\"a/b\":{\"m~n\":7},\"\":1}" },
    };
    rs_claims_t claims = flat(state);
    unsigned i;

    for (i = 0; i < sizeof words / sizeof words[0]; i++) {
        rs_claim_t claim = rs_claims_get(&claims, words[i][0]);
        assert_string_equal(rs_claim_json(&claim, *state), words[i][1]);
    }
}

static void empty_lists_and_objects_are_written(void **state)
{
    static const char empty[] = "{\"a\":[],\"o\":{},\"n\":[[],{}]}";
    const rs_json_t *object =
        rs_json_object(empty, strlen(empty), &rs_json_token_limits, NULL, *state);
    rs_claims_t claims = rs_claims_from_json(object, *state);
    rs_claim_t root = rs_claims_root(&claims);

    assert_string_equal(rs_claim_json(&root, *state), empty);
}

/* In a block of exactly this size, so that a byte too far is seen. */
static bool well_formed(const unsigned char *bytes, apr_size_t len)
{
    unsigned char *copy = malloc(len ? len : 1);
    bool fine;

    memcpy(copy, bytes, len);
    fine = rs_claims_well_formed(copy, len);
    free(copy);
    return fine;
}

static void a_block_that_was_cut_or_grew_is_refused(void **state)
{
    rs_claims_t claims = flat(state);
    unsigned char *longer = apr_pcalloc(*state, claims.len + 1);
    apr_size_t len;

    for (len = 0; len < claims.len; len++)
        assert_false(well_formed(claims.bytes, len));
    memcpy(longer, claims.bytes, claims.len);
    assert_false(well_formed(longer, claims.len + 1));
}

static void a_block_that_was_changed_is_refused_or_read_within_its_bounds(void **state)
{
    rs_claims_t claims = flat(state);
    apr_size_t i;
    unsigned bit;

    for (i = 0; i < claims.len; i++) {
        for (bit = 0; bit < 8; bit++) {
            unsigned char *copy = malloc(claims.len);
            memcpy(copy, claims.bytes, claims.len);
            copy[i] ^= (unsigned char)(1u << bit);
            if (rs_claims_well_formed(copy, claims.len)) {
                rs_claims_t changed = { copy, claims.len };
                rs_claim_t root = rs_claims_root(&changed);
                assert_non_null(rs_claim_json(&root, *state));
            }
            free(copy);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(values_are_found_by_name),
        CASE(a_name_is_taken_whole_and_a_pointer_is_followed),
        CASE(a_list_is_walked),
        CASE(the_text_of_a_long_list_takes_memory_in_proportion),
        CASE(the_start_of_a_text_ends_at_its_bound),
        CASE(values_are_written_as_json),
        CASE(empty_lists_and_objects_are_written),
        CASE(a_block_that_was_cut_or_grew_is_refused),
        CASE(a_block_that_was_changed_is_refused_or_read_within_its_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
