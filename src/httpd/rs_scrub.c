/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* One walk over the headers of a request. */
#include "httpd/rs_scrub.h"
#include "httpd/rs_config.h"

#include <apr_lib.h>

static const char *const fixed_names[] = { "OAUTH2_*", "REMOTE_USER" };

static char normal(char c)
{
    return apr_isalnum(c) ? (char)apr_tolower(c) : '_';
}

bool rs_scrub_is_alike(const char *header, const char *name)
{
    while (*header && *name && *name != '*' && normal(*header) == normal(*name)) {
        header++;
        name++;
    }
    return *name == '*' || (!*header && !*name);
}

typedef struct {
    const apr_array_header_t *names;
    bool fixed;
    apr_array_header_t *found;
} scrubbing_t;

static bool is_unwanted(const scrubbing_t *scrubbing, const char *header)
{
    unsigned i;
    int j;

    for (i = 0; scrubbing->fixed && i < sizeof fixed_names / sizeof fixed_names[0]; i++)
        if (rs_scrub_is_alike(header, fixed_names[i]))
            return true;
    for (j = 0; j < scrubbing->names->nelts; j++)
        if (rs_scrub_is_alike(header, APR_ARRAY_IDX(scrubbing->names, j, const char *)))
            return true;
    return false;
}

static int look_at_header(void *baton, const char *header, const char *value)
{
    scrubbing_t *scrubbing = baton;

    (void)value;
    if (is_unwanted(scrubbing, header))
        APR_ARRAY_PUSH(scrubbing->found, const char *) = header;
    return 1;
}

void rs_scrub(request_rec *r, const apr_array_header_t *names, bool fixed)
{
    scrubbing_t scrubbing = { names, fixed, NULL };
    int i;

    if (!names->nelts && !fixed)
        return;
    scrubbing.found = apr_array_make(r->pool, 0, sizeof(const char *));
    apr_table_do(look_at_header, &scrubbing, r->headers_in, NULL);
    for (i = 0; i < scrubbing.found->nelts; i++)
        apr_table_unset(r->headers_in, APR_ARRAY_IDX(scrubbing.found, i, const char *));
}

int rs_scrub_hook(request_rec *r)
{
    const rs_server_config_t *config = rs_server_config(r->server);

    if (config->runtime)
        rs_scrub(r, config->header_names, true);
    return DECLINED;
}
