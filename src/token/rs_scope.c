/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Scope sets, flat. */
#include "token/rs_scope.h"
#include "base/rs_limits.h"

#include <apr_strings.h>
#include <string.h>

/* RFC 6749 3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */
static bool is_scope_byte(unsigned char c)
{
    return c >= 0x21 && c <= 0x7e && c != '"' && c != '\\';
}

static bool has(const rs_scope_t *scope, const char *word, apr_size_t len)
{
    const char *at = NULL, *other;

    while ((other = rs_scope_next(scope, &at)) != NULL)
        if (strncmp(other, word, len) == 0 && other[len] == '\0')
            return true;
    return false;
}

/* room is at least bytes + len + 1 long: who calls has counted. */
static void add(rs_scope_t *scope, char *room, const char *word, apr_size_t len)
{
    apr_size_t i;

    if (len == 0 || scope->count >= RS_SCOPES_PER_TOKEN_MAX || has(scope, word, len))
        return;
    for (i = 0; i < len; i++)
        if (!is_scope_byte((unsigned char)word[i]))
            return;
    memcpy(room + scope->bytes, word, len);
    room[scope->bytes + len] = '\0';
    scope->bytes += len + 1;
    scope->count++;
}

static rs_scope_t from_bytes(const char *text, apr_size_t len, apr_pool_t *p)
{
    char *room = apr_palloc(p, len + 1);
    rs_scope_t scope = { room, 0, 0 };
    const char *end = text + len;

    while (text < end) {
        const char *space = memchr(text, ' ', (apr_size_t)(end - text));
        if (!space)
            space = end;
        add(&scope, room, text, (apr_size_t)(space - text));
        text = space + 1;
    }
    return scope;
}

rs_scope_t rs_scope_from_text(const char *text, apr_pool_t *p)
{
    return from_bytes(text, strlen(text), p);
}

rs_scope_t rs_scope_from_claim(const rs_claim_t *claim, apr_pool_t *p)
{
    rs_scope_t scope = { "", 0, 0 };
    rs_claim_iter_t it;
    rs_claim_t element;
    char *room;

    if (claim->type == RS_JSON_STRING)
        return from_bytes(claim->text, claim->len, p);
    if (claim->type != RS_JSON_ARRAY)
        return scope;
    /* The words are shorter than the block they stand in. */
    room = apr_palloc(p, (apr_size_t)(claim->end - claim->body) + 1);
    scope.words = room;
    for (it = rs_claim_iterate(claim); rs_claim_next(&it, &element, NULL);)
        if (element.type == RS_JSON_STRING)
            add(&scope, room, element.text, element.len);
    return scope;
}

const char *rs_scope_next(const rs_scope_t *scope, const char **at)
{
    const char *word = *at ? *at + strlen(*at) + 1 : scope->words;

    if (!word || word >= scope->words + scope->bytes)
        return NULL;
    *at = word;
    return word;
}

bool rs_scope_text_has(const char *text, apr_size_t len, const char *word)
{
    const char *end = text + len, *space;
    apr_size_t word_len = strlen(word);

    for (; text < end; text = space + 1) {
        space = memchr(text, ' ', (apr_size_t)(end - text));
        if (!space)
            space = end;
        if ((apr_size_t)(space - text) == word_len && memcmp(text, word, word_len) == 0)
            return word_len > 0;
    }
    return false;
}

bool rs_scope_has(const rs_scope_t *granted, const char *word)
{
    return has(granted, word, strlen(word));
}

unsigned rs_scope_missing(const rs_scope_t *granted, const rs_scope_t *needed)
{
    const char *at = NULL, *word;
    unsigned missing = 0;

    while ((word = rs_scope_next(needed, &at)) != NULL)
        missing += !rs_scope_has(granted, word);
    return missing;
}

rs_scope_t rs_scope_union(const rs_scope_t *a, const rs_scope_t *b, apr_pool_t *p)
{
    char *room = apr_palloc(p, a->bytes + b->bytes + 1);
    rs_scope_t both = { room, 0, 0 };
    const char *at = NULL, *word;

    while ((word = rs_scope_next(a, &at)) != NULL)
        add(&both, room, word, strlen(word));
    for (at = NULL; (word = rs_scope_next(b, &at)) != NULL;)
        add(&both, room, word, strlen(word));
    return both;
}

const char *rs_scope_text(const rs_scope_t *scope, apr_pool_t *p)
{
    char *text = apr_pstrmemdup(p, scope->words ? scope->words : "", scope->bytes), *c;

    if (scope->bytes == 0)
        return "";
    for (c = text; c < text + scope->bytes - 1; c++)
        if (!*c)
            *c = ' ';
    return text;
}
