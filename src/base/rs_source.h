/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Where a secret or a key file comes from: file:PATH, env:NAME or exec:COMMAND. Never inline. */
#ifndef RS_SOURCE_H
#define RS_SOURCE_H

#include <apr_pools.h>
#include <apr_time.h>

typedef enum { RS_SOURCE_FILE, RS_SOURCE_ENV, RS_SOURCE_EXEC } rs_source_kind_t;

typedef struct {
    rs_source_kind_t kind;
    const char *value; /* path, variable name or command */
} rs_source_t;

/* Parse and check the words: a file must exist and be readable by us, and not by others; a variable
 * must be set; a command's program must exist. NULL is fine, else a sentence with the remedy. base
 * is the folder that relative paths are relative to. Runs nothing. */
const char *rs_source_check_secret(rs_source_t *source, const char *words, const char *base,
                                   apr_pool_t *p);

/* Likewise for a file of public keys, which others may read but not write. file: only. */
const char *rs_source_check_public(rs_source_t *source, const char *words, const char *base,
                                   apr_pool_t *p);

/* Read it; one trailing newline is taken off. *bytes lives as long as p and has a NUL behind it. At
 * most RS_SECRET_BYTES_MAX. exec: runs the command (for post_config's second pass), which is killed
 * when it has not ended after RS_EXEC_TIMEOUT. Any failure is one for rs_source_failure(). */
#define RS_EXEC_TIMEOUT apr_time_from_sec(10)
apr_status_t rs_source_read(const rs_source_t *source, const char **bytes, apr_size_t *len,
                            apr_pool_t *p);

/* What exec: does, with any time limit. APR_TIMEUP: it was killed. */
apr_status_t rs_source_run(const char *command, apr_interval_time_t timeout, const char **bytes,
                           apr_size_t *len, apr_pool_t *p);

/* What happened when reading it gave this status, to stand behind "cannot be read: ". */
const char *rs_source_failure(const rs_source_t *source, apr_status_t status, apr_pool_t *p);

#endif
