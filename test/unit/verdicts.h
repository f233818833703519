/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Verdicts for tests. */
#ifndef VERDICTS_H
#define VERDICTS_H

#include "token/rs_verdict.h"

/* Accepted, for that user; introspected or judged from a JWT. */
rs_verdict_t verdict_accepted(const char *user, bool introspected, apr_time_t now,
                              apr_time_t valid_until, apr_pool_t *p);
/* The issuer said no. */
rs_verdict_t verdict_inactive(apr_time_t now);

#endif
