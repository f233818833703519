/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* base64url: one value, one spelling. */
#include "base/rs_base64url.h"
#include "cases.h"

static void every_input_of_up_to_two_bytes_comes_back(void **state)
{
    unsigned a, b, len;

    for (len = 0; len <= 2; len++) {
        for (a = 0; a < 256; a++) {
            for (b = 0; b < (len == 2 ? 256 : 1); b++) {
                const unsigned char bytes[2] = { (unsigned char)a, (unsigned char)b };
                const char *text = rs_base64url_encode(bytes, len, *state);
                unsigned char *back;
                apr_size_t back_len;
                assert_int_equal(rs_base64url_decode(text, strlen(text), &back, &back_len, *state),
                                 APR_SUCCESS);
                assert_int_equal(back_len, len);
                assert_memory_equal(back, bytes, len);
            }
        }
        apr_pool_clear(*state);
    }
}

static void of_all_texts_of_two_signs_only_canonical_ones_pass(void **state)
{
    unsigned a, b, passed = 0;

    for (a = 0; a < 256; a++) {
        for (b = 0; b < 256; b++) {
            const char text[2] = { (char)a, (char)b };
            unsigned char *back;
            apr_size_t len;
            passed += rs_base64url_decode(text, 2, &back, &len, *state) == APR_SUCCESS;
        }
        apr_pool_clear(*state);
    }
    assert_int_equal(passed, 256); /* one for each byte: unused bits must be zero */
}

static void padding_white_space_and_other_alphabets_are_refused(void **state)
{
    static const char *const bad[] = { "QQ==",  "QQ=",  "Q",     "QUI=", "QU I",
                                       "QUI\n", "+/8A", "QUJDR", "=",    "A A A" };
    unsigned char *back;
    apr_size_t len;
    unsigned i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(rs_base64url_decode(bad[i], strlen(bad[i]), &back, &len, *state),
                         APR_EINVAL);
}

static void ordinary_base64_has_padding(void **state)
{
    unsigned char *back;
    apr_size_t len;

    assert_string_equal(rs_base64_encode((const unsigned char *)"a", 1, *state), "YQ==");
    assert_int_equal(rs_base64_decode("YWI=", 4, &back, &len, *state), APR_SUCCESS);
    assert_int_equal(len, 2);
    assert_int_equal(rs_base64_decode("YWI", 3, &back, &len, *state), APR_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_input_of_up_to_two_bytes_comes_back),
        CASE(of_all_texts_of_two_signs_only_canonical_ones_pass),
        CASE(padding_white_space_and_other_alphabets_are_refused),
        CASE(ordinary_base64_has_padding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
