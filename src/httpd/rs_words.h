/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Words of the configuration: fixed vocabularies, times, counts, and what was probably meant. */
#ifndef RS_WORDS_H
#define RS_WORDS_H

#include <apr_pools.h>
#include <apr_time.h>

typedef struct {
    const char *word; /* NULL ends a table */
    int value;
} rs_word_t;

/* NULL is fine, else a sentence that names the choices and the nearest of them. */
const char *rs_word_find(int *value, const rs_word_t *words, const char *written, apr_pool_t *p);

/* The nearest of words (NULL-terminated), NULL when none is near. Letter case does not count. */
const char *rs_word_nearest(const char *written, const char *const *words, apr_pool_t *p);

/* 30s, 100ms, 5m, 1h, 2d; a bare number is seconds. 0 is a time. NULL is fine, else a sentence. */
const char *rs_time_parse(apr_interval_time_t *time, const char *written, apr_interval_time_t max,
                          apr_pool_t *p);

/* A count from min to max. */
const char *rs_count_parse(unsigned *count, const char *written, unsigned min, unsigned max,
                           apr_pool_t *p);

#endif
