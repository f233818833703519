/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Keeping lines back. */
#include "httpd/rs_notice.h"
#include "base/rs_shared.h"
#include "httpd/rs_config.h"

#include <apr_strings.h>

#define PATH_BYTES_SHOWN 200

rs_notices_t *rs_notices_create(apr_pool_t *p)
{
    return rs_shared_memory(sizeof(rs_notices_t), p);
}

bool rs_notice_ask(rs_notice_t notice, const char **where, request_rec *r)
{
    rs_notices_t *notices = rs_server_config(r->server)->notices;
    apr_uint32_t kept_back;

    if (!rs_log_quiet_ask(&notices->quiet[notice], apr_time_now(), &kept_back))
        return false;
    *where = apr_psprintf(r->pool, "(host %s, path %.*s; %u more since the last line)",
                          r->server->server_hostname ? r->server->server_hostname : "-",
                          PATH_BYTES_SHOWN, ap_escape_logitem(r->pool, r->uri ? r->uri : "-"),
                          kept_back);
    return true;
}
