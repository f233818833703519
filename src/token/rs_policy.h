/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* One judgement for JWT claims and introspection replies: issuer, audience, time, kind, binding,
 * name. Pure: the claims, the rules and the time go in, a verdict comes out. */
#ifndef RS_POLICY_H
#define RS_POLICY_H

#include "token/rs_verdict.h"

#define RS_PATHS_MAX 8

typedef struct {
    rs_claim_path_t paths[RS_PATHS_MAX]; /* the first present one wins, never a union */
    unsigned count;
} rs_claim_paths_t;

typedef struct {
    rs_claim_path_t path;
    const char *const *values; /* one of these, bytewise */
    unsigned count;
} rs_claim_rule_t;

typedef enum { RS_TYPES_ANY, RS_TYPES_RFC9068, RS_TYPES_LISTED } rs_types_t;

typedef struct {
    const char *issuer; /* exact */
    const char *const *audiences;
    unsigned audience_count;
    bool audience_any;       /* `OAuth2RSAudience any` */
    bool audience_or_absent; /* the word or-absent */
    bool proof_off;          /* OAuth2RSProof off: cnf is not looked at */
    rs_types_t types;
    const char *const
        *type_names; /* RS_TYPES_LISTED: accepted JOSE typ, compared as RFC 7515 4.1.9 says */
    unsigned type_count;
    apr_interval_time_t leeway;
    apr_interval_time_t lifetime_max; /* 0: off */
    const rs_claim_rule_t *required;
    unsigned required_count;
    rs_claim_paths_t scope_paths, role_paths, user_paths, client_paths;
    bool user_paths_default; /* sub, else client:ID */
    const char *user_prefix; /* "" for none */
} rs_policy_t;

/* What is judged. */
typedef struct {
    const rs_claims_t *claims;
    const char *typ; /* JOSE typ of a JWT; NULL: it had none, or this is a reply */
    bool reply; /* an introspection reply: may lack iss and exp, has `active` checked by the caller
                 */
} rs_evidence_t;

/* Accepted with a principal in p, or refused with the first rule that fails. */
rs_verdict_t rs_policy_judge(const rs_policy_t *policy, const rs_evidence_t *evidence,
                             apr_time_t now, apr_pool_t *p);

#endif
