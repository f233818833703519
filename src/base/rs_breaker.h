/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A circuit breaker: after some failures in a row the other side is left alone for a while; then
 * one caller probes, and what becomes of the probe decides. For a Redis, for an issuer. No lock, no
 * clock of its own, no memory.
 *
 *   closed ── failures_max failures in a row ──▶ open ── open_time ──▶ half-open: one probe
 *     ▲                                           ▲                        │
 *     └────────────── any success ────────────────┼────────────────────────┤
 *                                                 └──── failure, or no word of the probe in
 * open_time
 *
 * Every caller that was allowed says how it went, unless it learnt nothing about the other side. */
#ifndef RS_BREAKER_H
#define RS_BREAKER_H

#include <apr_time.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct {
    unsigned failures_max; /* 1 or more */
    apr_interval_time_t open_time;
    _Atomic unsigned failures;      /* in a row */
    _Atomic apr_int64_t open_until; /* 0: closed; else no caller before this time */
} rs_breaker_t;

/* Closed. failures_max 0: never opens. */
void rs_breaker_init(rs_breaker_t *breaker, unsigned failures_max, apr_interval_time_t open_time);

/* May this caller go? While open, true for one caller after each open_time: the probe. */
bool rs_breaker_allows(rs_breaker_t *breaker, apr_time_t now);

/* How it went. True for the one caller that changed closed to open, or open to closed: it writes
 * the line. */
bool rs_breaker_failed(rs_breaker_t *breaker, apr_time_t now);
bool rs_breaker_succeeded(rs_breaker_t *breaker);

/* For pages and metrics; half-open counts as open. */
bool rs_breaker_is_open(const rs_breaker_t *breaker);

/* How long until a caller may be allowed (a Retry-After); 0: now. Asks without taking the probe's
 * place. */
apr_interval_time_t rs_breaker_wait(const rs_breaker_t *breaker, apr_time_t now);

#endif
