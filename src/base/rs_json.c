/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Strict, bounded JSON on jansson. Depth and number of values are counted in the text before the
 * library allocates anything. */
#include "base/rs_json.h"
#include "base/rs_limits.h"

#include <apr_strings.h>
#include <jansson.h>
#include <string.h>

const rs_json_limits_t rs_json_token_limits = { RS_TOKEN_BYTES_MAX, RS_TOKEN_JSON_DEPTH_MAX,
                                                RS_TOKEN_JSON_VALUES_MAX };
const rs_json_limits_t rs_json_document_limits = { RS_DOCUMENT_BYTES_MAX,
                                                   RS_DOCUMENT_JSON_DEPTH_MAX,
                                                   RS_DOCUMENT_JSON_VALUES_MAX };

/* Behind the string that begins at `at`, or the end. */
static const char *skip_string(const char *at, const char *end)
{
    const char *quote = at;

    while ((quote = memchr(quote + 1, '"', (apr_size_t)(end - quote - 1))) != NULL) {
        const char *before = quote;
        while (before[-1] == '\\')
            before--;
        if ((quote - before) % 2 == 0)
            return quote + 1;
    }
    return end;
}

/* Count brackets and commas outside of strings. Does not care whether the text is JSON: that is the
 * parser's business, which gets it only when it is small. */
static const char *check_size(const char *text, apr_size_t len, const rs_json_limits_t *limits)
{
    const char *at = text, *end = text + len;
    unsigned depth = 0, values = 1;

    while (at < end) {
        switch (*at) {
        case '"':
            at = skip_string(at, end);
            continue;
        case '{':
        case '[':
            values++;
            if (++depth > limits->depth_max)
                return "nested too deeply";
            break;
        case '}':
        case ']':
            depth -= depth > 0;
            break;
        case ',':
            if (++values > limits->values_max)
                return "too many values";
            break;
        default:
            break;
        }
        at++;
    }
    return NULL;
}

static apr_status_t free_json(void *json)
{
    json_decref(json);
    return APR_SUCCESS;
}

const rs_json_t *rs_json_object(const char *text, apr_size_t len, const rs_json_limits_t *limits,
                                const char **why, apr_pool_t *p)
{
    /* The library skips a NUL behind a number. */
    const char *trouble = len > limits->bytes_max   ? "too large"
                          : memchr(text, '\0', len) ? "a NUL byte in it"
                                                    : check_size(text, len, limits);
    json_error_t error;
    json_t *json;

    if (!trouble) {
        json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
        if (json) {
            apr_pool_cleanup_register(p, json, free_json, apr_pool_cleanup_null);
            if (json_is_object(json))
                return json;
            trouble = "not a JSON object";
        }
        else
            trouble = json_error_code(&error) == json_error_duplicate_key ? "a member appears twice"
                                                                          : "not valid JSON";
    }
    if (why)
        *why = trouble;
    return NULL;
}

rs_json_type_t rs_json_type(const rs_json_t *value)
{
    if (!value)
        return RS_JSON_ABSENT;
    switch (json_typeof(value)) {
    case JSON_NULL:
        return RS_JSON_NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        return RS_JSON_BOOLEAN;
    case JSON_INTEGER:
        return RS_JSON_INTEGER;
    case JSON_REAL:
        return RS_JSON_REAL;
    case JSON_STRING:
        return RS_JSON_STRING;
    case JSON_ARRAY:
        return RS_JSON_ARRAY;
    case JSON_OBJECT:
        return RS_JSON_OBJECT;
    }
    return RS_JSON_ABSENT;
}

const rs_json_t *rs_json_get(const rs_json_t *object, const char *name)
{
    return json_object_get(object, name);
}

const rs_json_t *rs_json_at(const rs_json_t *array, apr_size_t index)
{
    return json_array_get(array, index);
}

apr_size_t rs_json_size(const rs_json_t *container)
{
    return json_is_array(container) ? json_array_size(container) : json_object_size(container);
}

const char *rs_json_string(const rs_json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

const char *rs_json_text(const rs_json_t *value, apr_size_t *len)
{
    const char *text = json_string_value(value);
    if (text && len)
        *len = json_string_length(value);
    return text;
}

bool rs_json_true(const rs_json_t *value)
{
    return json_is_true(value);
}

apr_int64_t rs_json_integer(const rs_json_t *value)
{
    return json_integer_value(value);
}

double rs_json_real(const rs_json_t *value)
{
    return json_number_value(value);
}

bool rs_json_each_member(const rs_json_t *object, rs_json_member_fn *visit, void *baton)
{
    /* The library wants a writable object but only reads it. */
    json_t *readable = (json_t *)(apr_uintptr_t)object;
    void *it;

    for (it = json_object_iter(readable); it; it = json_object_iter_next(readable, it))
        if (!visit(baton, json_object_iter_key(it), json_object_iter_value(it)))
            return false;
    return true;
}

const rs_json_t *rs_json_amend(const rs_json_t *object, const rs_json_member_t *members,
                               unsigned count, apr_pool_t *p)
{
    json_t *amended = json_copy((json_t *)(apr_uintptr_t)object);
    unsigned i;

    if (!amended)
        return NULL;
    apr_pool_cleanup_register(p, amended, free_json, apr_pool_cleanup_null);
    for (i = 0; i < count; i++) {
        const rs_json_member_t *member = &members[i];
        json_t *value = member->text ? json_string(member->text) : json_integer(member->number);
        if (json_object_set_new(amended, member->name, value) != 0)
            return NULL;
    }
    return amended;
}

const char *rs_json_quote(const char *text, apr_pool_t *p)
{
    json_t *string = json_string(text);
    char *dumped = string ? json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
    const char *result = dumped ? apr_pstrdup(p, dumped) : NULL;

    free(dumped);
    json_decref(string);
    return result;
}

typedef struct {
    rs_json_put_fn *put;
    void *baton;
} sink_t;

static int put_to_sink(const char *bytes, size_t len, void *data)
{
    const sink_t *sink = data;

    return sink->put(sink->baton, bytes, len) ? 0 : -1;
}

bool rs_json_quote_to(const char *text, rs_json_put_fn *put, void *baton)
{
    sink_t sink = { put, baton };
    json_t *string = json_string(text);
    bool whole = string && json_dump_callback(string, put_to_sink, &sink,
                                              JSON_ENCODE_ANY | JSON_ENSURE_ASCII) == 0;

    json_decref(string);
    return whole;
}
