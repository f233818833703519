/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Removal of headers by which a client says what only we may say. */
#ifndef RS_SCRUB_H
#define RS_SCRUB_H

#include <httpd.h>
#include <stdbool.h>

/* Is this header a look-alike of name? '-', '_' and other separators are one, letter case does not
 * count: that is how applications see headers. A name that ends with '*' stands for all that begin
 * like it. */
bool rs_scrub_is_alike(const char *header, const char *name);

/* Remove from the request what looks like one of these names (const char *), and, with `fixed`,
 * like Remote-User and OAUTH2_*. */
void rs_scrub(request_rec *r, const apr_array_header_t *names, bool fixed);

/* post_read_request: on every path, what is fixed and what any OAuth2RSHeader of the host names. */
int rs_scrub_hook(request_rec *r);

#endif
