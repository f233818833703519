/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The transport on libcurl.
 *
 * A pool of slots; a slot is one easy handle that keeps at most one live connection, and remembers
 * the route of it: origin, CA, client certificate, proxy, socket. A call takes the idle slot of its
 * own route, else an unused one, else the one idle longest, whose handle is then thrown away with
 * its connection and TLS sessions. So the connections of a process are bounded by the number of
 * slots, and that two peers never share one does not rest on libcurl's matching rules (which have
 * left parts of the TLS identity out before). */
#include "net/rs_http_curl.h"
#include "base/rs_clock.h"
#include "base/rs_limits.h"
#include "base/rs_url.h"
#include "net/rs_http_reply.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ENDING "this process ends"

typedef struct {
    CURL *easy;        /* NULL: not used yet */
    char *route;       /* malloc'ed; where the connection of easy leads */
    apr_uint64_t used; /* the turn of its last use */
    bool busy;
} slot_t;

typedef struct {
    rs_http_t base;
    const char *user_agent;
    pthread_mutex_t lock; /* guards all below, but not what is inside a busy slot */
    pthread_cond_t idle;
    apr_uint64_t turn;
    unsigned slot_count;
    slot_t *slots;
} curl_http_t;

/* One call while it is under way. */
typedef struct {
    const rs_http_request_t *request;
    const char *proxy; /* "": none */
    const char *user_agent;
    rs_http_t *http;
    rs_http_reply_t reply;
    apr_pool_t *p;
    char error[CURL_ERROR_SIZE];
} call_t;

/* ---- time ---- */

static struct timespec timespec_of(apr_time_t at)
{
    struct timespec spec;

    spec.tv_sec = apr_time_sec(at);
    spec.tv_nsec = apr_time_usec(at) * 1000;
    return spec;
}

/* libcurl takes 0 for "no limit": never say it. */
static long milliseconds(apr_interval_time_t interval)
{
    apr_interval_time_t ms = apr_time_as_msec(interval);

    if (ms < 1)
        return 1;
    return ms > APR_INT32_MAX ? APR_INT32_MAX : (long)ms;
}

/* ---- the request ---- */

/* Line breaks in a value would make more headers than the caller named. */
static bool is_header_text(const char *text)
{
    for (; *text; text++)
        if (apr_iscntrl(*text) && *text != '\t')
            return false;
    return true;
}

static bool append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool add_headers(struct curl_slist **list, const rs_http_request_t *request, apr_pool_t *p)
{
    const char *accept = request->accept ? request->accept : "application/json";
    unsigned i;

    if (!is_header_text(accept) || !append(list, apr_pstrcat(p, "Accept: ", accept, NULL)))
        return false;
    /* No compression, so that no small reply unpacks into a large one; and no waiting for a 100
     * (Continue). */
    if (!append(list, "Accept-Encoding: identity") || !append(list, "Expect:"))
        return false;
    for (i = 0; i < request->header_count; i++) {
        const rs_http_header_t *header = &request->headers[i];
        const char *between =
            *header->value ? ": " : ";"; /* libcurl's notation of an empty value */

        if (!is_header_text(header->name) || !is_header_text(header->value) ||
            !append(list, apr_pstrcat(p, header->name, between, header->value, NULL)))
            return false;
    }
    return true;
}

#if LIBCURL_VERSION_NUM >= 0x075500
static CURLcode restrict_schemes(CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
}
#else
static CURLcode restrict_schemes(CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
}
#endif

/* Else the end of a call waits for the system's resolver, which keeps no time of ours. */
#if LIBCURL_VERSION_NUM >= 0x075700
#define LEAVE_THE_RESOLVER { CURLOPT_QUICK_EXIT, 1 },
#else
#define LEAVE_THE_RESOLVER
#endif

/* What holds for every call. Each value that is libcurl's own default stands here because we rely
 * on it. */
static const struct {
    CURLoption option;
    long value;
} fixed_options[] = {
    { CURLOPT_NOSIGNAL, 1 },
    { CURLOPT_NOPROGRESS, 0 }, /* but ask whether we go on */
    LEAVE_THE_RESOLVER{ CURLOPT_FOLLOWLOCATION, 0 },
    { CURLOPT_MAXCONNECTS, 1 },
    { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
    { CURLOPT_HTTP09_ALLOWED, 0 },
    { CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
    { CURLOPT_NETRC, CURL_NETRC_IGNORED },
    { CURLOPT_SSL_VERIFYPEER, 1 },
    { CURLOPT_SSL_VERIFYHOST, 2 },
    { CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
    { CURLOPT_PROXY_SSL_VERIFYPEER, 1 },
    { CURLOPT_PROXY_SSL_VERIFYHOST, 2 },
    { CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
};

static CURLcode set_fixed(CURL *easy)
{
    CURLcode code = restrict_schemes(easy);
    unsigned i;

    for (i = 0; i < sizeof fixed_options / sizeof fixed_options[0] && code == CURLE_OK; i++)
        code = curl_easy_setopt(easy, fixed_options[i].option, fixed_options[i].value);
    return code;
}

static CURLcode set_texts(CURL *easy, const call_t *call)
{
    const rs_http_peer_t *peer = call->request->peer;
    const struct {
        CURLoption option;
        const char *text; /* NULL: left as it is */
    } texts[] = {
        { CURLOPT_URL, call->request->url },
        { CURLOPT_USERAGENT, call->user_agent },
        /* "" and not NULL: with NULL the environment's http_proxy and no_proxy are asked. */
        { CURLOPT_PROXY, call->proxy },
        { CURLOPT_NOPROXY, "" },
        { CURLOPT_UNIX_SOCKET_PATH, peer->unix_socket },
        { CURLOPT_SSLCERT, peer->client_cert },
        { CURLOPT_SSLKEY, peer->client_key },
        { CURLOPT_CAINFO, peer->ca_file },
        { CURLOPT_POSTFIELDS, call->request->form }, /* not copied */
    };
    struct curl_blob key = { (void *)peer->client_key_pem,
                             peer->client_key_pem ? strlen(peer->client_key_pem) : 0,
                             CURL_BLOB_NOCOPY };
    CURLcode code = CURLE_OK;
    unsigned i;

    /* The peer's own CA stands alone: without this line the system's folder is trusted besides. */
    if (peer->ca_file)
        code = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    for (i = 0; i < sizeof texts / sizeof texts[0] && code == CURLE_OK; i++)
        if (texts[i].text)
            code = curl_easy_setopt(easy, texts[i].option, texts[i].text);
    if (code == CURLE_OK && peer->client_key_pem)
        code = curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &key);
    return code;
}

static CURLcode set_bounds(CURL *easy, const rs_http_request_t *request, apr_interval_time_t left)
{
    const rs_http_peer_t *peer = request->peer;
    const struct {
        CURLoption option;
        long value;
    } times[] = {
        { CURLOPT_CONNECTTIMEOUT_MS,
          milliseconds(peer->connect_timeout < left ? peer->connect_timeout : left) },
        { CURLOPT_TIMEOUT_MS, milliseconds(left) },
    };
    CURLcode code =
        curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->body_bytes_max);
    unsigned i;

    for (i = 0; i < sizeof times / sizeof times[0] && code == CURLE_OK; i++)
        code = curl_easy_setopt(easy, times[i].option, times[i].value);
    return code;
}

/* libcurl asks once a second at least. */
static int on_progress(void *baton, curl_off_t to_come, curl_off_t came, curl_off_t to_go,
                       curl_off_t went)
{
    const rs_http_t *http = baton;

    (void)to_come, (void)came, (void)to_go, (void)went;
    return atomic_load(&http->ending);
}

static CURLcode set_sinks(CURL *easy, call_t *call, struct curl_slist *headers)
{
    const struct {
        CURLoption option;
        void *object;
    } objects[] = {
        { CURLOPT_HTTPHEADER, headers },      { CURLOPT_ERRORBUFFER, call->error },
        { CURLOPT_HEADERDATA, &call->reply }, { CURLOPT_WRITEDATA, &call->reply },
        { CURLOPT_XFERINFODATA, call->http },
    };
    CURLcode code = curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, rs_http_reply_header);
    unsigned i;

    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, rs_http_reply_body);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
    for (i = 0; i < sizeof objects / sizeof objects[0] && code == CURLE_OK; i++)
        code = curl_easy_setopt(easy, objects[i].option, objects[i].object);
    return code;
}

static CURLcode set_all(CURL *easy, call_t *call, struct curl_slist *headers,
                        apr_interval_time_t left)
{
    CURLcode code = set_fixed(easy);

    if (code == CURLE_OK)
        code = set_texts(easy, call);
    if (code == CURLE_OK)
        code = set_bounds(easy, call->request, left);
    if (code == CURLE_OK)
        code = set_sinks(easy, call, headers);
    return code;
}

/* ---- what a failure means ---- */

/* libcurl's own words are added only where they say what to mend and cannot quote a URL: some of
 * them do, with the credentials of a proxy. */
static const struct {
    CURLcode code;
    apr_status_t status;
    const char *sentence;
    bool detail;
} failures[] = {
    { CURLE_COULDNT_CONNECT, APR_ECONNREFUSED, "no connection", true },
    { CURLE_COULDNT_RESOLVE_HOST, APR_EGENERAL, "the name of its host cannot be resolved", false },
    { CURLE_COULDNT_RESOLVE_PROXY, APR_EGENERAL, "the name of the proxy cannot be resolved",
      false },
    { CURLE_PEER_FAILED_VERIFICATION, APR_EGENERAL, "its certificate is not trusted", true },
    { CURLE_SSL_CACERT_BADFILE, APR_EGENERAL, "the CA file cannot be used", true },
    { CURLE_SSL_CERTPROBLEM, APR_EGENERAL, "our client certificate or its key cannot be used",
      true },
    { CURLE_SSL_CONNECT_ERROR, APR_EGENERAL, "the TLS handshake failed", true },
    { CURLE_PARTIAL_FILE, APR_EGENERAL, "the reply broke off", false },
    { CURLE_GOT_NOTHING, APR_EGENERAL, "the connection was closed without a reply", false },
    { CURLE_RECV_ERROR, APR_EGENERAL, "the connection broke before the reply was complete", false },
    { CURLE_SEND_ERROR, APR_EGENERAL, "the connection broke while the request went out", false },
    { CURLE_WEIRD_SERVER_REPLY, APR_EGENERAL, "the reply is not HTTP", false },
    { CURLE_UNSUPPORTED_PROTOCOL, APR_EGENERAL, "the reply is not HTTP/1.1", false },
    { CURLE_OUT_OF_MEMORY, APR_EGENERAL, "no memory", false },
    { CURLE_ABORTED_BY_CALLBACK, APR_EINTR, ENDING, false },
    { CURLE_BAD_FUNCTION_ARGUMENT, APR_EGENERAL, "a header of the request holds a control byte",
      false },
};

static apr_status_t explain_timeout(CURL *easy, const rs_http_peer_t *peer, const char **why,
                                    apr_pool_t *p)
{
    curl_off_t sent = 0;

    curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
    if (sent)
        *why =
            apr_psprintf(p, "no complete reply within %ld ms", milliseconds(peer->total_timeout));
    else
        *why = apr_psprintf(p, "no connection within %ld ms", milliseconds(peer->connect_timeout));
    return APR_TIMEUP;
}

/* libcurl's own words, unless they quote a URL. */
static bool is_tellable(const char *detail)
{
    return *detail && !strchr(detail, '@') && !strstr(detail, "://");
}

static apr_status_t explain(CURL *easy, CURLcode code, const call_t *call, const char **why)
{
    unsigned i;

    if (call->reply.body_too_large || code == CURLE_FILESIZE_EXCEEDED) {
        *why = apr_psprintf(call->p, "the reply is larger than %" APR_SIZE_T_FMT " bytes",
                            call->request->body_bytes_max);
        return APR_ENOSPC;
    }
    if (call->reply.headers_too_large) {
        *why = apr_psprintf(call->p, "the reply has more than %d bytes of headers",
                            RS_HTTP_HEADERS_BYTES_MAX);
        return APR_EGENERAL;
    }
    if (code == CURLE_OPERATION_TIMEDOUT)
        return explain_timeout(easy, call->request->peer, why, call->p);
    for (i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (failures[i].code != code)
            continue;
        *why = failures[i].detail && is_tellable(call->error)
                   ? apr_psprintf(call->p, "%s (%s)", failures[i].sentence, call->error)
                   : failures[i].sentence;
        return failures[i].status;
    }
    *why = apr_psprintf(call->p, "libcurl: %s", curl_easy_strerror(code));
    return APR_EGENERAL;
}

/* ---- one call on one handle ---- */

static apr_status_t run(CURL *easy, call_t *call, apr_interval_time_t left, const char **why)
{
    struct curl_slist *headers = NULL;
    apr_status_t status = APR_SUCCESS;
    CURLcode code = CURLE_BAD_FUNCTION_ARGUMENT;
    long http_status = 0;

    rs_http_reply_begin(&call->reply, call->request->body_bytes_max, call->p);
    if (add_headers(&headers, call->request, call->p))
        code = set_all(easy, call, headers, left);
    if (code == CURLE_OK)
        code = curl_easy_perform(easy);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http_status);
    if (code == CURLE_OK && call->reply.in_headers) /* libcurl takes headers without an end */
        code = CURLE_PARTIAL_FILE;
    if (code != CURLE_OK)
        status = explain(easy, code, call, why);
    rs_http_reply_end(&call->reply, (int)http_status);
    /* The handle outlives this call's headers, form and buffers: it keeps its connection and
     * forgets all else. */
    curl_easy_reset(easy);
    curl_slist_free_all(headers);
    return status;
}

/* ---- the pool ---- */

/* This host is another one for the proxy, and plain http hides nothing on the way there. */
static const char *proxy_for(const rs_http_peer_t *peer, const rs_url_t *url)
{
    bool local = strcmp(url->scheme, "http") == 0 && rs_url_is_loopback(url);

    return peer->proxy && !local ? peer->proxy : "";
}

static const char *route_of(const rs_http_peer_t *peer, const rs_url_t *url, const char *proxy,
                            apr_pool_t *p)
{
    const char *parts[] = { peer->ca_file, peer->client_cert, peer->client_key, proxy,
                            peer->unix_socket };
    const char *route = url->origin;
    unsigned i;

    for (i = 0; i < sizeof parts / sizeof parts[0]; i++)
        route = apr_pstrcat(p, route, "\n", parts[i] ? parts[i] : "", NULL);
    return route;
}

/* How much a call likes to take this slot; 0: it is not to be had. */
static unsigned liking(const slot_t *slot, const char *route)
{
    if (slot->busy)
        return 0;
    if (!slot->easy)
        return 2;
    return strcmp(slot->route, route) == 0 ? 3 : 1;
}

/* Of its own route the one used last (the likeliest to be still open), of foreign ones the one idle
 * longest. */
static slot_t *best_slot(curl_http_t *http, const char *route)
{
    slot_t *best = NULL;
    unsigned liked = 0, i;

    for (i = 0; i < http->slot_count; i++) {
        slot_t *slot = &http->slots[i];
        unsigned likes = liking(slot, route);

        if (likes > liked ||
            (likes && likes == liked && (slot->used > best->used) == (likes == 3))) {
            best = slot;
            liked = likes;
        }
    }
    return best;
}

static slot_t *take_slot(curl_http_t *http, const char *route, apr_time_t deadline)
{
    struct timespec until = timespec_of(deadline);
    slot_t *slot;

    pthread_mutex_lock(&http->lock);
    while (!(slot = best_slot(http, route)))
        if (pthread_cond_timedwait(&http->idle, &http->lock, &until) != 0)
            break;
    if (!slot)
        slot = best_slot(http, route);
    if (slot)
        slot->busy = true;
    pthread_mutex_unlock(&http->lock);
    return slot;
}

static void give_slot(curl_http_t *http, slot_t *slot)
{
    pthread_mutex_lock(&http->lock);
    slot->busy = false;
    slot->used = ++http->turn;
    pthread_cond_signal(&http->idle);
    pthread_mutex_unlock(&http->lock);
}

static void empty_slot(slot_t *slot)
{
    if (slot->easy)
        curl_easy_cleanup(slot->easy);
    free(slot->route);
    slot->easy = NULL;
    slot->route = NULL;
}

/* Make the handle of a slot that we hold one for this route. */
static bool lead_slot(slot_t *slot, const char *route)
{
    if (slot->easy && strcmp(slot->route, route) == 0)
        return true;
    empty_slot(slot);
    slot->route = strdup(route);
    slot->easy = slot->route ? curl_easy_init() : NULL;
    if (!slot->easy)
        empty_slot(slot);
    return slot->easy != NULL;
}

static apr_status_t perform(rs_http_t *self, const rs_http_request_t *request,
                            rs_http_response_t **response, const char **why, apr_pool_t *p)
{
    curl_http_t *http = (curl_http_t *)self;
    apr_time_t deadline = rs_clock() + request->peer->total_timeout;
    const char *route, *proxy, *flaw;
    apr_interval_time_t left;
    apr_status_t status = APR_EGENERAL;
    rs_url_t url;
    slot_t *slot;
    call_t *call;

    if (atomic_load(&self->ending)) {
        *why = ENDING;
        return APR_EINTR;
    }
    if ((flaw = rs_url_parse(&url, request->url, p))) {
        *why = apr_pstrcat(p, "its URL ", flaw, NULL);
        return APR_EGENERAL;
    }
    proxy = proxy_for(request->peer, &url);
    route = route_of(request->peer, &url, proxy, p);
    slot = take_slot(http, route, deadline);
    if (!slot) {
        *why = apr_psprintf(p, "all %u connections of this process were busy for %ld ms",
                            http->slot_count, milliseconds(request->peer->total_timeout));
        return APR_EBUSY;
    }
    call = apr_pcalloc(p, sizeof *call);
    call->http = self;
    call->proxy = proxy;
    call->request = request;
    call->user_agent = http->user_agent;
    call->p = p;
    *why = "no memory";
    left = deadline - rs_clock();
    if (lead_slot(slot, route))
        status = run(slot->easy, call, left, why);
    give_slot(http, slot);
    /* Others took most of its time: that says nothing of who was asked. */
    if (APR_STATUS_IS_TIMEUP(status) && left < request->peer->total_timeout / 2)
        status = APR_EBUSY;
    if (status == APR_SUCCESS)
        *response = &call->reply.response;
    return status;
}

rs_http_curl_state_t rs_http_curl_state(rs_http_t *self)
{
    curl_http_t *http = (curl_http_t *)self;
    rs_http_curl_state_t state = { .max = http->slot_count };
    unsigned i;

    pthread_mutex_lock(&http->lock);
    for (i = 0; i < http->slot_count; i++) {
        state.busy += http->slots[i].busy;
        state.used += http->slots[i].used > 0;
    }
    pthread_mutex_unlock(&http->lock);
    return state;
}

/* ---- life ---- */

static apr_status_t destroy(void *baton)
{
    curl_http_t *http = baton;
    unsigned i;

    for (i = 0; i < http->slot_count; i++)
        empty_slot(&http->slots[i]);
    pthread_cond_destroy(&http->idle);
    pthread_mutex_destroy(&http->lock);
    return APR_SUCCESS;
}

/* libcurl counts its users (other modules of the process are among them) but older ones count
 * without a lock: one call for all our pools. Never undone, because nobody can know that the other
 * users have finished. */
static pthread_once_t curl_started = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT); /* when it fails, so does curl_easy_init() */
}

apr_status_t rs_http_curl_create(rs_http_t **http, unsigned handles_max, const char *user_agent,
                                 apr_pool_t *p)
{
    curl_http_t *made = apr_pcalloc(p, sizeof *made);
    pthread_condattr_t attributes;

    if (handles_max == 0)
        return APR_EINVAL;
    pthread_once(&curl_started, start_curl);
    made->base.perform = perform;
    made->user_agent = user_agent;
    made->slot_count = handles_max;
    made->slots = apr_pcalloc(p, handles_max * sizeof *made->slots);
    pthread_mutex_init(&made->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&made->idle, &attributes);
    pthread_condattr_destroy(&attributes);
    apr_pool_cleanup_register(p, made, destroy, apr_pool_cleanup_null);
    *http = &made->base;
    return APR_SUCCESS;
}
