/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The log sink that writes to httpd's error log. */
#ifndef RS_LOG_HTTPD_H
#define RS_LOG_HTTPD_H

#include "base/rs_log.h"

#include <httpd.h>

const rs_log_t *rs_log_httpd(server_rec *s, apr_pool_t *p);

#endif
