/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Compiling Require lines: their words, their sections, whether they are negated. */
#include "httpd/rs_require.h"
#include "httpd/rs_require_kinds.h"
#include "httpd/rs_words.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_log.h>
#include <mod_auth.h>

APLOG_USE_MODULE(oauth2_rs);

#define DEPTH_MAX 16

/* ---- where the line stands ---- */

static bool is_word(const ap_directive_t *directive, const char *word)
{
    return strcasecmp(directive->directive, word) == 0;
}

/* "not" is taken off the line before we see it; the directive still has it. */
static bool says_not(const ap_directive_t *directive, apr_pool_t *p)
{
    const char *arguments = directive->args;

    return strcasecmp(ap_getword_conf(p, &arguments), "not") == 0;
}

static const char *find_place(rs_require_t *line, const ap_directive_t *directive, apr_pool_t *p)
{
    rs_enclosure_t inside_out[DEPTH_MAX], *around;
    const ap_directive_t *at = directive->parent;
    unsigned depth = 0, i;

    line->negated = says_not(directive, p);
    for (; at && depth < DEPTH_MAX - 1; at = at->parent) {
        if (is_word(at, "<Limit") || is_word(at, "<LimitExcept"))
            continue;
        if (!is_word(at, "<RequireAll") && !is_word(at, "<RequireAny") &&
            !is_word(at, "<RequireNone"))
            break;
        line->negated |= is_word(at, "<RequireNone");
        inside_out[depth].section = at;
        inside_out[depth++].join = is_word(at, "<RequireAll") ? RS_JOIN_ALL : RS_JOIN_ANY;
    }
    if (depth == DEPTH_MAX - 1)
        return apr_psprintf(p, "Require sections nest deeper than %d", DEPTH_MAX - 2);
    /* The lines of a Location itself are alternatives. */
    inside_out[depth].section = at;
    inside_out[depth++].join = RS_JOIN_ANY;
    around = apr_palloc(p, depth * sizeof *around);
    for (i = 0; i < depth; i++)
        around[i] = inside_out[depth - 1 - i];
    line->around = around;
    line->depth = depth;
    return NULL;
}

/* ---- its words ---- */

static const char *parse_argument(rs_argument_t *argument, const rs_require_t *line,
                                  const char *word, cmd_parms *cmd)
{
    const char *trouble = NULL;

    argument->text = word;
    argument->expression = NULL;
    if (!strstr(word, "%{") || line->kind->whole)
        return NULL;
    argument->expression = ap_expr_parse_cmd(cmd, word, AP_EXPR_FLAG_STRING_RESULT, &trouble, NULL);
    return trouble ? apr_psprintf(cmd->pool, "expression \"%s\": %s", word, trouble) : NULL;
}

static const char *parse_arguments(rs_require_t *line, const char *text, cmd_parms *cmd)
{
    apr_array_header_t *arguments = apr_array_make(cmd->pool, 4, sizeof(rs_argument_t));
    const char *trouble;

    while (*text) {
        rs_argument_t *argument = apr_array_push(arguments);
        trouble = parse_argument(argument, line, ap_getword_conf(cmd->pool, &text), cmd);
        if (trouble)
            return trouble;
        line->expressions |= argument->expression != NULL;
    }
    line->arguments = (const rs_argument_t *)arguments->elts;
    line->count = arguments->nelts;
    return NULL;
}

const char *rs_argument_value(const rs_argument_t *argument, request_rec *r)
{
    const char *trouble = NULL, *value, *where;

    if (!argument->expression)
        return argument->text;
    value = ap_expr_str_exec(r, argument->expression, &trouble);
    if (trouble && rs_notice_ask(RS_NOTICE_ARGUMENT, &where, r))
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "RS0641: expression \"%s\" failed, the Require line denies: %s %s",
                      argument->text, trouble, where);
    /* An empty value never grants: a capture that did not match must not equal an empty claim. */
    return trouble || !value || !*value ? NULL : value;
}

/* ---- the whole line ---- */

static const char *compile(rs_require_t *line, cmd_parms *cmd, const char *words)
{
    const char *trouble;

    line->written = apr_pstrcat(cmd->pool, "Require ", cmd->directive->args, NULL);
    line->file = cmd->directive->filename;
    line->line = cmd->directive->line_num;
    if ((trouble = find_place(line, cmd->directive, cmd->pool)) != NULL ||
        (trouble = parse_arguments(line, words, cmd)) != NULL)
        return trouble;
    return line->kind->compile(line, cmd);
}

/* The word itself lies in the temporary pool, where mod_lua looks for it as well. It is taken away,
 * lest somebody who does not put his there finds that of another line. */
static const rs_require_kind_t *find_kind(const cmd_parms *cmd)
{
    void *name = NULL;

    apr_pool_userdata_get(&name, AUTHZ_PROVIDER_NAME_NOTE, cmd->temp_pool);
    apr_pool_userdata_setn(NULL, AUTHZ_PROVIDER_NAME_NOTE, NULL, cmd->temp_pool);
    return name ? rs_require_kind_find(name) : NULL;
}

/* Of a section that has directives in it httpd names the last of them. */
static bool is_in_alias(const ap_directive_t *directive)
{
    while (directive && !is_word(directive, "<AuthzProviderAlias"))
        directive = directive->parent;
    return directive != NULL;
}

const char *rs_require_parse(cmd_parms *cmd, const char *words, const void **parsed)
{
    rs_require_t *line = apr_pcalloc(cmd->pool, sizeof *line);
    const char *trouble;

    /* An alias hides from us whether its use is negated, and httpd does not name the word there. */
    if (is_in_alias(cmd->directive))
        return "it cannot be used in <AuthzProviderAlias>: write the Require line where it is "
               "needed";
    line->kind = find_kind(cmd);
    if (!line->kind)
        return apr_psprintf(cmd->pool, "%s %s: httpd does not tell which word this is",
                            cmd->directive->directive, cmd->directive->args);
    if ((trouble = compile(line, cmd, words)) != NULL)
        return apr_psprintf(cmd->pool, "Require %s: %s", line->kind->name, trouble);
    if (line->negated)
        rs_dir_config_of(cmd->context, cmd->pool)->negated = 1;
    *parsed = line;
    return NULL;
}

static void note_visit(rs_request_t *request, const rs_require_t *line)
{
    int i;

    request->negated_seen |= line->negated;
    for (i = 0; i < request->lines->nelts; i++)
        if (APR_ARRAY_IDX(request->lines, i, const rs_require_t *) == line)
            return;
    APR_ARRAY_PUSH(request->lines, const rs_require_t *) = line;
}

/* Called before authentication too: httpd then learns that a user may help. */
authz_status rs_require_check(request_rec *r, const rs_require_t *line)
{
    rs_request_t *request = rs_request(r);

    note_visit(request, line);
    if (request->judged && rs_verdict_is_accepted(&request->verdict))
        return rs_require_met(line, request->verdict.principal, r) ? AUTHZ_GRANTED : AUTHZ_DENIED;
    return r->user ? AUTHZ_DENIED : AUTHZ_DENIED_NO_USER;
}
