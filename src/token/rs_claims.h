/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The claims of a token in one flat, relocatable block: what the caches store and what Require
 * lines read. Made once from JSON; from then on a claim is found by walking bytes: no parsing, no
 * allocation.
 *
 * Layout of a value: a tag byte, then
 *   null, false, true   nothing
 *   integer, real       8 bytes, host order
 *   string              u32 length, bytes, NUL
 *   array               u32 count, u32 bytes that follow, elements
 *   object              u32 count, u32 bytes that follow, (u32 length, name, NUL, value)*
 * Host order: records never leave machines of one byte order without their seal failing first (the
 * record's format number differs). */
#ifndef RS_CLAIMS_H
#define RS_CLAIMS_H

#include "base/rs_json.h"

typedef struct {
    const unsigned char *bytes; /* NULL: no claims */
    apr_size_t len;
} rs_claims_t;

/* One value inside a block; points into it. */
typedef struct {
    rs_json_type_t type; /* RS_JSON_ABSENT: there is none */
    bool boolean;
    apr_int64_t integer;
    double real;               /* also of an integer */
    const char *text;          /* of a string, NUL behind it */
    apr_size_t len;            /* bytes of a string, count of an array or object */
    const unsigned char *body; /* of an array or object */
    const unsigned char *end;
} rs_claim_t;

/* A compiled PATH: a claim name taken whole, or a JSON Pointer (RFC 6901) when it begins with '/'.
 */
typedef struct {
    const char *written;
    const char *const *steps;
    unsigned count;
} rs_claim_path_t;

/* NULL is fine, else a sentence. The path lives as long as p. */
const char *rs_claim_path_compile(rs_claim_path_t *path, const char *written, apr_pool_t *p);

/* Flatten a parsed object. */
rs_claims_t rs_claims_from_json(const rs_json_t *object, apr_pool_t *p);

/* Are these bytes, which came back from a cache, a well-formed block? */
bool rs_claims_well_formed(const unsigned char *bytes, apr_size_t len);

rs_claim_t rs_claims_root(const rs_claims_t *claims);
rs_claim_t rs_claims_get(const rs_claims_t *claims, const char *name);
rs_claim_t rs_claims_at(const rs_claims_t *claims, const rs_claim_path_t *path);

/* Walk the elements of an array, or the members of an object (then *name is set).
 *     rs_claim_iter_t it = rs_claim_iterate(&array);
 *     while (rs_claim_next(&it, &element, NULL)) ... */
typedef struct {
    rs_json_type_t type;
    const unsigned char *at, *end;
} rs_claim_iter_t;
rs_claim_iter_t rs_claim_iterate(const rs_claim_t *container);
bool rs_claim_next(rs_claim_iter_t *it, rs_claim_t *element, const char **name);

bool rs_claim_is_text(const rs_claim_t *claim, const char *text);

/* The value as JSON text, for OAuth2RSHeader json and for expressions. Takes time and memory in
 * proportion to the value. */
const char *rs_claim_json(const rs_claim_t *claim, apr_pool_t *p);

/* Its first bytes_max bytes, with "..." behind them when there are more; no more of it is built.
 * For logs: a value is as long as whoever made the token likes. */
const char *rs_claim_json_start(const rs_claim_t *claim, apr_size_t bytes_max, apr_pool_t *p);

#endif
