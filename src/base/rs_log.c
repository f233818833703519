/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Lines for the log sink. */
#include "base/rs_log.h"

#include <apr_atomic.h>
#include <stdarg.h>
#include <stdio.h>

#define RS_LOG_LINE_BYTES_MAX 2048

void rs_log(const rs_log_t *log, rs_log_level_t level, const char *format, ...)
{
    char line[RS_LOG_LINE_BYTES_MAX];
    va_list arguments;
    char *c;

    if (!log || !log->wants(log, level))
        return;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    log->write(log, level, line);
}

bool rs_log_quiet_ask(rs_log_quiet_t *quiet, apr_time_t now, apr_uint32_t *kept_back)
{
    apr_uint32_t now_s = (apr_uint32_t)apr_time_sec(now);
    apr_uint32_t said = apr_atomic_read32(&quiet->said_at_s);

    if (said && now_s - said < RS_LOG_QUIET_S) {
        apr_atomic_inc32(&quiet->kept_back);
        return false;
    }
    if (apr_atomic_cas32(&quiet->said_at_s, now_s ? now_s : 1, said) != said) {
        apr_atomic_inc32(&quiet->kept_back);
        return false;
    }
    *kept_back = apr_atomic_xchg32(&quiet->kept_back, 0);
    apr_atomic_set32(&quiet->told, 1);
    return true;
}

bool rs_log_quiet_over(rs_log_quiet_t *quiet)
{
    return rs_log_quiet_is_told(quiet) && apr_atomic_xchg32(&quiet->told, 0);
}

bool rs_log_quiet_is_told(rs_log_quiet_t *quiet)
{
    return apr_atomic_read32(&quiet->told) != 0;
}
