/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The introspection verifier. */
#include "provider/rs_introspection.h"
#include "base/rs_breaker.h"
#include "base/rs_limits.h"
#include "base/rs_shared.h"
#include "provider/rs_introspection_kind.h"
#include "provider/rs_signed_reply.h"

#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>

#define RETRY_AFTER_DEFAULT apr_time_from_sec(1)
/* However long an issuer wants to be left alone, requests are not refused longer than that on its
 * word. */
#define RETRY_AFTER_MAX apr_time_from_sec(60)
/* Who has a seat for longer waits for a slow issuer. */
#define QUICK_MAX apr_time_from_msec(250)
#define STANDING_POLL apr_time_from_msec(5)

/* What all processes have in common: an issuer that is down is down for all of them. */
typedef struct {
    rs_breaker_t breaker;
    _Atomic apr_int64_t left_alone_until; /* its Retry-After */
    _Atomic apr_uint64_t calls, failures;
    rs_log_quiet_t trouble, crowded;
} shared_t;

struct rs_introspection_t {
    const rs_provider_spec_t *spec;
    rs_introspection_parts_t parts;
    const rs_services_t *services;
    rs_client_auth_t auth;
    rs_http_peer_t peer;
    shared_t *shared;
    rs_seats_t *seats; /* for those who wait; of this process, or of all: see rs_services_t */
};

apr_interval_time_t rs_introspection_time_max(const rs_provider_spec_t *spec)
{
    return 2 * spec->peer.total_timeout; /* metadata, then the endpoint */
}

static rs_seats_t *make_seats(const rs_provider_spec_t *spec, const rs_services_t *services,
                              apr_pool_t *p)
{
    unsigned own = spec->introspection.waiting_max, count = own ? own : services->waiting_max;
    apr_size_t bytes = rs_seats_bytes(count);
    rs_seats_t *seats = services->one_thread ? rs_shared_memory(bytes, p) : apr_pcalloc(p, bytes);

    /* For a flight, for a claim, and for a call of our own. */
    rs_seats_init(seats, count, 3 * rs_introspection_time_max(spec));
    return seats;
}

apr_status_t rs_introspection_create(rs_introspection_t **introspection,
                                     const rs_provider_spec_t *spec,
                                     const rs_introspection_parts_t *parts, const char **why,
                                     apr_pool_t *p)
{
    rs_introspection_t *made = apr_pcalloc(p, sizeof *made);

    made->spec = spec;
    made->parts = *parts;
    made->services = parts->services;
    made->peer = spec->peer;
    if (spec->introspection.unix_socket) {
        made->peer.unix_socket = spec->introspection.unix_socket;
        made->peer.proxy = NULL;
    }
    made->shared = rs_shared_memory(sizeof *made->shared, p);
    rs_breaker_init(&made->shared->breaker, spec->introspection.breaker_failures,
                    spec->introspection.breaker_open);
    made->seats = make_seats(spec, parts->services, p);
    *introspection = made;
    return rs_client_auth_create(&made->auth, spec, why, p);
}

void rs_introspection_forget(rs_introspection_t *introspection)
{
    rs_client_auth_forget(&introspection->auth);
}

rs_introspection_state_t rs_introspection_state(const rs_introspection_t *introspection,
                                                apr_time_t now)
{
    const shared_t *shared = introspection->shared;
    apr_int64_t until = atomic_load(&shared->left_alone_until);
    rs_introspection_state_t state = { .open = rs_breaker_is_open(&shared->breaker),
                                       .wait = rs_breaker_wait(&shared->breaker, now),
                                       .waiting = rs_seats_taken(introspection->seats, 0, now),
                                       .calls = atomic_load(&shared->calls),
                                       .failures = atomic_load(&shared->failures) };

    if (until - now > state.wait)
        state.wait = until - now;
    return state;
}

/* ---- those who wait ---- */

bool rs_introspection_sit(rs_introspection_t *introspection, rs_seat_t *seat, apr_time_t now)
{
    seat->until = 0;
    return !introspection->seats->count || rs_seats_take(introspection->seats, seat, now);
}

/* Most of the seats were taken a short while ago. */
static bool is_quick(const rs_introspection_t *introspection, apr_time_t now)
{
    const rs_seats_t *seats = introspection->seats;

    return rs_seats_taken(seats, QUICK_MAX, now) <= seats->count / 2;
}

bool rs_introspection_stand(rs_introspection_t *introspection, rs_seat_t *seat, apr_time_t *now)
{
    apr_time_t end = *now + RS_STANDING_MAX;

    while (!rs_introspection_sit(introspection, seat, *now)) {
        if (*now >= end || !is_quick(introspection, *now))
            return false;
        apr_sleep(STANDING_POLL);
        *now += STANDING_POLL;
    }
    return true;
}

void rs_introspection_rise(rs_introspection_t *introspection, rs_seat_t *seat)
{
    rs_seats_give(introspection->seats, seat);
}

rs_verdict_t rs_introspection_crowded(rs_introspection_t *self, apr_time_t now)
{
    apr_uint32_t kept_back;

    if (rs_log_quiet_ask(&self->shared->crowded, now, &kept_back))
        rs_log(self->services->log, RS_LOG_WARNING,
               "RS0523: provider %s: %u threads wait for the issuer, which is the limit "
               "(OAuth2RSMaxWaiting); further tokens that are not cached get 503 (%u more since "
               "the last line)",
               self->spec->name, self->seats->count, kept_back);
    return rs_undecided("too many threads wait for the issuer already", RETRY_AFTER_DEFAULT, now);
}

/* ---- the reply ---- */

/* What became of a call. `about_us`: the issuer works; it does not accept us. */
typedef enum { CALL_ANSWERED, CALL_FAILED, CALL_ABOUT_US, CALL_LATER } call_result_t;

typedef struct {
    call_result_t result;
    const char *why;
    apr_interval_time_t retry_after;
    rs_verdict_t verdict;
} call_t;

static apr_interval_time_t retry_after_of(const rs_http_response_t *response)
{
    apr_int64_t seconds = response->retry_after ? apr_atoi64(response->retry_after) : 0;

    if (seconds <= 0)
        return RETRY_AFTER_DEFAULT;
    return seconds > apr_time_sec(RETRY_AFTER_MAX) ? RETRY_AFTER_MAX : apr_time_from_sec(seconds);
}

static call_t failed(call_result_t result, const char *why, apr_interval_time_t retry_after)
{
    call_t call = { .result = result, .why = why, .retry_after = retry_after };

    return call;
}

static call_t refused(const char *detail, apr_time_t now)
{
    call_t call = { .result = CALL_ANSWERED, .verdict = rs_refuse(RS_TOKEN_INACTIVE, detail, now) };

    call.verdict.introspected = true;
    return call;
}

static call_t read_claims(const rs_introspection_t *self, const rs_json_t *reply, apr_time_t now,
                          apr_pool_t *p)
{
    rs_evidence_t evidence = { .reply = true };
    call_t call = { .result = CALL_ANSWERED };
    const char *why = NULL;
    const rs_json_t *json =
        rs_introspection_translate(self->spec->introspection.kind, reply, &why, now, p);
    rs_claims_t claims;

    if (!json)
        return failed(CALL_FAILED, why, RETRY_AFTER_DEFAULT);
    if (rs_json_get(json, "active") && !rs_json_true(rs_json_get(json, "active")))
        return refused("the issuer says that it is not active", now);
    claims = rs_claims_from_json(json, p);
    evidence.claims = &claims;
    call.verdict = rs_policy_judge(&self->spec->policy, &evidence, now, p);
    call.verdict.introspected = true;
    return call;
}

static call_t read_signed(const rs_introspection_t *self, const rs_http_response_t *response,
                          apr_time_t now, apr_pool_t *p)
{
    rs_signed_reply_t reply = { self->spec, self->parts.keys, self->parts.decryption };
    const char *why = NULL;
    const rs_json_t *json =
        strcmp(response->content_type, RS_SIGNED_REPLY_TYPE) == 0
            ? rs_signed_reply_open(&reply, response->body, response->body_len, &why, now, p)
            : NULL;

    if (!json && !why)
        why = "it is not of the type " RS_SIGNED_REPLY_TYPE
              " that OAuth2RSIntrospectionResponse jwt demands";
    return json ? read_claims(self, json, now, p)
                : failed(CALL_FAILED, apr_pstrcat(p, "its reply is not taken: ", why, NULL),
                         RETRY_AFTER_DEFAULT);
}

static call_t read_answer(const rs_introspection_t *self, const rs_http_response_t *response,
                          apr_time_t now, apr_pool_t *p)
{
    const char *why = NULL;
    const rs_json_t *json;

    if (self->spec->introspection.signed_reply)
        return read_signed(self, response, now, p);
    json = rs_json_object(response->body, response->body_len, &rs_json_document_limits, &why, p);
    if (!json)
        return failed(CALL_FAILED,
                      apr_psprintf(p, "its reply is no JSON object: %s", why ? why : "?"),
                      RETRY_AFTER_DEFAULT);
    return read_claims(self, json, now, p);
}

static bool is_about_credentials(const rs_http_response_t *response, apr_pool_t *p)
{
    const char *error = rs_json_string(
        rs_json_object(response->body, response->body_len, &rs_json_document_limits, NULL, p),
        "error");

    return error &&
           (strcmp(error, "invalid_client") == 0 || strcmp(error, "unauthorized_client") == 0);
}

/* A reply that speaks about us: it says nothing of the issuer's health, so that no client can open
 * the breaker with it. */
static call_t read_complaint(const rs_http_response_t *response, apr_pool_t *p)
{
    const char *remedy = "";

    if (response->status == 401 || response->status == 403)
        remedy = ", so it does not accept our credentials: check OAuth2RSClient and "
                 "OAuth2RSClientAuth";
    else if (response->status == 400 && is_about_credentials(response, p))
        remedy = ", invalid_client: check OAuth2RSClient and OAuth2RSClientAuth";
    else if (response->status == 400 || response->status == 404 || response->status == 405)
        remedy = ": is OAuth2RSIntrospection the right address?";
    return failed(CALL_ABOUT_US,
                  apr_psprintf(p, "it answers with status %d%s", response->status, remedy),
                  RETRY_AFTER_DEFAULT);
}

static call_t read_response(const rs_introspection_t *self, const rs_http_response_t *response,
                            apr_time_t now, apr_pool_t *p)
{
    const char *refusal;

    if (response->status == 200)
        return read_answer(self, response, now, p);
    if (response->status == 429 || response->status == 503)
        return failed(
            CALL_LATER,
            apr_psprintf(p, "it asks to be left alone for a while (status %d)", response->status),
            retry_after_of(response));
    refusal = rs_introspection_refusal(self->spec->introspection.kind, response, p);
    if (refusal)
        return refused(refusal, now);
    if (response->status / 100 == 4)
        return read_complaint(response, p);
    return failed(CALL_FAILED,
                  apr_psprintf(p, "it answers with status %d%s", response->status,
                               response->status / 100 == 3 ? "; redirects are not followed" : ""),
                  RETRY_AFTER_DEFAULT);
}

/* ---- the call ---- */

static const char *find_endpoint(const rs_introspection_t *self, const char **why, apr_time_t now,
                                 apr_pool_t *p)
{
    rs_metadata_document_t document;

    if (self->spec->introspection.url)
        return self->spec->introspection.url;
    if (rs_metadata_get(self->parts.metadata, &document, now, why, p) != APR_SUCCESS)
        return NULL;
    if (!document.introspection_endpoint)
        *why = "its metadata names no acceptable introspection_endpoint: add OAuth2RSIntrospection "
               "URL";
    return document.introspection_endpoint;
}

static call_t perform(rs_introspection_t *self, const char *endpoint,
                      const rs_presented_t *presented, apr_time_t now, apr_pool_t *p)
{
    rs_asking_t asking = { &self->spec->introspection, &self->auth, presented, endpoint, now };
    rs_http_request_t request = { .peer = &self->peer,
                                  .url = endpoint,
                                  .body_bytes_max = RS_INTROSPECTION_BYTES_MAX };
    rs_http_response_t *response;
    const char *why = NULL;

    rs_introspection_compose(&asking, &request, p);
    if (!self->services->http)
        return failed(CALL_FAILED, "this process has no HTTP client", RETRY_AFTER_DEFAULT);
    if (self->services->http->perform(self->services->http, &request, &response, &why, p) !=
        APR_SUCCESS)
        return failed(CALL_FAILED, why, RETRY_AFTER_DEFAULT);
    return read_response(self, response, now, p);
}

static void tell(rs_introspection_t *self, const char *endpoint, const call_t *call, apr_time_t now)
{
    apr_uint32_t kept_back;

    if (call->result == CALL_ANSWERED) {
        if (rs_log_quiet_over(&self->shared->trouble))
            rs_log(self->services->log, RS_LOG_NOTICE,
                   "RS0522: provider %s: introspection at %s works again", self->spec->name,
                   endpoint);
    }
    else if (rs_log_quiet_ask(&self->shared->trouble, now, &kept_back))
        rs_log(self->services->log, RS_LOG_WARNING,
               "RS0521: provider %s: introspection at %s: %s; tokens that are not cached get 503 "
               "(%u more failures since "
               "the last line)",
               self->spec->name, endpoint, call->why ? call->why : "no reason is known", kept_back);
}

/* Only what the issuer does, or cannot do, moves its breaker: nothing that a client can bring
 * about. */
static void note_result(rs_introspection_t *self, const call_t *call, apr_time_t now)
{
    atomic_fetch_add(&self->shared->calls, 1);
    if (call->result == CALL_FAILED) {
        atomic_fetch_add(&self->shared->failures, 1);
        (void)rs_breaker_failed(&self->shared->breaker, now);
    }
    else
        (void)rs_breaker_succeeded(&self->shared->breaker);
    if (call->result == CALL_LATER)
        atomic_store(&self->shared->left_alone_until, now + call->retry_after);
}

/* As it is written, for the log. */
static const char *written_endpoint(const rs_introspection_t *self, const char *endpoint,
                                    apr_pool_t *p)
{
    const char *path = self->spec->introspection.unix_socket;

    if (!endpoint)
        return self->spec->policy.issuer;
    return path ? apr_pstrcat(p, "unix:", path, "|", endpoint, NULL) : endpoint;
}

static call_t ask(rs_introspection_t *self, const rs_presented_t *presented, apr_time_t now,
                  apr_pool_t *p)
{
    const char *why = NULL, *endpoint = find_endpoint(self, &why, now, p);
    call_t call = endpoint ? perform(self, endpoint, presented, now, p)
                           : failed(CALL_FAILED, why, RETRY_AFTER_DEFAULT);

    note_result(self, &call, now);
    tell(self, written_endpoint(self, endpoint, p), &call, now);
    return call;
}

/* Before a call: is there a reason not to make it? NULL: none. */
static const char *reason_to_wait(rs_introspection_t *self, apr_interval_time_t *wait,
                                  apr_time_t now)
{
    apr_int64_t until = atomic_load(&self->shared->left_alone_until);

    if (until > now) {
        *wait = until - now;
        return "the issuer asked to be left alone for a while";
    }
    if (!rs_breaker_allows(&self->shared->breaker, now)) {
        *wait = rs_breaker_wait(&self->shared->breaker, now);
        return "the issuer does not answer; it is asked again later";
    }
    return NULL;
}

rs_verdict_t rs_introspection_ask(rs_introspection_t *self, const rs_presented_t *presented,
                                  bool *unreachable, apr_time_t now, apr_pool_t *p)
{
    apr_interval_time_t wait = 0;
    const char *reason = reason_to_wait(self, &wait, now);
    call_t call;

    *unreachable = true;
    if (reason)
        return rs_undecided(reason, wait, now);
    call = ask(self, presented, now, p);
    *unreachable = call.result == CALL_FAILED || call.result == CALL_LATER;
    return call.result == CALL_ANSWERED ? call.verdict
                                        : rs_undecided(call.why, call.retry_after, now);
}
