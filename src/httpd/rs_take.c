/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* The Authorization header (RFC 6750 section 2.1) and the connection it came over. */
#include "httpd/rs_take.h"
#include "base/rs_digest.h"
#include "base/rs_limits.h"
#include "httpd/rs_config.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_ssl.h>

#define SCHEME "Bearer"
#define SCHEME_LEN (sizeof SCHEME - 1)

static bool names_bearer(const char *credentials)
{
    return strncasecmp(credentials, SCHEME, SCHEME_LEN) == 0 &&
           (!credentials[SCHEME_LEN] || apr_isspace(credentials[SCHEME_LEN]));
}

typedef struct {
    unsigned count, bearers; /* header fields, and credentials of our scheme in them */
    const char *value;
} authorization_t;

/* httpd joins repeated fields by ", ", so one value may hold several credentials. */
static int look_at_field(void *baton, const char *name, const char *value)
{
    authorization_t *found = baton;
    const char *at = value;

    (void)name;
    found->count++;
    while (at) {
        while (apr_isspace(*at) || *at == ',')
            at++;
        found->bearers += names_bearer(at);
        at = strchr(at, ',');
    }
    if (!found->value || found->bearers)
        found->value = value;
    return 1;
}

static rs_outcome_t present(rs_presented_t *presented, const char *token, apr_size_t len,
                            request_rec *r)
{
    memset(presented, 0, sizeof *presented);
    presented->scheme = RS_SCHEME_BEARER;
    presented->token_len = len;
    presented->token = apr_pstrmemdup(r->pool, token, len);
    presented->fingerprint = rs_token_fingerprint(token, len, r->pool);
    return len > RS_TOKEN_BYTES_MAX ? RS_TOKEN_MALFORMED : RS_TOKEN_ACCEPTED;
}

bool rs_take_sees_bearer(const request_rec *r)
{
    authorization_t found = { 0, 0, NULL };

    apr_table_do(look_at_field, &found, r->headers_in, "Authorization", NULL);
    return found.bearers > 0;
}

static rs_outcome_t take_authorization(rs_presented_t *presented, request_rec *r)
{
    authorization_t found = { 0, 0, NULL };
    const char *at, *end;

    apr_table_do(look_at_field, &found, r->headers_in, "Authorization", NULL);
    if (!found.bearers)
        return RS_TOKEN_ABSENT;
    if (found.bearers > 1 || found.count > 1)
        return RS_TOKEN_AMBIGUOUS;
    for (at = found.value; apr_isspace(*at); at++)
        ;
    /* A credential of another scheme before ours: "Basic ..., Bearer ...". */
    if (!names_bearer(at))
        return RS_TOKEN_AMBIGUOUS;
    for (at += SCHEME_LEN; apr_isspace(*at); at++)
        ;
    for (end = at + strlen(at); end > at && apr_isspace(end[-1]); end--)
        ;
    if (!rs_token_is_b64token(at, end - at))
        return memchr(at, ',', end - at) ? RS_TOKEN_AMBIGUOUS : RS_REQUEST_MALFORMED;
    return present(presented, at, (apr_size_t)(end - at), r);
}

rs_outcome_t rs_take(rs_presented_t *presented, rs_place_t *place, request_rec *r)
{
    const rs_places_t *places = rs_dir_config(r)->places;
    rs_outcome_t outcome = RS_TOKEN_ABSENT;
    rs_found_t found = { .count = 0 };
    apr_status_t status;

    *place = RS_PLACE_AUTHORIZATION;
    if (!places || places->authorization)
        outcome = take_authorization(presented, r);
    if (!places || (outcome != RS_TOKEN_ABSENT && outcome != RS_TOKEN_ACCEPTED))
        return outcome;
    status = rs_places_look(places, &found, r);
    if (status != APR_SUCCESS || found.count)
        *place = found.place;
    if (status != APR_SUCCESS)
        return RS_REQUEST_MALFORMED;
    /* RFC 6750 2: one method, one token. */
    if (found.count + (outcome == RS_TOKEN_ACCEPTED) > 1)
        return RS_TOKEN_AMBIGUOUS;
    if (!found.count)
        return outcome;
    if (!rs_token_is_b64token(found.token, strlen(found.token)))
        return RS_REQUEST_MALFORMED;
    outcome = present(presented, found.token, strlen(found.token), r);
    presented->elsewhere = true;
    return outcome;
}

/* ---- the connection ---- */

static bool is_loopback(const apr_sockaddr_t *address)
{
    const unsigned char *bytes = address ? address->ipaddr_ptr : NULL;
    static const unsigned char mapped[13] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127 };
    static const unsigned char one[16] = { [15] = 1 };

    if (!bytes)
        return false;
    if (address->family == APR_INET)
        return bytes[0] == 127;
#if APR_HAVE_IPV6
    if (address->family == APR_INET6)
        return memcmp(bytes, one, sizeof one) == 0 || memcmp(bytes, mapped, sizeof mapped) == 0;
#endif
    return false;
}

/* What proxies add to say whom they speak for. */
static const char *const forwarding_headers[] = { "Forwarded", "Via", "X-Real-IP", "X-Client-IP" };

static int is_forwarding_header(void *found, const char *name, const char *value)
{
    bool forwarding = strncasecmp(name, "X-Forwarded-", 12) == 0;
    unsigned i;

    (void)value;
    for (i = 0; i < sizeof forwarding_headers / sizeof forwarding_headers[0]; i++)
        forwarding = forwarding || strcasecmp(name, forwarding_headers[i]) == 0;
    *(bool *)found = forwarding;
    return !forwarding;
}

bool rs_comes_from_this_host(const request_rec *r)
{
    bool forwarded = false;

    /* useragent_addr: what mod_remoteip found, in a header or in the PROXY protocol. */
    if (!is_loopback(r->connection->client_addr) || !is_loopback(r->useragent_addr))
        return false;
    apr_table_do(is_forwarding_header, &forwarded, r->headers_in, NULL);
    return !forwarded;
}

bool rs_transport_is_protected(const request_rec *r)
{
    if (ap_ssl_conn_is_ssl(r->connection))
        return true;
    if (r->server->server_scheme && strcasecmp(r->server->server_scheme, "https") == 0)
        return true;
    return rs_comes_from_this_host(r);
}
