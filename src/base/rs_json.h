/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Strict, bounded JSON (RFC 8259): UTF-8 only, no duplicate members, no NUL, nothing after the
 * value. The only part of the tree that knows the JSON library. Values are read-only once parsed,
 * so threads may share them. */
#ifndef RS_JSON_H
#define RS_JSON_H

#include <apr_pools.h>
#include <stdbool.h>

typedef struct json_t rs_json_t;

typedef struct {
    apr_size_t bytes_max;
    unsigned depth_max;
    unsigned values_max; /* members and elements, all levels together */
} rs_json_limits_t;

extern const rs_json_limits_t rs_json_token_limits;    /* header and claims of a token */
extern const rs_json_limits_t rs_json_document_limits; /* what an endpoint or a file says */

typedef enum {
    RS_JSON_ABSENT,
    RS_JSON_NULL,
    RS_JSON_BOOLEAN,
    RS_JSON_INTEGER,
    RS_JSON_REAL,
    RS_JSON_STRING,
    RS_JSON_ARRAY,
    RS_JSON_OBJECT
} rs_json_type_t;

/* Parse text, which must be one JSON object. The result and all that is reached from it live as
 * long as p. NULL when it is not acceptable; *why (if why is not NULL) then is a short constant
 * sentence without any byte of the input. */
const rs_json_t *rs_json_object(const char *text, apr_size_t len, const rs_json_limits_t *limits,
                                const char **why, apr_pool_t *p);

/* All accessors take NULL for "absent". */
rs_json_type_t rs_json_type(const rs_json_t *value);
const rs_json_t *rs_json_get(const rs_json_t *object, const char *name);
const rs_json_t *rs_json_at(const rs_json_t *array, apr_size_t index);
apr_size_t rs_json_size(const rs_json_t *array_or_object);

/* The string member; NULL when absent or no string. Lives as long as the object. */
const char *rs_json_string(const rs_json_t *object, const char *name);
const char *rs_json_text(const rs_json_t *value, apr_size_t *len);
bool rs_json_true(const rs_json_t *value);
apr_int64_t rs_json_integer(const rs_json_t *value);
double rs_json_real(const rs_json_t *value); /* also of an integer */

/* Visit each member in the order of the text; stop and return false when visit does. */
typedef bool rs_json_member_fn(void *baton, const char *name, const rs_json_t *value);
bool rs_json_each_member(const rs_json_t *object, rs_json_member_fn *visit, void *baton);

/* A member to set: text, or where that is NULL, number. */
typedef struct {
    const char *name, *text;
    apr_int64_t number;
} rs_json_member_t;

/* The object with these members set, which replace those of the same name. Lives as long as p (the
 * members it has from object included). NULL: no memory, or a text that is not UTF-8. */
const rs_json_t *rs_json_amend(const rs_json_t *object, const rs_json_member_t *members,
                               unsigned count, apr_pool_t *p);

/* text as a JSON string literal with its quotes, ASCII only. text must be valid UTF-8, else NULL.
 */
const char *rs_json_quote(const char *text, apr_pool_t *p);

/* The same literal piece by piece, for who builds a longer text. False: put was, which ends it at
 * once, or text is not valid UTF-8, of which put then gets nothing. */
typedef bool rs_json_put_fn(void *baton, const char *bytes, apr_size_t len);
bool rs_json_quote_to(const char *text, rs_json_put_fn *put, void *baton);

#endif
