/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* How we prove who we are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fakes.h"
#include "jose/rs_jws.h"
#include "key_maker.h"
#include "provider/rs_client_auth.h"

#define NOW apr_time_from_sec(1700000000)

static rs_client_proof_t prove(rs_client_auth_method_t method, const char *id, const char *secret,
                               apr_pool_t *p)
{
    rs_client_auth_t auth = { .method = method, .id = id, .secret = secret };

    return rs_client_auth_prove(&auth, "https://as.example.com/introspect", NOW, p);
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

/* The claims of the assertion in these fields, which must verify with the key. */
static const rs_json_t *claims_of(const rs_client_proof_t *proof, const rs_jwk_t *key,
                                  apr_pool_t *p)
{
    static const char name[] = "&client_assertion=";
    const char *token = strstr(proof->fields, name);
    const rs_jws_t *jws;

    assert_non_null(token);
    token += sizeof name - 1;
    assert_int_equal(rs_jws_parse(&jws, token, strlen(token), p), RS_TOKEN_ACCEPTED);
    assert_int_equal(rs_jws_verify(jws, key, ~0U), RS_TOKEN_ACCEPTED);
    return rs_jws_claims(jws, NULL, p);
}

static void an_assertion_is_short_lived_and_never_the_same_twice(void **state)
{
    static const char *const types[][2] = {
        { "RSA", "RS256" }, { "RSA", "PS384" }, { "P-256", "ES256" }, { "ED25519", "EdDSA" }
    };
    unsigned i;

    for (i = 0; i < sizeof types / sizeof types[0]; i++) {
        const rs_jwk_t *key = key_make(types[i][0], *state);
        rs_client_auth_t auth = { .method = RS_CLIENT_AUTH_PRIVATE_KEY_JWT,
                                  .id = "a\"b",
                                  .key = key,
                                  .alg = rs_alg_by_name(types[i][1]),
                                  .audience = "https://as.example.com" };
        rs_client_proof_t proof = rs_client_auth_prove(&auth, "https://x/", NOW, *state);
        const rs_json_t *claims = claims_of(&proof, key, *state);
        const char *jti = rs_json_string(claims, "jti");
        assert_string_equal(rs_json_string(claims, "iss"), "a\"b");
        assert_string_equal(rs_json_string(claims, "sub"), "a\"b");
        assert_string_equal(rs_json_string(claims, "aud"), "https://as.example.com");
        assert_int_equal(rs_json_integer(rs_json_get(claims, "iat")), apr_time_sec(NOW));
        assert_int_equal(rs_json_integer(rs_json_get(claims, "exp")), apr_time_sec(NOW) + 60);
        proof = rs_client_auth_prove(&auth, "https://x/", NOW, *state);
        assert_string_not_equal(rs_json_string(claims_of(&proof, key, *state), "jti"), jti);
        auth.audience = NULL;
        proof = rs_client_auth_prove(&auth, "https://x/", NOW, *state);
        assert_string_equal(rs_json_string(claims_of(&proof, key, *state), "aud"), "https://x/");
        assert_null(proof.authorization);
    }
}

static void a_token_of_ours_goes_into_the_header(void **state)
{
    rs_client_proof_t proof = prove(RS_CLIENT_AUTH_BEARER, "id", "token", *state);

    assert_string_equal(proof.authorization, "Bearer token");
    assert_string_equal(proof.fields, "");
}

static void tls_names_the_client_alone(void **state)
{
    rs_client_proof_t proof = prove(RS_CLIENT_AUTH_TLS, "id", NULL, *state);

    assert_null(proof.authorization);
    assert_string_equal(proof.fields, "&client_id=id");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(basic_joins_id_and_secret),
        FAKE_TEST(basic_encodes_both_before_joining),
        FAKE_TEST(post_sends_both_in_the_form),
        FAKE_TEST(none_names_itself_at_most),
        FAKE_TEST(what_is_not_set_proves_nothing),
        FAKE_TEST(an_assertion_is_short_lived_and_never_the_same_twice),
        FAKE_TEST(a_token_of_ours_goes_into_the_header),
        FAKE_TEST(tls_names_the_client_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
