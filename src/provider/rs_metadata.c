/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Metadata: where to look, what to believe, how long to keep it. */
#include "provider/rs_metadata.h"
#include "provider/rs_document.h"
#include "base/rs_clock.h"
#include "base/rs_limits.h"
#include "base/rs_url.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>
#include <string.h>

#define RS_METADATA_AGE_MAX apr_time_from_sec(3600)
#define RS_METADATA_RETRY apr_time_from_sec(1)
/* While what is known serves, somebody waits in vain at each try. */
#define RS_METADATA_RETRY_KNOWN apr_time_from_sec(30)
#define FAILURE_BYTES 256

struct rs_metadata_t {
    const rs_provider_spec_t *spec;
    const rs_services_t *services;
    apr_thread_mutex_t *lock; /* guards what follows */
    apr_thread_cond_t *answered;
    bool known, asking;
    char jwks_uri[RS_URL_BYTES_MAX + 1];
    char introspection_endpoint[RS_URL_BYTES_MAX + 1];
    apr_time_t fetched_at, asked_at;
    char failure[FAILURE_BYTES]; /* why it could not be had the last time; "" before that */
};

/* local: the issuer itself is on this host. Else it names no door of this host: what listens there
 * over plain http is none of its business. */
static bool may_name(const char *url, bool local, apr_pool_t *p)
{
    rs_url_t parsed;

    if (rs_url_check_endpoint(url, p) || rs_url_parse(&parsed, url, p))
        return false;
    return local || strcmp(parsed.scheme, "https") == 0;
}

static const char *introspection_endpoint(const rs_json_t *json, bool mtls)
{
    static const char name[] = "introspection_endpoint";
    const char *alias = rs_json_string(rs_json_get(json, "mtls_endpoint_aliases"), name);

    return mtls && alias ? alias : rs_json_string(json, name);
}

apr_status_t rs_metadata_parse(rs_metadata_document_t *document, const char *text, apr_size_t len,
                               const rs_provider_spec_t *spec, const char **why, apr_pool_t *p)
{
    const char *issuer = spec->policy.issuer;
    bool mtls = spec->introspection.auth == RS_CLIENT_AUTH_TLS;
    const rs_json_t *json = rs_json_object(text, len, &rs_json_document_limits, why, p);
    const char *named, *url;
    rs_url_t from;
    bool local;

    if (!json)
        return APR_EINVAL;
    local = !rs_url_parse(&from, issuer, p) && rs_url_is_loopback(&from);
    named = rs_json_string(json, "issuer");
    if (!named || strcmp(named, issuer) != 0) {
        *why = "the metadata names another issuer than OAuth2RSIssuer";
        return APR_EINVAL;
    }
    memset(document, 0, sizeof *document);
    url = rs_json_string(json, "jwks_uri");
    if (url && may_name(url, local, p))
        document->jwks_uri = url;
    url = introspection_endpoint(json, mtls);
    if (url && may_name(url, local, p))
        document->introspection_endpoint = url;
    return APR_SUCCESS;
}

const char *const *rs_metadata_places(const char *issuer, apr_pool_t *p)
{
    static const char rfc8414[] = "/.well-known/oauth-authorization-server";
    static const char oidc[] = "/.well-known/openid-configuration";
    const char **places = apr_pcalloc(p, 5 * sizeof *places);
    rs_url_t url;
    const char *path;

    if (rs_url_parse(&url, issuer, p))
        return places;
    /* RFC 8414 3.1 and OpenID Connect Discovery 4: a terminating slash of the issuer is removed. */
    path = url.path;
    if (*path && path[strlen(path) - 1] == '/')
        path = apr_pstrndup(p, path, strlen(path) - 1);
    places[0] = apr_pstrcat(p, url.origin, rfc8414, path, NULL);
    places[1] = apr_pstrcat(p, url.origin, path, oidc, NULL);
    if (*path) {
        places[2] = apr_pstrcat(p, url.origin, path, rfc8414, NULL);
        places[3] = apr_pstrcat(p, url.origin, oidc, path, NULL);
    }
    return places;
}

apr_status_t rs_metadata_create(rs_metadata_t **metadata, const rs_provider_spec_t *spec,
                                const rs_services_t *services, apr_pool_t *p)
{
    rs_metadata_t *m = apr_pcalloc(p, sizeof *m);
    apr_status_t status = apr_thread_mutex_create(&m->lock, APR_THREAD_MUTEX_DEFAULT, p);

    if (status == APR_SUCCESS)
        status = apr_thread_cond_create(&m->answered, p);
    m->spec = spec;
    m->services = services;
    if (status == APR_SUCCESS)
        *metadata = m;
    return status;
}

/* All places together have the time of one call, until `end` of rs_clock(). */
static apr_status_t fetch_place(const rs_metadata_t *m, const char *place, apr_time_t end,
                                rs_http_response_t **response, const char **why, apr_pool_t *p)
{
    rs_http_peer_t peer = m->spec->peer;
    rs_http_request_t request = { .peer = &peer,
                                  .url = place,
                                  .body_bytes_max = RS_METADATA_BYTES_MAX };
    rs_http_t *http = m->services->http;
    apr_status_t status;

    if (!http) {
        *why = "this process has no HTTP client";
        return APR_EAGAIN;
    }
    peer.total_timeout = end - rs_clock();
    if (peer.total_timeout <= 0) {
        *why = "there was no time left for all well-known places";
        return APR_TIMEUP;
    }
    status = http->perform(http, &request, response, why, p);
    if (status != APR_SUCCESS)
        return status;
    switch ((*response)->status) {
    case 200:
        return APR_SUCCESS;
    case 400:
    case 401:
    case 404:
    case 405:
        *why = "no metadata there";
        return APR_NOTFOUND;
    default:
        *why = apr_psprintf(p, "answered with status %d", (*response)->status);
        return APR_EGENERAL;
    }
}

/* While it is looked for. */
typedef struct {
    apr_time_t now;
    apr_time_t end; /* of rs_clock() */
} search_t;

static apr_status_t read_place(const rs_metadata_t *m, const char *place, const search_t *search,
                               rs_metadata_document_t *document, const char **why, apr_pool_t *p)
{
    apr_time_t now = search->now;
    rs_http_response_t *response;
    rs_document_place_t at = { place, RS_METADATA_AGE_MAX, m->spec, m->services };
    rs_document_t shared;
    apr_status_t status;

    if (rs_document_find(&shared, &at, m->fetched_at, now, p) &&
        rs_metadata_parse(document, shared.text, shared.len, m->spec, why, p) == APR_SUCCESS) {
        document->fetched_at = shared.fetched_at;
        return APR_SUCCESS;
    }
    status = fetch_place(m, place, search->end, &response, why, p);
    if (status == APR_SUCCESS)
        status = rs_metadata_parse(document, response->body, response->body_len, m->spec, why, p);
    if (status != APR_SUCCESS)
        return status;
    shared.text = response->body;
    shared.len = response->body_len;
    shared.fetched_at = document->fetched_at = now;
    shared.fresh = -1;
    rs_document_share(&shared, &at, now, p);
    return APR_SUCCESS;
}

static apr_status_t read_file(const rs_metadata_t *m, rs_metadata_document_t *document,
                              const char **why, apr_pool_t *p)
{
    rs_source_t source = { RS_SOURCE_FILE, m->spec->metadata.file };
    const char *text;
    apr_size_t len;

    if (rs_source_read(&source, &text, &len, p) != APR_SUCCESS) {
        *why = "the metadata file cannot be read";
        return APR_EGENERAL;
    }
    return rs_metadata_parse(document, text, len, m->spec, why, p);
}

/* Only a place that has nothing leads to the next: trouble at the first one is trouble of the
 * issuer. */
static apr_status_t discover(const rs_metadata_t *m, rs_metadata_document_t *document,
                             const char **why, apr_time_t now, apr_pool_t *p)
{
    const rs_metadata_spec_t *spec = &m->spec->metadata;
    const search_t search = { now, rs_clock() + m->spec->peer.total_timeout };
    const char *const *place;
    apr_status_t status = APR_NOTFOUND;

    if (spec->file) {
        status = read_file(m, document, why, p);
        document->fetched_at = now;
        return status;
    }
    if (spec->url)
        return read_place(m, spec->url, &search, document, why, p);
    *why = "no metadata at any well-known place";
    for (place = rs_metadata_places(m->spec->policy.issuer, p); *place; place++) {
        status = read_place(m, *place, &search, document, why, p);
        if (status != APR_NOTFOUND && status != APR_EINVAL)
            break;
    }
    return status;
}

static void keep(rs_metadata_t *m, const rs_metadata_document_t *document)
{
    apr_cpystrn(m->jwks_uri, document->jwks_uri ? document->jwks_uri : "", sizeof m->jwks_uri);
    apr_cpystrn(m->introspection_endpoint,
                document->introspection_endpoint ? document->introspection_endpoint : "",
                sizeof m->introspection_endpoint);
    m->known = true;
    m->fetched_at = document->fetched_at;
}

static void copy_out(const rs_metadata_t *m, rs_metadata_document_t *document, apr_pool_t *p)
{
    document->jwks_uri = *m->jwks_uri ? apr_pstrdup(p, m->jwks_uri) : NULL;
    document->introspection_endpoint =
        *m->introspection_endpoint ? apr_pstrdup(p, m->introspection_endpoint) : NULL;
}

/* Is it time to ask (again)? Behind a clock that was set back it is. */
static bool is_due(const rs_metadata_t *m, apr_time_t now)
{
    apr_interval_time_t pause = m->known ? RS_METADATA_RETRY_KNOWN : RS_METADATA_RETRY;
    apr_interval_time_t since = now - m->asked_at;

    if (m->known && now - m->fetched_at <= RS_METADATA_AGE_MAX &&
        now >= m->fetched_at - RS_CLOCK_SKEW_MAX)
        return false;
    return since >= pause || since < -RS_CLOCK_SKEW_MAX;
}

/* With the lock held: until who asks has an answer. */
static void wait_for_answer(rs_metadata_t *m)
{
    apr_time_t end = rs_clock() + m->spec->peer.total_timeout;

    while (m->asking) {
        apr_interval_time_t left = end - rs_clock();
        if (left <= 0)
            return;
        (void)apr_thread_cond_timedwait(m->answered, m->lock, left);
    }
}

/* Ask, without the lock; what comes of it is kept. */
static apr_status_t ask(rs_metadata_t *m, apr_time_t now, const char **why, apr_pool_t *p)
{
    rs_metadata_document_t found;
    rs_moment_t moment = rs_moment_at(now);
    apr_status_t status = discover(m, &found, why, now, p);

    apr_thread_mutex_lock(m->lock);
    if (status == APR_SUCCESS)
        keep(m, &found);
    else
        apr_cpystrn(m->failure, *why, sizeof m->failure);
    m->asked_at = rs_moment_now(&moment);
    m->asking = false;
    apr_thread_cond_broadcast(m->answered);
    apr_thread_mutex_unlock(m->lock);
    return status;
}

apr_status_t rs_metadata_get(rs_metadata_t *m, rs_metadata_document_t *document, apr_time_t now,
                             const char **why, apr_pool_t *p)
{
    apr_status_t status = APR_EAGAIN;
    bool first;

    if (m->spec->metadata.off) {
        *why = "OAuth2RSMetadata is off";
        return APR_NOTFOUND;
    }
    *why = "no reason is known";
    apr_thread_mutex_lock(m->lock);
    first = !m->asking && is_due(m, now);
    m->asking = m->asking || first;
    if (first) {
        apr_thread_mutex_unlock(m->lock);
        status = ask(m, now, why, p);
        apr_thread_mutex_lock(m->lock);
    }
    else if (!m->known)
        wait_for_answer(m);
    if (m->known) {
        copy_out(m, document, p);
        status = APR_SUCCESS;
    }
    else if (!first)
        *why = apr_pstrcat(p, "the issuer's metadata could not be had a moment ago: ",
                           *m->failure ? m->failure : "no answer yet", NULL);
    apr_thread_mutex_unlock(m->lock);
    return status;
}
