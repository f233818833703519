/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Reading keys from where they are. */
#include "provider/rs_key_source.h"
#include "base/rs_limits.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#define FRESH_MAX apr_time_from_sec(366 * 24 * 3600)

apr_status_t rs_key_source_take(rs_key_source_t *source, const char *text, apr_size_t len,
                                const char **why, const char **remarks, apr_pool_t *ptemp)
{
    const rs_jwks_t *keys = rs_jwks_parse(text, len, why, ptemp);
    char *copy;

    if (!keys)
        return APR_EINVAL;
    copy = malloc(len + 1);
    if (!copy)
        return APR_ENOMEM;
    memcpy(copy, text, len);
    copy[len] = '\0';
    free(source->text);
    source->text = copy;
    source->len = len;
    *remarks = rs_jwks_remarks(keys);
    return APR_SUCCESS;
}

apr_status_t rs_key_source_read(rs_key_source_t *source, bool *changed, const char **why,
                                const char **remarks, apr_pool_t *ptemp)
{
    char *text;
    apr_size_t len;
    apr_status_t status =
        rs_watched_file_read(&source->file, RS_JWKS_BYTES_MAX, changed, &text, &len, ptemp);

    if (!*changed)
        return APR_SUCCESS;
    *why = "it cannot be read";
    return status == APR_SUCCESS ? rs_key_source_take(source, text, len, why, remarks, ptemp)
                                 : status;
}

/* ---- from the issuer ---- */

static const char *directive_value(const char *header, const char *name)
{
    apr_size_t len = strlen(name);

    while (header && *header) {
        while (*header == ' ' || *header == '\t' || *header == ',')
            header++;
        if (strncasecmp(header, name, len) == 0 && !apr_isalnum(header[len]) && header[len] != '-')
            return header + len;
        header = strchr(header, ',');
    }
    return NULL;
}

static apr_int64_t seconds(const char *text)
{
    char *end;
    apr_int64_t value = apr_strtoi64(text, &end, 10);

    return end == text || value < 0 ? 0 : value;
}

apr_interval_time_t rs_http_freshness(const rs_http_response_t *response)
{
    const char *value;
    apr_int64_t fresh_s;

    if (!response->cache_control)
        return -1;
    if (directive_value(response->cache_control, "no-store") ||
        directive_value(response->cache_control, "no-cache"))
        return 0;
    value = directive_value(response->cache_control, "max-age");
    if (!value || *value != '=')
        return -1;
    fresh_s = seconds(value + 1 + (value[1] == '"'));
    if (fresh_s > apr_time_sec(FRESH_MAX))
        fresh_s = apr_time_sec(FRESH_MAX);
    if (response->age)
        fresh_s -= seconds(response->age) < fresh_s ? seconds(response->age) : fresh_s;
    return apr_time_from_sec(fresh_s);
}

apr_status_t rs_key_source_fetch(rs_key_source_t *source, const rs_key_fetch_t *fetch,
                                 apr_interval_time_t *fresh, const char **why, const char **remarks,
                                 apr_pool_t *ptemp)
{
    rs_http_request_t request = { .peer = fetch->peer,
                                  .url = fetch->url,
                                  .accept =
                                      "application/jwk-set+json, application/json;q=0.9, */*;q=0.1",
                                  .body_bytes_max = RS_JWKS_BYTES_MAX };
    rs_http_response_t *response;
    apr_status_t status;

    if (!fetch->http) {
        *why = "this process has no HTTP client";
        return APR_EGENERAL;
    }
    status = fetch->http->perform(fetch->http, &request, &response, why, ptemp);
    if (status != APR_SUCCESS)
        return status;
    if (response->status != 200) {
        *why = apr_psprintf(ptemp, "answered with status %d", response->status);
        return APR_EGENERAL;
    }
    *fresh = rs_http_freshness(response);
    return rs_key_source_take(source, response->body, response->body_len, why, remarks, ptemp);
}
