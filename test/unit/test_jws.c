/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Whose signature counts: every algorithm against every key, and every kind of tampering. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rs_base64url.h"
#include "base/rs_limits.h"
#include "fakes.h"
#include "jose/rs_jws.h"
#include "key_maker.h"

#include <apr_strings.h>
#include <string.h>

#define PAYLOAD "{\"iss\":\"https://issuer.example\",\"sub\":\"someone\"}"
#define ALL ((rs_alg_set_t)((1u << RS_ALG_COUNT) - 1))

/* Two keys of each type: the second signs nothing. */
static const char *const types[] = { "RSA", "P-256", "P-384", "P-521", "ED25519", "ED448", "oct" };
#define TYPES (sizeof types / sizeof types[0])
static const rs_jwk_t *private_keys[2][TYPES], *public_keys[2][TYPES];

static const struct {
    const char *alg;
    unsigned type;
} signers[] = {
    { "RS256", 0 }, { "RS384", 0 }, { "RS512", 0 },   { "PS256", 0 },
    { "PS384", 0 }, { "PS512", 0 }, { "ES256", 1 },   { "ES384", 2 },
    { "ES512", 3 }, { "EdDSA", 4 }, { "Ed25519", 4 }, { "EdDSA", 5 },
    { "Ed448", 5 }, { "HS256", 6 }, { "HS384", 6 },   { "HS512", 6 },
};
#define SIGNERS (sizeof signers / sizeof signers[0])

static apr_pool_t *keys_pool;

static int make_keys(void **state)
{
    unsigned twin, type;

    if (fake_pool((void **)&keys_pool) != 0)
        return -1;
    for (twin = 0; twin < 2; twin++) {
        for (type = 0; type < TYPES; type++) {
            const rs_jwk_t *key = key_make(types[type], keys_pool);
            private_keys[twin][type] = key;
            public_keys[twin][type] =
                rs_jwk_kty(key) == RS_JWK_OCT ? key : key_public(key, "", keys_pool);
        }
    }
    (void)state;
    return 0;
}

static int forget_keys(void **state)
{
    (void)state;
    apr_pool_destroy(keys_pool);
    return 0;
}

static const char *sign(unsigned signer, apr_pool_t *p)
{
    return key_sign(private_keys[0][signers[signer].type], signers[signer].alg, "", PAYLOAD, p);
}

/* What becomes of a token, from bytes to the answer. */
static rs_outcome_t outcome(const char *token, const rs_jwk_t *key, rs_alg_set_t allowed,
                            apr_pool_t *p)
{
    const rs_jws_t *jws;
    rs_outcome_t parsed = rs_jws_parse(&jws, token, strlen(token), p);

    return parsed == RS_TOKEN_ACCEPTED ? rs_jws_verify(jws, key, allowed) : parsed;
}

static void refused_by_all(const char *token, rs_alg_set_t allowed, apr_pool_t *p)
{
    unsigned twin, type;

    for (twin = 0; twin < 2; twin++) {
        for (type = 0; type < TYPES; type++)
            assert_int_not_equal(outcome(token, public_keys[twin][type], allowed, p),
                                 RS_TOKEN_ACCEPTED);
    }
}

static void only_the_signers_key_verifies(void **state)
{
    unsigned signer, twin, type;

    for (signer = 0; signer < SIGNERS; signer++) {
        const char *token = sign(signer, *state);
        for (twin = 0; twin < 2; twin++) {
            for (type = 0; type < TYPES; type++) {
                rs_outcome_t got = outcome(token, public_keys[twin][type], ALL, *state);
                if (twin == 0 && type == signers[signer].type)
                    assert_int_equal(got, RS_TOKEN_ACCEPTED);
                else if (type == signers[signer].type)
                    assert_int_equal(got, RS_TOKEN_SIGNATURE_WRONG);
                else if (strcmp(signers[signer].alg, "EdDSA") == 0 && (type == 4 || type == 5))
                    assert_int_equal(got, RS_TOKEN_SIGNATURE_WRONG);
                else
                    assert_int_equal(got, RS_TOKEN_ALG_REFUSED);
            }
        }
    }
}

static void an_algorithm_outside_the_allow_list_is_refused(void **state)
{
    unsigned signer;

    for (signer = 0; signer < SIGNERS; signer++) {
        const rs_alg_t *alg = rs_alg_by_name(signers[signer].alg);
        const rs_jwk_t *key = public_keys[0][signers[signer].type];
        rs_alg_set_t only = rs_alg_set_add(RS_ALG_SET_EMPTY, alg);
        const char *token = sign(signer, *state);
        assert_int_equal(outcome(token, key, only, *state), RS_TOKEN_ACCEPTED);
        assert_int_equal(outcome(token, key, ALL & ~only, *state), RS_TOKEN_ALG_REFUSED);
        assert_int_equal(outcome(token, key, RS_ALG_SET_EMPTY, *state), RS_TOKEN_ALG_REFUSED);
    }
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* One bit of each character of all segments, another one each time round. */
static void every_flipped_bit_is_refused(void **state)
{
    unsigned signer;
    char *at;

    for (signer = 0; signer < SIGNERS; signer++) {
        char *token = apr_pstrdup(*state, sign(signer, *state));
        unsigned bit = signer;
        for (at = token; *at; at++) {
            char was = *at;
            apr_pool_t *each;
            if (was == '.')
                continue;
            apr_pool_create(&each, *state);
            *at = alphabet[(strchr(alphabet, was) - alphabet) ^ (1 << bit++ % 6)];
            assert_int_not_equal(outcome(token, public_keys[0][signers[signer].type], ALL, each),
                                 RS_TOKEN_ACCEPTED);
            *at = was;
            apr_pool_destroy(each);
        }
        assert_int_equal(outcome(token, public_keys[0][signers[signer].type], ALL, *state),
                         RS_TOKEN_ACCEPTED);
    }
}

static const char *with_header(const char *header, const char *token, apr_pool_t *p)
{
    return apr_pstrcat(p, rs_base64url_encode((const unsigned char *)header, strlen(header), p),
                       strchr(token, '.'), NULL);
}

static void a_swapped_algorithm_is_refused(void **state)
{
    unsigned signer, id;

    for (signer = 0; signer < SIGNERS; signer++) {
        const char *token = sign(signer, *state);
        for (id = 0; id < RS_ALG_COUNT; id++) {
            const char *name = rs_alg_name(rs_alg_by_id(id));
            const char *header = apr_psprintf(*state, "{\"alg\":\"%s\"}", name);
            if (strcmp(name, signers[signer].alg) != 0)
                refused_by_all(with_header(header, token, *state), ALL, *state);
        }
    }
}

static void none_in_any_spelling_is_refused(void **state)
{
    static const char *const names[] = { "none", "None",  "NONE",   "nOnE", "none ",
                                         "",     "hs256", "RS256 ", "RS1",  "HS1" };
    static const char *const tails[] = { "", "AA", "AAAA" };
    const char *token = sign(0, *state);
    const char *payload = apr_pstrmemdup(
        *state, strchr(token, '.'), (apr_size_t)(strrchr(token, '.') - strchr(token, '.') + 1));
    unsigned i, tail;

    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *header = apr_psprintf(*state, "{\"alg\":\"%s\"}", names[i]);
        assert_null(rs_alg_by_name(names[i]));
        refused_by_all(with_header(header, token, *state), ALL, *state);
        for (tail = 0; tail < sizeof tails / sizeof tails[0]; tail++)
            refused_by_all(
                with_header(header, apr_pstrcat(*state, payload, tails[tail], NULL), *state), ALL,
                *state);
    }
}

static void a_public_key_is_no_secret(void **state)
{
    const char *pem = key_pem("RSA", true, *state), *why = NULL;
    const rs_jwk_t *as_secret =
        rs_jwk_shared((const unsigned char *)pem, strlen(pem), &why, *state);
    const char *token = key_sign(as_secret, "HS256", "", PAYLOAD, *state);

    refused_by_all(token, ALL, *state);
    refused_by_all(token, rs_alg_set_asymmetric(), *state);
    assert_int_equal(outcome(token, as_secret, rs_alg_set_asymmetric(), *state),
                     RS_TOKEN_ALG_REFUSED);
}

static void added_and_removed_dots_are_malformed(void **state)
{
    const char *token = sign(6, *state), *at;
    const rs_jwk_t *key = public_keys[0][1];

    for (at = token; at <= token + strlen(token); at++) {
        apr_size_t before = (apr_size_t)(at - token);
        const char *head = apr_pstrmemdup(*state, token, before);
        assert_int_equal(outcome(apr_pstrcat(*state, head, ".", at, NULL), key, ALL, *state),
                         RS_TOKEN_MALFORMED);
        if (*at == '.')
            assert_int_equal(outcome(apr_pstrcat(*state, head, at + 1, NULL), key, ALL, *state),
                             RS_TOKEN_MALFORMED);
    }
}

static const char *with_signature(const char *token, const unsigned char *bytes, apr_size_t len,
                                  apr_pool_t *p)
{
    return apr_pstrcat(p, apr_pstrmemdup(p, token, (apr_size_t)(strrchr(token, '.') - token)), ".",
                       rs_base64url_encode(bytes, len, p), NULL);
}

static void a_signature_of_another_length_is_refused(void **state)
{
    unsigned signer;

    for (signer = 0; signer < SIGNERS; signer++) {
        const char *token = sign(signer, *state), *text = strrchr(token, '.') + 1;
        const rs_jwk_t *key = public_keys[0][signers[signer].type];
        unsigned char *bytes, *longer;
        apr_size_t len, shorter;
        assert_int_equal(rs_base64url_decode(text, strlen(text), &bytes, &len, *state),
                         APR_SUCCESS);
        for (shorter = 0; shorter < len; shorter++)
            assert_int_not_equal(
                outcome(with_signature(token, bytes, shorter, *state), key, ALL, *state),
                RS_TOKEN_ACCEPTED);
        longer = apr_pcalloc(*state, 2 * len + 2);
        memcpy(longer + 1, bytes, len);
        assert_int_equal(outcome(with_signature(token, longer, len + 1, *state), key, ALL, *state),
                         RS_TOKEN_SIGNATURE_WRONG);
        memcpy(longer, bytes, len);
        longer[len] = 0;
        assert_int_equal(outcome(with_signature(token, longer, len + 1, *state), key, ALL, *state),
                         RS_TOKEN_SIGNATURE_WRONG);
        memset(longer, 0, len);
        assert_int_equal(outcome(with_signature(token, longer, len, *state), key, ALL, *state),
                         RS_TOKEN_SIGNATURE_WRONG);
    }
}

static void headers_that_are_not_ours_to_understand_are_malformed(void **state)
{
    static const char *const headers[] = {
        "{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}",
        "{\"alg\":\"ES256\",\"crit\":[]}",
        "{\"alg\":\"ES256\",\"b64\":true}",
        "{\"alg\":\"ES256\",\"alg\":\"ES256\"}",
        "{\"alg\":\"ES256\",\"kid\":1}",
        "{\"alg\":[\"ES256\"]}",
        "{\"alg\":null}",
        "{}",
        "[]",
        "\"ES256\"",
        "",
        "{\"alg\":\"ES256\"} x",
    };
    const char *token = sign(6, *state);
    unsigned i;

    for (i = 0; i < sizeof headers / sizeof headers[0]; i++)
        assert_int_equal(
            outcome(with_header(headers[i], token, *state), public_keys[0][1], ALL, *state),
            RS_TOKEN_MALFORMED);
}

static void keys_in_the_header_are_not_looked_at(void **state)
{
    const char *foreign = rs_jwk_public_json(private_keys[1][1], *state);
    const char *token = key_sign(private_keys[1][1], "ES256",
                                 apr_psprintf(*state, "\"jwk\":%s", foreign), PAYLOAD, *state);

    assert_int_equal(outcome(token, public_keys[0][1], ALL, *state), RS_TOKEN_SIGNATURE_WRONG);
    assert_int_equal(outcome(token, public_keys[1][1], ALL, *state), RS_TOKEN_ACCEPTED);
}

static void bounds_are_kept(void **state)
{
    char *kid = apr_pcalloc(*state, RS_KID_BYTES_MAX + 2), *large;
    const char *token, *members;

    memset(kid, 'k', RS_KID_BYTES_MAX);
    members = apr_psprintf(*state, "\"kid\":\"%s\"", kid);
    token = key_sign(private_keys[0][1], "ES256", members, PAYLOAD, *state);
    assert_int_equal(outcome(token, public_keys[0][1], ALL, *state), RS_TOKEN_ACCEPTED);
    members = apr_psprintf(*state, "\"kid\":\"%sk\"", kid);
    token = key_sign(private_keys[0][1], "ES256", members, PAYLOAD, *state);
    assert_int_equal(outcome(token, public_keys[0][1], ALL, *state), RS_TOKEN_MALFORMED);
    large = apr_pcalloc(*state, RS_TOKEN_BYTES_MAX + 1);
    memset(large, 'a', RS_TOKEN_BYTES_MAX);
    token = key_sign(private_keys[0][1], "ES256", "", large, *state);
    assert_int_equal(outcome(token, public_keys[0][1], ALL, *state), RS_TOKEN_MALFORMED);
}

/* ---- printed examples ---- */

static const rs_jwk_t *key_of_example(const rs_json_t *jwk, const char *members, apr_pool_t *p)
{
    const char *k = rs_json_string(jwk, "k"), *why = NULL, *text;
    unsigned char *secret;
    apr_size_t len;

    if (k) {
        assert_int_equal(rs_base64url_decode(k, strlen(k), &secret, &len, p), APR_SUCCESS);
        return rs_jwk_shared(secret, len, &why, p);
    }
    if (!rs_json_get(jwk, "d"))
        return rs_jwk_public(jwk, &why, p);
    /* The public members of a private example. */
    text = apr_psprintf(p, "{\"kty\":\"%s\"", rs_json_string(jwk, "kty"));
    for (; *members; members += strlen(members) + 1) {
        if (rs_json_string(jwk, members))
            text = apr_psprintf(p, "%s,\"%s\":\"%s\"", text, members, rs_json_string(jwk, members));
    }
    text = apr_pstrcat(p, text, "}", NULL);
    return rs_jwk_public(rs_json_object(text, strlen(text), &rs_json_document_limits, &why, p),
                         &why, p);
}

static void example_verifies(const rs_json_t *jwk, const char *token, apr_pool_t *p)
{
    const rs_jwk_t *key = key_of_example(jwk, "crv\0x\0y\0n\0e\0", p);
    unsigned type;

    assert_non_null(key);
    assert_non_null(token);
    assert_int_equal(outcome(token, key, ALL, p), RS_TOKEN_ACCEPTED);
    for (type = 0; type < TYPES; type++)
        assert_int_not_equal(outcome(token, public_keys[0][type], ALL, p), RS_TOKEN_ACCEPTED);
}

static const rs_json_t *document(const char *name, apr_pool_t *p)
{
    const char *text = fake_vector(name, p), *why = NULL;
    const rs_json_t *json = rs_json_object(text, strlen(text), &rs_json_document_limits, &why, p);

    assert_non_null(json);
    return json;
}

static void examples_of_rfc_7515_and_8037_verify(void **state)
{
    static const char *const lists[] = { "rfc7515", "rfc8037" };
    const rs_json_t *all = document("rfc-examples.json", *state);
    unsigned list, i, seen = 0;

    for (list = 0; list < 2; list++) {
        const rs_json_t *examples = rs_json_get(all, lists[list]);
        for (i = 0; i < rs_json_size(examples); i++) {
            const rs_json_t *example = rs_json_at(examples, i);
            const char *token = rs_json_string(example, "jws");
            if (!token)
                continue;
            seen++;
            if (rs_json_get(example, "jwk"))
                example_verifies(rs_json_get(example, "jwk"), token, *state);
            else /* RFC 7515 A.5: alg none */
                refused_by_all(token, ALL, *state);
        }
    }
    assert_int_equal(seen, 6);
}

static void examples_of_the_cookbook_verify(void **state)
{
    static const char *const names[] = {
        "jose-cookbook/jws/4_1.rsa_v15_signature.json",
        "jose-cookbook/jws/4_2.rsa-pss_signature.json",
        "jose-cookbook/jws/4_3.ecdsa_signature.json",
        "jose-cookbook/jws/4_4.hmac-sha2_integrity_protection.json",
        "jose-cookbook/curve25519/jws.json",
    };
    unsigned i;

    for (i = 0; i < sizeof names / sizeof names[0]; i++) {
        const rs_json_t *json = document(names[i], *state);
        example_verifies(rs_json_get(rs_json_get(json, "input"), "key"),
                         rs_json_string(rs_json_get(json, "output"), "compact"), *state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(only_the_signers_key_verifies),
        FAKE_TEST(an_algorithm_outside_the_allow_list_is_refused),
        FAKE_TEST(every_flipped_bit_is_refused),
        FAKE_TEST(a_swapped_algorithm_is_refused),
        FAKE_TEST(none_in_any_spelling_is_refused),
        FAKE_TEST(a_public_key_is_no_secret),
        FAKE_TEST(added_and_removed_dots_are_malformed),
        FAKE_TEST(a_signature_of_another_length_is_refused),
        FAKE_TEST(headers_that_are_not_ours_to_understand_are_malformed),
        FAKE_TEST(keys_in_the_header_are_not_looked_at),
        FAKE_TEST(bounds_are_kept),
        FAKE_TEST(examples_of_rfc_7515_and_8037_verify),
        FAKE_TEST(examples_of_the_cookbook_verify),
    };

    return cmocka_run_group_tests(tests, make_keys, forget_keys);
}
