/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* URLs of issuers and endpoints. */
#include "base/rs_url.h"
#include "cases.h"

static void protected_ones_are_accepted(void **state)
{
    static const char *const good[] = { "https://a.example.com", "https://a.example.com:8443/x?y=z",
                                        "http://127.0.0.1:80/",  "http://localhost/x",
                                        "http://[::1]:9/x",      "HTTPS://A.example.com/" };
    unsigned i;

    for (i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_null(rs_url_check_endpoint(good[i], *state));
}

static void others_are_refused_with_a_sentence(void **state)
{
    static const char *const bad[] = { "",
                                       "a.example.com",
                                       "/path",
                                       "http://a.example.com/",
                                       "ftp://a.example.com/",
                                       "https://",
                                       "https:///x",
                                       "https://u:p@a.example.com/",
                                       "https://u@a.example.com/",
                                       "https://a.example.com/#f",
                                       "https://a.example.com/ x",
                                       "https://a.example.com/\n",
                                       "http://127.0.0.1.evil.example.com/",
                                       "http://localhost.evil.example.com/",
                                       "https://a.example.com:99999/",
                                       "http://[::2]/",
                                       "javascript:alert(1)" };
    unsigned i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(rs_url_check_endpoint(bad[i], *state));
}

static void an_origin_names_the_port_only_where_it_is_not_the_schemes_own(void **state)
{
    rs_url_t url;

    assert_null(rs_url_parse(&url, "https://a.example.com:443/p?q", *state));
    assert_string_equal(url.origin, "https://a.example.com");
    assert_string_equal(url.path, "/p?q");
    assert_null(rs_url_parse(&url, "https://a.example.com:444", *state));
    assert_string_equal(url.origin, "https://a.example.com:444");
    assert_null(rs_url_parse(&url, "http://[::1]:80/", *state));
    assert_string_equal(url.origin, "http://[::1]");
}

static void forms_are_encoded(void **state)
{
    assert_string_equal(rs_form_encode("a b+c/%&=~", *state), "a+b%2Bc%2F%25%26%3D%7E");
    assert_string_equal(rs_form_encode("\xc3\xa9-_.*", *state), "%C3%A9-_.*");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(protected_ones_are_accepted),
        CASE(others_are_refused_with_a_sentence),
        CASE(an_origin_names_the_port_only_where_it_is_not_the_schemes_own),
        CASE(forms_are_encoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
