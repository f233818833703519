/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* One question for all threads. */
#include "cache/rs_redis_inquiry.h"
#include "base/rs_clock.h"

#define ASK_AGAIN apr_time_from_sec(1)

bool rs_redis_inquiry_begin(rs_redis_inquiry_t *inquiry)
{
    apr_time_t now = rs_clock();

    if (inquiry->asking || (inquiry->known && !inquiry->doubted) ||
        (inquiry->asked_at && now - inquiry->asked_at < ASK_AGAIN))
        return false;
    inquiry->asked_at = now;
    inquiry->asking = true;
    return true;
}

void rs_redis_inquiry_end(rs_redis_inquiry_t *inquiry, bool answered)
{
    inquiry->asking = false;
    if (!answered)
        return;
    inquiry->known = true;
    inquiry->doubted = false;
}
