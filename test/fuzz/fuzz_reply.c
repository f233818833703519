/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* What an introspection endpoint answers, through the verifier itself with a transport that hands
 * the bytes over. */
#include "base/rs_digest.h"
#include "fuzz.h"
#include "provider/rs_introspection.h"
#include "provider/rs_signed_reply.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    rs_http_t base;
    rs_http_response_t response;
} transport_t;

static apr_status_t hand_over(rs_http_t *self, const rs_http_request_t *request,
                              rs_http_response_t **response, const char **why, apr_pool_t *p)
{
    (void)request, (void)why, (void)p;
    *response = &((transport_t *)self)->response;
    return APR_SUCCESS;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const int statuses[] = { 200, 200, 200, 400, 401, 429, 302, 500 };
    transport_t transport = { .base.perform = hand_over,
                              .response.content_type = "application/json" };
    rs_services_t services = { .http = &transport.base, .random = rs_random_bytes };
    rs_presented_t presented = { .token = "token", .token_len = 5, .fingerprint = "-" };
    rs_introspection_parts_t parts = { NULL, NULL, NULL, NULL };
    rs_introspection_t *introspection;
    rs_seat_t seat = { 0, 0 };
    bool unreachable;
    rs_provider_spec_t *spec;
    rs_verdict_t verdict;
    const char *why;
    apr_pool_t *p;

    if (!len)
        return 0;
    p = fuzz_pool();
    spec = rs_provider_spec_create("fuzz", p);
    spec->policy.issuer = "https://login.example.com";
    spec->policy.audience_any = true;
    spec->introspection.url = "https://login.example.com/i";
    spec->introspection.auth = RS_CLIENT_AUTH_NONE;
    transport.response.status = statuses[bytes[0] % 8];
    transport.response.body = apr_pstrmemdup(p, (const char *)bytes + 1, len - 1);
    transport.response.body_len = len - 1;
    /* Every other one is asked to be signed: the issuer has no key, so none is. */
    spec->introspection.signed_reply = (bytes[0] & 8) != 0;
    if (spec->introspection.signed_reply)
        transport.response.content_type = RS_SIGNED_REPLY_TYPE;
    else
        spec->introspection.kind = (rs_introspection_kind_t)((bytes[0] >> 4) % 3);
    spec->metadata.off = true;
    parts.services = &services;
    if (rs_keys_create(&parts.keys, spec, NULL, rs_waiting_create(spec, &services, p), &services,
                       p) != APR_SUCCESS ||
        rs_introspection_create(&introspection, spec, &parts, &why, p) != APR_SUCCESS)
        abort();
    verdict = rs_introspection_ask(introspection, &presented, &seat, &unreachable,
                                   apr_time_from_sec(1700000000), p);
    if (rs_verdict_is_accepted(&verdict) &&
        (transport.response.status != 200 || spec->introspection.signed_reply))
        abort();
    apr_pool_destroy(p);
    return 0;
}
