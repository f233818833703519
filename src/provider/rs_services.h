/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* All of the outside world a provider gets, handed in by the module or a test. */
#ifndef RS_SERVICES_H
#define RS_SERVICES_H

#include "base/rs_budget.h"
#include "base/rs_log.h"
#include "cache/rs_cache.h"
#include "cache/rs_marks.h"
#include "net/rs_http.h"

typedef struct {
    rs_http_t *http;
    rs_cache_t *cache;
    rs_marks_t *marks; /* of revocation; NULL: none are heard of */
    bool deaf;         /* none can be heard of, and they are required: nothing is accepted */
    const rs_log_t *log;
    apr_status_t (*random)(unsigned char *bytes, apr_size_t len);
    rs_budget_t *failures; /* introspections that end inactive, by client; NULL: no limit */
    unsigned waiting_max;  /* threads that may wait for one issuer; 0: no limit */
    bool one_thread; /* a process has one thread: those who wait are counted across processes */
} rs_services_t;

#endif
