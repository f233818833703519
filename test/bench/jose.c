/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Verifying a token of 1 KB beside the bare signature check of the same key in the same run. */
#include "jose/rs_jwks.h"
#include "provider/rs_provider_spec.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 7
#define ROUND_SECONDS 0.15

typedef struct {
    apr_pool_t *p;
    const rs_jwks_t *keys;
    const char *token;
    EVP_PKEY *pkey;
    const rs_alg_t *alg;
    const EVP_MD *digest;
    unsigned char *raw;
    size_t raw_len;
} bench_t;

static double now_s(void)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void must(bool fine, const char *what)
{
    if (fine)
        return;
    fprintf(stderr, "bench: %s failed\n", what);
    exit(1);
}

/* Parse, find the key, verify, read the claims: what a request costs that no cache knows. */
static void judge(bench_t *bench)
{
    const rs_jws_t *jws;
    const rs_jwk_t *key;
    unsigned at = 0;
    rs_claims_t claims;

    must(rs_jws_parse(&jws, bench->token, strlen(bench->token), bench->p) == RS_TOKEN_ACCEPTED, "parsing");
    key = rs_jwks_next(bench->keys, jws, &at);
    must(key && rs_jws_verify(jws, key, ~0u) == RS_TOKEN_ACCEPTED, "verifying");
    claims = rs_claims_from_json(rs_jws_claims(jws, NULL, bench->p), bench->p);
    must(claims.bytes != NULL, "reading claims");
    apr_pool_clear(bench->p);
}

static void bare(bench_t *bench)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    const char *end = strrchr(bench->token, '.');

    must(EVP_DigestVerifyInit(ctx, &pctx, bench->digest, NULL, bench->pkey) == 1, "init");
    if (strncmp(rs_alg_name(bench->alg), "PS", 2) == 0) {
        EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST);
    }
    must(EVP_DigestVerify(ctx, bench->raw, bench->raw_len, (const unsigned char *)bench->token,
                          (size_t)(end - bench->token)) == 1, "bare verify");
    EVP_MD_CTX_free(ctx);
}

static double microseconds(bench_t *bench, void (*what)(bench_t *))
{
    double best = 1e9;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        double begun = now_s(), passed;
        unsigned count = 0;
        do {
            what(bench);
            count++;
        } while ((passed = now_s() - begun) < ROUND_SECONDS);
        if (passed / count * 1e6 < best)
            best = passed / count * 1e6;
    }
    return best;
}

static long rss_kib(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;

    if (file) {
        must(fscanf(file, "%ld %ld", &size, &resident) == 2, "statm");
        fclose(file);
    }
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static const char *payload_of_1_kb(apr_pool_t *p)
{
    char filler[700];

    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    return apr_psprintf(p, "{\"iss\":\"https://login.example.com\",\"aud\":[\"https://api.example.com\"],\"sub\":\"alice\","
                        "\"client_id\":\"app\",\"scope\":\"read write admin\",\"exp\":4102444800,\"iat\":1700000000,"
                        "\"jti\":\"0123456789\",\"more\":\"%s\"}", filler);
}

static const struct {
    rs_alg_id_t id;
    const char *type, *argument;
} keys[] = {
    { RS_ALG_RS256, "RSA", NULL },   { RS_ALG_PS256, "RSA", NULL },   { RS_ALG_ES256, "EC", "P-256" },
    { RS_ALG_ES384, "EC", "P-384" }, { RS_ALG_ES512, "EC", "P-521" }, { RS_ALG_EDDSA, "ED25519", NULL },
};

static EVP_PKEY *generate(const char *type, const char *argument)
{
    if (strcmp(type, "RSA") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    return argument ? EVP_PKEY_Q_keygen(NULL, NULL, type, argument) : EVP_PKEY_Q_keygen(NULL, NULL, type);
}

static void make_raw(bench_t *bench)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    const char *end = strrchr(bench->token, '.');

    must(EVP_DigestSignInit(ctx, &pctx, bench->digest, NULL, bench->pkey) == 1, "sign init");
    if (strncmp(rs_alg_name(bench->alg), "PS", 2) == 0) {
        EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST);
    }
    bench->raw_len = 1024;
    bench->raw = malloc(bench->raw_len);
    must(EVP_DigestSign(ctx, bench->raw, &bench->raw_len, (const unsigned char *)bench->token,
                        (size_t)(end - bench->token)) == 1, "sign");
    EVP_MD_CTX_free(ctx);
}

static void measure(unsigned which, apr_pool_t *p)
{
    static const char *const digests[] = { "SHA256", "SHA384", "SHA512" };
    bench_t bench = { .pkey = generate(keys[which].type, keys[which].argument), .alg = rs_alg_by_id(keys[which].id) };
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    long pem_len;
    const char *why;
    const rs_jwk_t *key;
    double ours, theirs, allowed;
    unsigned i;

    must(bench.pkey && PEM_write_bio_PrivateKey(bio, bench.pkey, NULL, NULL, 0, NULL, NULL) == 1, "key");
    pem_len = BIO_get_mem_data(bio, &pem);
    key = rs_jwk_private(pem, (apr_size_t)pem_len, &why, p);
    must(key && rs_jws_sign(&bench.token, key, bench.alg, "\"typ\":\"at+jwt\"", payload_of_1_kb(p), p) == APR_SUCCESS,
         "token");
    bench.keys = rs_jwks_of(key, p);
    for (i = 0; i < 3 && rs_alg_digest_bytes(bench.alg); i++) {
        if ((apr_size_t)(32 + 16 * i) == rs_alg_digest_bytes(bench.alg))
            bench.digest = EVP_get_digestbyname(digests[i]);
    }
    make_raw(&bench);
    apr_pool_create(&bench.p, p);
    theirs = microseconds(&bench, bare);
    ours = microseconds(&bench, judge);
    allowed = theirs * 0.15 > 5 ? theirs * 0.15 : 5;
    printf("%-8s %10.1f %10.1f %10.1f %10.1f  %s\n", rs_alg_name(bench.alg), theirs, ours, ours - theirs, allowed,
           ours - theirs <= allowed ? "" : "ABOVE");
    BIO_free(bio);
    free(bench.raw);
    EVP_PKEY_free(bench.pkey);
}

int main(void)
{
    apr_pool_t *p;
    unsigned i;
    long before;

    apr_initialize();
    apr_pool_create(&p, NULL);
    printf("%-8s %10s %10s %10s %10s   (microseconds, best of %d)\n", "1 KB", "bare EVP", "ours", "more", "allowed", ROUNDS);
    for (i = 0; i < sizeof keys / sizeof keys[0]; i++)
        measure(i, p);
    before = rss_kib();
    measure(2, p);
    printf("resident memory: %ld KiB, %+ld KiB after another round\n", rss_kib(), rss_kib() - before);
    apr_pool_destroy(p);
    apr_terminate();
    return 0;
}
