/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Decryption: the examples of RFC 7520, and what is not to be decrypted. */
#include "fakes.h"
#include "jose/rs_jwe.h"

#include <apr_strings.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const rs_json_t *document(const char *name, const char **text, apr_pool_t *p)
{
    const char *why;

    *text = fake_vector(apr_pstrcat(p, "jose-cookbook/", name, NULL), p);
    return rs_json_object(*text, strlen(*text), &rs_json_document_limits, &why, p);
}

/* The text of the object "key" from here on: no object is in it. */
static const char *text_of_key(const char *text, apr_pool_t *p)
{
    const char *key = strstr(text, "\"key\":"), *begin = strchr(key, '{');

    return apr_pstrmemdup(p, begin, (apr_size_t)(strchr(begin, '}') - begin + 1));
}

typedef struct {
    const rs_jwe_keys_t *keys;
    const char *token, *plain;
} example_t;

static example_t example(const char *name, apr_pool_t *p)
{
    const char *text, *key, *why = NULL;
    const rs_json_t *json = document(name, &text, p);
    example_t made;

    if (rs_json_get(json, "encrypt")) { /* behind "sign" */
        json = rs_json_get(json, "encrypt");
        text = strstr(text, "\"encrypt\"");
    }
    key = text_of_key(text, p);
    made.keys = rs_jwe_keys_parse(key, strlen(key), &why, p);
    made.token = rs_json_string(rs_json_get(json, "output"), "compact");
    made.plain = rs_json_string(rs_json_get(json, "input"), "plaintext");
    assert_non_null(made.token);
    return made;
}

static const char *const ours[] = {
    "jwe/5_2.key_encryption_using_rsa-oaep_with_aes-gcm.json",
    "jwe/5_4.key_agreement_with_key_wrapping_using_ecdh-es_and_aes-keywrap_with_aes-gcm.json",
    "jwe/5_5.key_agreement_using_ecdh-es_with_aes-cbc-hmac-sha2.json",
    "jwe/5_6.direct_encryption_using_aes-gcm.json",
    "curve25519/ecdh-es.json",
};

#define OURS (sizeof ours / sizeof ours[0])

static rs_outcome_t decrypt(const example_t *with, const char *token, rs_jwe_plain_t *plain,
                            apr_pool_t *p)
{
    return rs_jwe_decrypt(with->keys, token, strlen(token), plain, p);
}

static void examples_of_the_cookbook_decrypt(void **state)
{
    rs_jwe_plain_t plain;
    unsigned i;

    for (i = 0; i < OURS; i++) {
        example_t that = example(ours[i], *state);
        assert_non_null(that.keys);
        assert_true(rs_jwe_looks_like(that.token, strlen(that.token)));
        assert_int_equal(decrypt(&that, that.token, &plain, *state), RS_TOKEN_ACCEPTED);
        assert_int_equal(plain.len, strlen(that.plain));
        assert_string_equal(plain.bytes, that.plain);
    }
}

static void a_nested_token_decrypts(void **state)
{
    example_t that = example("6.nesting_signatures_and_encryption.json", *state);
    rs_jwe_plain_t plain;

    assert_int_equal(decrypt(&that, that.token, &plain, *state), RS_TOKEN_ACCEPTED);
    assert_string_equal(plain.cty, "JWT");
    assert_memory_equal(plain.bytes, "eyJ", 3);
}

static void what_others_decrypt_is_refused(void **state)
{
    static const struct {
        const char *name;
        rs_outcome_t outcome;
    } cases[] = {
        { "jwe/5_1.key_encryption_using_rsa_v15_and_aes-hmac-sha2.json", RS_TOKEN_ALG_REFUSED },
        { "jwe/5_3.key_wrap_using_pbes2-aes-keywrap_with-aes-cbc-hmac-sha2.json",
          RS_TOKEN_ALG_REFUSED },
        { "jwe/5_7.key_wrap_using_aes-gcm_keywrap_with_aes-cbc-hmac-sha2.json",
          RS_TOKEN_ALG_REFUSED },
        { "jwe/5_8.key_wrap_using_aes-keywrap_with_aes-gcm.json", RS_TOKEN_ALG_REFUSED },
        { "jwe/5_9.compressed_content.json", RS_TOKEN_MALFORMED },
    };
    example_t with = example(ours[0], *state);
    rs_jwe_plain_t plain;
    unsigned i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *text;
        const rs_json_t *json = document(cases[i].name, &text, *state);
        const char *token = rs_json_string(rs_json_get(json, "output"), "compact");
        assert_int_equal(decrypt(&with, token, &plain, *state), cases[i].outcome);
    }
}

static void only_the_recipients_key_decrypts(void **state)
{
    rs_jwe_plain_t plain;
    unsigned i, j;

    for (i = 0; i < OURS; i++) {
        example_t that = example(ours[i], *state);
        for (j = 0; j < OURS; j++) {
            example_t other = example(ours[j], *state);
            assert_int_equal(decrypt(&other, that.token, &plain, *state),
                             i == j ? RS_TOKEN_ACCEPTED : RS_TOKEN_DECRYPTION_FAILED);
        }
    }
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* One bit of one character. The last of a segment has bits that mean nothing and must be zero. */
static void every_flipped_bit_is_refused(void **state)
{
    rs_jwe_plain_t plain;
    unsigned i, bit;
    apr_size_t at;

    for (i = 0; i < OURS; i++) {
        example_t that = example(ours[i], *state);
        for (at = 0; at < strlen(that.token); at += 3) {
            char *changed = apr_pstrdup(*state, that.token);
            const char *place = strchr(alphabet, that.token[at]);
            if (that.token[at] == '.')
                continue;
            bit = 1U << (at % 6);
            changed[at] = alphabet[(unsigned)(place - alphabet) ^ bit];
            assert_int_not_equal(decrypt(&that, changed, &plain, *state), RS_TOKEN_ACCEPTED);
            assert_null(plain.bytes);
        }
    }
}

static void segments_are_five(void **state)
{
    static const char *const bad[] = {
        "", ".", "....", ".....", "a.b.c", "a.b.c.d", "a.b.c.d.e.f"
    };
    example_t that = example(ours[0], *state);
    rs_jwe_plain_t plain;
    unsigned i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(decrypt(&that, bad[i], &plain, *state), RS_TOKEN_MALFORMED);
    assert_int_equal(decrypt(&that, apr_pstrcat(*state, that.token, ".", NULL), &plain, *state),
                     RS_TOKEN_MALFORMED);
    assert_int_equal(
        decrypt(&that, apr_pstrndup(*state, that.token, strlen(that.token) - 22), &plain, *state),
        RS_TOKEN_DECRYPTION_FAILED);
}

static void keys_that_are_of_no_use_say_why(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "", "no private key" },
        { "{\"keys\":[]}", "no key" },
        { "{\"kty\":\"oct\",\"k\":\"AAAA\"}", "16 to 64 bytes" },
        { "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"use\":\"sig\"}", "use" },
        { "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAA\",\"alg\":\"RSA1_5\"}", "alg" },
        { "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":"
          "\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}",
          "does not decrypt" },
    };
    const char *why;
    unsigned i;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_null(rs_jwe_keys_parse(cases[i].text, strlen(cases[i].text), &why, *state));
        assert_non_null(strstr(why, cases[i].why));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(examples_of_the_cookbook_decrypt), FAKE_TEST(a_nested_token_decrypts),
        FAKE_TEST(what_others_decrypt_is_refused),   FAKE_TEST(only_the_recipients_key_decrypts),
        FAKE_TEST(every_flipped_bit_is_refused),     FAKE_TEST(segments_are_five),
        FAKE_TEST(keys_that_are_of_no_use_say_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
