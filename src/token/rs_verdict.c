/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Verdicts and the one expiry rule. */
#include "token/rs_verdict.h"

#include <assert.h>

rs_verdict_t rs_accept(const rs_principal_t *principal, apr_time_t now, apr_time_t valid_until)
{
    rs_verdict_t verdict = { .outcome = RS_TOKEN_ACCEPTED,
                             .principal = principal,
                             .decided_at = now,
                             .valid_until = valid_until };

    assert(principal && principal->user && *principal->user && principal->issuer);
    return verdict;
}

rs_verdict_t rs_refuse(rs_outcome_t outcome, const char *detail, apr_time_t now)
{
    rs_verdict_t verdict = {
        .outcome = outcome, .detail = detail, .decided_at = now, .valid_until = RS_TIME_NEVER
    };

    assert(outcome != RS_TOKEN_ACCEPTED && outcome != RS_TOKEN_UNDECIDED);
    return verdict;
}

rs_verdict_t rs_undecided(const char *detail, apr_interval_time_t retry_after, apr_time_t now)
{
    rs_verdict_t verdict = { .outcome = RS_TOKEN_UNDECIDED,
                             .detail = detail,
                             .decided_at = now,
                             .valid_until = now,
                             .retry_after = retry_after };

    return verdict;
}

bool rs_verdict_is_accepted(const rs_verdict_t *verdict)
{
    assert((verdict->outcome == RS_TOKEN_ACCEPTED) == (verdict->principal != NULL));
    return verdict->outcome == RS_TOKEN_ACCEPTED && verdict->principal;
}

bool rs_verdict_is_storable(const rs_verdict_t *verdict)
{
    rs_stored_t stored = rs_outcome_row(verdict->outcome)->stored;

    return stored == RS_STORED_ALWAYS || (stored == RS_STORED_IF_ASKED && verdict->introspected);
}

apr_time_t rs_verdict_until(const rs_verdict_t *verdict, apr_interval_time_t ttl)
{
    apr_time_t limit;

    if (!verdict->introspected)
        return verdict->valid_until;
    limit = verdict->decided_at > RS_TIME_NEVER - ttl ? RS_TIME_NEVER : verdict->decided_at + ttl;
    return limit < verdict->valid_until ? limit : verdict->valid_until;
}
