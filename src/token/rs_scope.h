/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The scope set (RFC 6749 3.3): case-sensitive words, order irrelevant, exact comparison. Kept
 * flat, so that it can stand in a cache record: the words one behind the other, a NUL behind each.
 */
#ifndef RS_SCOPE_H
#define RS_SCOPE_H

#include "token/rs_claims.h"

typedef struct {
    const char *words;
    apr_size_t bytes; /* with the NULs */
    unsigned count;
} rs_scope_t;

/* From a space-separated string, or from an array of strings (each taken whole), dropping repeats.
 * Anything else, and words that RFC 6749 3.3 does not allow, give nothing. */
rs_scope_t rs_scope_from_text(const char *text, apr_pool_t *p);
rs_scope_t rs_scope_from_claim(const rs_claim_t *claim, apr_pool_t *p);

/* Is it one of the words of a text that is separated by blanks? However many they are. */
bool rs_scope_text_has(const char *text, apr_size_t len, const char *word);

bool rs_scope_has(const rs_scope_t *granted, const char *word);
/* How many words of needed are not in granted. */
unsigned rs_scope_missing(const rs_scope_t *granted, const rs_scope_t *needed);
rs_scope_t rs_scope_union(const rs_scope_t *a, const rs_scope_t *b, apr_pool_t *p);

/* The next word, NULL at the end; *at begins as NULL. */
const char *rs_scope_next(const rs_scope_t *scope, const char **at);
/* Space-separated; "" for the empty set. */
const char *rs_scope_text(const rs_scope_t *scope, apr_pool_t *p);

#endif
