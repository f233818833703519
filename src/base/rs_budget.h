/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* So many events in so much time for each of many: a bounded table of counters that all processes
 * share. Who is forgotten when the table is full is whoever was counted longest ago. No lock. */
#ifndef RS_BUDGET_H
#define RS_BUDGET_H

#include <apr_pools.h>
#include <apr_time.h>
#include <stdbool.h>

typedef struct rs_budget_t rs_budget_t;

/* Before the fork. */
apr_status_t rs_budget_create(rs_budget_t **budget, unsigned events_max, apr_interval_time_t period,
                              apr_pool_t *p);

/* How long until `who` may have another one; 0: now. */
apr_interval_time_t rs_budget_wait(rs_budget_t *budget, const char *who, apr_time_t now);

/* One more of his. */
void rs_budget_count(rs_budget_t *budget, const char *who, apr_time_t now);

#endif
