/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Flat claims: written once from JSON, then only read. The layout is drawn in the header. */
#include "token/rs_claims.h"
#include "base/rs_limits.h"

#include <apr_strings.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_NULL, TAG_FALSE, TAG_TRUE, TAG_INTEGER, TAG_REAL, TAG_STRING, TAG_ARRAY, TAG_OBJECT };

/* ---- paths ---- */

/* RFC 6901: ~1 is '/', ~0 is '~', anything else behind '~' is a mistake. */
static const char *unescape(char *step)
{
    char *to = step;

    for (; *step; step++) {
        if (*step == '~') {
            step++;
            if (*step != '0' && *step != '1')
                return "has a '~' that is not followed by 0 or 1 (RFC 6901)";
            *to++ = *step == '0' ? '~' : '/';
        }
        else
            *to++ = *step;
    }
    *to = '\0';
    return NULL;
}

const char *rs_claim_path_compile(rs_claim_path_t *path, const char *written, apr_pool_t *p)
{
    const char **steps;
    unsigned count = 0, i;
    char *copy, *at;
    const char *trouble;

    if (!*written)
        return "is empty: name a claim";
    path->written = apr_pstrdup(p, written);
    if (*written != '/') {
        steps = apr_palloc(p, sizeof *steps);
        steps[0] = path->written;
        path->steps = steps;
        path->count = 1;
        return NULL;
    }
    copy = apr_pstrdup(p, written);
    for (at = copy; *at; at++)
        count += *at == '/';
    if (count > RS_DOCUMENT_JSON_DEPTH_MAX)
        return "has too many steps";
    steps = apr_palloc(p, count * sizeof *steps);
    for (i = 0, at = copy; at && i < count; i++) {
        char *step = at + 1, *next = strchr(step, '/');
        if (next)
            *next = '\0';
        if ((trouble = unescape(step)) != NULL)
            return trouble;
        steps[i] = step;
        at = next;
    }
    path->steps = steps;
    path->count = count;
    return NULL;
}

/* ---- writing ---- */

typedef struct {
    unsigned char *at; /* NULL: only measure */
    apr_size_t len;
} writer_t;

static void put(writer_t *w, const void *bytes, apr_size_t len)
{
    if (w->at)
        memcpy(w->at + w->len, bytes, len);
    w->len += len;
}

static void put_tag(writer_t *w, unsigned char tag)
{
    put(w, &tag, 1);
}

static void put_u32(writer_t *w, apr_size_t value)
{
    apr_uint32_t v = (apr_uint32_t)value;
    put(w, &v, sizeof v);
}

static void put_text(writer_t *w, const char *text, apr_size_t len)
{
    put_u32(w, len);
    put(w, text, len);
    put(w, "", 1);
}

static void put_value(writer_t *w, const rs_json_t *value);

static bool put_member(void *baton, const char *name, const rs_json_t *value)
{
    writer_t *w = baton;

    put_text(w, name, strlen(name));
    put_value(w, value);
    return true;
}

static void put_container(writer_t *w, const rs_json_t *value, bool object)
{
    apr_size_t i, count = rs_json_size(value), length_at;
    apr_uint32_t body;

    put_tag(w, object ? TAG_OBJECT : TAG_ARRAY);
    put_u32(w, count);
    length_at = w->len;
    put_u32(w, 0);
    if (object)
        rs_json_each_member(value, put_member, w);
    else
        for (i = 0; i < count; i++)
            put_value(w, rs_json_at(value, i));
    body = (apr_uint32_t)(w->len - length_at - sizeof body);
    if (w->at)
        memcpy(w->at + length_at, &body, sizeof body);
}

/* Recursion is bounded by the depth limit of the parser that made the JSON. */
static void put_value(writer_t *w, const rs_json_t *value)
{
    apr_int64_t integer;
    double real;
    const char *text;
    apr_size_t len = 0;

    switch (rs_json_type(value)) {
    case RS_JSON_ABSENT:
    case RS_JSON_NULL:
        put_tag(w, TAG_NULL);
        return;
    case RS_JSON_BOOLEAN:
        put_tag(w, rs_json_true(value) ? TAG_TRUE : TAG_FALSE);
        return;
    case RS_JSON_INTEGER:
        integer = rs_json_integer(value);
        put_tag(w, TAG_INTEGER);
        put(w, &integer, sizeof integer);
        return;
    case RS_JSON_REAL:
        real = rs_json_real(value);
        put_tag(w, TAG_REAL);
        put(w, &real, sizeof real);
        return;
    case RS_JSON_STRING:
        text = rs_json_text(value, &len);
        put_tag(w, TAG_STRING);
        put_text(w, text, len);
        return;
    case RS_JSON_ARRAY:
        put_container(w, value, false);
        return;
    case RS_JSON_OBJECT:
        put_container(w, value, true);
        return;
    }
}

rs_claims_t rs_claims_from_json(const rs_json_t *object, apr_pool_t *p)
{
    writer_t measure = { NULL, 0 }, w = { NULL, 0 };
    rs_claims_t claims;

    put_value(&measure, object);
    w.at = apr_palloc(p, measure.len);
    put_value(&w, object);
    claims.bytes = w.at;
    claims.len = w.len;
    return claims;
}

/* ---- reading ---- */

static bool take_u32(const unsigned char **at, const unsigned char *end, apr_uint32_t *value)
{
    if ((apr_size_t)(end - *at) < sizeof *value)
        return false;
    memcpy(value, *at, sizeof *value);
    *at += sizeof *value;
    return true;
}

static bool take_text(const unsigned char **at, const unsigned char *end, const char **text,
                      apr_size_t *len)
{
    apr_uint32_t n;

    if (!take_u32(at, end, &n) || (apr_size_t)(end - *at) < (apr_size_t)n + 1 || (*at)[n] != '\0')
        return false;
    *text = (const char *)*at;
    *len = n;
    *at += (apr_size_t)n + 1;
    return true;
}

/* Read the value at *at and step behind it. False when it does not lie within end. */
static bool take_value(const unsigned char **at, const unsigned char *end, rs_claim_t *claim)
{
    apr_uint32_t count, body;
    unsigned char tag;

    memset(claim, 0, sizeof *claim);
    if (*at >= end)
        return false;
    tag = *(*at)++;
    switch (tag) {
    case TAG_NULL:
        claim->type = RS_JSON_NULL;
        return true;
    case TAG_FALSE:
    case TAG_TRUE:
        claim->type = RS_JSON_BOOLEAN;
        claim->boolean = tag == TAG_TRUE;
        return true;
    case TAG_INTEGER:
    case TAG_REAL:
        if (end - *at < 8)
            return false;
        claim->type = tag == TAG_INTEGER ? RS_JSON_INTEGER : RS_JSON_REAL;
        memcpy(tag == TAG_INTEGER ? (void *)&claim->integer : (void *)&claim->real, *at, 8);
        if (tag == TAG_INTEGER)
            claim->real = (double)claim->integer;
        *at += 8;
        return true;
    case TAG_STRING:
        claim->type = RS_JSON_STRING;
        return take_text(at, end, &claim->text, &claim->len);
    case TAG_ARRAY:
    case TAG_OBJECT:
        if (!take_u32(at, end, &count) || !take_u32(at, end, &body) ||
            (apr_size_t)(end - *at) < body)
            return false;
        claim->type = tag == TAG_ARRAY ? RS_JSON_ARRAY : RS_JSON_OBJECT;
        claim->len = count;
        claim->body = *at;
        claim->end = *at + body;
        *at += body;
        return true;
    }
    return false;
}

rs_claim_iter_t rs_claim_iterate(const rs_claim_t *container)
{
    rs_claim_iter_t it = { container->type, container->body, container->end };
    return it;
}

bool rs_claim_next(rs_claim_iter_t *it, rs_claim_t *element, const char **name)
{
    const char *text = NULL;
    apr_size_t len;

    if (it->at >= it->end)
        return false;
    if (it->type == RS_JSON_OBJECT && !take_text(&it->at, it->end, &text, &len))
        return false;
    if (name)
        *name = text;
    return take_value(&it->at, it->end, element);
}

static bool body_well_formed(const rs_claim_t *container, unsigned depth)
{
    rs_claim_iter_t it = rs_claim_iterate(container);
    rs_claim_t element;
    apr_size_t count = 0;

    if (depth == 0)
        return false;
    while (it.at < it.end) {
        if (!rs_claim_next(&it, &element, NULL))
            return false;
        if (element.body && !body_well_formed(&element, depth - 1))
            return false;
        count++;
    }
    return count == container->len;
}

bool rs_claims_well_formed(const unsigned char *bytes, apr_size_t len)
{
    const unsigned char *at = bytes;
    rs_claim_t root;

    return take_value(&at, bytes + len, &root) && at == bytes + len &&
           root.type == RS_JSON_OBJECT && body_well_formed(&root, RS_DOCUMENT_JSON_DEPTH_MAX);
}

rs_claim_t rs_claims_root(const rs_claims_t *claims)
{
    const unsigned char *at = claims->bytes;
    rs_claim_t root = { .type = RS_JSON_ABSENT };

    if (at && !take_value(&at, claims->bytes + claims->len, &root))
        root.type = RS_JSON_ABSENT;
    return root;
}

static rs_claim_t member(const rs_claim_t *object, const char *wanted)
{
    rs_claim_iter_t it = rs_claim_iterate(object);
    rs_claim_t element;
    const char *name = NULL;

    while (rs_claim_next(&it, &element, &name))
        if (name && strcmp(name, wanted) == 0)
            return element;
    memset(&element, 0, sizeof element);
    return element;
}

/* RFC 6901 section 4: digits without leading zeros. */
static rs_claim_t element_at(const rs_claim_t *array, const char *step)
{
    rs_claim_iter_t it = rs_claim_iterate(array);
    rs_claim_t element;
    unsigned long index;

    if (strspn(step, "0123456789") == strlen(step) && *step && strlen(step) < 9 &&
        (*step != '0' || !step[1]))
        for (index = strtoul(step, NULL, 10); rs_claim_next(&it, &element, NULL); index--)
            if (index == 0)
                return element;
    memset(&element, 0, sizeof element);
    return element;
}

rs_claim_t rs_claims_get(const rs_claims_t *claims, const char *name)
{
    rs_claim_t root = rs_claims_root(claims);
    return member(&root, name);
}

rs_claim_t rs_claims_at(const rs_claims_t *claims, const rs_claim_path_t *path)
{
    rs_claim_t here = rs_claims_root(claims);
    unsigned i;

    for (i = 0; i < path->count; i++) {
        if (here.type == RS_JSON_OBJECT)
            here = member(&here, path->steps[i]);
        else if (here.type == RS_JSON_ARRAY)
            here = element_at(&here, path->steps[i]);
        else
            memset(&here, 0, sizeof here);
    }
    return here;
}

bool rs_claim_is_text(const rs_claim_t *claim, const char *text)
{
    return claim->type == RS_JSON_STRING && claim->len == strlen(text) &&
           memcmp(claim->text, text, claim->len) == 0;
}

/* ---- as JSON ---- */

#define ROOM_AT_FIRST 32 /* a number's */

/* Room doubles, so that the bytes copied are in proportion to the bytes written. */
typedef struct {
    char *bytes;
    apr_size_t len, room, bytes_max;
    apr_pool_t *p;
} json_text_t;

/* False: it was too much, and what fits was taken. */
static bool put_json(void *baton, const char *bytes, apr_size_t len)
{
    json_text_t *text = baton;
    apr_size_t fits = text->bytes_max - text->len;
    bool whole = len <= fits;

    if (!whole)
        len = fits;
    if (len >= text->room - text->len) {
        char *larger = apr_palloc(text->p, text->room = 2 * (text->len + len) + 1);
        memcpy(larger, text->bytes, text->len);
        text->bytes = larger;
    }
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    return whole;
}

static bool put_word(json_text_t *text, const char *word)
{
    return put_json(text, word, strlen(word));
}

/* Text that is no UTF-8 comes from no parser of ours; null is what it is worth. */
static bool put_quoted(json_text_t *text, const char *string)
{
    apr_size_t before = text->len;

    return rs_json_quote_to(string, put_json, text) ||
           (text->len == before && put_word(text, "null"));
}

static bool put_claim(json_text_t *text, const rs_claim_t *claim);

static bool put_members(json_text_t *text, const rs_claim_t *claim)
{
    bool object = claim->type == RS_JSON_OBJECT;
    rs_claim_iter_t it = rs_claim_iterate(claim);
    const char *name, *separator = object ? "{" : "[";
    rs_claim_t element;

    while (rs_claim_next(&it, &element, &name)) {
        if (!put_word(text, separator) ||
            (object && (!put_quoted(text, name) || !put_word(text, ":"))) ||
            !put_claim(text, &element))
            return false;
        separator = ",";
    }
    if (*separator != ',' && !put_word(text, separator))
        return false;
    return put_word(text, object ? "}" : "]");
}

/* Recursion is bounded as in put_value(). */
static bool put_claim(json_text_t *text, const rs_claim_t *claim)
{
    char number[40];

    switch (claim->type) {
    case RS_JSON_ABSENT:
    case RS_JSON_NULL:
        return put_word(text, "null");
    case RS_JSON_BOOLEAN:
        return put_word(text, claim->boolean ? "true" : "false");
    case RS_JSON_INTEGER:
        apr_snprintf(number, sizeof number, "%" APR_INT64_T_FMT, claim->integer);
        return put_word(text, number);
    case RS_JSON_REAL:
        apr_snprintf(number, sizeof number, "%.17g", claim->real);
        return put_word(text, number);
    case RS_JSON_STRING:
        return put_quoted(text, claim->text);
    case RS_JSON_ARRAY:
    case RS_JSON_OBJECT:
        return put_members(text, claim);
    }
    return put_word(text, "null");
}

const char *rs_claim_json_start(const rs_claim_t *claim, apr_size_t bytes_max, apr_pool_t *p)
{
    static const char more[] = "...";
    json_text_t text = { apr_palloc(p, ROOM_AT_FIRST), 0, ROOM_AT_FIRST, bytes_max, p };

    if (!put_claim(&text, claim)) {
        text.bytes_max += sizeof more - 1;
        put_word(&text, more);
    }
    text.bytes[text.len] = '\0';
    return text.bytes;
}

const char *rs_claim_json(const rs_claim_t *claim, apr_pool_t *p)
{
    return rs_claim_json_start(claim, SIZE_MAX, p);
}
