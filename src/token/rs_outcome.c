/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The outcome table: the single answer to "which status, which error, cache it?" (RFC 6750 3.1, RFC
 * 9470 3). */
#include "token/rs_outcome.h"

#include <stddef.h>

#define INVALID_REQUEST "invalid_request"
#define INVALID_TOKEN "invalid_token"

#define NEVER RS_STORED_NEVER
#define IF_ASKED RS_STORED_IF_ASKED
#define ALWAYS RS_STORED_ALWAYS

static const rs_outcome_row_t rows[] = {
    { RS_TOKEN_ACCEPTED, "accepted", 0, NULL, NULL, false, ALWAYS },
    { RS_TOKEN_ABSENT, "token_absent", 401, NULL, NULL, true, NEVER },
    { RS_TOKEN_AMBIGUOUS, "token_ambiguous", 400, INVALID_REQUEST,
      "The request carries more than one access token", true, NEVER },
    { RS_REQUEST_MALFORMED, "request_malformed", 400, INVALID_REQUEST,
      "The Authorization header is malformed", true, NEVER },
    { RS_TRANSPORT_PLAIN, "transport_plain", 403, NULL, NULL, false, NEVER },
    { RS_TOKEN_MALFORMED, "token_malformed", 401, INVALID_TOKEN, "The access token is malformed",
      true, NEVER },
    { RS_TOKEN_ALG_REFUSED, "alg_refused", 401, INVALID_TOKEN,
      "The access token is signed with an algorithm that is not accepted", true, NEVER },
    { RS_TOKEN_KEY_UNKNOWN, "key_unknown", 401, INVALID_TOKEN,
      "The access token is signed with an unknown key", true, NEVER },
    { RS_TOKEN_SIGNATURE_WRONG, "signature_wrong", 401, INVALID_TOKEN,
      "The access token has a wrong signature", true, NEVER },
    { RS_TOKEN_DECRYPTION_FAILED, "decryption_failed", 401, INVALID_TOKEN,
      "The access token cannot be decrypted", true, NEVER },
    { RS_TOKEN_ISSUER_WRONG, "issuer_wrong", 401, INVALID_TOKEN,
      "The access token is from an issuer that is not accepted", true, IF_ASKED },
    { RS_TOKEN_AUDIENCE_WRONG, "audience_wrong", 401, INVALID_TOKEN,
      "The access token is for another audience", true, IF_ASKED },
    { RS_TOKEN_EXPIRED, "token_expired", 401, INVALID_TOKEN, "The access token has expired", true,
      IF_ASKED },
    { RS_TOKEN_NOT_YET_VALID, "not_yet_valid", 401, INVALID_TOKEN,
      "The access token is not valid yet", true, NEVER },
    { RS_TOKEN_LIFETIME_WRONG, "lifetime_wrong", 401, INVALID_TOKEN,
      "The access token has no acceptable lifetime", true, IF_ASKED },
    { RS_TOKEN_TYPE_WRONG, "type_wrong", 401, INVALID_TOKEN,
      "The token is not an access token of an accepted type", true, IF_ASKED },
    { RS_TOKEN_CLAIM_WRONG, "claim_wrong", 401, INVALID_TOKEN,
      "The access token lacks an acceptable value of a required claim", true, IF_ASKED },
    { RS_TOKEN_BOUND, "token_bound", 401, INVALID_TOKEN,
      "The access token is bound to a key whose possession cannot be checked here", true,
      IF_ASKED },
    { RS_TOKEN_INACTIVE, "token_inactive", 401, INVALID_TOKEN, "The access token is not active",
      true, IF_ASKED },
    { RS_TOKEN_REVOKED, "token_revoked", 401, INVALID_TOKEN, "The access token was revoked", true,
      NEVER },
    { RS_TOKEN_NAMELESS, "token_nameless", 401, INVALID_TOKEN,
      "The access token names neither a subject nor a client", true, IF_ASKED },
    { RS_TOKEN_UNDECIDED, "undecided", 503, NULL, NULL, false, NEVER },
    { RS_SERVER_MISCONFIGURED, "misconfigured", 500, NULL, NULL, false, NEVER },
    { RS_CLIENT_THROTTLED, "throttled", 429, NULL, NULL, false, NEVER },
    { RS_SCOPE_INSUFFICIENT, "scope_insufficient", 403, "insufficient_scope",
      "The access token lacks a required scope", true, NEVER },
    { RS_ACCESS_DENIED, "access_denied", 403, NULL, NULL, false, NEVER },
    { RS_STEP_UP_NEEDED, "step_up_needed", 401, "insufficient_user_authentication",
      "A stronger or more recent authentication is required", true, NEVER },
};

_Static_assert(sizeof rows / sizeof rows[0] == RS_OUTCOME_COUNT, "one row for each outcome");

const rs_outcome_row_t *rs_outcome_row(rs_outcome_t outcome)
{
    if ((unsigned)outcome >= RS_OUTCOME_COUNT)
        outcome = RS_TOKEN_UNDECIDED;
    return &rows[outcome];
}
