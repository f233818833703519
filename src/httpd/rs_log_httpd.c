/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Lines of the layers below, into httpd's error log. */
#include "httpd/rs_log_httpd.h"

#include <http_log.h>

APLOG_USE_MODULE(oauth2_rs);

typedef struct {
    rs_log_t log;
    server_rec *server;
} httpd_log_t;

static const int levels[] = {
    [RS_LOG_ERROR] = APLOG_ERR, [RS_LOG_WARNING] = APLOG_WARNING, [RS_LOG_NOTICE] = APLOG_NOTICE,
    [RS_LOG_INFO] = APLOG_INFO, [RS_LOG_DEBUG] = APLOG_DEBUG,     [RS_LOG_TRACE] = APLOG_TRACE1,
};

static bool wants(const rs_log_t *self, rs_log_level_t level)
{
    return APLOG_IS_LEVEL(((const httpd_log_t *)self)->server, levels[level]);
}

static void write_line(const rs_log_t *self, rs_log_level_t level, const char *line)
{
    ap_log_error(APLOG_MARK, levels[level], 0, ((const httpd_log_t *)self)->server, "%s", line);
}

const rs_log_t *rs_log_httpd(server_rec *s, apr_pool_t *p)
{
    httpd_log_t *made = apr_palloc(p, sizeof *made);

    made->log.wants = wants;
    made->log.write = write_line;
    made->server = s;
    return &made->log;
}
