/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Certificates for tests: P-256, an hour long. */
#include "test_pki.h"

#include <assert.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES_MAX 32

struct test_pki_t {
    char folder[64];
    char *files[FILES_MAX];
    unsigned file_count;
    long serial;
    EVP_PKEY *key;
    X509 *cert;
};

static const char *new_file(test_pki_t *pki, const char *name, const char *ending)
{
    char *path;

    assert(pki->file_count < FILES_MAX &&
           asprintf(&path, "%s/%s.%s", pki->folder, name, ending) > 0);
    pki->files[pki->file_count++] = path;
    return path;
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert(extension);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *new_cert(test_pki_t *pki, const char *name, EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);

    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++pki->serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_pubkey(cert, key);
    X509_set_issuer_name(cert, pki->cert ? X509_get_subject_name(pki->cert) : subject);
    return cert;
}

static void write_cert(const char *path, X509 *cert)
{
    FILE *file = fopen(path, "w");

    assert(file && PEM_write_X509(file, cert));
    fclose(file);
}

test_pki_t *test_pki_new(const char *name)
{
    test_pki_t *pki = calloc(1, sizeof *pki);

    snprintf(pki->folder, sizeof pki->folder, "/tmp/rs-test-pki-XXXXXX");
    assert(mkdtemp(pki->folder));
    pki->key = EVP_EC_gen("P-256");
    pki->cert = new_cert(pki, name, pki->key);
    add_extension(pki->cert, pki->cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(pki->cert, pki->cert, NID_subject_key_identifier, "hash");
    assert(X509_sign(pki->cert, pki->key, EVP_sha256()));
    write_cert(new_file(pki, "ca", "pem"), pki->cert);
    return pki;
}

void test_pki_free(test_pki_t *pki)
{
    unsigned i;

    for (i = 0; i < pki->file_count; i++) {
        unlink(pki->files[i]);
        free(pki->files[i]);
    }
    rmdir(pki->folder);
    X509_free(pki->cert);
    EVP_PKEY_free(pki->key);
    free(pki);
}

const char *test_pki_ca_file(const test_pki_t *pki)
{
    return pki->files[0];
}

void test_pki_issue(test_pki_t *pki, const char *name, const char *alt, const char **cert_file,
                    const char **key_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = new_cert(pki, name, key);
    FILE *file;

    if (alt)
        add_extension(cert, pki->cert, NID_subject_alt_name, alt);
    add_extension(cert, pki->cert, NID_authority_key_identifier, "keyid");
    assert(X509_sign(cert, pki->key, EVP_sha256()));
    *cert_file = new_file(pki, name, "pem");
    write_cert(*cert_file, cert);
    *key_file = new_file(pki, name, "key");
    file = fopen(*key_file, "w");
    assert(file && PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
    fclose(file);
    X509_free(cert);
    EVP_PKEY_free(key);
}

SSL_CTX *test_pki_server(test_pki_t *pki)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    const char *cert, *key;

    test_pki_issue(pki, "server", "IP:127.0.0.1", &cert, &key);
    assert(SSL_CTX_use_certificate_file(tls, cert, SSL_FILETYPE_PEM) == 1);
    assert(SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1);
    assert(SSL_CTX_load_verify_locations(tls, test_pki_ca_file(pki), NULL) == 1);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_id_context(tls, (const unsigned char *)"test", 4);
    return tls;
}
