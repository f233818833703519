/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Keys for tests. */
#include "key_maker.h"
#include "base/rs_base64url.h"

#include <apr_strings.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void need(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "cannot make %s\n", what);
    abort();
}

static EVP_PKEY *read_key(const char *path)
{
    FILE *file = fopen(path, "r");
    EVP_PKEY *pkey = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

    if (file)
        fclose(file);
    return pkey;
}

/* Several programs may write it: the file is there as a whole or not at all. */
static void write_key(const char *path, EVP_PKEY *pkey)
{
    char draft[256];
    FILE *file;

    snprintf(draft, sizeof draft, "%s.%d", path, (int)getpid());
    file = fopen(draft, "w");
    need(file && PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL) == 1, draft);
    need(fclose(file) == 0 && rename(draft, path) == 0, path);
}

/* Under valgrind they take long to make: where RS_TEST_KEYS names a folder, the first one of a
 * program is the first one of every program, and so on. */
static EVP_PKEY *generate_rsa(size_t bits)
{
    static unsigned made[2];
    const char *folder = getenv("RS_TEST_KEYS");
    EVP_PKEY *pkey = NULL;
    char path[240];

    if (!folder)
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
    snprintf(path, sizeof path, "%s/rsa-%u-%u.pem", folder, (unsigned)bits, ++made[bits == 2048]);
    pkey = read_key(path);
    if (!pkey && (pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits)) != NULL)
        write_key(path, pkey);
    return pkey;
}

static EVP_PKEY *generate(const char *type)
{
    EVP_PKEY *pkey;

    if (strcmp(type, "RSA") == 0)
        pkey = generate_rsa(2048);
    else if (strcmp(type, "RSA1024") == 0)
        pkey = generate_rsa(1024);
    else if (strncmp(type, "P-", 2) == 0 || strcmp(type, "secp256k1") == 0)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", type);
    else
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, type);
    need(pkey != NULL, type);
    return pkey;
}

static const char *bio_text(BIO *bio, apr_pool_t *p)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    const char *text = apr_pstrmemdup(p, data, (apr_size_t)len);

    BIO_free(bio);
    return text;
}

static const char *pem_of(EVP_PKEY *pkey, bool public_part, apr_pool_t *p)
{
    BIO *bio = BIO_new(BIO_s_mem());

    need((public_part ? PEM_write_bio_PUBKEY(bio, pkey)
                      : PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)) == 1,
         "PEM");
    return bio_text(bio, p);
}

static const rs_jwk_t *key_of(const char *pem, apr_pool_t *p)
{
    const char *why = NULL;
    const rs_jwk_t *key = rs_jwk_private(pem, strlen(pem), &why, p);

    need(key != NULL, why ? why : "a key");
    return key;
}

const char *key_pem(const char *type, bool public_part, apr_pool_t *p)
{
    EVP_PKEY *pkey = generate(type);
    const char *pem = pem_of(pkey, public_part, p);

    EVP_PKEY_free(pkey);
    return pem;
}

const rs_jwk_t *key_make(const char *type, apr_pool_t *p)
{
    unsigned char secret[64];
    const char *why;

    if (strcmp(type, "oct") != 0)
        return key_of(key_pem(type, false, p), p);
    need(rs_random_bytes(secret, sizeof secret) == APR_SUCCESS, "a secret");
    return rs_jwk_shared(secret, sizeof secret, &why, p);
}

const char *key_public_text(const rs_jwk_t *key, const char *members, apr_pool_t *p)
{
    return apr_pstrcat(p, "{", members, rs_jwk_public_json(key, p) + 1, NULL);
}

const rs_jwk_t *key_public(const rs_jwk_t *key, const char *members, apr_pool_t *p)
{
    const char *text = key_public_text(key, members, p), *why = NULL;
    const rs_jwk_t *made = rs_jwk_public(
        rs_json_object(text, strlen(text), &rs_json_document_limits, &why, p), &why, p);

    need(made != NULL, why ? why : "a public key");
    return made;
}

const char *key_set_text(apr_pool_t *p, ...)
{
    const char *text = "{\"keys\":[", *one, *comma = "";
    va_list list;

    va_start(list, p);
    while ((one = va_arg(list, const char *)) != NULL) {
        text = apr_pstrcat(p, text, comma, one, NULL);
        comma = ",";
    }
    va_end(list);
    return apr_pstrcat(p, text, "]}", NULL);
}

static X509 *self_signed(EVP_PKEY *pkey)
{
    X509 *cert = X509_new();
    const EVP_MD *digest = EVP_PKEY_is_a(pkey, "ED25519") ? NULL : EVP_sha256();

    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, pkey);
    need(X509_sign(cert, pkey, digest) > 0, "a certificate");
    return cert;
}

const char *key_certificate(const char *type, bool pem, const rs_jwk_t **key, apr_pool_t *p)
{
    EVP_PKEY *pkey = generate(type);
    X509 *cert = self_signed(pkey);
    unsigned char *der = NULL;
    const char *text;
    BIO *bio;
    int len;

    *key = key_of(pem_of(pkey, false, p), p);
    if (pem) {
        bio = BIO_new(BIO_s_mem());
        PEM_write_bio_X509(bio, cert);
        text = bio_text(bio, p);
    }
    else {
        len = i2d_X509(cert, &der);
        need(len > 0, "DER");
        text = rs_base64_encode(der, (apr_size_t)len, p);
        OPENSSL_free(der);
    }
    X509_free(cert);
    EVP_PKEY_free(pkey);
    return text;
}

const char *key_sign(const rs_jwk_t *key, const char *alg, const char *header_members,
                     const char *payload, apr_pool_t *p)
{
    const char *token = NULL;

    need(rs_jws_sign(&token, key, rs_alg_by_name(alg), header_members, payload, p) == APR_SUCCESS,
         alg);
    return token;
}
