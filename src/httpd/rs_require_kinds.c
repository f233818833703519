/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The Require words: one row each, and one authz provider for each row. */
#include "httpd/rs_require_kinds.h"
#include "httpd/rs_words.h"

#include <apr_strings.h>
#include <http_request.h>

/* ---- scopes ---- */

static const char *compile_scope(rs_require_t *line, cmd_parms *cmd)
{
    const char *text = "";
    unsigned i;

    if (!line->count)
        return "name at least one scope, as in Require oauth2-scope read:users";
    for (i = 0; i < line->count; i++) {
        if (line->arguments[i].expression)
            continue;
        if (!rs_scope_from_text(line->arguments[i].text, cmd->pool).count)
            return apr_psprintf(cmd->pool, "\"%s\" cannot be a scope: RFC 6749 section 3.3 allows printable ASCII without "
                                "space, quote and backslash", line->arguments[i].text);
        text = apr_pstrcat(cmd->pool, text, *text ? " " : "", line->arguments[i].text, NULL);
    }
    line->scope = rs_scope_from_text(text, cmd->pool);
    return NULL;
}

/* The scopes of the line in this request; *complete is false when an expression gave none. */
static rs_scope_t scopes_now(const rs_require_t *line, bool *complete, request_rec *r)
{
    rs_scope_t scope = line->scope;
    unsigned i;

    *complete = true;
    for (i = 0; line->expressions && i < line->count; i++) {
        const char *value;
        rs_scope_t one;
        if (!line->arguments[i].expression)
            continue;
        value = rs_argument_value(&line->arguments[i], r);
        one = rs_scope_from_text(value ? value : "", r->pool);
        /* One value, never split: a space would turn one scope into two. */
        if (one.count != 1)
            *complete = false;
        else
            scope = rs_scope_union(&scope, &one, r->pool);
    }
    return scope;
}

static bool scope_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    bool complete;
    rs_scope_t scope = scopes_now(line, &complete, r);

    return complete && scope.count && rs_scope_covers(&principal->scope, &scope);
}

static bool any_scope_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    bool complete;
    rs_scope_t scope = scopes_now(line, &complete, r);

    return rs_scope_missing(&principal->scope, &scope) < scope.count;
}

/* ---- claims ---- */

static const struct {
    const char *word;
    rs_op_t op;
} ops[] = {
    { "=", RS_OP_EQ },  { "!=", RS_OP_NE }, { "~", RS_OP_MATCH }, { "<", RS_OP_LT },
    { "<=", RS_OP_LE }, { ">", RS_OP_GT },  { ">=", RS_OP_GE },
};

static void take_op(rs_require_t *line)
{
    unsigned i;

    line->op = line->count ? RS_OP_EQ : RS_OP_PRESENT;
    for (i = 0; line->count && i < sizeof ops / sizeof ops[0]; i++)
        if (strcmp(line->arguments[0].text, ops[i].word) == 0) {
            line->op = ops[i].op;
            line->arguments++;
            line->count--;
            return;
        }
}

static const char *compile_patterns(rs_require_t *line, cmd_parms *cmd)
{
    const ap_regex_t **patterns = apr_pcalloc(cmd->pool, line->count * sizeof *patterns);
    unsigned i;

    for (i = 0; i < line->count; i++) {
        if (line->arguments[i].expression)
            return "no expressions in a regular expression";
        /* The group makes alternatives anchor as a whole; DOLLAR_ENDONLY: "$" is not before a final newline. */
        patterns[i] = ap_pregcomp(cmd->pool, apr_pstrcat(cmd->pool, "^(?:", line->arguments[i].text, ")$", NULL),
                                  AP_REG_EXTENDED | AP_REG_DOLLAR_ENDONLY);
        if (!patterns[i])
            return apr_psprintf(cmd->pool, "\"%s\" is not a regular expression", line->arguments[i].text);
    }
    line->patterns = patterns;
    return NULL;
}

static const char *compile_claim(rs_require_t *line, cmd_parms *cmd)
{
    const char *trouble;

    if (!line->count)
        return "name a claim, as in Require oauth2-claim department sales";
    if (line->arguments[0].expression)
        return "the claim's name cannot be an expression";
    if ((trouble = rs_claim_path_compile(&line->path, line->arguments[0].text, cmd->pool)) != NULL)
        return trouble;
    line->arguments++;
    line->count--;
    take_op(line);
    if (line->op != RS_OP_PRESENT && !line->count)
        return "a value is missing behind the operator";
    return line->op == RS_OP_MATCH ? compile_patterns(line, cmd) : NULL;
}

static bool claim_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    rs_claim_t claim = rs_claims_at(&principal->claims, &line->path);

    return rs_require_claim_met(line, &claim, r);
}

static const rs_require_kind_t kinds[] = {
    { "oauth2-scope", true, compile_scope, scope_met },
    { "oauth2-any-scope", true, compile_scope, any_scope_met },
    { "oauth2-claim", false, compile_claim, claim_met },
};

enum { KIND_SCOPE, KIND_ANY_SCOPE, KIND_CLAIM };

/* ---- what the rest of the module asks ---- */

bool rs_require_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    return line->kind->met(line, principal, r);
}

bool rs_require_is_scope(const rs_require_t *line)
{
    return line->kind->asks_scope;
}

rs_scope_t rs_require_scope(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    static const rs_scope_t nothing = { "", 0, 0 };
    const char *at = NULL, *word, *first;
    bool complete;
    rs_scope_t scope;

    if (!line->kind->asks_scope)
        return nothing;
    scope = scopes_now(line, &complete, r);
    if (line->kind != &kinds[KIND_ANY_SCOPE])
        return scope;
    first = rs_scope_next(&scope, &at);
    for (word = first; principal && word; word = rs_scope_next(&scope, &at))
        if (rs_scope_has(&principal->scope, word))
            return rs_scope_from_text(word, r->pool);
    return first ? rs_scope_from_text(first, r->pool) : nothing;
}

/* ---- mod_authz_core ---- */

static authz_status check(request_rec *r, const char *words, const void *parsed)
{
    (void)words;
    return rs_require_check(r, parsed);
}

static const char *parse_scope(cmd_parms *cmd, const char *words, const void **parsed)
{
    return rs_require_parse(&kinds[KIND_SCOPE], cmd, words, parsed);
}

static const char *parse_any_scope(cmd_parms *cmd, const char *words, const void **parsed)
{
    return rs_require_parse(&kinds[KIND_ANY_SCOPE], cmd, words, parsed);
}

static const char *parse_claim(cmd_parms *cmd, const char *words, const void **parsed)
{
    return rs_require_parse(&kinds[KIND_CLAIM], cmd, words, parsed);
}

/* mod_authz_core tells a provider neither its name nor a baton. */
static const authz_provider providers[] = {
    [KIND_SCOPE] = { check, parse_scope },
    [KIND_ANY_SCOPE] = { check, parse_any_scope },
    [KIND_CLAIM] = { check, parse_claim },
};

void rs_require_register(apr_pool_t *p)
{
    unsigned i;

    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, kinds[i].name, AUTHZ_PROVIDER_VERSION, &providers[i],
                                  AP_AUTH_INTERNAL_PER_CONF);
}
