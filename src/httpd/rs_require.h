/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A Require line of ours: compiled when the configuration is read, evaluated without parsing. */
#ifndef RS_REQUIRE_H
#define RS_REQUIRE_H

#include "httpd/rs_request.h"

#include <ap_expr.h>

typedef struct rs_require_kind_t rs_require_kind_t;

/* How lines in one section join. */
typedef enum { RS_JOIN_ANY, RS_JOIN_ALL } rs_join_t;

typedef struct {
    const ap_directive_t *section;
    rs_join_t join;
} rs_enclosure_t;

/* A word of the line: constant, or an httpd expression that yields one value per request. */
typedef struct {
    const char *text;
    ap_expr_info_t *expression; /* NULL: constant */
} rs_argument_t;

typedef enum {
    RS_OP_PRESENT,
    RS_OP_EQ,
    RS_OP_NE,
    RS_OP_LT,
    RS_OP_LE,
    RS_OP_GT,
    RS_OP_GE,
    RS_OP_MATCH
} rs_op_t;

typedef struct {
    const rs_require_kind_t *kind;
    const char *written, *file;
    int line;
    bool negated; /* below `not` or RequireNone */
    const rs_argument_t *arguments;
    unsigned count;
    bool expressions;     /* one of the arguments is one */
    rs_scope_t scope;     /* of a scope line without expressions */
    rs_claim_path_t path; /* of a claim line, with what follows */
    rs_op_t op;
    const ap_expr_info_t *condition;   /* of an expr line */
    apr_interval_time_t age_max;       /* of a max-auth-age line */
    const ap_regex_t *const *patterns; /* RS_OP_MATCH: one for each argument */
    const rs_enclosure_t *around;      /* from the outermost section to the innermost */
    unsigned depth;
} rs_require_t;

/* Registers the Require words with mod_authz_core. */
void rs_require_register(apr_pool_t *p);

/* Does the principal meet the line (negation aside)? */
bool rs_require_met(const rs_require_t *line, const rs_principal_t *principal, request_rec *r);

/* The scopes the line asks for, those of expressions filled in; empty when it asks for something
 * else. Of an any-scope line the one to ask for: the first, or the first that is granted. */
rs_scope_t rs_require_scope(const rs_require_t *line, const rs_principal_t *principal,
                            request_rec *r);

/* Would another scope make the line true? A new authentication of the user (RFC 9470)? */
bool rs_require_is_scope(const rs_require_t *line);
bool rs_require_is_step_up(const rs_require_t *line);

/* What a step-up line asks for: space-separated acr_values, or NULL; max_age in seconds, or -1. */
const char *rs_require_acr_values(const rs_require_t *line, request_rec *r);
apr_int64_t rs_require_max_age(const rs_require_t *line);

#endif
