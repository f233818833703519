/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A part of mod_status' page: how providers and caches are in the process that answers. */
#ifndef RS_STATUS_H
#define RS_STATUS_H

#include <httpd.h>

/* In pre_config, when mod_status may have been loaded. */
int rs_status_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

#endif
