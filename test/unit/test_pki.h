/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Certificates for tests, made anew in a folder of their own. */
#ifndef TEST_PKI_H
#define TEST_PKI_H

#include <openssl/ssl.h>

typedef struct test_pki_t test_pki_t;

/* An authority and a folder. Aborts when it cannot. */
test_pki_t *test_pki_new(const char *name);
/* Removes the folder. */
void test_pki_free(test_pki_t *pki);

const char *test_pki_ca_file(const test_pki_t *pki);

/* Writes NAME.pem and NAME.key; alt is a subjectAltName as OpenSSL writes it, or NULL. The paths
 * live as long as pki. */
void test_pki_issue(test_pki_t *pki, const char *name, const char *alt, const char **cert,
                    const char **key);

/* A server's context with a new certificate for 127.0.0.1; client certificates of this authority
 * are asked for and may be absent. */
SSL_CTX *test_pki_server(test_pki_t *pki);

#endif
