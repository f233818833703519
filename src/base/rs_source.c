/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Secrets and key files: file:PATH, env:NAME, exec:COMMAND. */
#include "base/rs_source.h"
#include "base/rs_limits.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_signal.h>
#include <apr_thread_proc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* How a command ended, as a status of ours: exit statuses, then signals. */
#define ENDED_WITH APR_OS_START_USERERR
#define SIGNALLED_BY (APR_OS_START_USERERR + 256)
#define SIGNALS_END (APR_OS_START_USERERR + 512)

#define WAIT_STEP apr_time_from_msec(5)

static const struct {
    const char *prefix;
    rs_source_kind_t kind;
} prefixes[] = {
    { "file:", RS_SOURCE_FILE },
    { "env:", RS_SOURCE_ENV },
    { "exec:", RS_SOURCE_EXEC },
};

static bool split(rs_source_t *source, const char *words)
{
    unsigned i;

    for (i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        size_t len = strlen(prefixes[i].prefix);
        if (strncmp(words, prefixes[i].prefix, len) == 0 && words[len]) {
            source->kind = prefixes[i].kind;
            source->value = words + len;
            return true;
        }
    }
    return false;
}

/* Absolute path of a readable file without the permission bits in `refused`. */
static const char *check_file(rs_source_t *source, const char *base, apr_fileperms_t refused,
                              const char *remedy, apr_pool_t *p)
{
    apr_finfo_t info;
    apr_file_t *file;
    char *path;
    apr_status_t status;
    char reason[120];

    if (apr_filepath_merge(&path, base, source->value, 0, p) != APR_SUCCESS)
        return apr_psprintf(p, "file \"%s\": not a usable path", source->value);
    status = apr_file_open(&file, path, APR_FOPEN_READ, 0, p);
    if (status != APR_SUCCESS)
        return apr_psprintf(p, "file \"%s\" cannot be read: %s", path,
                            apr_strerror(status, reason, sizeof reason));
    status = apr_file_info_get(&info, APR_FINFO_PROT | APR_FINFO_TYPE, file);
    apr_file_close(file);
    if (status != APR_SUCCESS && status != APR_INCOMPLETE)
        return apr_psprintf(p, "file \"%s\" cannot be examined", path);
    if (info.filetype != APR_REG)
        return apr_psprintf(p, "\"%s\" is not a regular file", path);
    if (info.protection & refused)
        return apr_psprintf(p, "file \"%s\" %s", path, remedy);
    source->value = path;
    return NULL;
}

static const char *check_exec(rs_source_t *source, apr_pool_t *p)
{
    char **arguments;
    apr_finfo_t info;

    if (apr_tokenize_to_argv(source->value, &arguments, p) != APR_SUCCESS || !arguments[0])
        return "exec: names no command";
    if (arguments[0][0] != '/')
        return apr_psprintf(p, "command \"%s\" must be written with its full path", arguments[0]);
    if (apr_stat(&info, arguments[0], APR_FINFO_PROT | APR_FINFO_TYPE, p) != APR_SUCCESS ||
        info.filetype != APR_REG || !(info.protection & (APR_FPROT_UEXECUTE | APR_FPROT_GEXECUTE)))
        return apr_psprintf(p, "command \"%s\" is no executable file", arguments[0]);
    return NULL;
}

const char *rs_source_check_secret(rs_source_t *source, const char *words, const char *base,
                                   apr_pool_t *p)
{
    rs_source_t found;
    const char *trouble = NULL;

    if (!split(&found, words))
        return "a secret is never written inline: use file:PATH, env:NAME or exec:COMMAND";
    if (found.kind == RS_SOURCE_FILE)
        trouble =
            check_file(&found, base, APR_FPROT_WREAD | APR_FPROT_WWRITE | APR_FPROT_GWRITE,
                       "can be read by others or written by its group: chmod 640 or stricter", p);
    else if (found.kind == RS_SOURCE_ENV && !getenv(found.value))
        trouble = apr_psprintf(p, "environment variable \"%s\" is not set", found.value);
    else if (found.kind == RS_SOURCE_EXEC)
        trouble = check_exec(&found, p);
    if (!trouble)
        *source = found;
    return trouble;
}

const char *rs_source_check_public(rs_source_t *source, const char *words, const char *base,
                                   apr_pool_t *p)
{
    rs_source_t found;
    const char *trouble;

    if (!split(&found, words) || found.kind != RS_SOURCE_FILE)
        return "must be written as file:PATH";
    trouble = check_file(&found, base, APR_FPROT_WWRITE,
                         "can be written by others, who could put their own key in: chmod o-w", p);
    if (!trouble)
        *source = found;
    return trouble;
}

static apr_status_t take(const char **bytes, apr_size_t *len, char *buffer, apr_size_t have)
{
    if (have > RS_SECRET_BYTES_MAX)
        return APR_ENOSPC;
    if (have && buffer[have - 1] == '\n')
        have--;
    if (have && buffer[have - 1] == '\r')
        have--;
    if (!have)
        return APR_EOF;
    buffer[have] = '\0';
    *bytes = buffer;
    *len = have;
    return APR_SUCCESS;
}

static apr_status_t read_file(apr_file_t *file, const char **bytes, apr_size_t *len, apr_pool_t *p)
{
    char *buffer = apr_palloc(p, RS_SECRET_BYTES_MAX + 2);
    apr_size_t have = 0;
    apr_status_t status;

    status = apr_file_read_full(file, buffer, RS_SECRET_BYTES_MAX + 1, &have);
    if (status != APR_SUCCESS && !APR_STATUS_IS_EOF(status))
        return status;
    return take(bytes, len, buffer, have);
}

/* ---- commands ---- */

static apr_status_t start(apr_proc_t *child, const char *command, apr_pool_t *p)
{
    apr_procattr_t *attributes;
    char **arguments;
    apr_status_t status;

    if ((status = apr_tokenize_to_argv(command, &arguments, p)) != APR_SUCCESS ||
        (status = apr_procattr_create(&attributes, p)) != APR_SUCCESS ||
        (status = apr_procattr_io_set(attributes, APR_NO_PIPE, APR_FULL_BLOCK, APR_NO_PIPE)) !=
            APR_SUCCESS ||
        (status = apr_procattr_cmdtype_set(attributes, APR_PROGRAM_ENV)) != APR_SUCCESS)
        return status;
    return apr_proc_create(child, arguments[0], (const char *const *)arguments, NULL, attributes,
                           p);
}

static apr_status_t put_an_end_to(apr_proc_t *child, apr_status_t status)
{
    apr_exit_why_e why;
    int code;

    apr_proc_kill(child, SIGKILL);
    apr_proc_wait(child, &code, &why, APR_WAIT);
    return status;
}

static apr_status_t read_until(apr_time_t deadline, apr_file_t *out, char *buffer, apr_size_t *have)
{
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && *have <= RS_SECRET_BYTES_MAX) {
        apr_size_t part = RS_SECRET_BYTES_MAX + 1 - *have;
        apr_interval_time_t left = deadline - apr_time_now();
        if (left <= 0)
            return APR_TIMEUP;
        apr_file_pipe_timeout_set(out, left);
        status = apr_file_read(out, buffer + *have, &part);
        *have += part;
    }
    if (*have > RS_SECRET_BYTES_MAX)
        return APR_ENOSPC;
    return APR_STATUS_IS_EOF(status) ? APR_SUCCESS : status;
}

static apr_status_t wait_until(apr_time_t deadline, apr_proc_t *child)
{
    apr_exit_why_e why = APR_PROC_EXIT;
    int code = 0;
    apr_status_t status;

    while ((status = apr_proc_wait(child, &code, &why, APR_NOWAIT)) == APR_CHILD_NOTDONE) {
        if (apr_time_now() >= deadline)
            return put_an_end_to(child, APR_TIMEUP);
        apr_sleep(WAIT_STEP);
    }
    if (status != APR_CHILD_DONE)
        return status;
    if (!APR_PROC_CHECK_EXIT(why))
        return SIGNALLED_BY + (code & 255);
    return code ? ENDED_WITH + (code & 255) : APR_SUCCESS;
}

apr_status_t rs_source_run(const char *command, apr_interval_time_t timeout, const char **bytes,
                           apr_size_t *len, apr_pool_t *p)
{
    char *buffer = apr_palloc(p, RS_SECRET_BYTES_MAX + 2);
    apr_size_t have = 0;
    apr_proc_t child = { 0 };
    /* One for reading and waiting: a command may neither drip nor stay behind its output. */
    apr_time_t deadline = apr_time_now() + timeout;
    apr_status_t status = start(&child, command, p);

    if (status != APR_SUCCESS)
        return status;
    status = read_until(deadline, child.out, buffer, &have);
    apr_file_close(child.out);
    if (status != APR_SUCCESS)
        return put_an_end_to(&child, status);
    status = wait_until(deadline, &child);
    return status == APR_SUCCESS ? take(bytes, len, buffer, have) : status;
}

apr_status_t rs_source_read(const rs_source_t *source, const char **bytes, apr_size_t *len,
                            apr_pool_t *p)
{
    apr_file_t *file;
    apr_status_t status;
    const char *value;

    switch (source->kind) {
    case RS_SOURCE_FILE:
        status = apr_file_open(&file, source->value, APR_FOPEN_READ, 0, p);
        if (status == APR_SUCCESS) {
            status = read_file(file, bytes, len, p);
            apr_file_close(file);
        }
        return status;
    case RS_SOURCE_ENV:
        value = getenv(source->value);
        if (!value || !*value)
            return APR_ENOENT;
        *bytes = apr_pstrdup(p, value);
        *len = strlen(value);
        return APR_SUCCESS;
    case RS_SOURCE_EXEC:
        return rs_source_run(source->value, RS_EXEC_TIMEOUT, bytes, len, p);
    }
    return APR_EINVAL;
}

static const char *command_failure(apr_status_t status, apr_pool_t *p)
{
    if (APR_STATUS_IS_TIMEUP(status))
        return apr_psprintf(p, "its command did not end within %d seconds",
                            (int)apr_time_sec(RS_EXEC_TIMEOUT));
    if (APR_STATUS_IS_EOF(status))
        return "its command wrote nothing";
    if (status >= ENDED_WITH && status < SIGNALLED_BY)
        return apr_psprintf(p, "its command ended with exit status %d", status - ENDED_WITH);
    if (status >= SIGNALLED_BY && status < SIGNALS_END)
        return apr_psprintf(p, "its command was ended by signal %d", status - SIGNALLED_BY);
    return NULL;
}

const char *rs_source_failure(const rs_source_t *source, apr_status_t status, apr_pool_t *p)
{
    const char *what = source->kind == RS_SOURCE_EXEC ? command_failure(status, p) : NULL;
    char reason[120];

    if (what)
        return what;
    if (status == APR_ENOSPC)
        return apr_psprintf(p, "it is larger than %d bytes", RS_SECRET_BYTES_MAX);
    if (APR_STATUS_IS_EOF(status))
        return "it is empty";
    if (source->kind == RS_SOURCE_ENV)
        return "the variable is not set, or empty";
    return apr_pstrdup(p, apr_strerror(status, reason, sizeof reason));
}
