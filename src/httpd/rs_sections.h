/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Which sections of the configuration may apply to one request, as far as their paths tell before
 * there is a request. */
#ifndef RS_SECTIONS_H
#define RS_SECTIONS_H

#include <httpd.h>
#include <http_config.h>
#include <stdbool.h>

/* May a request meet both directives? False only when their Locations, or their Directories, are
 * plain paths beside each other, like /a and /b. */
bool rs_sections_meet(const ap_directive_t *a, const ap_directive_t *b, apr_pool_t *ptemp);

#endif
