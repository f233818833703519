/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Watched files: a look at the time of the last change, and all of the bytes when it is another. */
#include "base/rs_watched_file.h"

#include <apr_file_info.h>
#include <apr_file_io.h>

#define MTIME_UNKNOWN ((apr_time_t)-1)

static apr_status_t read_all(const char *path, apr_size_t bytes_max, char **text, apr_size_t *len,
                             apr_pool_t *p)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t status = apr_file_open(&file, path, APR_READ, APR_OS_DEFAULT, p);

    if (status != APR_SUCCESS)
        return status;
    status = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    if (status == APR_SUCCESS && info.size > (apr_off_t)bytes_max)
        status = APR_ENOSPC;
    if (status == APR_SUCCESS) {
        *text = apr_pcalloc(p, (apr_size_t)info.size + 1);
        status = apr_file_read_full(file, *text, (apr_size_t)info.size, len);
        if (APR_STATUS_IS_EOF(status))
            status = APR_SUCCESS;
    }
    apr_file_close(file);
    return status;
}

apr_status_t rs_watched_file_read(rs_watched_file_t *file, apr_size_t bytes_max, bool *changed,
                                  char **text, apr_size_t *len, apr_pool_t *p)
{
    apr_finfo_t info;
    apr_status_t status = apr_stat(&info, file->path, APR_FINFO_MTIME, p);
    apr_time_t mtime = status == APR_SUCCESS ? info.mtime : MTIME_UNKNOWN;

    *changed = file->mtime != mtime;
    file->mtime = mtime;
    if (!*changed)
        return APR_SUCCESS;
    return status == APR_SUCCESS ? read_all(file->path, bytes_max, text, len, p) : status;
}
