/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Kinds of endpoints: one row each. */
#include "provider/rs_introspection_kind.h"
#include "base/rs_url.h"
#include "provider/rs_signed_reply.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define DIGITS_MAX 15 /* of a time in seconds */
#define EXPIRES_IN_MAX APR_INT64_C(1000000000000)

/* ---- asking ---- */

static const char *encoded_token(const rs_asking_t *asking, apr_pool_t *p)
{
    const rs_presented_t *presented = asking->presented;

    return rs_form_encode(apr_pstrmemdup(p, presented->token, presented->token_len), p);
}

static void authorize(rs_http_request_t *request, const char *value, apr_pool_t *p)
{
    rs_http_header_t *header = apr_palloc(p, sizeof *header);

    header->name = "Authorization";
    header->value = value;
    request->headers = header;
    request->header_count = 1;
}

/* RFC 7662 2.1 */
static void compose_rfc7662(const rs_asking_t *asking, rs_http_request_t *request, apr_pool_t *p)
{
    const rs_introspection_spec_t *spec = asking->spec;
    rs_client_proof_t proof = rs_client_auth_prove(asking->auth, asking->endpoint, asking->now, p);

    request->form = apr_pstrcat(p, "token=", encoded_token(asking, p),
                                spec->params_hint ? "" : "&token_type_hint=access_token",
                                spec->params, proof.fields, NULL);
    if (proof.authorization)
        authorize(request, proof.authorization, p);
    if (spec->signed_reply)
        request->accept = RS_SIGNED_REPLY_TYPE;
}

/* In the form and not in the URL, which the endpoint's logs would keep. */
static void compose_tokeninfo(const rs_asking_t *asking, rs_http_request_t *request, apr_pool_t *p)
{
    request->form =
        apr_pstrcat(p, "access_token=", encoded_token(asking, p), asking->spec->params, NULL);
}

/* OpenID Connect Core 5.3.1 */
static void compose_userinfo(const rs_asking_t *asking, rs_http_request_t *request, apr_pool_t *p)
{
    const rs_presented_t *presented = asking->presented;

    authorize(
        request,
        apr_pstrcat(p, "Bearer ", apr_pstrmemdup(p, presented->token, presented->token_len), NULL),
        p);
}

/* ---- refusals ---- */

static const char *error_of(const rs_http_response_t *response, apr_pool_t *p)
{
    return rs_json_string(
        rs_json_object(response->body, response->body_len, &rs_json_document_limits, NULL, p),
        "error");
}

/* Servers answer like that to a kind of token that they do not introspect. */
static const char *refusal_rfc7662(const rs_introspection_spec_t *spec,
                                   const rs_http_response_t *response, apr_pool_t *p)
{
    const char *error = response->status == 400 ? error_of(response, p) : NULL;

    /* glewlwyd, whose signed replies only any-audience takes. */
    if (spec->signed_reply_any_audience && response->status == 400 && response->body_len == 0)
        return "the issuer answers with status 400 and no word";
    if (!error ||
        (strcmp(error, "unsupported_token_type") != 0 && strcmp(error, "invalid_token") != 0))
        return NULL;
    return apr_pstrcat(p, "the issuer answers ", error, NULL);
}

static const char *refusal_tokeninfo(const rs_introspection_spec_t *spec,
                                     const rs_http_response_t *response, apr_pool_t *p)
{
    const char *error = response->status == 400 ? error_of(response, p) : NULL;

    (void)spec;
    return error && strcmp(error, "invalid_token") == 0 ? "the issuer answers invalid_token" : NULL;
}

/* The token is the only credential of the call: 401 and 403 speak about it (RFC 6750 3.1). */
static const char *refusal_userinfo(const rs_introspection_spec_t *spec,
                                    const rs_http_response_t *response, apr_pool_t *p)
{
    (void)spec, (void)p;
    if (response->status == 401)
        return "the userinfo endpoint does not take it";
    return response->status == 403 ? "it may not ask the userinfo endpoint" : NULL;
}

/* ---- replies ---- */

/* RFC 7662 2.2: active is a JSON boolean; anything else is no answer. */
static const rs_json_t *translate_rfc7662(const rs_json_t *reply, const char **why, apr_time_t now,
                                          apr_pool_t *p)
{
    (void)now, (void)p;
    if (rs_json_type(rs_json_get(reply, "active")) == RS_JSON_BOOLEAN)
        return reply;
    *why = "its reply has no member active that is true or false";
    return NULL;
}

/* A time in seconds, as a number or in digits. False: it is there and is neither. */
static bool read_seconds(const rs_json_t *reply, const char *name, bool *there,
                         apr_int64_t *seconds)
{
    const rs_json_t *value = rs_json_get(reply, name);
    apr_size_t len, i;
    const char *text = rs_json_text(value, &len);

    *there = value != NULL;
    *seconds = rs_json_integer(value);
    if (!value || rs_json_type(value) == RS_JSON_INTEGER)
        return true;
    if (!text || !len || len > DIGITS_MAX)
        return false;
    for (i = 0; i < len; i++)
        if (!apr_isdigit(text[i]))
            return false;
    *seconds = apr_atoi64(text);
    return true;
}

/* When the token ends: at exp, or expires_in from now. */
static bool add_end(const rs_json_t *reply, rs_json_member_t *members, unsigned *count,
                    apr_time_t now)
{
    bool there, there_in;
    apr_int64_t exp, expires_in;

    if (!read_seconds(reply, "exp", &there, &exp) ||
        !read_seconds(reply, "expires_in", &there_in, &expires_in))
        return false;
    if (!there && (!there_in || expires_in < 0 || expires_in > EXPIRES_IN_MAX))
        return false;
    members[*count].name = "exp";
    members[*count].text = NULL;
    members[(*count)++].number = there ? exp : apr_time_sec(now) + expires_in;
    return true;
}

/* The names of the older versions of the endpoint. */
static const struct {
    const char *older, *name;
} renamed[] = { { "audience", "aud" }, { "issued_to", "azp" }, { "user_id", "sub" } };

static const rs_json_t *translate_tokeninfo(const rs_json_t *reply, const char **why,
                                            apr_time_t now, apr_pool_t *p)
{
    rs_json_member_t members[2 + sizeof renamed / sizeof renamed[0]];
    const rs_json_t *translated = NULL;
    unsigned count = 0, i;

    *why = "its reply does not say when the token ends (exp, expires_in): is it a tokeninfo "
           "endpoint?";
    if (!add_end(reply, members, &count, now))
        return NULL;
    for (i = 0; i < sizeof renamed / sizeof renamed[0]; i++) {
        const char *text = rs_json_string(reply, renamed[i].older);
        if (!text || rs_json_get(reply, renamed[i].name))
            continue;
        members[count].name = renamed[i].name;
        members[count++].text = text;
    }
    if (!(translated = rs_json_amend(reply, members, count, p)))
        *why = "there is no memory for its reply";
    return translated;
}

static const rs_json_t *translate_userinfo(const rs_json_t *reply, const char **why, apr_time_t now,
                                           apr_pool_t *p)
{
    (void)now, (void)p;
    if (rs_json_string(reply, "sub"))
        return reply;
    *why = "its reply has no sub: is it a userinfo endpoint?";
    return NULL;
}

/* ---- the table ---- */

static const struct {
    void (*compose)(const rs_asking_t *asking, rs_http_request_t *request, apr_pool_t *p);
    const char *(*refusal)(const rs_introspection_spec_t *spec, const rs_http_response_t *response,
                           apr_pool_t *p);
    const rs_json_t *(*translate)(const rs_json_t *reply, const char **why, apr_time_t now,
                                  apr_pool_t *p);
} kinds[] = {
    [RS_INTROSPECTION_RFC7662] = { compose_rfc7662, refusal_rfc7662, translate_rfc7662 },
    [RS_INTROSPECTION_TOKENINFO] = { compose_tokeninfo, refusal_tokeninfo, translate_tokeninfo },
    [RS_INTROSPECTION_USERINFO] = { compose_userinfo, refusal_userinfo, translate_userinfo },
};

void rs_introspection_compose(const rs_asking_t *asking, rs_http_request_t *request, apr_pool_t *p)
{
    kinds[asking->spec->kind].compose(asking, request, p);
}

const char *rs_introspection_refusal(const rs_introspection_spec_t *spec,
                                     const rs_http_response_t *response, apr_pool_t *p)
{
    return kinds[spec->kind].refusal(spec, response, p);
}

const rs_json_t *rs_introspection_translate(rs_introspection_kind_t kind, const rs_json_t *reply,
                                            const char **why, apr_time_t now, apr_pool_t *p)
{
    return kinds[kind].translate(reply, why, now, p);
}
