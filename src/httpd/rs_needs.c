/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The cheapest way through the Require lines. The tree of sections is rebuilt from what each line
 * knows about the sections around it; httpd keeps its own tree to itself. */
#include "httpd/rs_needs.h"

#include <apr_strings.h>

typedef struct {
    rs_scope_t scope;
    unsigned missing, beyond, step_up;
    const char *acr_values;
    apr_int64_t max_age; /* -1: not asked */
    const rs_require_t *failed;
} need_t;

static const need_t no_need = { { "", 0, 0 }, 0, 0, 0, NULL, -1, NULL };

typedef struct {
    const rs_principal_t *principal;
    request_rec *r;
} asking_t;

static need_t need_of_line(const rs_require_t *line, const asking_t *asking)
{
    need_t need = no_need;

    need.scope = rs_require_scope(line, asking->principal, asking->r);
    if (asking->principal && rs_require_met(line, asking->principal, asking->r))
        return need;
    need.failed = line;
    if (rs_require_is_scope(line))
        need.missing = asking->principal
                           ? rs_scope_rules_missing(&rs_dir_config(asking->r)->scope_rules,
                                                    &asking->principal->scope, &need.scope)
                           : need.scope.count;
    else if (rs_require_is_step_up(line)) {
        need.step_up = 1;
        need.acr_values = rs_require_acr_values(line, asking->r);
        need.max_age = rs_require_max_age(line);
    }
    else
        need.beyond = 1;
    return need;
}

static void join_all(need_t *sum, const need_t *more, apr_pool_t *p)
{
    sum->scope = rs_scope_union(&sum->scope, &more->scope, p);
    sum->missing += more->missing;
    sum->beyond += more->beyond;
    sum->step_up += more->step_up;
    if (more->acr_values)
        sum->acr_values = sum->acr_values
                              ? apr_pstrcat(p, sum->acr_values, " ", more->acr_values, NULL)
                              : more->acr_values;
    if (more->max_age >= 0 && (sum->max_age < 0 || more->max_age < sum->max_age))
        sum->max_age = more->max_age;
    if (!sum->failed)
        sum->failed = more->failed;
}

static bool is_cheaper(const need_t *a, const need_t *b)
{
    if (a->beyond != b->beyond)
        return a->beyond < b->beyond;
    return a->missing != b->missing ? a->missing < b->missing : a->step_up < b->step_up;
}

static need_t need_of_group(const rs_require_t *const *lines, unsigned count, unsigned depth,
                            const asking_t *asking);

/* The lines from `first` on that stand in the same section at this depth; a line directly in the
 * section around is alone. */
static unsigned group_size(const rs_require_t *const *lines, unsigned count, unsigned depth)
{
    unsigned size = 1;

    if (lines[0]->depth > depth)
        while (size < count && lines[size]->depth > depth &&
               lines[size]->around[depth].section == lines[0]->around[depth].section)
            size++;
    return size;
}

static need_t need_of_members(const rs_require_t *const *lines, unsigned count, unsigned depth,
                              rs_join_t join, const asking_t *asking)
{
    need_t result = no_need;
    unsigned at = 0, size;

    for (; at < count; at += size) {
        need_t need;
        size = group_size(lines + at, count - at, depth);
        need = need_of_group(lines + at, size, depth, asking);
        if (at == 0)
            result = need;
        else if (join == RS_JOIN_ALL)
            join_all(&result, &need, asking->r->pool);
        else if (is_cheaper(&need, &result))
            result = need;
    }
    return result;
}

/* One line, or the lines of one section; lines stand in the order of the configuration, so a
 * section's are together. */
static need_t need_of_group(const rs_require_t *const *lines, unsigned count, unsigned depth,
                            const asking_t *asking)
{
    if (lines[0]->depth <= depth)
        return need_of_line(lines[0], asking);
    return need_of_members(lines, count, depth + 1, lines[0]->around[depth].join, asking);
}

rs_needs_t rs_needs_of(const apr_array_header_t *lines, const rs_principal_t *principal,
                       request_rec *r)
{
    const rs_require_t **asked = apr_palloc(r->pool, (lines->nelts + 1) * sizeof *asked);
    asking_t asking = { principal, r };
    rs_needs_t needs = { "", 0, 0, 0, NULL, NULL, NULL };
    unsigned count = 0;
    need_t need;
    int i;

    for (i = 0; i < lines->nelts; i++) {
        const rs_require_t *line = APR_ARRAY_IDX(lines, i, const rs_require_t *);
        if (!line->negated)
            asked[count++] = line;
    }
    if (!count)
        return needs;
    /* Lines of several Locations (AuthMerging): each Location's are needed. */
    need = need_of_members(asked, count, 0, RS_JOIN_ALL, &asking);
    needs.scope = rs_scope_text(&need.scope, r->pool);
    needs.missing = need.missing;
    needs.beyond = need.beyond;
    needs.step_up = need.step_up;
    needs.acr_values = need.acr_values;
    needs.max_age =
        need.max_age < 0 ? NULL : apr_psprintf(r->pool, "%" APR_INT64_T_FMT, need.max_age);
    needs.failed = need.failed;
    return needs;
}
