/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Scope sets. */
#include "cases.h"
#include "token/rs_scope.h"

static rs_scope_t set(const char *text, void **state)
{
    return rs_scope_from_text(text, *state);
}

static void order_and_repeats_do_not_count_letter_case_does(void **state)
{
    rs_scope_t granted = set("read write  read", state), needed = set("write read", state),
               other = set("Read", state);

    assert_int_equal(granted.count, 2);
    assert_int_equal(rs_scope_missing(&granted, &needed), 0);
    assert_int_equal(rs_scope_missing(&granted, &other), 1);
    assert_true(rs_scope_has(&granted, "read"));
    assert_false(rs_scope_has(&granted, "rea"));
    assert_false(rs_scope_has(&granted, "read write"));
    assert_false(rs_scope_has(&granted, ""));
}

static void words_of_a_text_are_taken_whole(void **state)
{
    static const char text[] = "  admin user  root";

    (void)state;
    assert_true(rs_scope_text_has(text, sizeof text - 1, "admin"));
    assert_true(rs_scope_text_has(text, sizeof text - 1, "root"));
    assert_false(rs_scope_text_has(text, sizeof text - 1, "use"));
    assert_false(rs_scope_text_has(text, sizeof text - 1, "users"));
    assert_false(rs_scope_text_has(text, sizeof text - 1, "admin user"));
    assert_false(rs_scope_text_has(text, sizeof text - 1, ""));
    assert_false(rs_scope_text_has("", 0, ""));
    assert_false(rs_scope_text_has(text, sizeof text - 2, "root"));
}

static void what_is_missing_is_counted(void **state)
{
    rs_scope_t granted = set("a b", state), needed = set("b c d", state), none = set("", state);

    assert_int_equal(rs_scope_missing(&granted, &needed), 2);
    assert_int_equal(rs_scope_missing(&none, &needed), 3);
    assert_int_equal(rs_scope_missing(&granted, &none), 0);
}

static void a_union_has_each_word_once(void **state)
{
    rs_scope_t a = set("a b", state), b = set("b c", state), both = rs_scope_union(&a, &b, *state);

    assert_string_equal(rs_scope_text(&both, *state), "a b c");
}

static void words_that_no_scope_may_have_are_dropped(void **state)
{
    rs_scope_t scope = set("ok a\"b \x01 caf\xc3\xa9 back\\slash", state);

    assert_string_equal(rs_scope_text(&scope, *state), "ok");
}

static rs_scope_t of_claim(const char *json, void **state)
{
    const rs_json_t *object =
        rs_json_object(json, strlen(json), &rs_json_token_limits, NULL, *state);
    rs_claims_t claims = rs_claims_from_json(object, *state);
    rs_claim_t claim = rs_claims_get(&claims, "scope");

    return rs_scope_from_claim(&claim, *state);
}

static void claims_are_texts_or_lists_of_texts(void **state)
{
    assert_int_equal(of_claim("{\"scope\":\"a b\"}", state).count, 2);
    assert_int_equal(of_claim("{\"scope\":[\"a\",\"b\"]}", state).count, 2);
    assert_int_equal(of_claim("{\"scope\":[\"a b\"]}", state).count, 0);
    assert_int_equal(of_claim("{\"scope\":5}", state).count, 0);
    assert_int_equal(of_claim("{\"scope\":{\"a\":true}}", state).count, 0);
    assert_int_equal(of_claim("{\"scope\":null}", state).count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(order_and_repeats_do_not_count_letter_case_does),
        CASE(words_of_a_text_are_taken_whole),
        CASE(what_is_missing_is_counted),
        CASE(a_union_has_each_word_once),
        CASE(words_that_no_scope_may_have_are_dropped),
        CASE(claims_are_texts_or_lists_of_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
