/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Comparing a claim with the words of a Require line: strings bytewise, numbers numerically, true
 * and false; null and absent satisfy nothing. */
#include "httpd/rs_require_kinds.h"

#include <apr_strings.h>
#include <errno.h>
#include <stdlib.h>

typedef struct {
    int order; /* of the claim towards the value: below, at, above 0 */
    bool comparable;
} comparison_t;

static bool whole_integer(const char *text, apr_int64_t *number)
{
    char *end;

    errno = 0;
    *number = apr_strtoi64(text, &end, 10);
    return !errno && end != text && !*end;
}

static bool is_number(const char *text, double *number)
{
    char *end;

    *number = strtod(text, &end);
    return end != text && !*end && *number == *number;
}

static const comparison_t incomparable = { 1, false };

static comparison_t compare_number(const rs_claim_t *claim, const char *value)
{
    comparison_t result = { 0, true };
    apr_int64_t whole;
    double number;

    if (claim->type == RS_JSON_INTEGER && whole_integer(value, &whole)) {
        result.order = (claim->integer > whole) - (claim->integer < whole);
        return result;
    }
    if (!is_number(value, &number))
        return incomparable;
    result.order = (claim->real > number) - (claim->real < number);
    return result;
}

/* A text is never more or less than a number: "high" is not at least 3. */
static comparison_t compare_text(const rs_claim_t *claim, const char *value)
{
    double number;
    apr_size_t len = strlen(value), shorter = len < claim->len ? len : claim->len;
    comparison_t result = { memcmp(claim->text, value, shorter), !is_number(value, &number) };

    if (!result.order)
        result.order = (claim->len > len) - (claim->len < len);
    return result;
}

static comparison_t compare(const rs_claim_t *claim, const char *value)
{
    comparison_t none = incomparable;

    switch (claim->type) {
    case RS_JSON_STRING:
        return compare_text(claim, value);
    case RS_JSON_INTEGER:
    case RS_JSON_REAL:
        return compare_number(claim, value);
    case RS_JSON_BOOLEAN:
        none.order = strcmp(claim->boolean ? "true" : "false", value) != 0;
        return none;
    default:
        return none;
    }
}

static bool holds(rs_op_t op, comparison_t comparison)
{
    switch (op) {
    case RS_OP_EQ:
        return comparison.order == 0;
    case RS_OP_LT:
        return comparison.comparable && comparison.order < 0;
    case RS_OP_LE:
        return comparison.comparable && comparison.order <= 0;
    case RS_OP_GT:
        return comparison.comparable && comparison.order > 0;
    case RS_OP_GE:
        return comparison.comparable && comparison.order >= 0;
    default:
        return false;
    }
}

static bool matches_whole(const ap_regex_t *pattern, const rs_claim_t *claim)
{
    ap_regmatch_t match[1];

    /* A NUL inside would end the text early. */
    if (claim->type != RS_JSON_STRING || strlen(claim->text) != claim->len)
        return false;
    return ap_regexec(pattern, claim->text, 1, match, 0) == 0 && match[0].rm_so == 0 &&
           (apr_size_t)match[0].rm_eo == claim->len;
}

/* An argument, worked out for the request. */
typedef struct {
    rs_op_t op;
    const ap_regex_t *pattern; /* of RS_OP_MATCH */
    const char *value;         /* of the others; NULL: the expression gave none */
} wanted_t;

static bool element_met(const wanted_t *wanted, const rs_claim_t *element)
{
    if (wanted->op == RS_OP_MATCH)
        return matches_whole(wanted->pattern, element);
    return wanted->value && holds(wanted->op, compare(element, wanted->value));
}

static bool argument_met(const wanted_t *wanted, const rs_claim_t *claim)
{
    rs_claim_iter_t it;
    rs_claim_t element;

    if (claim->type != RS_JSON_ARRAY)
        return element_met(wanted, claim);
    it = rs_claim_iterate(claim);
    while (rs_claim_next(&it, &element, NULL))
        if (element_met(wanted, &element))
            return true;
    return false;
}

/* Arguments outside, elements inside: an expression is evaluated once, however long the list is. */
static bool any_argument_met(const rs_require_t *line, const rs_claim_t *claim, rs_op_t op,
                             request_rec *r)
{
    unsigned i;

    for (i = 0; i < line->count; i++) {
        wanted_t wanted = { .op = op };
        if (op == RS_OP_MATCH)
            wanted.pattern = line->patterns[i];
        else
            wanted.value = rs_argument_value(&line->arguments[i], r);
        if (argument_met(&wanted, claim))
            return true;
    }
    return false;
}

/* `!=` is the absence of the value: an argument we cannot work out must not pass as one that
 * differs. */
static bool all_known(const rs_require_t *line, request_rec *r)
{
    unsigned i;

    for (i = 0; i < line->count; i++)
        if (!rs_argument_value(&line->arguments[i], r))
            return false;
    return true;
}

bool rs_require_claim_met(const rs_require_t *line, const rs_claim_t *claim, request_rec *r)
{
    if (claim->type == RS_JSON_ABSENT || claim->type == RS_JSON_NULL)
        return false;
    if (line->op == RS_OP_PRESENT)
        return true;
    if (line->op == RS_OP_NE)
        return all_known(line, r) && !any_argument_met(line, claim, RS_OP_EQ, r);
    return any_argument_met(line, claim, line->op, r);
}
