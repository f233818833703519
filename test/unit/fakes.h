/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What unit tests share: a pool for each test, digests, files, and stand-ins for the outside world
 * (an HTTP transport, a tier, a log) that do as they are told and count. */
#ifndef FAKES_H
#define FAKES_H

#include "base/rs_digest.h"
#include "base/rs_log.h"
#include "cache/rs_tier.h"
#include "net/rs_http.h"

/* cmocka setup and teardown: *state is a pool. */
int fake_pool(void **state);
int fake_pool_end(void **state);
#define FAKE_TEST(function) cmocka_unit_test_setup_teardown(function, fake_pool, fake_pool_end)

rs_sha256_t fake_digest(const char *text);
/* A file below the test vectors; fails the test when it cannot be read. */
const char *fake_vector(const char *name, apr_pool_t *p);
/* A new private folder below TMPDIR, removed with p when it holds only files named by
 * fake_file(). */
const char *fake_folder(apr_pool_t *p);
const char *fake_file(const char *folder, const char *name, const char *text, apr_pool_t *p);

/* A transport: what it answers is in its members; what it was asked last is copied into it. */
#define FAKE_FORM_BYTES 4096
typedef struct fake_http_t fake_http_t;
struct fake_http_t {
    rs_http_t http;
    apr_status_t result; /* APR_SUCCESS: the reply below */
    rs_http_response_t reply;
    /* When set, decides instead of the members: status and body for this URL. */
    void (*answer)(fake_http_t *self, const rs_http_request_t *request, rs_http_response_t *reply);
    void *baton;
    apr_interval_time_t takes; /* so long a call sleeps */
    unsigned _Atomic calls;
    char url[512], form[FAKE_FORM_BYTES], authorization[512];
};
void fake_http_init(fake_http_t *fake);
void fake_http_says(fake_http_t *fake, int status, const char *content_type, const char *body);

/* A tier of a few places. */
#define FAKE_PLACES 16
typedef struct {
    rs_tier_t tier;
    apr_pool_t *p; /* of the values */
    bool sick;
    apr_status_t fetch_status; /* APR_SUCCESS: what is there; else what each fetch answers */
    apr_status_t store_status; /* APR_SUCCESS: it stores; else what each store answers */
    unsigned fetches, stores;
    apr_time_t expires; /* of the last store */
    unsigned count;
    struct {
        rs_cache_key_t key;
        unsigned char *value;
        apr_size_t len;
    } places[FAKE_PLACES];
} fake_tier_t;
void fake_tier_init(fake_tier_t *fake, apr_pool_t *p);

/* A log that counts lines and remembers all of them. */
typedef struct {
    rs_log_t log;
    unsigned lines[RS_LOG_TRACE + 1];
    char text[16384];
} fake_log_t;
void fake_log_init(fake_log_t *fake);

#endif
