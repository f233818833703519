/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The transport on libcurl against scripted servers on loopback. */
#include "base/rs_limits.h"
#include "net/rs_http_curl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_time.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_server.h"
#include "test_pki.h"

#define AGENT "mod_oauth2_rs-test"
#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

typedef struct {
    apr_pool_t *p;
    rs_http_t *http;
    rs_http_peer_t peer;
    rs_http_request_t request;
    rs_http_response_t *response;
    const char *why;
} fixture_t;

static void use_handles(fixture_t *f, unsigned handles_max)
{
    assert_int_equal(rs_http_curl_create(&f->http, handles_max, AGENT, f->p), APR_SUCCESS);
}

static int set_up(void **state)
{
    fixture_t *f = calloc(1, sizeof *f);

    apr_pool_create(&f->p, NULL);
    use_handles(f, 2);
    f->peer.connect_timeout = apr_time_from_sec(2);
    f->peer.total_timeout = apr_time_from_sec(5);
    f->request.peer = &f->peer;
    f->request.body_bytes_max = 1024;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture_t *f = *state;

    apr_pool_destroy(f->p);
    free(f);
    return 0;
}

static const char *url_of(fixture_t *f, http_server_t *server, const char *scheme)
{
    return apr_psprintf(f->p, "%s://127.0.0.1:%d/introspect?a=b", scheme, http_server_port(server));
}

static apr_status_t call(fixture_t *f)
{
    f->response = NULL;
    f->why = NULL;
    return f->http->perform(f->http, &f->request, &f->response, &f->why, f->p);
}

/* Serve one connection by the script, ask it once. */
static apr_status_t call_script(fixture_t *f, http_script_fn *script, const void *baton)
{
    http_server_t *server = http_server_start(script, baton, NULL, NULL);
    apr_status_t status;

    f->request.url = url_of(f, server, "http");
    status = call(f);
    http_server_stop(server);
    return status;
}

/* ---- scripts ---- */

static void answer_always(http_stream_t *stream, const void *reply)
{
    while (http_stream_read(stream) && http_stream_say(stream, reply ? reply : OK_REPLY))
        ;
}

static void answer_once(http_stream_t *stream, const void *reply)
{
    if (http_stream_read(stream))
        http_stream_say(stream, reply ? reply : OK_REPLY);
}

static void say_nothing(http_stream_t *stream, const void *baton)
{
    (void)baton;
    while (http_stream_read(stream))
        ;
}

/* The body is the request. */
static void echo(http_stream_t *stream, const void *baton)
{
    char head[100];

    (void)baton;
    while (http_stream_read(stream)) {
        apr_snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
                     (int)strlen(stream->request));
        if (!http_stream_say(stream, head) || !http_stream_say(stream, stream->request))
            return;
    }
}

/* ---- good replies ---- */

static const char nul_reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na\0b\0c";

static void answer_with_nuls(http_stream_t *stream, const void *baton)
{
    (void)baton;
    if (http_stream_read(stream))
        http_stream_write(stream, nul_reply, sizeof nul_reply - 1);
}

static void reply_is_handed_over_whole(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(
        call_script(f, answer_once,
                    "HTTP/1.1 429 Slow down\r\ncontent-type:  Application/JSON ;charset=utf-8 \r\n"
                    "Cache-Control: private\r\nAGE: 7\r\nRetry-After: 12\r\n"
                    "Cache-Control: max-age=60\r\nContent-Length: 15\r\n\r\n{\"active\":true}"),
        APR_SUCCESS);
    assert_int_equal(f->response->status, 429);
    assert_string_equal(f->response->content_type, "application/json");
    assert_string_equal(f->response->cache_control, "private, max-age=60");
    assert_string_equal(f->response->age, "7");
    assert_string_equal(f->response->retry_after, "12");
    assert_string_equal(f->response->body, "{\"active\":true}");
    assert_int_equal(f->response->body_len, 15);
}

static void absent_headers_are_null_and_an_absent_type_is_empty(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(call_script(f, answer_once, "HTTP/1.1 204 No\r\nRetry-After:\r\n\r\n"),
                     APR_SUCCESS);
    assert_int_equal(f->response->status, 204);
    assert_string_equal(f->response->content_type, "");
    assert_null(f->response->cache_control);
    assert_null(f->response->age);
    assert_null(f->response->retry_after);
    assert_string_equal(f->response->body, "");
    assert_int_equal(f->response->body_len, 0);
}

static void nul_bytes_in_the_body_count(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(call_script(f, answer_with_nuls, NULL), APR_SUCCESS);
    assert_int_equal(f->response->body_len, 5);
    assert_memory_equal(f->response->body, "a\0b\0c", 6);
}

static void interim_replies_and_trailers_are_not_the_reply(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(
        call_script(f, answer_once,
                    "HTTP/1.1 100 Continue\r\nAge: 1\r\n\r\n"
                    "HTTP/1.1 103 Early Hints\r\nContent-Type: text/plain\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Type: application/jwt\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nRetry-After: 9\r\n\r\n"),
        APR_SUCCESS);
    assert_int_equal(f->response->status, 200);
    assert_string_equal(f->response->content_type, "application/jwt");
    assert_null(f->response->age);
    assert_null(f->response->retry_after);
    assert_string_equal(f->response->body, "{}");
}

static void reply_that_ends_with_the_connection_is_complete(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(call_script(f, answer_once, "HTTP/1.1 200 OK\r\n\r\n{\"a\":1}"), APR_SUCCESS);
    assert_string_equal(f->response->body, "{\"a\":1}");
}

static void overlong_header_value_counts_as_absent(void **state)
{
    fixture_t *f = *state;
    char *value = apr_palloc(f->p, RS_HTTP_HEADER_BYTES_MAX + 2);

    memset(value, 'x', RS_HTTP_HEADER_BYTES_MAX + 1);
    value[RS_HTTP_HEADER_BYTES_MAX + 1] = '\0';
    assert_int_equal(
        call_script(f, answer_once,
                    apr_pstrcat(f->p, "HTTP/1.1 200 OK\r\nAge: ", value + 1,
                                "\r\nRetry-After: ", value, "\r\nContent-Length: 0\r\n\r\n", NULL)),
        APR_SUCCESS);
    assert_int_equal(strlen(f->response->age), RS_HTTP_HEADER_BYTES_MAX);
    assert_null(f->response->retry_after);
}

static void compressed_body_stays_as_it_came(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(
        call_script(f, answer_once,
                    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz"),
        APR_SUCCESS);
    assert_string_equal(f->response->body, "zzzz");
}

static void redirect_is_not_followed(void **state)
{
    fixture_t *f = *state;
    http_server_t *other = http_server_start(answer_always, NULL, NULL, NULL);

    assert_int_equal(
        call_script(f, answer_once,
                    apr_psprintf(f->p,
                                 "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/\r\n"
                                 "Content-Length: 0\r\n\r\n",
                                 http_server_port(other))),
        APR_SUCCESS);
    assert_int_equal(f->response->status, 302);
    assert_int_equal(http_server_accepted(other), 0);
    http_server_stop(other);
}

/* ---- what is sent ---- */

static bool body_has(fixture_t *f, const char *text)
{
    return strcasestr(f->response->body, text) != NULL;
}

static void form_is_posted_without_waiting_and_without_compression(void **state)
{
    fixture_t *f = *state;
    const rs_http_header_t headers[] = { { "Authorization", "Basic eDp5" }, { "X-Empty", "" } };
    char *form = apr_pcalloc(f->p, 3001);

    memset(form, 'a', 3000);
    f->request.form = form;
    f->request.headers = headers;
    f->request.header_count = 2;
    f->request.accept = "application/token-introspection+jwt";
    f->request.body_bytes_max = 8192;
    assert_int_equal(call_script(f, echo, NULL), APR_SUCCESS);
    assert_memory_equal(f->response->body, "POST /introspect?a=b HTTP/1.1\r\n", 31);
    assert_true(body_has(f, "\r\nAuthorization: Basic eDp5\r\n"));
    assert_true(body_has(f, "\r\nX-Empty:\r\n"));
    assert_true(body_has(f, "\r\nAccept: application/token-introspection+jwt\r\n"));
    assert_true(body_has(f, "\r\nAccept-Encoding: identity\r\n"));
    assert_true(body_has(f, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_true(body_has(f, "\r\nUser-Agent: " AGENT "\r\n"));
    assert_true(body_has(f, form));
    assert_false(body_has(f, "\r\nExpect:"));
}

static void nothing_of_a_call_is_left_in_the_next(void **state)
{
    fixture_t *f = *state;
    const rs_http_header_t header = { "Authorization", "Basic eDp5" };
    http_server_t *server = http_server_start(echo, NULL, NULL, NULL);

    use_handles(f, 1);
    f->request.url = url_of(f, server, "http");
    f->request.form = "token=secret";
    f->request.headers = &header;
    f->request.header_count = 1;
    assert_int_equal(call(f), APR_SUCCESS);
    f->request.form = NULL;
    f->request.header_count = 0;
    assert_int_equal(call(f), APR_SUCCESS);
    assert_int_equal(http_server_accepted(server), 1);
    assert_memory_equal(f->response->body, "GET /introspect?a=b HTTP/1.1\r\n", 30);
    assert_true(body_has(f, "\r\nAccept: application/json\r\n"));
    assert_false(body_has(f, "Authorization"));
    assert_false(body_has(f, "Content-"));
    assert_false(body_has(f, "secret"));
    http_server_stop(server);
}

static void header_with_a_line_break_is_refused_before_connecting(void **state)
{
    fixture_t *f = *state;
    const rs_http_header_t header = { "X", "a\r\nHost: other" };
    http_server_t *server = http_server_start(answer_always, NULL, NULL, NULL);

    f->request.url = url_of(f, server, "http");
    f->request.headers = &header;
    f->request.header_count = 1;
    assert_int_equal(call(f), APR_EGENERAL);
    assert_string_equal(f->why, "a header of the request holds a control byte");
    assert_int_equal(http_server_accepted(server), 0);
    http_server_stop(server);
}

static void other_schemes_and_userinfo_are_refused(void **state)
{
    static const char *const urls[] = { "ftp://127.0.0.1/", "file:///etc/passwd",
                                        "http://user:hunter2@127.0.0.1:1/", "nonsense", "" };
    fixture_t *f = *state;
    unsigned i;

    for (i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        f->request.url = urls[i];
        assert_int_equal(call(f), APR_EGENERAL);
        assert_non_null(f->why);
        assert_null(strstr(f->why, "hunter2"));
    }
}

static void unix_socket_is_used(void **state)
{
    fixture_t *f = *state;
    char path[] = "/tmp/rs-test-http-XXXXXX";
    http_server_t *server;

    close(mkstemp(path));
    unlink(path);
    server = http_server_start(answer_always, NULL, NULL, path);
    f->peer.unix_socket = path;
    f->request.url = "http://localhost/introspect";
    assert_int_equal(call(f), APR_SUCCESS);
    assert_string_equal(f->response->body, "{}");
    http_server_stop(server);
    unlink(path);
}

static void proxy_is_the_configured_one_and_never_the_environments(void **state)
{
    fixture_t *f = *state;
    http_server_t *server = http_server_start(answer_always, NULL, NULL, NULL);
    http_server_t *proxy = http_server_start(echo, NULL, NULL, NULL);
    const char *proxy_url = apr_psprintf(f->p, "http://127.0.0.1:%d", http_server_port(proxy));

    f->request.url = url_of(f, server, "http");
    setenv("http_proxy", proxy_url, 1);
    setenv("ALL_PROXY", proxy_url, 1);
    setenv("no_proxy", "127.0.0.1,localhost", 1);
    assert_int_equal(call(f), APR_SUCCESS);
    assert_int_equal(http_server_accepted(proxy), 0);
    f->peer.proxy = proxy_url;
    /* Towards this host there is none: the token would leave it in the clear. */
    assert_int_equal(call(f), APR_SUCCESS);
    assert_int_equal(http_server_accepted(proxy), 0);
    f->request.url = "http://issuer.example/introspect";
    assert_int_equal(call(f), APR_SUCCESS);
    assert_int_equal(http_server_accepted(proxy), 1);
    assert_true(body_has(f, apr_pstrcat(f->p, "GET ", f->request.url, NULL)));
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    unsetenv("no_proxy");
    http_server_stop(proxy);
    http_server_stop(server);
}

static void why_never_tells_the_credentials_of_the_proxy(void **state)
{
    static const char *const proxies[] = { "bogus://user:hunter2@127.0.0.1:1",
                                           "http://user:hunter2@127.0.0.1:1",
                                           "http://user:hunter2@[127.0.0.1:1",
                                           "http://user:hunter2@no-such-host.invalid:1",
                                           "socks5://user:hunter2@127.0.0.1:1" };
    fixture_t *f = *state;
    unsigned i;

    f->request.url = "https://127.0.0.1:1/";
    for (i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
        f->peer.proxy = proxies[i];
        assert_int_not_equal(call(f), APR_SUCCESS);
        assert_non_null(f->why);
        assert_null(strstr(f->why, "hunter2"));
    }
}

/* ---- connections ---- */

static void calls_one_after_another_share_a_connection(void **state)
{
    fixture_t *f = *state;
    http_server_t *server = http_server_start(answer_always, NULL, NULL, NULL);
    unsigned i;

    use_handles(f, 8);
    f->request.url = url_of(f, server, "http");
    for (i = 0; i < 20; i++) {
        f->request.form = i % 2 ? "token=x" : NULL;
        assert_int_equal(call(f), APR_SUCCESS);
    }
    assert_int_equal(http_server_requests(server), 20);
    assert_int_equal(http_server_accepted(server), 1);
    http_server_stop(server);
}

static void two_issuers_by_turns_keep_a_connection_each(void **state)
{
    fixture_t *f = *state;
    http_server_t *a = http_server_start(answer_always, NULL, NULL, NULL);
    http_server_t *b = http_server_start(answer_always, NULL, NULL, NULL);
    unsigned i;

    for (i = 0; i < 10; i++) {
        f->request.url = url_of(f, i % 2 ? a : b, "http");
        assert_int_equal(call(f), APR_SUCCESS);
    }
    assert_int_equal(http_server_accepted(a), 1);
    assert_int_equal(http_server_accepted(b), 1);
    http_server_stop(a);
    http_server_stop(b);
}

static void connection_that_the_server_closed_is_replaced(void **state)
{
    fixture_t *f = *state;
    http_server_t *server = http_server_start(answer_once, NULL, NULL, NULL);
    unsigned i;

    f->request.url = url_of(f, server, "http");
    for (i = 0; i < 6; i++) {
        f->request.form = i % 2 ? "token=x" : NULL;
        assert_int_equal(call(f), APR_SUCCESS);
        usleep(20000);
    }
    assert_int_equal(http_server_requests(server), 6);
    http_server_stop(server);
}

/* The second request of a connection meets its end. */
static void answer_once_then_cut(http_stream_t *stream, const void *baton)
{
    answer_once(stream, baton);
    http_stream_read(stream);
}

static void request_that_meets_a_closing_connection_is_sent_again(void **state)
{
    fixture_t *f = *state;
    http_server_t *server = http_server_start(answer_once_then_cut, NULL, NULL, NULL);

    f->request.url = url_of(f, server, "http");
    f->request.form = "token=x";
    assert_int_equal(call(f), APR_SUCCESS);
    assert_int_equal(call(f), APR_SUCCESS);
    assert_int_equal(http_server_accepted(server), 2);
    assert_int_equal(http_server_requests(server), 3);
    http_server_stop(server);
}

static void cut_without_answer(http_stream_t *stream, const void *baton)
{
    (void)baton;
    http_stream_read(stream);
}

static void server_that_always_hangs_up_is_asked_once(void **state)
{
    fixture_t *f = *state;
    http_server_t *server = http_server_start(cut_without_answer, NULL, NULL, NULL);

    f->request.url = url_of(f, server, "http");
    assert_int_equal(call(f), APR_EGENERAL);
    assert_string_equal(f->why, "the connection was closed without a reply");
    assert_int_equal(http_server_requests(server), 1);
    http_server_stop(server);
}

typedef struct {
    fixture_t *f;
    rs_http_peer_t peer;
    rs_http_request_t request;
    unsigned calls, failed;
    apr_status_t status;
    const char *why;
    pthread_t thread;
} caller_t;

static void *call_many(void *baton)
{
    caller_t *caller = baton;
    unsigned i;

    for (i = 0; i < caller->calls; i++) {
        rs_http_response_t *response = NULL;
        apr_pool_t *p;

        apr_pool_create(&p, NULL);
        caller->status =
            caller->f->http->perform(caller->f->http, &caller->request, &response, &caller->why, p);
        if (caller->status != APR_SUCCESS || response->body_len != 2)
            caller->failed++;
        apr_pool_destroy(p);
    }
    return NULL;
}

static void start_caller(caller_t *caller, fixture_t *f, unsigned calls)
{
    memset(caller, 0, sizeof *caller);
    caller->f = f;
    caller->peer = f->peer;
    caller->request = f->request;
    caller->request.peer = &caller->peer;
    caller->calls = calls;
    assert_int_equal(pthread_create(&caller->thread, NULL, call_many, caller), 0);
}

static void many_threads_share_few_connections(void **state)
{
    enum { THREADS = 12, CALLS = 50, HANDLES = 3 };
    fixture_t *f = *state;
    http_server_t *a = http_server_start(answer_always, NULL, NULL, NULL);
    http_server_t *b = http_server_start(answer_once, NULL, NULL, NULL);
    caller_t callers[THREADS];
    unsigned i;

    use_handles(f, HANDLES);
    f->peer.total_timeout = apr_time_from_sec(60);
    for (i = 0; i < THREADS; i++) {
        f->request.url = url_of(f, i % 3 ? a : b, "http");
        start_caller(&callers[i], f, CALLS);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].failed, 0);
    }
    assert_int_equal(http_server_requests(a) + http_server_requests(b), THREADS * CALLS);
    assert_true(http_server_open_most(a) <= HANDLES + 1); /* one may be closing as the next opens */
    http_server_stop(a);
    http_server_stop(b);
}

static void many_threads_of_one_issuer_open_one_connection_for_each_handle(void **state)
{
    enum { THREADS = 8, CALLS = 60, HANDLES = 4 };
    fixture_t *f = *state;
    http_server_t *server = http_server_start(answer_always, NULL, NULL, NULL);
    caller_t callers[THREADS];
    unsigned i;

    use_handles(f, HANDLES);
    f->peer.total_timeout = apr_time_from_sec(60);
    f->request.url = url_of(f, server, "http");
    for (i = 0; i < THREADS; i++)
        start_caller(&callers[i], f, CALLS);
    for (i = 0; i < THREADS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].failed, 0);
    }
    assert_int_equal(http_server_requests(server), THREADS * CALLS);
    assert_true(http_server_accepted(server) <= HANDLES);
    http_server_stop(server);
}

static void waiting_for_a_handle_ends_with_the_callers_own_time(void **state)
{
    fixture_t *f = *state;
    http_server_t *server = http_server_start(say_nothing, NULL, NULL, NULL);
    caller_t hog;
    apr_time_t begun;

    use_handles(f, 1);
    f->request.url = url_of(f, server, "http");
    f->peer.total_timeout = apr_time_from_sec(4);
    start_caller(&hog, f, 1);
    while (http_server_requests(server) == 0)
        usleep(1000);
    f->peer.total_timeout = apr_time_from_msec(150);
    begun = apr_time_now();
    assert_int_equal(call(f), APR_EBUSY);
    assert_true(apr_time_now() - begun < apr_time_from_sec(3));
    assert_string_equal(f->why, "all 1 connections of this process were busy for 150 ms");
    /* Nor is an issuer to be blamed for what was left after such a wait. */
    f->peer.total_timeout = apr_time_from_msec(4500);
    assert_int_equal(call(f), APR_EBUSY);
    pthread_join(hog.thread, NULL);
    assert_int_equal(hog.status, APR_TIMEUP);
    http_server_stop(server);
}

static void the_end_of_the_process_ends_its_calls(void **state)
{
    fixture_t *f = *state;
    http_server_t *server = http_server_start(say_nothing, NULL, NULL, NULL);
    caller_t caller;

    f->request.url = url_of(f, server, "http");
    f->peer.total_timeout = apr_time_from_sec(120);
    start_caller(&caller, f, 1);
    while (http_server_requests(server) == 0)
        usleep(1000);
    atomic_store(&f->http->ending, true);
    pthread_join(caller.thread, NULL); /* long before its time */
    assert_int_equal(caller.status, APR_EINTR);
    assert_int_equal(call(f), APR_EINTR);
    assert_int_equal(http_server_requests(server), 1);
    http_server_stop(server);
}

/* ---- bad replies ---- */

static void silence_ends_with_the_total_timeout(void **state)
{
    fixture_t *f = *state;
    apr_time_t begun = apr_time_now();

    f->peer.total_timeout = apr_time_from_msec(200);
    assert_int_equal(call_script(f, say_nothing, NULL), APR_TIMEUP);
    assert_string_equal(f->why, "no complete reply within 200 ms");
    assert_true(apr_time_now() - begun < apr_time_from_sec(4));
}

static void drip(http_stream_t *stream, const void *baton)
{
    (void)baton;
    if (!http_stream_read(stream) ||
        !http_stream_say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"))
        return;
    while (http_stream_say(stream, "x"))
        usleep(10000);
}

static void dripping_reply_ends_with_the_total_timeout(void **state)
{
    fixture_t *f = *state;
    apr_time_t begun = apr_time_now();

    f->peer.total_timeout = apr_time_from_msec(300);
    assert_int_equal(call_script(f, drip, NULL), APR_TIMEUP);
    assert_true(apr_time_now() - begun < apr_time_from_sec(4));
}

static void refused_connection_is_told(void **state)
{
    fixture_t *f = *state;
    http_server_t *server = http_server_start(answer_once, NULL, NULL, NULL);

    f->request.url = url_of(f, server, "http");
    http_server_stop(server);
    assert_int_equal(call(f), APR_ECONNREFUSED);
    assert_memory_equal(f->why, "no connection (", 15);
}

static void broken_replies_are_errors(void **state)
{
    static const char *const replies[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"active\":",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
        "chunked\r\n\r\nffffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 twohundred\r\n\r\n{}",
        "HTTP/9.9 200 OK\r\n\r\n{}",
        "{\"active\":true}",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\r\n\r\n\r\n",
        "",
    };
    fixture_t *f = *state;
    unsigned i;

    for (i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        if (call_script(f, answer_once, replies[i]) != APR_EGENERAL)
            fail_msg("reply %u passed", i);
        assert_non_null(f->why);
        assert_null(f->response);
    }
}

static void flood_body(http_stream_t *stream, const void *baton)
{
    char chunk[8 + 4096 + 2];
    unsigned i;

    (void)baton;
    memset(chunk, 'x', sizeof chunk);
    memcpy(chunk, "00001000", 8);
    if (!http_stream_read(stream) ||
        !http_stream_say(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
        return;
    for (i = 0; i < 5 * 256; i++)
        if (!http_stream_write(stream, chunk, 8) || !http_stream_say(stream, "\r\n") ||
            !http_stream_write(stream, chunk + 8, 4096) || !http_stream_say(stream, "\r\n"))
            return;
    http_stream_say(stream, "0\r\n\r\n");
}

static void body_of_five_megabytes_is_cut_off(void **state)
{
    fixture_t *f = *state;

    f->request.body_bytes_max = RS_INTROSPECTION_BYTES_MAX;
    assert_int_equal(call_script(f, flood_body, NULL), APR_ENOSPC);
    assert_string_equal(f->why, "the reply is larger than 262144 bytes");
    f->request.body_bytes_max = 5 * 1024 * 1024;
    assert_int_equal(call_script(f, flood_body, NULL), APR_SUCCESS);
    assert_int_equal(f->response->body_len, 5 * 1024 * 1024);
    f->request.body_bytes_max--;
    assert_int_equal(call_script(f, flood_body, NULL), APR_ENOSPC);
}

static void announce_much(http_stream_t *stream, const void *baton)
{
    (void)baton;
    if (http_stream_read(stream) &&
        http_stream_say(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1025\r\n\r\n"))
        http_stream_read(stream);
}

static void announced_body_that_is_too_large_is_not_waited_for(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(call_script(f, announce_much, NULL), APR_ENOSPC);
}

static void flood_headers(http_stream_t *stream, const void *line)
{
    if (!http_stream_read(stream))
        return;
    http_stream_say(stream, "HTTP/1.1 200 OK\r\n");
    while (http_stream_say(stream, line))
        ;
}

static void endless_headers_are_cut_off(void **state)
{
    static const char *const lines[] = {
        "X-Header: 1234567890123456789012345678901234567890123456789012345678901234567890\r\n",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxx",
    };
    fixture_t *f = *state;

    assert_int_equal(call_script(f, flood_headers, lines[0]), APR_EGENERAL);
    assert_string_equal(f->why, "the reply has more than 65536 bytes of headers");
    f->peer.total_timeout = apr_time_from_sec(30);
    assert_int_equal(call_script(f, flood_headers, lines[1]), APR_EGENERAL);
}

static void say_interim_for_ever(http_stream_t *stream, const void *baton)
{
    (void)baton;
    if (http_stream_read(stream))
        while (http_stream_say(stream, "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n"))
            ;
}

static void endless_interim_replies_are_cut_off(void **state)
{
    fixture_t *f = *state;

    assert_int_equal(call_script(f, say_interim_for_ever, NULL), APR_EGENERAL);
    assert_string_equal(f->why, "the reply has more than 65536 bytes of headers");
}

static void pool_works_on_after_every_failure(void **state)
{
    fixture_t *f = *state;
    unsigned i;

    use_handles(f, 1);
    for (i = 0; i < 3; i++) {
        f->peer.total_timeout = apr_time_from_msec(100);
        assert_int_equal(call_script(f, say_nothing, NULL), APR_TIMEUP);
        f->peer.total_timeout = apr_time_from_sec(5);
        assert_int_equal(call_script(f, flood_body, NULL), APR_ENOSPC);
        assert_int_equal(call_script(f, answer_once, "garbage"), APR_EGENERAL);
        assert_int_equal(call_script(f, answer_once, NULL), APR_SUCCESS);
    }
}

static void pool_without_handles_is_refused(void **state)
{
    fixture_t *f = *state;
    rs_http_t *http;

    assert_int_equal(rs_http_curl_create(&http, 0, AGENT, f->p), APR_EINVAL);
}

/* ---- TLS ---- */

/* The body is the name in the client's certificate. */
static void name_client(http_stream_t *stream, const void *baton)
{
    X509 *cert = SSL_get_peer_certificate(stream->ssl);
    char name[64] = "nobody", reply[200];

    (void)baton;
    if (cert)
        X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
    X509_free(cert);
    apr_snprintf(reply, sizeof reply, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s",
                 (int)strlen(name), name);
    answer_always(stream, reply);
}

static void own_authority_is_trusted_and_no_other(void **state)
{
    fixture_t *f = *state;
    test_pki_t *pki = test_pki_new("right"), *other = test_pki_new("wrong");
    SSL_CTX *tls = test_pki_server(pki);
    http_server_t *server = http_server_start(name_client, NULL, tls, NULL);

    f->request.url = url_of(f, server, "https");
    f->peer.ca_file = test_pki_ca_file(pki);
    assert_int_equal(call(f), APR_SUCCESS);
    assert_string_equal(f->response->body, "nobody");
    f->peer.ca_file = test_pki_ca_file(other);
    assert_int_equal(call(f), APR_EGENERAL);
    assert_memory_equal(f->why, "its certificate is not trusted (", 32);
    f->peer.ca_file = NULL;
    assert_int_equal(call(f), APR_EGENERAL);
    assert_memory_equal(f->why, "its certificate is not trusted (", 32);
    f->peer.ca_file = "/nonexistent/ca.pem";
    assert_int_equal(call(f), APR_EGENERAL);
    assert_memory_equal(f->why, "the CA file cannot be used (", 28);
    http_server_stop(server);
    SSL_CTX_free(tls);
    test_pki_free(other);
    test_pki_free(pki);
}

static void certificate_of_another_host_is_refused(void **state)
{
    fixture_t *f = *state;
    test_pki_t *pki = test_pki_new("right");
    SSL_CTX *tls = test_pki_server(pki);
    http_server_t *server = http_server_start(name_client, NULL, tls, NULL);

    f->request.url = apr_psprintf(f->p, "https://localhost:%d/", http_server_port(server));
    f->peer.ca_file = test_pki_ca_file(pki);
    assert_int_equal(call(f), APR_EGENERAL);
    assert_memory_equal(f->why, "its certificate is not trusted (", 32);
    http_server_stop(server);
    SSL_CTX_free(tls);
    test_pki_free(pki);
}

static void tls_1_1_is_refused(void **state)
{
    fixture_t *f = *state;
    test_pki_t *pki = test_pki_new("right");
    SSL_CTX *tls = test_pki_server(pki);
    http_server_t *server = http_server_start(name_client, NULL, tls, NULL);

    SSL_CTX_set_security_level(tls, 0);
    SSL_CTX_set_min_proto_version(tls, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls, TLS1_1_VERSION);
    f->request.url = url_of(f, server, "https");
    f->peer.ca_file = test_pki_ca_file(pki);
    assert_int_equal(call(f), APR_EGENERAL);
    assert_memory_equal(f->why, "the TLS handshake failed (", 26);
    http_server_stop(server);
    SSL_CTX_free(tls);
    test_pki_free(pki);
}

/* Calls as nobody, as a and as b, in every order, on `handles` handles. */
static void call_as_each(fixture_t *f, test_pki_t *pki, http_server_t *server, unsigned handles)
{
    const char *names[] = { "nobody", "a", "b" };
    rs_http_peer_t peers[3];
    unsigned i;

    use_handles(f, handles);
    f->request.url = url_of(f, server, "https");
    f->peer.ca_file = test_pki_ca_file(pki);
    peers[0] = peers[1] = peers[2] = f->peer;
    test_pki_issue(pki, "a", NULL, &peers[1].client_cert, &peers[1].client_key);
    test_pki_issue(pki, "b", NULL, &peers[2].client_cert, &peers[2].client_key);
    for (i = 0; i < 27; i++) {
        unsigned who = (i / (i % 3 + 1)) % 3;

        f->request.peer = &peers[who];
        assert_int_equal(call(f), APR_SUCCESS);
        assert_string_equal(f->response->body, names[who]);
    }
}

static void peers_never_share_a_connection_of_another_identity(void **state)
{
    fixture_t *f = *state;
    unsigned handles;

    for (handles = 1; handles <= 4; handles++) {
        test_pki_t *pki = test_pki_new("right");
        SSL_CTX *tls = test_pki_server(pki);
        http_server_t *server = http_server_start(name_client, NULL, tls, NULL);

        call_as_each(f, pki, server, handles);
        if (handles >= 3)
            assert_int_equal(http_server_accepted(server), 3);
        http_server_stop(server);
        SSL_CTX_free(tls);
        test_pki_free(pki);
    }
}

static void key_that_does_not_fit_the_certificate_is_told(void **state)
{
    fixture_t *f = *state;
    test_pki_t *pki = test_pki_new("right");
    SSL_CTX *tls = test_pki_server(pki);
    http_server_t *server = http_server_start(name_client, NULL, tls, NULL);
    const char *other;

    f->request.url = url_of(f, server, "https");
    f->peer.ca_file = test_pki_ca_file(pki);
    test_pki_issue(pki, "a", NULL, &f->peer.client_cert, &other);
    test_pki_issue(pki, "b", NULL, &other, &f->peer.client_key);
    assert_int_equal(call(f), APR_EGENERAL);
    assert_memory_equal(f->why, "our client certificate or its key cannot be used", 48);
    http_server_stop(server);
    SSL_CTX_free(tls);
    test_pki_free(pki);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reply_is_handed_over_whole),
        TEST(absent_headers_are_null_and_an_absent_type_is_empty),
        TEST(nul_bytes_in_the_body_count),
        TEST(interim_replies_and_trailers_are_not_the_reply),
        TEST(reply_that_ends_with_the_connection_is_complete),
        TEST(overlong_header_value_counts_as_absent),
        TEST(compressed_body_stays_as_it_came),
        TEST(redirect_is_not_followed),
        TEST(form_is_posted_without_waiting_and_without_compression),
        TEST(nothing_of_a_call_is_left_in_the_next),
        TEST(header_with_a_line_break_is_refused_before_connecting),
        TEST(other_schemes_and_userinfo_are_refused),
        TEST(unix_socket_is_used),
        TEST(proxy_is_the_configured_one_and_never_the_environments),
        TEST(why_never_tells_the_credentials_of_the_proxy),
        TEST(calls_one_after_another_share_a_connection),
        TEST(two_issuers_by_turns_keep_a_connection_each),
        TEST(connection_that_the_server_closed_is_replaced),
        TEST(request_that_meets_a_closing_connection_is_sent_again),
        TEST(server_that_always_hangs_up_is_asked_once),
        TEST(many_threads_share_few_connections),
        TEST(many_threads_of_one_issuer_open_one_connection_for_each_handle),
        TEST(waiting_for_a_handle_ends_with_the_callers_own_time),
        TEST(the_end_of_the_process_ends_its_calls),
        TEST(silence_ends_with_the_total_timeout),
        TEST(dripping_reply_ends_with_the_total_timeout),
        TEST(refused_connection_is_told),
        TEST(broken_replies_are_errors),
        TEST(body_of_five_megabytes_is_cut_off),
        TEST(announced_body_that_is_too_large_is_not_waited_for),
        TEST(endless_headers_are_cut_off),
        TEST(endless_interim_replies_are_cut_off),
        TEST(pool_works_on_after_every_failure),
        TEST(pool_without_handles_is_refused),
        TEST(own_authority_is_trusted_and_no_other),
        TEST(certificate_of_another_host_is_refused),
        TEST(tls_1_1_is_refused),
        TEST(peers_never_share_a_connection_of_another_identity),
        TEST(key_that_does_not_fit_the_certificate_is_told),
    };
    int failed;

    signal(SIGPIPE, SIG_IGN); /* as httpd does */
    apr_initialize();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
