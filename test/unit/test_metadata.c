/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What an issuer says about itself: where to look, what to believe, how often to ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes.h"
#include "provider/rs_metadata.h"

#include <apr_strings.h>
#include <string.h>

#define NOW apr_time_from_sec(1700000000)
#define SECOND apr_time_from_sec(1)
#define ISSUER "https://issuer.example/tenant"
#define GOOD                                                                                       \
    "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"https://issuer.example/keys\","                     \
    "\"introspection_endpoint\":\"https://issuer.example/introspect\"}"

typedef struct {
    fake_http_t http;
    rs_services_t services;
    rs_provider_spec_t *spec;
    rs_metadata_t *metadata;
    rs_metadata_document_t document;
    const char *why, *only; /* the one URL that has it; NULL: whatever the transport says */
    const char *asked;
    apr_pool_t *p;
} world_t;

static rs_provider_spec_t *issued_by(const char *issuer, apr_pool_t *p)
{
    rs_provider_spec_t *spec = rs_provider_spec_create("test", p);

    spec->policy.issuer = issuer;
    return spec;
}

static world_t *world(apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof *w);

    fake_http_init(&w->http);
    w->p = p;
    w->asked = "";
    w->services.http = &w->http.http;
    w->spec = issued_by(ISSUER, p);
    assert_int_equal(rs_metadata_create(&w->metadata, w->spec, &w->services, p), APR_SUCCESS);
    return w;
}

static apr_status_t get(world_t *w, apr_time_t now)
{
    memset(&w->document, 0, sizeof w->document);
    w->why = NULL;
    return rs_metadata_get(w->metadata, &w->document, now, &w->why, w->p);
}

static void only_there(fake_http_t *http, const rs_http_request_t *request,
                       rs_http_response_t *reply)
{
    world_t *w = http->baton;

    w->asked = apr_pstrcat(w->p, w->asked, request->url, "\n", NULL);
    if (strcmp(request->url, w->only) == 0) {
        reply->status = 200;
        reply->body = GOOD;
    }
}

static void places_are(const char *issuer, const char *expected, apr_pool_t *p)
{
    const char *const *place = rs_metadata_places(issuer, p);
    const char *got = "";

    for (; *place; place++)
        got = apr_pstrcat(p, got, *place, "\n", NULL);
    assert_string_equal(got, expected);
}

static void the_places_are_those_of_both_documents(void **state)
{
    places_are("https://a.example",
               "https://a.example/.well-known/oauth-authorization-server\n"
               "https://a.example/.well-known/openid-configuration\n",
               *state);
    places_are("https://a.example/",
               "https://a.example/.well-known/oauth-authorization-server\n"
               "https://a.example/.well-known/openid-configuration\n",
               *state);
    places_are("https://a.example:8443/t/1/",
               "https://a.example:8443/.well-known/oauth-authorization-server/t/1\n"
               "https://a.example:8443/t/1/.well-known/openid-configuration\n"
               "https://a.example:8443/t/1/.well-known/oauth-authorization-server\n"
               "https://a.example:8443/.well-known/openid-configuration/t/1\n",
               *state);
    places_are("no url", "", *state);
}

static void each_place_is_tried_until_one_has_it(void **state)
{
    world_t *w = world(*state);
    const char *const *places = rs_metadata_places(ISSUER, *state);
    unsigned i;

    for (i = 0; places[i]; i++) {
        w = world(*state);
        w->only = places[i];
        w->http.answer = only_there;
        w->http.baton = w;
        assert_int_equal(get(w, NOW), APR_SUCCESS);
        assert_int_equal(w->http.calls, i + 1);
        assert_string_equal(w->document.jwks_uri, "https://issuer.example/keys");
        assert_string_equal(w->document.introspection_endpoint,
                            "https://issuer.example/introspect");
    }
    assert_int_equal(i, 4);
}

static void trouble_at_one_place_leads_to_no_other(void **state)
{
    world_t *w = world(*state);

    fake_http_says(&w->http, 500, "text/plain", "");
    assert_int_not_equal(get(w, NOW), APR_SUCCESS);
    assert_int_equal(w->http.calls, 1);
    assert_non_null(strstr(w->why, "500"));
    w = world(*state);
    w->http.result = APR_TIMEUP;
    assert_int_not_equal(get(w, NOW), APR_SUCCESS);
    assert_int_equal(w->http.calls, 1);
}

static apr_status_t parse(const char *text, rs_metadata_document_t *document, apr_pool_t *p)
{
    const char *why = NULL;
    apr_status_t status =
        rs_metadata_parse(document, text, strlen(text), issued_by(ISSUER, p), &why, p);

    assert_true(status == APR_SUCCESS || why);
    return status;
}

/* RFC 8414 3.3: identical, not similar. */
static void a_document_of_another_issuer_is_refused(void **state)
{
    static const char *const texts[] = {
        "{\"issuer\":\"https://issuer.example/tenant/\"}",
        "{\"issuer\":\"https://issuer.example/Tenant\"}",
        "{\"issuer\":\"HTTPS://issuer.example/tenant\"}",
        "{\"issuer\":\"https://evil.example\"}",
        "{\"issuer\":[\"" ISSUER "\"]}",
        "{\"issuer\":null}",
        "{}",
        "[]",
        "",
        "<html></html>",
        "{\"issuer\":\"" ISSUER "\",\"issuer\":\"" ISSUER "\"}",
    };
    rs_metadata_document_t document;
    unsigned i;

    for (i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_not_equal(parse(texts[i], &document, *state), APR_SUCCESS);
    assert_int_equal(parse(GOOD, &document, *state), APR_SUCCESS);
}

static void unprotected_addresses_are_not_taken(void **state)
{
    static const char *const urls[] = {
        "http://issuer.example/keys",
        "ftp://issuer.example/keys",
        "/keys",
        "",
        "https://user:word@issuer.example/keys",
        "https://issuer.example/keys#part",
    };
    rs_metadata_document_t document;
    unsigned i;

    for (i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        const char *text = apr_psprintf(*state,
                                        "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"%s\","
                                        "\"introspection_endpoint\":\"%s\"}",
                                        urls[i], urls[i]);
        assert_int_equal(parse(text, &document, *state), APR_SUCCESS);
        assert_null(document.jwks_uri);
        assert_null(document.introspection_endpoint);
    }
}

/* What listens on this host over plain http is the business of an issuer on this host. */
static void doors_of_this_host_are_named_by_an_issuer_on_it(void **state)
{
    static const char *const issuers[] = { "http://127.0.0.1:9", "https://localhost", ISSUER };
    rs_metadata_document_t document;
    const char *why = NULL;
    unsigned i;

    for (i = 0; i < 3; i++) {
        const char *text = apr_psprintf(
            *state, "{\"issuer\":\"%s\",\"jwks_uri\":\"http://127.0.0.1:1/k\"}", issuers[i]);
        assert_int_equal(rs_metadata_parse(&document, text, strlen(text),
                                           issued_by(issuers[i], *state), &why, *state),
                         APR_SUCCESS);
        if (i < 2)
            assert_string_equal(document.jwks_uri, "http://127.0.0.1:1/k");
        else
            assert_null(document.jwks_uri);
    }
}

static void who_has_a_certificate_goes_to_the_door_for_it(void **state)
{
    static const char base[] =
        "{\"issuer\":\"" ISSUER "\",\"introspection_endpoint\":\"https://issuer.example/i\"";
    static const struct {
        const char *aliases;
        bool mtls;
        const char *expected;
    } rows[] = {
        { ",\"mtls_endpoint_aliases\":{\"introspection_endpoint\":\"https://mtls.example/i\"}",
          true, "https://mtls.example/i" },
        { ",\"mtls_endpoint_aliases\":{\"introspection_endpoint\":\"https://mtls.example/i\"}",
          false, "https://issuer.example/i" },
        { ",\"mtls_endpoint_aliases\":{\"token_endpoint\":\"https://mtls.example/t\"}", true,
          "https://issuer.example/i" },
        { ",\"mtls_endpoint_aliases\":[]", true, "https://issuer.example/i" },
        { "", true, "https://issuer.example/i" },
        { ",\"mtls_endpoint_aliases\":{\"introspection_endpoint\":\"http://mtls.example/i\"}", true,
          NULL },
    };
    rs_provider_spec_t *spec = issued_by(ISSUER, *state);
    rs_metadata_document_t document;
    const char *why, *text;
    unsigned i;

    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        text = apr_pstrcat(*state, base, rows[i].aliases, "}", NULL);
        spec->introspection.auth = rows[i].mtls ? RS_CLIENT_AUTH_TLS : RS_CLIENT_AUTH_NONE;
        assert_int_equal(rs_metadata_parse(&document, text, strlen(text), spec, &why, *state),
                         APR_SUCCESS);
        if (rows[i].expected)
            assert_string_equal(document.introspection_endpoint, rows[i].expected);
        else
            assert_null(document.introspection_endpoint);
    }
}

static void a_document_is_asked_for_once_an_hour(void **state)
{
    world_t *w = world(*state);

    fake_http_says(&w->http, 200, "application/json", GOOD);
    assert_int_equal(get(w, NOW), APR_SUCCESS);
    assert_int_equal(get(w, NOW + 3600 * SECOND), APR_SUCCESS);
    assert_int_equal(w->http.calls, 1);
    assert_int_equal(get(w, NOW + 3601 * SECOND), APR_SUCCESS);
    assert_int_equal(w->http.calls, 2);
}

static void an_old_document_serves_while_the_issuer_is_down(void **state)
{
    world_t *w = world(*state);

    fake_http_says(&w->http, 200, "application/json", GOOD);
    assert_int_equal(get(w, NOW), APR_SUCCESS);
    w->http.result = APR_TIMEUP;
    assert_int_equal(get(w, NOW + 7200 * SECOND), APR_SUCCESS);
    assert_string_equal(w->document.jwks_uri, "https://issuer.example/keys");
    w->http.result = APR_SUCCESS;
    fake_http_says(&w->http, 200, "text/html", "<html></html>");
    assert_int_equal(get(w, NOW + 7300 * SECOND), APR_SUCCESS);
    assert_string_equal(w->document.jwks_uri, "https://issuer.example/keys");
}

static void after_a_failure_the_issuer_is_left_alone_for_a_moment(void **state)
{
    world_t *w = world(*state);

    w->http.result = APR_TIMEUP;
    assert_int_not_equal(get(w, NOW), APR_SUCCESS);
    assert_int_equal(get(w, NOW + SECOND - 1), APR_EAGAIN);
    assert_non_null(strstr(w->why, "the transport was told to fail")); /* the cause, once more */
    assert_int_equal(w->http.calls, 1);
    /* The moment begins with the end of the call. */
    assert_int_not_equal(get(w, NOW + 5 * SECOND), APR_SUCCESS);
    assert_int_equal(w->http.calls, 2);
}

static void all_places_have_the_time_of_one_call(void **state)
{
    world_t *w = world(*state);

    w->spec->policy.issuer = ISSUER "/with/a/path"; /* four places */
    w->spec->peer.total_timeout = SECOND;
    w->http.takes = apr_time_from_msec(600);
    fake_http_says(&w->http, 404, "text/html", "");
    assert_int_not_equal(get(w, NOW), APR_SUCCESS);
    assert_int_equal(w->http.calls, 2);
}

static void a_named_address_or_file_is_the_only_place(void **state)
{
    world_t *w = world(*state);

    w->spec->metadata.url = "https://issuer.example/about";
    assert_int_not_equal(get(w, NOW), APR_SUCCESS);
    assert_string_equal(w->http.url, "https://issuer.example/about");
    assert_int_equal(w->http.calls, 1);
    w = world(*state);
    w->spec->metadata.file = fake_file(fake_folder(*state), "about.json", GOOD, *state);
    assert_int_equal(get(w, NOW), APR_SUCCESS);
    assert_string_equal(w->document.jwks_uri, "https://issuer.example/keys");
    assert_int_equal(w->http.calls, 0);
}

static void metadata_that_is_off_asks_nobody(void **state)
{
    world_t *w = world(*state);

    w->spec->metadata.off = true;
    assert_int_equal(get(w, NOW), APR_NOTFOUND);
    assert_non_null(w->why);
    assert_int_equal(w->http.calls, 0);
}

static void a_process_without_transport_says_so(void **state)
{
    world_t *w = world(*state);

    w->services.http = NULL;
    assert_int_not_equal(get(w, NOW), APR_SUCCESS);
    assert_non_null(w->why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(the_places_are_those_of_both_documents),
        FAKE_TEST(each_place_is_tried_until_one_has_it),
        FAKE_TEST(trouble_at_one_place_leads_to_no_other),
        FAKE_TEST(a_document_of_another_issuer_is_refused),
        FAKE_TEST(unprotected_addresses_are_not_taken),
        FAKE_TEST(doors_of_this_host_are_named_by_an_issuer_on_it),
        FAKE_TEST(all_places_have_the_time_of_one_call),
        FAKE_TEST(who_has_a_certificate_goes_to_the_door_for_it),
        FAKE_TEST(a_document_is_asked_for_once_an_hour),
        FAKE_TEST(an_old_document_serves_while_the_issuer_is_down),
        FAKE_TEST(after_a_failure_the_issuer_is_left_alone_for_a_moment),
        FAKE_TEST(a_named_address_or_file_is_the_only_place),
        FAKE_TEST(metadata_that_is_off_asks_nobody),
        FAKE_TEST(a_process_without_transport_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
