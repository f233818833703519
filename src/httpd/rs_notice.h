/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Lines at warning and above that a request can provoke: each at most once a minute for the whole
 * httpd, so that no client fills the log. */
#ifndef RS_NOTICE_H
#define RS_NOTICE_H

#include "base/rs_log.h"

#include <httpd.h>

typedef enum {
    RS_NOTICE_UNNAMED, /* several providers, and none named */
    RS_NOTICE_INVISIBLE,
    RS_NOTICE_PLAIN, /* a token over an unencrypted connection */
    RS_NOTICE_ARGUMENT,
    RS_NOTICE_EXPRESSION,
    RS_NOTICE_NEGATED,
    RS_NOTICE_THROTTLED,
    RS_NOTICE_COUNT
} rs_notice_t;

/* The state of all of them: atomic words in shared memory. */
typedef struct {
    rs_log_quiet_t quiet[RS_NOTICE_COUNT];
} rs_notices_t;

/* Before the fork. */
rs_notices_t *rs_notices_create(apr_pool_t *p);

/* True when the line may be written now. *where is what to put at its end: the host, the path, and
 * how many lines were kept back. */
bool rs_notice_ask(rs_notice_t notice, const char **where, request_rec *r);

#endif
