/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Key sets in the forms in which issuers and administrators write them, and the choice among their
 * keys. */
#include "jose/rs_jwks.h"
#include "base/rs_limits.h"
#include "jose/rs_jwk_parts.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

struct rs_jwks_t {
    apr_array_header_t *keys; /* const rs_jwk_t * */
    const char *remarks;
};

static rs_jwks_t *jwks_create(apr_pool_t *p)
{
    rs_jwks_t *set = apr_pcalloc(p, sizeof *set);

    set->keys = apr_array_make(p, 4, sizeof(const rs_jwk_t *));
    set->remarks = "";
    return set;
}

/* ---- what is in it ---- */

#define REMARKS_BYTES_MAX 1024

static void remark(rs_jwks_t *set, unsigned number, const char *why, apr_pool_t *p)
{
    if (strlen(set->remarks) < REMARKS_BYTES_MAX)
        set->remarks =
            apr_psprintf(p, "%s%skey %u: %s", set->remarks, *set->remarks ? "; " : "", number, why);
}

/* A key beyond the limit is skipped like any other that is of no use. */
static void take(rs_jwks_t *set, unsigned number, const rs_jwk_t *key, const char *why,
                 apr_pool_t *p)
{
    if (key && set->keys->nelts >= RS_KEYS_PER_SET_MAX) {
        key = NULL;
        why = "one more than the 256 that a set may have";
    }
    if (key)
        APR_ARRAY_PUSH(set->keys, const rs_jwk_t *) = key;
    else
        remark(set, number, why, p);
}

static void take_jwks(rs_jwks_t *set, const rs_json_t *array, apr_pool_t *p)
{
    apr_size_t i;

    for (i = 0; i < rs_json_size(array) && i < 2 * RS_KEYS_PER_SET_MAX; i++) {
        const char *why;
        const rs_jwk_t *key = rs_jwk_public(rs_json_at(array, i), &why, p);
        take(set, (unsigned)i + 1, key, why, p);
    }
}

static EVP_PKEY *pkey_of_block(const char *name, const unsigned char *der, long len)
{
    X509 *certificate;
    EVP_PKEY *pkey;

    if (strcmp(name, PEM_STRING_PUBLIC) == 0)
        return d2i_PUBKEY(NULL, &der, len);
    if (strcmp(name, PEM_STRING_RSA_PUBLIC) == 0)
        return d2i_PublicKey(EVP_PKEY_RSA, NULL, &der, len);
    if (strcmp(name, PEM_STRING_X509) != 0 && strcmp(name, PEM_STRING_X509_OLD) != 0)
        return NULL;
    certificate = d2i_X509(NULL, &der, len);
    pkey = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    return pkey;
}

static void take_block(rs_jwks_t *set, unsigned number, const char *name, const char *kid,
                       EVP_PKEY *pkey, apr_pool_t *p)
{
    const char *why = strstr(name, "PRIVATE")
                          ? "a private key, which has no place among public keys"
                          : "a PEM block that is no public key and no certificate";

    take(set, number, pkey ? rs_jwk_of_pkey(pkey, kid, NULL, &why, p) : NULL, why, p);
}

static void take_pem(rs_jwks_t *set, unsigned number, const char *text, apr_size_t len,
                     const char *kid, apr_pool_t *p)
{
    BIO *bio = BIO_new_mem_buf(text, (int)len);
    char *name, *header;
    unsigned char *der;
    long der_len;

    while (bio && number <= 2 * RS_KEYS_PER_SET_MAX &&
           PEM_read_bio(bio, &name, &header, &der, &der_len) == 1) {
        take_block(set, number++, name, kid, pkey_of_block(name, der, der_len), p);
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)der_len);
    }
    BIO_free(bio);
}

/* A map of kid to PEM, as Google publishes for Firebase. */
typedef struct {
    rs_jwks_t *set;
    unsigned number;
    bool pem; /* one at least */
    apr_pool_t *p;
} map_reading_t;

static bool take_member(void *baton, const char *name, const rs_json_t *value)
{
    map_reading_t *reading = baton;
    apr_size_t len;
    const char *text = rs_json_text(value, &len);

    reading->number++;
    if (!text || !strstr(text, "-----BEGIN ") || strlen(name) > RS_KID_BYTES_MAX)
        take(reading->set, reading->number, NULL, "a member that is no PEM text", reading->p);
    else {
        reading->pem = true;
        take_pem(reading->set, reading->number, text, len, name, reading->p);
    }
    return reading->number < 2 * RS_KEYS_PER_SET_MAX;
}

static const char *take_json(rs_jwks_t *set, const rs_json_t *object, apr_pool_t *p)
{
    const rs_json_t *array = rs_json_get(object, "keys");
    map_reading_t reading = { set, 0, false, p };
    const char *why;

    if (array && rs_json_type(array) != RS_JSON_ARRAY)
        return "its member keys is not an array";
    if (array)
        take_jwks(set, array, p);
    else if (rs_json_get(object, "kty"))
        take(set, 1, rs_jwk_public(object, &why, p), why, p);
    else {
        (void)rs_json_each_member(object, take_member, &reading);
        if (!reading.pem)
            return "it is neither a key set nor a key nor a map of key ids to PEM";
    }
    return NULL;
}

const rs_jwks_t *rs_jwks_parse(const char *text, apr_size_t len, const char **why, apr_pool_t *p)
{
    rs_jwks_t *set = jwks_create(p);
    const rs_json_t *object;
    apr_size_t lead;

    *why = NULL;
    if (len > RS_JWKS_BYTES_MAX) {
        *why = "it is larger than 1 MiB";
        return NULL;
    }
    for (lead = 0; lead < len && strchr(" \t\r\n", text[lead]) && text[lead]; lead++)
        ;
    ERR_set_mark();
    if (lead < len && text[lead] == '{') {
        object = rs_json_object(text, len, &rs_json_document_limits, why, p);
        if (object)
            *why = take_json(set, object, p);
    }
    else
        take_pem(set, 1, text, len, NULL, p);
    ERR_pop_to_mark();
    if (*why)
        return NULL;
    if (!set->keys->nelts) {
        *why = *set->remarks
                   ? apr_pstrcat(p, "none of its keys can be used (", set->remarks, ")", NULL)
                   : "there is no key in it (a key set, a key, PEM public keys and certificates "
                     "are known)";
        return NULL;
    }
    return set;
}

const rs_jwks_t *rs_jwks_of(const rs_jwk_t *key, apr_pool_t *p)
{
    rs_jwks_t *set = jwks_create(p);

    APR_ARRAY_PUSH(set->keys, const rs_jwk_t *) = key;
    return set;
}

const rs_jwks_t *rs_jwks_join(const rs_jwks_t *const *sets, unsigned count, apr_pool_t *p)
{
    rs_jwks_t *joined = jwks_create(p);
    unsigned i;

    for (i = 0; i < count; i++) {
        apr_array_cat(joined->keys, sets[i]->keys);
        if (*sets[i]->remarks)
            joined->remarks = apr_pstrcat(p, joined->remarks, *joined->remarks ? "; " : "",
                                          sets[i]->remarks, NULL);
    }
    return joined;
}

/* ---- asking ---- */

unsigned rs_jwks_count(const rs_jwks_t *set)
{
    return (unsigned)set->keys->nelts;
}

const char *rs_jwks_remarks(const rs_jwks_t *set)
{
    return set->remarks;
}

/* A key without kid (a PEM file has none) may be any that a token names. */
static bool may_have_signed(const rs_jwk_t *key, const char *kid, const rs_alg_t *alg)
{
    if (kid && rs_jwk_kid(key) && strcmp(rs_jwk_kid(key), kid) != 0)
        return false;
    return rs_jwk_fits(key, alg);
}

/* *at is the position and, above it, how many keys were given out. */
#define AT_BITS 16

const rs_jwk_t *rs_jwks_next(const rs_jwks_t *set, const rs_jws_t *jws, unsigned *at)
{
    const rs_alg_t *alg = rs_jws_alg(jws);
    const char *kid = rs_jws_kid(jws);
    unsigned given = *at >> AT_BITS, i;

    if (!alg || given >= RS_KEYS_TRIED_PER_TOKEN_MAX)
        return NULL;
    for (i = *at & ((1u << AT_BITS) - 1); i < (unsigned)set->keys->nelts; i++) {
        const rs_jwk_t *key = APR_ARRAY_IDX(set->keys, i, const rs_jwk_t *);
        if (may_have_signed(key, kid, alg)) {
            *at = (given + 1) << AT_BITS | (i + 1);
            return key;
        }
    }
    return NULL;
}

bool rs_jwks_has(const rs_jwks_t *set, const rs_sha256_t *thumbprint)
{
    int i;

    for (i = 0; i < set->keys->nelts; i++) {
        if (rs_sha256_equal(rs_jwk_thumbprint(APR_ARRAY_IDX(set->keys, i, const rs_jwk_t *)),
                            thumbprint))
            return true;
    }
    return false;
}

bool rs_jwks_names(const rs_jwks_t *set, const char *kid)
{
    int i;

    for (i = 0; i < set->keys->nelts; i++) {
        const char *name = rs_jwk_kid(APR_ARRAY_IDX(set->keys, i, const rs_jwk_t *));
        if (name && strcmp(name, kid) == 0)
            return true;
    }
    return false;
}
