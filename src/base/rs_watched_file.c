/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Watched files: a look at the time of the last change, and all of the bytes when it is another. */
#include "base/rs_watched_file.h"

#include <apr_file_info.h>
#include <apr_file_io.h>

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

static bool is_news(const rs_watched_file_t *file, apr_status_t failure, apr_time_t mtime)
{
    return file->failure != failure || file->failed_mtime != mtime;
}

apr_status_t rs_watched_file_read(rs_watched_file_t *file, apr_size_t bytes_max, bool *changed,
                                  char **text, apr_size_t *len, apr_pool_t *p)
{
    apr_finfo_t info = { 0 };
    apr_status_t status = apr_stat(&info, file->path, APR_FINFO_MTIME, p);

    *changed = false;
    if (status == APR_SUCCESS && file->has_version && info.mtime == file->mtime) {
        file->failure = APR_SUCCESS;
        return APR_SUCCESS;
    }
    if (status == APR_SUCCESS)
        status = read_all(file->path, bytes_max, text, len, p);
    else
        info.mtime = 0;
    *changed = status == APR_SUCCESS || is_news(file, status, info.mtime);
    file->failure = status;
    file->failed_mtime = info.mtime;
    /* A version that cannot be read now may be readable at the next look, its time unchanged: a key
     * that is written first and handed to us with chown. */
    if (status == APR_SUCCESS) {
        file->has_version = true;
        file->mtime = info.mtime;
    }
    return *changed ? status : APR_SUCCESS;
}
