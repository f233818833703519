/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Key sets: the forms they come in, what is skipped, which key is tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rs_limits.h"
#include "fakes.h"
#include "jose/rs_jwks.h"
#include "key_maker.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

static const rs_jwks_t *set_of(const char *text, apr_pool_t *p)
{
    const char *why = NULL;
    const rs_jwks_t *set = rs_jwks_parse(text, strlen(text), &why, p);

    if (!set)
        fail_msg("%s", why);
    return set;
}

static void no_set(const char *text, apr_pool_t *p)
{
    const char *why = NULL;

    assert_null(rs_jwks_parse(text, strlen(text), &why, p));
    assert_non_null(why);
    assert_true(*why != '\0');
}

static const rs_jws_t *token_of(const rs_jwk_t *key, const char *alg, const char *kid,
                                apr_pool_t *p)
{
    const char *members = kid ? apr_psprintf(p, "\"kid\":\"%s\"", kid) : "";
    const char *token = key_sign(key, alg, members, "{}", p);
    const rs_jws_t *jws;

    assert_int_equal(rs_jws_parse(&jws, token, strlen(token), p), RS_TOKEN_ACCEPTED);
    return jws;
}

static unsigned count_tries(const rs_jwks_t *set, const rs_jws_t *jws)
{
    unsigned at = 0, tries = 0;

    while (rs_jwks_next(set, jws, &at))
        tries++;
    return tries;
}

static void all_forms_of_a_set_are_read(void **state)
{
    const rs_jwk_t *key = key_make("P-256", *state), *inside, *other;
    const char *jwk = key_public_text(key, "", *state);
    const char *pem = key_pem("RSA", true, *state);
    const char *certificate = key_certificate("P-256", true, &inside, *state);
    const char *second = key_certificate("ED25519", true, &other, *state);
    const rs_jwks_t *set;

    assert_int_equal(rs_jwks_count(set_of(key_set_text(*state, jwk, NULL), *state)), 1);
    assert_true(rs_jwks_has(set_of(jwk, *state), rs_jwk_thumbprint(key)));
    assert_true(rs_jwks_has(set_of(apr_pstrcat(*state, " \r\n\t", jwk, NULL), *state),
                            rs_jwk_thumbprint(key)));
    assert_int_equal(rs_jwks_count(set_of(pem, *state)), 1);
    set = set_of(apr_pstrcat(*state, "a comment\n", certificate, pem, second, NULL), *state);
    assert_int_equal(rs_jwks_count(set), 3);
    assert_true(rs_jwks_has(set, rs_jwk_thumbprint(inside)));
    assert_true(rs_jwks_has(set, rs_jwk_thumbprint(other)));
    assert_string_equal(rs_jwks_remarks(set), "");
    assert_false(rs_jwks_has(set, rs_jwk_thumbprint(key)));
}

static void a_map_of_kid_to_pem_gives_named_keys(void **state)
{
    const rs_jwk_t *a, *b;
    const char *pem_a = rs_json_quote(key_certificate("RSA", true, &a, *state), *state);
    const char *pem_b = rs_json_quote(key_certificate("RSA", true, &b, *state), *state);
    const rs_jwks_t *set = set_of(
        apr_psprintf(*state, "{\"a\":%s,\"note\":1,\"c\":\"no PEM\",\"b\":%s}", pem_a, pem_b),
        *state);
    const rs_jws_t *jws = token_of(b, "RS256", "b", *state);
    const rs_jwk_t *found;
    unsigned at = 0;

    assert_int_equal(rs_jwks_count(set), 2);
    assert_non_null(strstr(rs_jwks_remarks(set), "a member that is no PEM text"));
    found = rs_jwks_next(set, jws, &at);
    assert_string_equal(rs_jwk_kid(found), "b");
    assert_int_equal(rs_jws_verify(jws, found, rs_alg_set_asymmetric()), RS_TOKEN_ACCEPTED);
    assert_null(rs_jwks_next(set, jws, &at));
}

static void one_bad_key_never_voids_a_set(void **state)
{
    static const char *const bad[] = {
        "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
        "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
        "{\"kty\":\"new\"}",
        "{}",
        "[]",
        "null",
        "7",
        "\"text\"",
        "{\"kty\":\"oct\",\"k\":\"AAAA\"}",
        "{\"kty\":\"RSA\",\"use\":\"enc\"}",
    };
    const rs_jwk_t *key = key_make("P-256", *state);
    const char *good = key_public_text(key, "", *state), *all = good;
    unsigned i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const rs_jwks_t *set = set_of(key_set_text(*state, bad[i], good, NULL), *state);
        assert_int_equal(rs_jwks_count(set), 1);
        assert_true(rs_jwks_has(set, rs_jwk_thumbprint(key)));
        assert_non_null(strstr(rs_jwks_remarks(set), "key 1: "));
        no_set(key_set_text(*state, bad[i], NULL), *state);
        all = apr_pstrcat(*state, bad[i], ",", all, NULL);
    }
    assert_int_equal(rs_jwks_count(set_of(key_set_text(*state, all, NULL), *state)), 1);
}

static void a_bad_block_never_voids_a_file(void **state)
{
    const rs_jwk_t *inside;
    const char *good = key_certificate("P-256", true, &inside, *state);
    const char *private_key = key_pem("P-256", false, *state);
    const char *odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const rs_jwks_t *set;

    set = set_of(apr_pstrcat(*state, private_key, odd, good, NULL), *state);
    assert_int_equal(rs_jwks_count(set), 1);
    assert_true(rs_jwks_has(set, rs_jwk_thumbprint(inside)));
    assert_non_null(strstr(rs_jwks_remarks(set), "private key"));
    no_set(private_key, *state);
    set = set_of(apr_psprintf(*state, "{\"bad\":%s,\"good\":%s}", rs_json_quote(odd, *state),
                              rs_json_quote(good, *state)),
                 *state);
    assert_int_equal(rs_jwks_count(set), 1);
}

static void what_is_no_set_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "{}",
        "[]",
        "null",
        "{\"keys\":[]}",
        "{\"keys\":{}}",
        "{\"keys\":null}",
        "{\"error\":\"not found\"}",
        "<html><body>Sign in</body></html>",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    };
    char *large = apr_palloc(*state, RS_JWKS_BYTES_MAX + 2);
    unsigned i;

    for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
        no_set(texts[i], *state);
    memset(large, ' ', RS_JWKS_BYTES_MAX + 1);
    large[RS_JWKS_BYTES_MAX + 1] = '\0';
    no_set(large, *state);
}

static void a_kid_picks_its_key_and_nameless_ones(void **state)
{
    const rs_jwk_t *a = key_make("P-256", *state), *b = key_make("P-256", *state);
    const rs_jwk_t *c = key_make("P-256", *state), *rsa = key_make("RSA", *state);
    const char *text =
        key_set_text(*state, key_public_text(a, "\"kid\":\"a\",", *state),
                     key_public_text(b, "\"kid\":\"b\",", *state), key_public_text(c, "", *state),
                     key_public_text(rsa, "\"kid\":\"a\",", *state), NULL);
    const rs_jwks_t *set = set_of(text, *state);
    unsigned at = 0;
    const rs_jws_t *jws = token_of(b, "ES256", "b", *state);

    assert_string_equal(rs_jwk_kid(rs_jwks_next(set, jws, &at)), "b");
    assert_null(rs_jwk_kid(rs_jwks_next(set, jws, &at)));
    assert_null(rs_jwks_next(set, jws, &at));
    assert_int_equal(count_tries(set, token_of(a, "ES256", "a", *state)), 2);
    assert_int_equal(count_tries(set, token_of(a, "ES256", "A", *state)), 1);
    assert_int_equal(count_tries(set, token_of(a, "ES256", NULL, *state)), 3);
    assert_int_equal(count_tries(set, token_of(rsa, "PS512", "a", *state)), 1);
    assert_int_equal(count_tries(set, token_of(rsa, "RS256", "b", *state)), 0);
    assert_int_equal(count_tries(set, token_of(key_make("oct", *state), "HS256", NULL, *state)), 0);
}

static const char *many(unsigned count, const char *one, apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, (int)count, sizeof(const char *));
    unsigned i;

    for (i = 0; i < count; i++)
        APR_ARRAY_PUSH(list, const char *) = one;
    return apr_pstrcat(p, "{\"keys\":[", apr_array_pstrcat(p, list, ','), "]}", NULL);
}

static void tries_are_bounded(void **state)
{
    const rs_jwk_t *key = key_make("ED25519", *state);
    const rs_jws_t *jws = token_of(key, "EdDSA", NULL, *state);
    const char *one = key_public_text(key, "", *state);

    assert_int_equal(
        count_tries(set_of(many(RS_KEYS_TRIED_PER_TOKEN_MAX, one, *state), *state), jws),
        RS_KEYS_TRIED_PER_TOKEN_MAX);
    assert_int_equal(
        count_tries(set_of(many(RS_KEYS_TRIED_PER_TOKEN_MAX + 1, one, *state), *state), jws),
        RS_KEYS_TRIED_PER_TOKEN_MAX);
}

static void keys_are_bounded(void **state)
{
    const char *one = key_public_text(key_make("ED25519", *state), "", *state);
    const rs_jwks_t *set = set_of(many(RS_KEYS_PER_SET_MAX, one, *state), *state);

    assert_int_equal(rs_jwks_count(set), RS_KEYS_PER_SET_MAX);
    assert_string_equal(rs_jwks_remarks(set), "");
    set = set_of(many(RS_KEYS_PER_SET_MAX + 1, one, *state), *state);
    assert_int_equal(rs_jwks_count(set), RS_KEYS_PER_SET_MAX);
    assert_non_null(strstr(rs_jwks_remarks(set), "256"));
}

static void joined_sets_keep_their_order(void **state)
{
    const rs_jwk_t *a = key_make("P-256", *state), *b = key_make("P-256", *state);
    const rs_jwks_t *sets[] = { rs_jwks_of(a, *state), rs_jwks_of(b, *state) };
    const rs_jwks_t *joined = rs_jwks_join(sets, 2, *state);
    const rs_jws_t *jws = token_of(b, "ES256", NULL, *state);
    unsigned at = 0;

    assert_int_equal(rs_jwks_count(joined), 2);
    assert_ptr_equal(rs_jwks_next(joined, jws, &at), a);
    assert_ptr_equal(rs_jwks_next(joined, jws, &at), b);
    assert_int_equal(rs_jwks_count(sets[0]), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(all_forms_of_a_set_are_read),
        FAKE_TEST(a_map_of_kid_to_pem_gives_named_keys),
        FAKE_TEST(one_bad_key_never_voids_a_set),
        FAKE_TEST(a_bad_block_never_voids_a_file),
        FAKE_TEST(what_is_no_set_is_refused),
        FAKE_TEST(a_kid_picks_its_key_and_nameless_ones),
        FAKE_TEST(tries_are_bounded),
        FAKE_TEST(keys_are_bounded),
        FAKE_TEST(joined_sets_keep_their_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
