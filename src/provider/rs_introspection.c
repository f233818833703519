/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The introspection verifier. */
#include "provider/rs_introspection.h"
#include "base/rs_breaker.h"
#include "base/rs_clock.h"
#include "base/rs_limits.h"
#include "base/rs_shared.h"
#include "provider/rs_introspection_kind.h"
#include "provider/rs_signed_reply.h"

#include <apr_date.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>

#define RETRY_AFTER_DEFAULT apr_time_from_sec(1)
/* However long an issuer wants to be left alone, requests are not refused longer than that on its
 * word. */
#define RETRY_AFTER_MAX apr_time_from_sec(60)
/* What all processes have in common: an issuer that is down is down for all of them. */
typedef struct {
    rs_breaker_t breaker;
    _Atomic apr_int64_t left_alone_until; /* its Retry-After */
    _Atomic apr_uint64_t calls, undecided, failures;
    rs_log_quiet_t trouble;
} shared_t;

struct rs_introspection_t {
    const rs_provider_spec_t *spec;
    rs_introspection_parts_t parts;
    const rs_services_t *services;
    rs_client_auth_t auth;
    rs_http_peer_t peer;
    shared_t *shared;
};

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
    *introspection = made;
    return rs_client_auth_create(&made->auth, spec, why, p);
}

void rs_introspection_forget(rs_introspection_t *introspection)
{
    rs_client_auth_forget(&introspection->auth);
}

/* How long the issuer still wants to be left alone; 0: not. Longer than it can have said: the clock
 * was set back. */
static apr_interval_time_t left_alone_for(const shared_t *shared, apr_time_t now)
{
    apr_interval_time_t left = atomic_load(&shared->left_alone_until) - now;

    return left > 0 && left <= RETRY_AFTER_MAX + RS_CLOCK_SKEW_MAX ? left : 0;
}

rs_introspection_state_t rs_introspection_state(const rs_introspection_t *introspection,
                                                apr_time_t now)
{
    const shared_t *shared = introspection->shared;
    apr_interval_time_t left_alone = left_alone_for(shared, now);
    rs_introspection_state_t state = { .open = rs_breaker_is_open(&shared->breaker),
                                       .wait = rs_breaker_wait(&shared->breaker, now),
                                       .calls = atomic_load(&shared->calls),
                                       .undecided = atomic_load(&shared->undecided),
                                       .failures = atomic_load(&shared->failures) };

    if (left_alone > state.wait)
        state.wait = left_alone;
    return state;
}

/* ---- the reply ---- */

/* What became of a call, and what that says about the issuer. */
typedef enum {
    CALL_ANSWERED,
    CALL_FAILED,     /* it does not work */
    CALL_ABOUT_US,   /* it works; it does not accept us */
    CALL_LATER,      /* it works; it wants to be left alone */
    CALL_UNREADABLE, /* it works; we do not understand it, which what stands in a token may bring
                        about */
    CALL_NOT_MADE,   /* nothing: nobody was asked for this request */
} call_result_t;

typedef struct {
    call_result_t result;
    const char *why;
    apr_interval_time_t retry_after;
    rs_verdict_t verdict;
} call_t;

/* RFC 9110 10.2.3: seconds, or a date. */
static apr_interval_time_t retry_after_of(const rs_http_response_t *response, apr_time_t now)
{
    const char *text = response->retry_after ? response->retry_after : "";
    apr_int64_t seconds = apr_atoi64(text);
    apr_time_t date = apr_isdigit(*text) ? APR_DATE_BAD : apr_date_parse_http(text);

    if (date != APR_DATE_BAD)
        seconds = apr_time_sec(date - now + APR_USEC_PER_SEC - 1);
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

/* A question while it is asked. */
typedef struct {
    rs_introspection_t *self;
    const rs_presented_t *presented;
    rs_seat_t *seat;
    rs_moment_t time;
    apr_pool_t *p;
} visit_t;

static call_t unreadable(const char *why)
{
    return failed(CALL_UNREADABLE, why, RETRY_AFTER_DEFAULT);
}

static call_t read_claims(const visit_t *visit, const rs_json_t *reply)
{
    const rs_introspection_t *self = visit->self;
    apr_time_t now = visit->time.began;
    apr_pool_t *p = visit->p;
    rs_evidence_t evidence = { .reply = true };
    call_t call = { .result = CALL_ANSWERED };
    const char *why = NULL;
    const rs_json_t *json =
        rs_introspection_translate(self->spec->introspection.kind, reply, &why, now, p);
    rs_claims_t claims;

    if (!json)
        return unreadable(why);
    if (rs_json_get(json, "active") && !rs_json_true(rs_json_get(json, "active")))
        return refused("the issuer says that it is not active", now);
    claims = rs_claims_from_json(json, p);
    evidence.claims = &claims;
    call.verdict = rs_policy_judge(&self->spec->policy, &evidence, now, p);
    call.verdict.introspected = true;
    return call;
}

static call_t read_signed(const visit_t *visit, const rs_http_response_t *response)
{
    const rs_introspection_t *self = visit->self;
    rs_signed_reply_t reply = { { self->spec, self->parts.keys, visit->seat },
                                self->parts.decryption,
                                visit->time.began,
                                rs_moment_now(&visit->time) };
    const char *why = NULL;
    const rs_json_t *json =
        strcmp(response->content_type, RS_SIGNED_REPLY_TYPE) == 0
            ? rs_signed_reply_open(&reply, response->body, response->body_len, &why, visit->p)
            : NULL;

    if (!json && !why)
        why = "it is not of the type " RS_SIGNED_REPLY_TYPE
              " that OAuth2RSIntrospectionResponse jwt demands";
    return json ? read_claims(visit, json)
                : unreadable(apr_pstrcat(visit->p, "its reply is not taken: ", why, NULL));
}

static call_t read_answer(const visit_t *visit, const rs_http_response_t *response)
{
    const char *why = NULL;
    const rs_json_t *json;

    if (visit->self->spec->introspection.signed_reply)
        return read_signed(visit, response);
    json = rs_json_object(response->body, response->body_len, &rs_json_document_limits, &why,
                          visit->p);
    return json ? read_claims(visit, json)
                : unreadable(
                      apr_psprintf(visit->p, "its reply is no JSON object: %s", why ? why : "?"));
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

/* A 503 without a time is an outage like any other 5xx: of a gateway, as a rule. */
static bool wants_to_be_left_alone(const rs_http_response_t *response)
{
    return response->status == 429 || (response->status == 503 && response->retry_after);
}

static call_t read_response(const visit_t *visit, const rs_http_response_t *response)
{
    apr_pool_t *p = visit->p;
    const char *refusal;

    if (response->status == 200)
        return read_answer(visit, response);
    if (wants_to_be_left_alone(response))
        return failed(
            CALL_LATER,
            apr_psprintf(p, "it asks to be left alone for a while (status %d)", response->status),
            retry_after_of(response, rs_moment_now(&visit->time)));
    refusal = rs_introspection_refusal(&visit->self->spec->introspection, response, p);
    if (refusal)
        return refused(refusal, visit->time.began);
    if (response->status / 100 == 4)
        return read_complaint(response, p);
    return failed(CALL_FAILED,
                  apr_psprintf(p, "it answers with status %d%s", response->status,
                               response->status / 100 == 3 ? "; redirects are not followed" : ""),
                  RETRY_AFTER_DEFAULT);
}

/* ---- the call ---- */

/* As perform() of rs_http_t; APR_EAGAIN: nobody was asked for this request. */
static apr_status_t find_endpoint(const visit_t *visit, const char **endpoint, const char **why)
{
    const rs_introspection_t *self = visit->self;
    rs_metadata_document_t document;
    apr_status_t status;

    *endpoint = self->spec->introspection.url;
    if (*endpoint)
        return APR_SUCCESS;
    status = rs_metadata_get(self->parts.metadata, &document, visit->time.began, why, visit->p);
    if (status != APR_SUCCESS)
        return status;
    *endpoint = document.introspection_endpoint;
    if (*endpoint)
        return APR_SUCCESS;
    *why = "its metadata names no acceptable introspection_endpoint: add OAuth2RSIntrospection URL";
    return APR_EAGAIN;
}

/* When the transport brings no reply. One failed call is one failure, however many requests wanted
 * what it should have brought. */
static call_result_t result_of(apr_status_t status)
{
    if (status == APR_EBUSY || status == APR_EAGAIN || status == APR_EINTR)
        return CALL_NOT_MADE;
    return status == APR_ENOSPC ? CALL_UNREADABLE : CALL_FAILED;
}

static call_t perform(const visit_t *visit, const char *endpoint)
{
    rs_introspection_t *self = visit->self;
    rs_asking_t asking = { &self->spec->introspection, &self->auth, visit->presented, endpoint,
                           visit->time.began };
    rs_http_request_t request = { .peer = &self->peer,
                                  .url = endpoint,
                                  .body_bytes_max = RS_INTROSPECTION_BYTES_MAX };
    rs_http_response_t *response;
    const char *why = NULL;
    apr_status_t status;

    rs_introspection_compose(&asking, &request, visit->p);
    if (!self->services->http)
        return failed(CALL_NOT_MADE, "this process has no HTTP client", RETRY_AFTER_DEFAULT);
    status =
        self->services->http->perform(self->services->http, &request, &response, &why, visit->p);
    return status == APR_SUCCESS ? read_response(visit, response)
                                 : failed(result_of(status), why, RETRY_AFTER_DEFAULT);
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
 * about. now: when the call was over. */
static void note_result(rs_introspection_t *self, const call_t *call, apr_time_t now)
{
    shared_t *shared = self->shared;

    if (call->result != CALL_NOT_MADE)
        atomic_fetch_add(&shared->calls, 1);
    if (call->result != CALL_ANSWERED)
        atomic_fetch_add(&shared->undecided, 1);
    switch (call->result) {
    case CALL_LATER:
        atomic_store(&shared->left_alone_until, now + call->retry_after);
        (void)rs_breaker_succeeded(&shared->breaker);
        break;
    case CALL_ANSWERED:
    case CALL_ABOUT_US:
    case CALL_UNREADABLE:
        (void)rs_breaker_succeeded(&shared->breaker);
        break;
    case CALL_FAILED:
        atomic_fetch_add(&shared->failures, 1);
        (void)rs_breaker_failed(&shared->breaker, now);
        break;
    case CALL_NOT_MADE:
        break;
    }
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

static call_t ask(const visit_t *visit)
{
    rs_introspection_t *self = visit->self;
    const char *endpoint, *why = NULL;
    apr_status_t status = find_endpoint(visit, &endpoint, &why);
    call_t call = status == APR_SUCCESS ? perform(visit, endpoint)
                                        : failed(result_of(status), why, RETRY_AFTER_DEFAULT);
    apr_time_t over = rs_moment_now(&visit->time);

    note_result(self, &call, over);
    tell(self, written_endpoint(self, endpoint, visit->p), &call, over);
    return call;
}

/* Before a call: is there a reason not to make it? NULL: none. */
static const char *reason_to_wait(rs_introspection_t *self, apr_interval_time_t *wait,
                                  apr_time_t now)
{
    *wait = left_alone_for(self->shared, now);
    if (*wait > 0)
        return "the issuer asked to be left alone for a while";
    if (rs_breaker_allows(&self->shared->breaker, now))
        return NULL;
    *wait = rs_breaker_wait(&self->shared->breaker, now);
    return "the issuer does not answer; it is asked again later";
}

rs_verdict_t rs_introspection_ask(rs_introspection_t *self, const rs_presented_t *presented,
                                  rs_seat_t *seat, bool *unreachable, apr_time_t now, apr_pool_t *p)
{
    visit_t visit = { self, presented, seat, rs_moment_at(now), p };
    apr_interval_time_t wait = 0;
    const char *reason = reason_to_wait(self, &wait, now);
    call_t call;

    *unreachable = true;
    if (reason)
        return rs_undecided(reason, wait, now);
    call = ask(&visit);
    *unreachable = call.result != CALL_ANSWERED && call.result != CALL_ABOUT_US;
    return call.result == CALL_ANSWERED ? call.verdict
                                        : rs_undecided(call.why, call.retry_after, now);
}
