/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The Require words: one row each. One authz provider serves all of them. */
#include "httpd/rs_require_kinds.h"
#include "httpd/rs_words.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_request.h>

APLOG_USE_MODULE(oauth2_rs);

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
            return apr_psprintf(
                cmd->pool,
                "\"%s\" cannot be a scope: RFC 6749 section 3.3 allows printable ASCII without "
                "space, quote and backslash",
                line->arguments[i].text);
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

    return complete && scope.count &&
           !rs_scope_rules_missing(&rs_dir_config(r)->scope_rules, &principal->scope, &scope);
}

static bool any_scope_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    bool complete;
    rs_scope_t scope = scopes_now(line, &complete, r);

    return rs_scope_rules_missing(&rs_dir_config(r)->scope_rules, &principal->scope, &scope) <
           scope.count;
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
        /* The group makes alternatives anchor as a whole; DOLLAR_ENDONLY: "$" is not before a final
         * newline. */
        patterns[i] = ap_pregcomp(
            cmd->pool, apr_pstrcat(cmd->pool, "^(?:", line->arguments[i].text, ")$", NULL),
            AP_REG_EXTENDED | AP_REG_DOLLAR_ENDONLY);
        if (!patterns[i])
            return apr_psprintf(cmd->pool, "\"%s\" is not a regular expression",
                                line->arguments[i].text);
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

/* ---- claims with a word of their own ---- */

static const char *compile_values(rs_require_t *line, cmd_parms *cmd)
{
    (void)cmd;
    line->op = RS_OP_EQ;
    return line->count ? NULL : "name at least one value";
}

static bool text_met(const rs_require_t *line, const char *text, request_rec *r)
{
    unsigned i;

    for (i = 0; text && i < line->count; i++) {
        const char *value = rs_argument_value(&line->arguments[i], r);
        if (value && strcmp(value, text) == 0)
            return true;
    }
    return false;
}

static bool client_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    return text_met(line, principal->client, r);
}

static bool subject_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    return text_met(line, principal->subject, r);
}

static bool issuer_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    return text_met(line, principal->issuer, r);
}

static bool named_claim_met(const rs_require_t *line, const rs_principal_t *principal,
                            const char *name, request_rec *r)
{
    rs_claim_t claim = rs_claims_get(&principal->claims, name);

    return rs_require_claim_met(line, &claim, r);
}

static bool audience_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    return named_claim_met(line, principal, "aud", r);
}

static bool acr_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    return named_claim_met(line, principal, "acr", r);
}

/* Roles stand where the provider that judged the token says: the first path that is present. A
 * string is one role, or several separated by spaces. */
static bool role_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    const rs_provider_t *by = rs_request(r)->by;
    const rs_claim_paths_t *paths = by ? &rs_provider_spec(by)->policy.role_paths : NULL;
    rs_claim_t claim = { .type = RS_JSON_ABSENT };
    unsigned i;

    for (i = 0; paths && i < paths->count && claim.type == RS_JSON_ABSENT; i++)
        claim = rs_claims_at(&principal->claims, &paths->paths[i]);
    if (rs_require_claim_met(line, &claim, r))
        return true;
    if (claim.type != RS_JSON_STRING)
        return false;
    for (i = 0; i < line->count; i++) {
        const char *value = rs_argument_value(&line->arguments[i], r);
        if (value && rs_scope_text_has(claim.text, claim.len, value))
            return true;
    }
    return false;
}

/* ---- how recently the user has authenticated ---- */

#define AUTH_AGE_MAX apr_time_from_sec(366 * 86400)

static const char *compile_age(rs_require_t *line, cmd_parms *cmd)
{
    if (line->count != 1 || line->expressions)
        return "write one time, as in Require oauth2-max-auth-age 5m";
    return rs_time_parse(&line->age_max, line->arguments[0].text, AUTH_AGE_MAX, cmd->pool);
}

static bool age_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    rs_claim_t claim = rs_claims_get(&principal->claims, "auth_time");
    double now = (double)r->request_time / APR_USEC_PER_SEC,
           age_max = (double)line->age_max / APR_USEC_PER_SEC;

    if (claim.type != RS_JSON_INTEGER && claim.type != RS_JSON_REAL)
        return false;
    return now - claim.real <= age_max;
}

/* ---- expressions ---- */

static const char *compile_expression(rs_require_t *line, cmd_parms *cmd)
{
    const char *trouble = NULL;

    if (line->count != 1)
        return "write one expression in quotes, as in Require oauth2-expr \"oauth2_claim('acr') == "
               "'gold'\"";
    line->condition = ap_expr_parse_cmd(cmd, line->arguments[0].text, 0, &trouble, NULL);
    return trouble;
}

static bool expression_met(const rs_require_t *line, const rs_principal_t *principal,
                           request_rec *r)
{
    const char *trouble = NULL, *where;
    int result = ap_expr_exec(r, line->condition, &trouble);

    (void)principal;
    if (!trouble)
        return result > 0;
    if (rs_notice_ask(RS_NOTICE_EXPRESSION, &where, r))
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "RS0642: \"%s\" (%s:%d) failed and denies: %s %s", line->written, line->file,
                      line->line, trouble, where);
    return false;
}

static const rs_require_kind_t kinds[] = {
    { "oauth2-scope", RS_REMEDY_SCOPE, compile_scope, scope_met, false },
    { "oauth2-any-scope", RS_REMEDY_SCOPE, compile_scope, any_scope_met, false },
    { "oauth2-claim", RS_REMEDY_NONE, compile_claim, claim_met, false },
    { "oauth2-role", RS_REMEDY_NONE, compile_values, role_met, false },
    { "oauth2-client", RS_REMEDY_NONE, compile_values, client_met, false },
    { "oauth2-subject", RS_REMEDY_NONE, compile_values, subject_met, false },
    { "oauth2-issuer", RS_REMEDY_NONE, compile_values, issuer_met, false },
    { "oauth2-audience", RS_REMEDY_NONE, compile_values, audience_met, false },
    { "oauth2-acr", RS_REMEDY_STEP_UP, compile_values, acr_met, false },
    { "oauth2-max-auth-age", RS_REMEDY_STEP_UP, compile_age, age_met, false },
    { "oauth2-expr", RS_REMEDY_NONE, compile_expression, expression_met, true },
};

const rs_require_kind_t *rs_require_kind_find(const char *name)
{
    unsigned i;

    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* ---- what the rest of the module asks ---- */

bool rs_require_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r)
{
    return line->kind->met(line, principal, r);
}

bool rs_require_is_scope(const rs_require_t *line)
{
    return line->kind->remedy == RS_REMEDY_SCOPE;
}

bool rs_require_is_step_up(const rs_require_t *line)
{
    return line->kind->remedy == RS_REMEDY_STEP_UP;
}

const char *rs_require_acr_values(const rs_require_t *line, request_rec *r)
{
    const char *values = NULL;
    unsigned i;

    for (i = 0; line->kind->met == acr_met && i < line->count; i++) {
        const char *value = rs_argument_value(&line->arguments[i], r);
        if (value)
            values = values ? apr_pstrcat(r->pool, values, " ", value, NULL) : value;
    }
    return values;
}

apr_int64_t rs_require_max_age(const rs_require_t *line)
{
    return line->kind->met == age_met ? (apr_int64_t)apr_time_sec(line->age_max) : -1;
}

rs_scope_t rs_require_scope(const rs_require_t *line, const rs_principal_t *principal,
                            request_rec *r)
{
    static const rs_scope_t nothing = { "", 0, 0 };
    const char *at = NULL, *word, *first;
    bool complete;
    rs_scope_t scope;

    if (!rs_require_is_scope(line))
        return nothing;
    scope = scopes_now(line, &complete, r);
    if (line->kind->met != any_scope_met)
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

static const authz_provider provider = { check, rs_require_parse };

void rs_require_register(apr_pool_t *p)
{
    unsigned i;

    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, kinds[i].name, AUTHZ_PROVIDER_VERSION,
                                  &provider, AP_AUTH_INTERNAL_PER_CONF);
}
