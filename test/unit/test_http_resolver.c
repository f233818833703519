/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The transport while the system's resolver takes its time, which is here this program's. */
#include "net/rs_http_curl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fakes.h"

#include <curl/curlver.h>
#include <netdb.h>
#include <stdatomic.h>
#include <unistd.h>

#define SLOW_S 2

static atomic_bool resolved;

/* In place of the C library's, for libcurl as well. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **found)
{
    (void)node, (void)service, (void)hints, (void)found;
    sleep(SLOW_S);
    resolved = true;
    return EAI_AGAIN;
}

/* It keeps no time of ours; whoever waited for it did not keep it either. */
static void it_is_left_at_the_timeout(void **state)
{
    rs_http_peer_t peer = { .connect_timeout = apr_time_from_msec(100),
                            .total_timeout = apr_time_from_msec(200) };
    rs_http_request_t request = { .peer = &peer,
                                  .url = "http://slow.example/",
                                  .body_bytes_max = 1024 };
    rs_http_response_t *response;
    const char *why;
    rs_http_t *http;

#if LIBCURL_VERSION_NUM < 0x075700
    skip(); /* CURLOPT_QUICK_EXIT */
#endif
    assert_int_equal(rs_http_curl_create(&http, 1, "test", *state), APR_SUCCESS);
    assert_int_equal(http->perform(http, &request, &response, &why, *state), APR_TIMEUP);
    assert_false(resolved);
    while (!resolved)
        apr_sleep(1000); /* its thread ends before this program does */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAKE_TEST(it_is_left_at_the_timeout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
