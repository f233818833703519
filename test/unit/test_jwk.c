/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What makes a key: printed examples, and every reason not to be one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rs_base64url.h"
#include "base/rs_limits.h"
#include "fakes.h"
#include "jose/rs_jwk.h"
#include "key_maker.h"

#include <apr_strings.h>
#include <string.h>

static const rs_json_t *json_of(const char *text, apr_pool_t *p)
{
    const char *why = NULL;
    const rs_json_t *json = rs_json_object(text, strlen(text), &rs_json_document_limits, &why, p);

    assert_non_null(json);
    return json;
}

static const rs_jwk_t *parse(const char *text, const char **why, apr_pool_t *p)
{
    return rs_jwk_public(json_of(text, p), why, p);
}

static void refused_for(const char *text, const char *reason, apr_pool_t *p)
{
    const char *why = NULL;

    assert_null(parse(text, &why, p));
    assert_non_null(why);
    if (!strstr(why, reason))
        fail_msg("%s: expected %s", why, reason);
}

static const char *thumbprint(const rs_jwk_t *key, apr_pool_t *p)
{
    return rs_base64url_encode(rs_jwk_thumbprint(key)->bytes, RS_SHA256_BYTES, p);
}

static void thumbprints_of_rfc_7638_and_8037_are_met(void **state)
{
    static const char *const lists[] = { "rfc7638", "rfc8037" };
    const rs_json_t *all = json_of(fake_vector("rfc-examples.json", *state), *state);
    unsigned list, i, seen = 0;

    for (list = 0; list < 2; list++) {
        const rs_json_t *examples = rs_json_get(all, lists[list]);
        for (i = 0; i < rs_json_size(examples); i++) {
            const rs_json_t *example = rs_json_at(examples, i);
            const char *expected = rs_json_string(example, "thumbprint_sha256"), *why = NULL;
            const rs_jwk_t *key = rs_jwk_public(rs_json_get(example, "jwk"), &why, *state);
            assert_non_null(key);
            if (!expected)
                continue;
            assert_string_equal(thumbprint(key, *state), expected);
            seen++;
        }
    }
    assert_int_equal(seen, 2);
}

static void a_thumbprint_does_not_depend_on_other_members(void **state)
{
    const rs_jwk_t *key = key_make("P-256", *state);
    const char *plain = thumbprint(key_public(key, "", *state), *state);
    const rs_jwk_t *named =
        key_public(key, "\"kid\":\"a\",\"use\":\"sig\",\"alg\":\"ES256\",\"x-more\":[1],", *state);

    assert_string_equal(plain, thumbprint(key, *state));
    assert_string_equal(plain, thumbprint(named, *state));
    assert_string_not_equal(plain, thumbprint(key_make("P-256", *state), *state));
}

static void keys_of_the_cookbook_are_taken(void **state)
{
    static const struct {
        const char *name;
        bool secret;
        rs_jwk_kty_t kty;
    } files[] = {
        { "jose-cookbook/jwk/3_1.ec_public_key.json", false, RS_JWK_EC },
        { "jose-cookbook/jwk/3_2.ec_private_key.json", true, RS_JWK_EC },
        { "jose-cookbook/jwk/3_3.rsa_public_key.json", false, RS_JWK_RSA },
        { "jose-cookbook/jwk/3_4.rsa_private_key.json", true, RS_JWK_RSA },
    };
    unsigned i;

    for (i = 0; i < sizeof files / sizeof files[0]; i++) {
        const char *text = fake_vector(files[i].name, *state), *why = NULL;
        const rs_jwk_t *key = files[i].secret ? rs_jwk_private(text, strlen(text), &why, *state)
                                              : parse(text, &why, *state);
        assert_non_null(key);
        assert_int_equal(rs_jwk_kty(key), files[i].kty);
        assert_string_equal(rs_jwk_kid(key), "bilbo.baggins@hobbiton.example");
        if (files[i].secret)
            refused_for(text, "secret part", *state);
    }
}

static void private_and_public_halves_have_one_thumbprint(void **state)
{
    static const char *const types[] = { "RSA", "P-256", "P-384", "P-521", "ED25519", "ED448" };
    unsigned i;

    for (i = 0; i < sizeof types / sizeof types[0]; i++) {
        const rs_jwk_t *key = key_make(types[i], *state), *half = key_public(key, "", *state);
        assert_true(rs_sha256_equal(rs_jwk_thumbprint(key), rs_jwk_thumbprint(half)));
        assert_null(strstr(rs_jwk_public_json(key, *state), "\"d\""));
    }
}

static void a_small_rsa_key_is_refused(void **state)
{
    const char *pem = key_pem("RSA1024", false, *state), *why = NULL;

    assert_null(rs_jwk_private(pem, strlen(pem), &why, *state));
    assert_non_null(strstr(why, "2048"));
}

/* A modulus of so many bytes, all of it made up: 0xFF ... 0x01. */
static const char *rsa_text(apr_size_t bytes, const char *e, apr_pool_t *p)
{
    unsigned char *n = apr_palloc(p, bytes);

    memset(n, 0xff, bytes);
    return apr_psprintf(p, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}",
                        rs_base64url_encode(n, bytes, p), e);
}

static void rsa_bounds_are_kept(void **state)
{
    const char *why = NULL;

    refused_for(rsa_text(RS_RSA_BITS_MIN / 8 - 1, "AQAB", *state), "2048", *state);
    assert_non_null(parse(rsa_text(RS_RSA_BITS_MIN / 8, "AQAB", *state), &why, *state));
    refused_for(rsa_text(RS_RSA_BITS_MAX / 8 + 1, "AQAB", *state), "", *state);
    refused_for(rsa_text(256, "AQ", *state), "exponent", *state);
    refused_for(rsa_text(256, "Ag", *state), "exponent", *state);
    refused_for(rsa_text(256, "AQAAAAAAAAAB", *state), "exponent", *state);
    refused_for(rsa_text(256, "", *state), "unusable", *state);
    refused_for("{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "unusable", *state);
    refused_for("{\"kty\":\"RSA\",\"n\":5,\"e\":\"AQAB\"}", "unusable", *state);
}

static void points_that_are_none_are_refused(void **state)
{
    static const char *const crvs[] = { "P-256", "P-384", "P-521" };
    static const unsigned sizes[] = { 32, 48, 66 };
    const char *why = NULL, *good = rs_jwk_public_json(key_make("P-256", *state), *state);
    unsigned char bytes[67];
    unsigned i;

    assert_non_null(parse(good, &why, *state));
    memset(bytes, 1, sizeof bytes);
    bytes[0] = 0;
    for (i = 0; i < 3; i++) {
        const char *fit = rs_base64url_encode(bytes, sizes[i], *state);
        const char *less = rs_base64url_encode(bytes + 1, sizes[i] - 1, *state);
        const char *more = rs_base64url_encode(bytes, sizes[i] + 1, *state);
        const char *form = "{\"kty\":\"EC\",\"crv\":\"%s\",\"x\":\"%s\",\"y\":\"%s\"}";
        refused_for(apr_psprintf(*state, form, crvs[i], fit, fit), "EC key", *state);
        refused_for(apr_psprintf(*state, form, crvs[i], less, fit), "size", *state);
        refused_for(apr_psprintf(*state, form, crvs[i], fit, more), "size", *state);
    }
    refused_for("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\"}", "unusable", *state);
    refused_for("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}", "unusable", *state);
    refused_for("{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AAAA\"}", "unusable", *state);
    refused_for("{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}", "unusable",
                *state);
}

static void a_foreign_curve_is_refused_in_pem_too(void **state)
{
    const char *pem = key_pem("secp256k1", false, *state), *why = NULL;

    assert_null(rs_jwk_private(pem, strlen(pem), &why, *state));
    assert_non_null(strstr(why, "another curve"));
}

static void secret_parts_are_refused_whatever_their_type(void **state)
{
    static const char *const members[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };
    const rs_jwk_t *key = key_make("P-256", *state);
    unsigned i;

    for (i = 0; i < sizeof members / sizeof members[0]; i++) {
        refused_for(
            key_public_text(key, apr_psprintf(*state, "\"%s\":\"AA\",", members[i]), *state),
            "secret part", *state);
        refused_for(key_public_text(key, apr_psprintf(*state, "\"%s\":null,", members[i]), *state),
                    "secret part", *state);
    }
    refused_for("{\"kty\":\"oct\",\"k\":\"AAAA\"}", "secret part", *state);
}

static void a_key_is_for_what_it_says(void **state)
{
    static const struct {
        const char *members, *reason; /* NULL: fine */
    } rows[] = {
        { "\"use\":\"sig\",", NULL },
        { "\"use\":\"enc\",", "use" },
        { "\"use\":\"\",", "use" },
        { "\"use\":[\"sig\"],", "use" },
        { "\"key_ops\":[\"verify\"],", NULL },
        { "\"key_ops\":[\"sign\",\"verify\"],", NULL },
        { "\"key_ops\":[\"sign\"],", "key_ops" },
        { "\"key_ops\":[],", "key_ops" },
        { "\"key_ops\":\"verify\",", "key_ops" },
        { "\"alg\":\"ES256\",", NULL },
        { "\"alg\":\"ES384\",", "none of its algorithms" },
        { "\"alg\":\"RS256\",", "none of its algorithms" },
        { "\"alg\":\"HS256\",", "none of its algorithms" },
        { "\"alg\":\"none\",", "not supported" },
        { "\"alg\":\"ECDH-ES\",", "not supported" },
        { "\"alg\":7,", "not supported" },
        { "\"kid\":\"\",", NULL },
        { "\"kid\":7,", "kid" },
    };
    const rs_jwk_t *key = key_make("P-256", *state);
    const char *why;
    unsigned i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *text = key_public_text(key, rows[i].members, *state);
        if (rows[i].reason)
            refused_for(text, rows[i].reason, *state);
        else
            assert_non_null(parse(text, &why, *state));
    }
}

/* Which algorithms fit which key, with and without a member alg. */
static void fits(const char *type, const char *members, const char *expected, apr_pool_t *p)
{
    const rs_jwk_t *made = key_make(type, p);
    const rs_jwk_t *key = rs_jwk_kty(made) == RS_JWK_OCT ? made : key_public(made, members, p);
    const char *got = "";
    unsigned id;

    for (id = 0; id < RS_ALG_COUNT; id++) {
        if (rs_jwk_fits(key, rs_alg_by_id(id)))
            got = apr_pstrcat(p, got, *got ? " " : "", rs_alg_name(rs_alg_by_id(id)), NULL);
    }
    assert_string_equal(got, expected);
}

static void a_key_fits_the_algorithms_of_its_type(void **state)
{
    fits("RSA", "", "RS256 RS384 RS512 PS256 PS384 PS512", *state);
    fits("RSA", "\"alg\":\"PS256\",", "PS256", *state);
    fits("P-256", "", "ES256", *state);
    fits("P-384", "", "ES384", *state);
    fits("P-521", "", "ES512", *state);
    fits("ED25519", "", "EdDSA Ed25519", *state);
    fits("ED25519", "\"alg\":\"EdDSA\",", "EdDSA Ed25519", *state);
    fits("ED25519", "\"alg\":\"Ed25519\",", "EdDSA Ed25519", *state);
    fits("ED448", "", "EdDSA Ed448", *state);
    fits("oct", "", "HS256 HS384 HS512", *state);
}

static void a_shared_key_is_as_long_as_the_digest(void **state)
{
    unsigned char secret[64] = { 1 };
    const char *why = NULL;
    const rs_jwk_t *key;

    assert_null(rs_jwk_shared(secret, 31, &why, *state));
    assert_non_null(why);
    key = rs_jwk_shared(secret, 47, &why, *state);
    assert_true(rs_jwk_fits(key, rs_alg_by_name("HS256")));
    assert_false(rs_jwk_fits(key, rs_alg_by_name("HS384")));
    key = rs_jwk_shared(secret, 63, &why, *state);
    assert_true(rs_jwk_fits(key, rs_alg_by_name("HS384")));
    assert_false(rs_jwk_fits(key, rs_alg_by_name("HS512")));
    assert_null(rs_jwk_public_json(key, *state));
}

static void a_key_may_stand_in_its_certificate_alone(void **state)
{
    static const struct {
        const char *type, *kty;
    } rows[] = { { "RSA", "RSA" }, { "P-256", "EC" }, { "ED25519", "OKP" } };
    const char *why = NULL;
    unsigned i;

    for (i = 0; i < 3; i++) {
        const rs_jwk_t *inside, *key;
        const char *der = key_certificate(rows[i].type, false, &inside, *state);
        key = parse(apr_psprintf(*state, "{\"kty\":\"%s\",\"x5c\":[\"%s\"]}", rows[i].kty, der),
                    &why, *state);
        assert_non_null(key);
        assert_string_equal(thumbprint(key, *state), thumbprint(inside, *state));
    }
    refused_for("{\"kty\":\"RSA\",\"x5c\":[\"AAAA\"]}", "unusable", *state);
    refused_for("{\"kty\":\"RSA\",\"x5c\":[]}", "unusable", *state);
    refused_for("{\"kty\":\"RSA\",\"x5c\":\"AAAA\"}", "unusable", *state);
    refused_for("{\"kty\":\"RSA\"}", "unusable", *state);
}

/* The certificate in a key must hold a key of the type that it says. */
static void a_certificate_of_another_type_is_refused(void **state)
{
    const rs_jwk_t *inside;
    const char *der = key_certificate("P-256", false, &inside, *state);

    refused_for(apr_psprintf(*state, "{\"kty\":\"RSA\",\"x5c\":[\"%s\"]}", der), "RSA", *state);
}

static void unknown_types_and_no_objects_are_refused(void **state)
{
    const char *why = NULL;

    refused_for("{\"kty\":\"AKP\"}", "kty", *state);
    refused_for("{\"kty\":7}", "kty", *state);
    refused_for("{}", "kty", *state);
    assert_null(rs_jwk_public(NULL, &why, *state));
    assert_non_null(why);
}

static void what_is_no_private_key_is_refused(void **state)
{
    const char *pem = key_pem("P-256", true, *state), *why = NULL;
    char *large = apr_pcalloc(*state, RS_SECRET_BYTES_MAX + 2);

    assert_null(rs_jwk_private(pem, strlen(pem), &why, *state));
    assert_null(rs_jwk_private("", 0, &why, *state));
    assert_null(rs_jwk_private("{}", 2, &why, *state));
    memset(large, 'a', RS_SECRET_BYTES_MAX + 1);
    assert_null(rs_jwk_private(large, RS_SECRET_BYTES_MAX + 1, &why, *state));
    assert_non_null(strstr(why, "64 KiB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(thumbprints_of_rfc_7638_and_8037_are_met),
        FAKE_TEST(a_thumbprint_does_not_depend_on_other_members),
        FAKE_TEST(keys_of_the_cookbook_are_taken),
        FAKE_TEST(private_and_public_halves_have_one_thumbprint),
        FAKE_TEST(a_small_rsa_key_is_refused),
        FAKE_TEST(rsa_bounds_are_kept),
        FAKE_TEST(points_that_are_none_are_refused),
        FAKE_TEST(a_foreign_curve_is_refused_in_pem_too),
        FAKE_TEST(secret_parts_are_refused_whatever_their_type),
        FAKE_TEST(a_key_is_for_what_it_says),
        FAKE_TEST(a_key_fits_the_algorithms_of_its_type),
        FAKE_TEST(a_shared_key_is_as_long_as_the_digest),
        FAKE_TEST(a_key_may_stand_in_its_certificate_alone),
        FAKE_TEST(a_certificate_of_another_type_is_refused),
        FAKE_TEST(unknown_types_and_no_objects_are_refused),
        FAKE_TEST(what_is_no_private_key_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
