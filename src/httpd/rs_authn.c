/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The route of a request from its headers to a verdict. */
#include "httpd/rs_authn.h"
#include "httpd/rs_answer.h"
#include "httpd/rs_needs.h"
#include "httpd/rs_take.h"

#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(oauth2_rs);

/* ---- whose tokens are good here ---- */

static bool is_among(const rs_provider_t *provider, rs_provider_t *const *providers, unsigned count)
{
    unsigned i;

    for (i = 0; i < count && providers[i] != provider; i++)
        ;
    return i < count;
}

/* The providers of this Location, in r->server; each once, however often it is named: it is one to
 * ask. NULL after a line in the log. */
static rs_provider_t *const *providers_here(request_rec *r, unsigned *count)
{
    const apr_array_header_t *slots = rs_server_config(r->server)->slots,
                             *use = rs_dir_config(r)->use;
    int named = use ? use->nelts : 1, i;
    rs_provider_t **providers = apr_palloc(r->pool, named * sizeof *providers);
    const char *where;

    if (!use && slots->nelts != 1) {
        if (rs_notice_ask(RS_NOTICE_UNNAMED, &where, r))
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                          "RS0631: %d providers are visible here and none is named: add "
                          "OAuth2RSUse NAME %s",
                          slots->nelts, where);
        return NULL;
    }
    *count = 0;
    for (i = 0; i < named; i++) {
        const char *name = use ? APR_ARRAY_IDX(use, i, const char *) : NULL;
        const rs_slot_t *slot =
            name ? rs_slot_find(r->server, name) : APR_ARRAY_IDX(slots, 0, rs_slot_t *);
        if (!slot || !slot->provider) {
            if (rs_notice_ask(RS_NOTICE_INVISIBLE, &where, r))
                ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                              "RS0632: OAuth2RSUse names the provider \"%s\", which is not "
                              "visible in this host %s",
                              name ? name : "?", where);
            return NULL;
        }
        if (!is_among(slot->provider, providers, *count))
            providers[(*count)++] = slot->provider;
    }
    return providers;
}

/* ---- a judgement that is there already ---- */

/* A subrequest or redirected request is judged with its origin: without a second call, as long as
 * the same issuer is good here and the result is fresh enough for this Location. */
static bool inherit(request_rec *r, rs_request_t *request, rs_provider_t *const *providers,
                    unsigned count, apr_interval_time_t ttl, apr_time_t now)
{
    const rs_request_t *origin = rs_request_judged(r);

    if (!origin || origin == request || !rs_verdict_is_accepted(&origin->verdict) ||
        !is_among(origin->by, providers, count))
        return false;
    if (ttl != RS_TTL_UNLIMITED && rs_verdict_until(&origin->verdict, ttl) <= now &&
        origin->verdict.decided_at < r->request_time)
        return false;
    request->presented = origin->presented;
    request->verdict = origin->verdict;
    request->by = origin->by;
    request->judged = true;
    return true;
}

/* ---- the answer ---- */

static int admit(request_rec *r, const rs_request_t *request)
{
    r->user = apr_pstrdup(r->pool, request->verdict.principal->user);
    r->ap_auth_type = (char *)RS_AUTH_TYPE;
    rs_answer_note(r, RS_TOKEN_ACCEPTED);
    ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                  "RS0633: accepted: token %s, user %s, client %s, provider %s",
                  request->presented.fingerprint, r->user,
                  request->verdict.principal->client ? request->verdict.principal->client : "-",
                  request->by ? rs_provider_spec(request->by)->name : "-");
    return OK;
}

static int refuse(request_rec *r, const rs_answer_t *answer, const char *detail)
{
    rs_event_t event = rs_request_event(r, rs_request(r), answer->outcome);

    /* What a client does wrong is no trouble of the server's: info. Absent tokens are the way
     * clients ask. */
    event.detail = detail;
    ap_log_rerror(APLOG_MARK, answer->outcome == RS_TOKEN_ABSENT ? APLOG_DEBUG : APLOG_INFO, 0, r,
                  "RS0634: %s", rs_event_text(&event, r->pool));
    return rs_answer(r, answer);
}

/* There is not one token that could be judged. */
static int refuse_taken(request_rec *r, rs_outcome_t outcome, rs_place_t place)
{
    static const char *const malformed[] = {
        [RS_PLACE_HEADER] = "The access token in the header field is malformed",
        [RS_PLACE_COOKIE] = "The access token in the cookie is malformed",
        [RS_PLACE_FORM] = "The form or the access token in it is malformed",
    };
    rs_answer_t answer = { .outcome = outcome };

    if (outcome == RS_TOKEN_ABSENT)
        answer.scope = rs_needs_of(rs_request(r)->lines, NULL, r).scope;
    if (outcome == RS_REQUEST_MALFORMED)
        answer.description = malformed[place];
    return refuse(r, &answer, answer.description);
}

static int refuse_plain(request_rec *r)
{
    rs_presented_t presented;
    rs_place_t place;
    rs_answer_t answer = { .outcome = RS_TRANSPORT_PLAIN };
    const char *where;

    if (rs_take(&presented, &place, r) == RS_TOKEN_ACCEPTED &&
        rs_notice_ask(RS_NOTICE_PLAIN, &where, r))
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "RS0635: token %s came over an unencrypted connection and must be considered "
                      "compromised; https is required here (OAuth2RSRequireHTTPS) %s",
                      presented.fingerprint, where);
    else
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r,
                      "RS0636: %s %s: https is required here (OAuth2RSRequireHTTPS)", r->method,
                      ap_escape_logitem(r->pool, r->uri));
    return rs_answer(r, &answer);
}

/* Whose inactive tokens are counted together: an address, of IPv6 the network that one customer
 * has. */
static const char *client_of(request_rec *r)
{
    /* A mapped IPv4 address is written as one. */
    if (r->useragent_addr && strchr(r->useragent_ip, ':') && r->useragent_addr->ipaddr_len == 16)
        return rs_hex(r->useragent_addr->ipaddr_ptr, 8, r->pool);
    return r->useragent_ip;
}

/* The client may be everybody: behind a proxy that nobody has told httpd about. */
static void tell_throttled(request_rec *r)
{
    const char *where;

    if (rs_notice_ask(RS_NOTICE_THROTTLED, &where, r))
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "RS0662: client %s brought more inactive tokens than OAuth2RSFailureLimit "
                      "allows: what it brings unseen gets 429; if everybody comes from that "
                      "address, configure mod_remoteip %s",
                      r->useragent_ip, where);
}

static int judge(request_rec *r, rs_request_t *request)
{
    const rs_dir_config_t *config = rs_dir_config(r);
    rs_question_t question = { .presented = &request->presented,
                               .client = client_of(r),
                               .ttl_positive = config->ttl_positive,
                               .ttl_negative = config->ttl_negative };
    apr_time_t now = apr_time_now();
    rs_answer_t answer = { .outcome = RS_SERVER_MISCONFIGURED };
    rs_outcome_t taken;
    rs_place_t place;

    question.providers = providers_here(r, &question.provider_count);
    if (!question.providers)
        return refuse(r, &answer, NULL);
    if (inherit(r, request, question.providers, question.provider_count, config->ttl_positive, now))
        return admit(r, request);
    taken = rs_take(&request->presented, &place, r);
    if (taken != RS_TOKEN_ACCEPTED)
        return refuse_taken(r, taken, place);
    /* A form may have taken its time. */
    request->verdict = rs_providers_judge(&question, &request->by, apr_time_now(), r->pool);
    request->judged = true;
    if (request->verdict.outcome == RS_CLIENT_THROTTLED)
        tell_throttled(r);
    if (rs_verdict_is_accepted(&request->verdict))
        return admit(r, request);
    answer.outcome = request->verdict.outcome;
    answer.retry_after = request->verdict.retry_after;
    return refuse(r, &answer, request->verdict.detail);
}

int rs_authn(request_rec *r)
{
    rs_request_t *request = rs_request(r);

    if (rs_dir_config(r)->require_https != 0 && !rs_transport_is_protected(r))
        return refuse_plain(r);
    if (request->judged && rs_verdict_is_accepted(&request->verdict))
        return admit(r, request);
    return judge(r, request);
}

int rs_authn_hook(request_rec *r)
{
    return rs_request_is_ours(r) ? rs_authn(r) : DECLINED;
}
