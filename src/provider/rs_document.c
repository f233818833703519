/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Shared documents: fetched_at ‖ fresh, 8 bytes each, most significant first ‖ text. */
#include "provider/rs_document.h"
#include "base/rs_clock.h"
#include "base/rs_limits.h"

#include <apr_strings.h>
#include <string.h>

#define NUMBER_BYTES 8
#define HEAD_BYTES (2 * NUMBER_BYTES)

static rs_tier_t *shared_tier(const rs_services_t *services)
{
    return services->cache ? rs_cache_shared(services->cache) : NULL;
}

/* Whoever trusts another authority, or goes another way, has documents of his own. */
static rs_cache_key_t key_of(const rs_document_place_t *place)
{
    const rs_provider_spec_t *spec = place->spec;
    static const char use[] = "mod_oauth2_rs document 1";
    const char *ca = spec->peer.ca_file ? spec->peer.ca_file : "";
    const char *proxy = spec->peer.proxy ? spec->peer.proxy : "";
    rs_span_t spans[] = { { use, sizeof use },
                          { spec->policy.issuer, strlen(spec->policy.issuer) + 1 },
                          { place->url, strlen(place->url) + 1 },
                          { ca, strlen(ca) + 1 },
                          { proxy, strlen(proxy) + 1 } };
    rs_cache_key_t key = { RS_KIND_DOCUMENT, { { 0 } } };

    rs_sha256(spans, sizeof spans / sizeof spans[0], &key.digest);
    return key;
}

static void put_number(unsigned char *bytes, apr_int64_t number)
{
    apr_uint64_t rest = (apr_uint64_t)number;
    int i;

    for (i = NUMBER_BYTES - 1; i >= 0; i--, rest >>= 8)
        bytes[i] = (unsigned char)rest;
}

static apr_int64_t get_number(const unsigned char *bytes)
{
    apr_uint64_t number = 0;
    int i;

    for (i = 0; i < NUMBER_BYTES; i++)
        number = number << 8 | bytes[i];
    return (apr_int64_t)number;
}

bool rs_document_find(rs_document_t *document, const rs_document_place_t *place, apr_time_t after,
                      apr_time_t now, apr_pool_t *p)
{
    rs_tier_t *tier = shared_tier(place->services);
    rs_cache_key_t key = key_of(place);
    const unsigned char *value;
    apr_size_t len;

    if (!tier || tier->fetch(tier, &key, &value, &len, now, p) != APR_SUCCESS || len <= HEAD_BYTES)
        return false;
    document->fetched_at = get_number(value);
    document->fresh = get_number(value + NUMBER_BYTES);
    document->len = len - HEAD_BYTES;
    if (document->fetched_at <= after || document->fetched_at > now + RS_CLOCK_SKEW_MAX ||
        now - document->fetched_at > place->age_max || document->len > RS_DOCUMENT_BYTES_MAX)
        return false;
    if (document->fetched_at > now)
        document->fetched_at = now;
    document->text = apr_pstrmemdup(p, (const char *)value + HEAD_BYTES, document->len);
    return true;
}

void rs_document_share(const rs_document_t *document, const rs_document_place_t *place,
                       apr_time_t now, apr_pool_t *p)
{
    rs_tier_t *tier = shared_tier(place->services);
    rs_cache_key_t key = key_of(place);
    apr_time_t expires = document->fetched_at + place->age_max;
    unsigned char *value;

    if (!tier || document->len > RS_DOCUMENT_BYTES_MAX)
        return;
    value = apr_palloc(p, HEAD_BYTES + document->len);
    /* The tier tells its troubles itself. */
    put_number(value, document->fetched_at);
    put_number(value + NUMBER_BYTES, document->fresh);
    memcpy(value + HEAD_BYTES, document->text, document->len);
    (void)tier->store(tier, &key, value, HEAD_BYTES + document->len, expires, now, p);
}
