/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* From a scope that is needed back to one that is granted. */
#include "httpd/rs_scope_rules.h"

#include <string.h>

/* "users.*" is every scope that begins with "users." and goes on. */
static bool has_wildcard_for(const rs_scope_t *granted, const char *word)
{
    const char *at = NULL, *pattern;

    while ((pattern = rs_scope_next(granted, &at)) != NULL) {
        size_t len = strlen(pattern);
        if (len > 2 && strcmp(pattern + len - 2, ".*") == 0 &&
            strncmp(pattern, word, len - 1) == 0 && word[len - 1])
            return true;
    }
    return false;
}

static bool is_granted(const rs_scope_rules_t *rules, const rs_scope_t *granted, const char *word,
                       unsigned steps)
{
    int i;

    if (rs_scope_has(granted, word) || (rules->wildcard == 1 && has_wildcard_for(granted, word)))
        return true;
    if (!rules->implications || steps == RS_SCOPE_STEPS_MAX)
        return false;
    for (i = 0; i < rules->implications->nelts; i++) {
        const rs_scope_rule_t *rule = &APR_ARRAY_IDX(rules->implications, i, rs_scope_rule_t);
        if (rs_scope_has(&rule->implied, word) && is_granted(rules, granted, rule->name, steps + 1))
            return true;
    }
    return false;
}

unsigned rs_scope_rules_missing(const rs_scope_rules_t *rules, const rs_scope_t *granted,
                                const rs_scope_t *needed)
{
    const char *at = NULL, *word;
    unsigned missing = 0;

    while ((word = rs_scope_next(needed, &at)) != NULL)
        missing += !is_granted(rules, granted, word, 0);
    return missing;
}
