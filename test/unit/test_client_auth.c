/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* How we prove who we are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes.h"
#include "provider/rs_client_auth.h"

static rs_client_proof_t prove(rs_client_auth_method_t method, const char *id, const char *secret,
                               apr_pool_t *p)
{
    rs_client_auth_t auth = { method, id, secret };

    return rs_client_auth_prove(&auth, p);
}

/* The pair of RFC 6749 2.3.1. */
static void basic_joins_id_and_secret(void **state)
{
    rs_client_proof_t proof =
        prove(RS_CLIENT_AUTH_BASIC, "s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw", *state);

    assert_string_equal(proof.authorization, "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3");
    assert_string_equal(proof.fields, "");
}

/* "a%3Ab" and "%2B%25+%C3%A4", joined. */
static void basic_encodes_both_before_joining(void **state)
{
    rs_client_proof_t proof = prove(RS_CLIENT_AUTH_BASIC, "a:b", "+% \xc3\xa4", *state);

    assert_string_equal(proof.authorization, "Basic YSUzQWI6JTJCJTI1KyVDMyVBNA==");
}

static void post_sends_both_in_the_form(void **state)
{
    rs_client_proof_t proof = prove(RS_CLIENT_AUTH_POST, "a&b", "c=d&e", *state);

    assert_null(proof.authorization);
    assert_string_equal(proof.fields, "&client_id=a%26b&client_secret=c%3Dd%26e");
}

static void none_names_itself_at_most(void **state)
{
    rs_client_proof_t proof = prove(RS_CLIENT_AUTH_NONE, "a b", "secret", *state);

    assert_null(proof.authorization);
    assert_string_equal(proof.fields, "&client_id=a+b");
    proof = prove(RS_CLIENT_AUTH_NONE, NULL, NULL, *state);
    assert_string_equal(proof.fields, "");
}

static void what_is_not_set_proves_nothing(void **state)
{
    rs_client_proof_t proof = prove(RS_CLIENT_AUTH_UNSET, "id", "secret", *state);

    assert_null(proof.authorization);
    assert_string_equal(proof.fields, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(basic_joins_id_and_secret),      FAKE_TEST(basic_encodes_both_before_joining),
        FAKE_TEST(post_sends_both_in_the_form),    FAKE_TEST(none_names_itself_at_most),
        FAKE_TEST(what_is_not_set_proves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
