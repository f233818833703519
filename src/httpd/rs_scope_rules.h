/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Scopes that stand for others: OAuth2RSScopeImplies (admin is read and write as well) and
 * OAuth2RSScopeWildcard (users.* is users.read). */
#ifndef RS_SCOPE_RULES_H
#define RS_SCOPE_RULES_H

#include "token/rs_scope.h"

#include <apr_tables.h>

typedef struct {
    const char *name;
    rs_scope_t implied;
} rs_scope_rule_t;

/* Constant after configuration. */
typedef struct {
    const apr_array_header_t *implications; /* rs_scope_rule_t; NULL: none */
    int wildcard;                           /* 1: on; -1: not written, which is off */
} rs_scope_rules_t;

/* How many words of needed are not granted, neither as they stand nor by a rule. Implications are
 * followed through RS_SCOPE_STEPS_MAX steps, so that a circle ends. */
#define RS_SCOPE_STEPS_MAX 8
unsigned rs_scope_rules_missing(const rs_scope_rules_t *rules, const rs_scope_t *granted,
                                const rs_scope_t *needed);

#endif
