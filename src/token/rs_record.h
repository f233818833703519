/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A verdict as bytes, for the caches. The record holds the principal, never the token. */
#ifndef RS_RECORD_H
#define RS_RECORD_H

#include "token/rs_verdict.h"

/* Part of every cache key: records of another format are not even found. */
#define RS_RECORD_FORMAT 1

/* The record of any verdict (also of refused and undecided ones: followers of a flight get it). */
void rs_record_encode(const rs_verdict_t *verdict, const unsigned char **bytes, apr_size_t *len,
                      apr_pool_t *p);

/* Everything a decoded verdict points to, in one place. */
typedef struct {
    rs_verdict_t verdict;
    rs_principal_t principal;
    rs_sha256_t key;
} rs_record_t;

/* The strings of *record lead into bytes, which must outlive it. No allocation. APR_EINVAL, and
 * *record untouched, for anything that rs_record_encode() did not write. */
apr_status_t rs_record_decode(const unsigned char *bytes, apr_size_t len, rs_record_t *record);

#endif
