/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A file that is read again when it has changed. */
#ifndef RS_WATCHED_FILE_H
#define RS_WATCHED_FILE_H

#include <apr_pools.h>
#include <apr_time.h>
#include <stdbool.h>

/* How often it is worth a look. */
#define RS_WATCHED_FILE_INTERVAL apr_time_from_sec(5)

typedef struct {
    const char *path;
    apr_time_t mtime; /* of the version that was looked at last; 0: never */
} rs_watched_file_t;

/* *changed says whether there is a version that was not looked at yet; *text is then all of it,
 * with a NUL behind it, in p. A version that cannot be read is reported once, not at every look.
 * Used by one thread at a time. APR_ENOSPC: larger than bytes_max. */
apr_status_t rs_watched_file_read(rs_watched_file_t *file, apr_size_t bytes_max, bool *changed,
                                  char **text, apr_size_t *len, apr_pool_t *p);

#endif
