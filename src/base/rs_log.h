/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The log sink. The core writes lines; the module or a test says where they go. One event, one
 * line, one place: the layer that decides logs, lower layers return. Every line from debug up
 * begins with its stable id
 * ("RS0123: "), unique in the tree and never reused. A token, secret, proof or cache key never
 * appears. */
#ifndef RS_LOG_H
#define RS_LOG_H

#include <apr_pools.h>
#include <apr_time.h>
#include <stdbool.h>

typedef enum {
    RS_LOG_ERROR,
    RS_LOG_WARNING,
    RS_LOG_NOTICE,
    RS_LOG_INFO,
    RS_LOG_DEBUG,
    RS_LOG_TRACE
} rs_log_level_t;

typedef struct rs_log_t rs_log_t;
struct rs_log_t {
    /* False spares the formatting of a line nobody would see. May be called from any thread. */
    bool (*wants)(const rs_log_t *self, rs_log_level_t level);
    void (*write)(const rs_log_t *self, rs_log_level_t level, const char *line);
};

/* NULL for log is a log that nobody reads. Lines are cut at 2 KiB; control bytes become '?'. */
void rs_log(const rs_log_t *log, rs_log_level_t level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Keeps one trouble from filling the log: its first line, then at most one a minute, also of a
 * trouble that comes and goes. All zeroes: no trouble yet. */
typedef struct {
    apr_uint32_t said_at_s; /* since the epoch; 0: never */
    apr_uint32_t told;      /* a line stands there, and none that says that it is over */
    apr_uint32_t kept_back;
} rs_log_quiet_t;

#define RS_LOG_QUIET_S 60

/* True when the line may be written now; *kept_back is how many were not since the last one.
 * Threads may race. */
bool rs_log_quiet_ask(rs_log_quiet_t *quiet, apr_time_t now, apr_uint32_t *kept_back);

/* True for the one caller that ends a trouble that was told, so that it says so. */
bool rs_log_quiet_over(rs_log_quiet_t *quiet);
bool rs_log_quiet_is_told(rs_log_quiet_t *quiet);

#endif
