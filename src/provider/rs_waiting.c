/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Who waits for an issuer. */
#include "provider/rs_waiting.h"
#include "base/rs_clock.h"
#include "base/rs_shared.h"

/* Who has a seat for longer waits for a slow issuer. How long the seats have been taken is the one
 * measure of slowness that all see without telling each other. A Redis in trouble takes its share
 * of that time (a claim: OAuth2RSRedisTimeout) and must not be taken for a slow issuer. */
#define QUICK_MAX apr_time_from_msec(750)
#define STANDING_POLL apr_time_from_msec(5)
#define CROWDED_RETRY_AFTER apr_time_from_sec(1)

struct rs_waiting_t {
    const rs_provider_spec_t *spec;
    const rs_log_t *log;
    rs_log_quiet_t *crowded; /* of all processes */
    rs_seats_t *seats;       /* of this process, or of all: see rs_services_t */
};

apr_interval_time_t rs_waiting_time_max(const rs_provider_spec_t *spec)
{
    return 2 * spec->peer.total_timeout;
}

rs_waiting_t *rs_waiting_create(const rs_provider_spec_t *spec, const rs_services_t *services,
                                apr_pool_t *p)
{
    rs_waiting_t *made = apr_pcalloc(p, sizeof *made);
    unsigned own = spec->introspection.waiting_max, count = own ? own : services->waiting_max;
    apr_size_t bytes = rs_seats_bytes(count);

    made->spec = spec;
    made->log = services->log;
    made->crowded = rs_shared_memory(sizeof *made->crowded, p);
    made->seats = services->one_thread ? rs_shared_memory(bytes, p) : apr_pcalloc(p, bytes);
    /* For a flight, for a claim, and for a call of our own; or for that and for keys twice. */
    rs_seats_init(made->seats, count, 3 * rs_waiting_time_max(spec));
    return made;
}

bool rs_waiting_sit(rs_waiting_t *waiting, rs_seat_t *seat, apr_time_t now)
{
    return seat->until || !waiting->seats->count || rs_seats_take(waiting->seats, seat, now);
}

/* Most of the seats were taken a short while ago. */
static bool is_quick(const rs_waiting_t *waiting, apr_time_t now)
{
    return rs_seats_taken(waiting->seats, QUICK_MAX, now) <= waiting->seats->count / 2;
}

bool rs_waiting_stand(rs_waiting_t *waiting, rs_seat_t *seat, apr_time_t *now)
{
    rs_moment_t moment = rs_moment_at(*now);

    while (!rs_waiting_sit(waiting, seat, *now)) {
        if (*now - moment.began >= RS_STANDING_MAX || !is_quick(waiting, *now))
            return false;
        apr_sleep(STANDING_POLL);
        *now = rs_moment_now(&moment);
    }
    return true;
}

apr_interval_time_t rs_waiting_patience(rs_waiting_t *waiting, rs_seat_t *seat,
                                        apr_interval_time_t longest, apr_time_t now)
{
    if (rs_waiting_sit(waiting, seat, now))
        return longest;
    if (!is_quick(waiting, now))
        return 0;
    return longest < RS_STANDING_MAX ? longest : RS_STANDING_MAX;
}

void rs_waiting_rise(rs_waiting_t *waiting, rs_seat_t *seat)
{
    rs_seats_give(waiting->seats, seat);
}

unsigned rs_waiting_count(const rs_waiting_t *waiting, apr_time_t now)
{
    return rs_seats_taken(waiting->seats, 0, now);
}

rs_verdict_t rs_waiting_crowded(rs_waiting_t *waiting, apr_time_t now)
{
    apr_uint32_t kept_back;

    if (rs_log_quiet_ask(waiting->crowded, now, &kept_back))
        rs_log(waiting->log, RS_LOG_WARNING,
               "RS0523: provider %s: %u threads wait for the issuer, which is the limit "
               "(OAuth2RSMaxWaiting); further tokens that are not cached get 503 (%u more since "
               "the last line)",
               waiting->spec->name, waiting->seats->count, kept_back);
    return rs_undecided("too many threads wait for the issuer already", CROWDED_RETRY_AFTER, now);
}
