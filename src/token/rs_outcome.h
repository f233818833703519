/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What can be the case with a token or a request: one word each, and one table that says which
 * status, which error code and which text go with it, and whether a cache may keep it. */
#ifndef RS_OUTCOME_H
#define RS_OUTCOME_H

#include <stdbool.h>

/* The numbers stand in cache records: append, never reorder; or change RS_RECORD_FORMAT. */
typedef enum {
    RS_TOKEN_ACCEPTED,
    RS_TOKEN_ABSENT,
    RS_TOKEN_AMBIGUOUS,   /* two tokens, two places, two headers */
    RS_REQUEST_MALFORMED, /* an Authorization header of ours that is no token */
    RS_TRANSPORT_PLAIN,   /* a token must not travel on this connection */
    RS_TOKEN_MALFORMED,
    RS_TOKEN_ALG_REFUSED,
    RS_TOKEN_KEY_UNKNOWN,
    RS_TOKEN_SIGNATURE_WRONG,
    RS_TOKEN_DECRYPTION_FAILED,
    RS_TOKEN_ISSUER_WRONG,
    RS_TOKEN_AUDIENCE_WRONG,
    RS_TOKEN_EXPIRED,
    RS_TOKEN_NOT_YET_VALID,
    RS_TOKEN_LIFETIME_WRONG,
    RS_TOKEN_TYPE_WRONG,  /* an ID token, a refresh token, ...: not an access token */
    RS_TOKEN_CLAIM_WRONG, /* a claim the provider requires, or one of the wrong JSON type */
    RS_TOKEN_BOUND,       /* cnf that we cannot check: never passes as a bearer token */
    RS_TOKEN_INACTIVE,
    RS_TOKEN_REVOKED,
    RS_TOKEN_NAMELESS,  /* nobody we could name as the user */
    RS_TOKEN_UNDECIDED, /* we could not find out */
    RS_SERVER_MISCONFIGURED,
    RS_CLIENT_THROTTLED,
    RS_SCOPE_INSUFFICIENT, /* from authorization: */
    RS_ACCESS_DENIED,      /* a role or claim is missing; a scope would not help */
    RS_STEP_UP_NEEDED,
    RS_OUTCOME_COUNT
} rs_outcome_t;

typedef enum {
    RS_STORED_NEVER,
    RS_STORED_IF_ASKED, /* when the issuer was asked: asking again costs it a call */
    RS_STORED_ALWAYS
} rs_stored_t;

typedef struct {
    rs_outcome_t outcome;    /* the row's own number, so that a test can prove the order */
    const char *name;        /* the reason code: log, metric, request note */
    int status;              /* HTTP status; 0 for accepted */
    const char *error;       /* RFC 6750 3.1, RFC 9470 3; NULL: no error parameter */
    const char *description; /* for error_description; NULL: none */
    bool challenge;          /* is there a WWW-Authenticate? */
    rs_stored_t stored;      /* may a cache keep it? */
} rs_outcome_row_t;

/* Never NULL: an unknown number answers as RS_TOKEN_UNDECIDED. */
const rs_outcome_row_t *rs_outcome_row(rs_outcome_t outcome);

#endif
