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
    bool has_version; /* one was read; its time follows */
    apr_time_t mtime;
    apr_status_t failure; /* of the last look, and the time of what could not be read */
    apr_time_t failed_mtime;
} rs_watched_file_t;

/* *changed says whether there is something new: a version that was not read yet, and *text is then
 * all of it, with a NUL behind it, in p; or a failure, which is tried again at every look but
 * reported once for each version and reason. Used by one thread at a time. APR_ENOSPC: larger than
 * bytes_max. */
apr_status_t rs_watched_file_read(rs_watched_file_t *file, apr_size_t bytes_max, bool *changed,
                                  char **text, apr_size_t *len, apr_pool_t *p);

#endif
