/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Verdicts as bytes.
 *
 *   head      struct head_t below, host order
 *   strings   detail, user, issuer, subject, client: u32 length + 1 (0: NULL), bytes, NUL
 *   scope     u32 bytes, u32 count, words
 *   claims    u32 bytes, block of rs_claims.h
 */
#include "token/rs_record.h"

#include <string.h>

#define MAGIC 0x52530000u /* "RS", then the format: another byte order is another magic */

typedef struct {
    apr_uint32_t magic;
    apr_uint32_t outcome;
    apr_int64_t decided_at, valid_until, retry_after, expires;
    apr_uint32_t introspected;
    apr_uint32_t has_key;
    unsigned char key[RS_SHA256_BYTES];
} head_t;

typedef struct {
    unsigned char *at; /* NULL: only measure */
    apr_size_t len;
} writer_t;

static void put(writer_t *w, const void *bytes, apr_size_t len)
{
    if (w->at && len)
        memcpy(w->at + w->len, bytes, len);
    w->len += len;
}

static void put_u32(writer_t *w, apr_size_t value)
{
    apr_uint32_t v = (apr_uint32_t)value;
    put(w, &v, sizeof v);
}

static void put_string(writer_t *w, const char *text)
{
    apr_size_t len = text ? strlen(text) : 0;

    put_u32(w, text ? len + 1 : 0);
    if (text)
        put(w, text, len + 1);
}

static void put_verdict(writer_t *w, const rs_verdict_t *verdict)
{
    const rs_principal_t *principal = verdict->principal;
    head_t head;

    memset(&head, 0, sizeof head);
    head.magic = MAGIC + RS_RECORD_FORMAT;
    head.outcome = (apr_uint32_t)verdict->outcome;
    head.decided_at = verdict->decided_at;
    head.valid_until = verdict->valid_until;
    head.retry_after = verdict->retry_after;
    head.introspected = verdict->introspected;
    head.has_key = verdict->key != NULL;
    if (verdict->key)
        memcpy(head.key, verdict->key->bytes, sizeof head.key);
    head.expires = principal ? principal->expires : 0;
    put(w, &head, sizeof head);
    put_string(w, verdict->detail);
    if (!principal)
        return;
    put_string(w, principal->user);
    put_string(w, principal->issuer);
    put_string(w, principal->subject);
    put_string(w, principal->client);
    put_u32(w, principal->scope.bytes);
    put_u32(w, principal->scope.count);
    put(w, principal->scope.words, principal->scope.bytes);
    put_u32(w, principal->claims.len);
    put(w, principal->claims.bytes, principal->claims.len);
}

void rs_record_encode(const rs_verdict_t *verdict, const unsigned char **bytes, apr_size_t *len,
                      apr_pool_t *p)
{
    writer_t measure = { NULL, 0 }, w = { NULL, 0 };

    put_verdict(&measure, verdict);
    w.at = apr_palloc(p, measure.len);
    put_verdict(&w, verdict);
    *bytes = w.at;
    *len = w.len;
}

typedef struct {
    const unsigned char *at, *end;
} reader_t;

static bool take(reader_t *r, void *into, apr_size_t len)
{
    if ((apr_size_t)(r->end - r->at) < len)
        return false;
    memcpy(into, r->at, len);
    r->at += len;
    return true;
}

static bool take_string(reader_t *r, const char **text)
{
    apr_uint32_t len;

    if (!take(r, &len, sizeof len))
        return false;
    *text = NULL;
    if (len == 0)
        return true;
    if ((apr_size_t)(r->end - r->at) < len || r->at[len - 1] != '\0' || memchr(r->at, 0, len - 1))
        return false;
    *text = (const char *)r->at;
    r->at += len;
    return true;
}

static bool take_scope(reader_t *r, rs_scope_t *scope)
{
    apr_uint32_t bytes, count, i, words = 0;

    if (!take(r, &bytes, sizeof bytes) || !take(r, &count, sizeof count) ||
        (apr_size_t)(r->end - r->at) < bytes)
        return false;
    for (i = 0; i < bytes; i++)
        words += r->at[i] == '\0';
    if (words != count || (bytes && r->at[bytes - 1] != '\0'))
        return false;
    scope->words = (const char *)r->at;
    scope->bytes = bytes;
    scope->count = count;
    r->at += bytes;
    return true;
}

static bool take_principal(reader_t *r, rs_principal_t *principal)
{
    apr_uint32_t len;

    if (!take_string(r, &principal->user) || !take_string(r, &principal->issuer) ||
        !take_string(r, &principal->subject) || !take_string(r, &principal->client) ||
        !take_scope(r, &principal->scope) || !take(r, &len, sizeof len) ||
        (apr_size_t)(r->end - r->at) < len || !rs_claims_well_formed(r->at, len))
        return false;
    principal->claims.bytes = r->at;
    principal->claims.len = len;
    r->at += len;
    return principal->user && *principal->user && principal->issuer;
}

apr_status_t rs_record_decode(const unsigned char *bytes, apr_size_t len, rs_record_t *record)
{
    reader_t r = { bytes, bytes + len };
    rs_record_t found;
    head_t head;

    memset(&found, 0, sizeof found);
    if (!take(&r, &head, sizeof head) || head.magic != MAGIC + RS_RECORD_FORMAT ||
        head.outcome >= RS_OUTCOME_COUNT || head.introspected > 1 || head.has_key > 1 ||
        !take_string(&r, &found.verdict.detail))
        return APR_EINVAL;
    found.verdict.outcome = (rs_outcome_t)head.outcome;
    found.verdict.decided_at = head.decided_at;
    found.verdict.valid_until = head.valid_until;
    found.verdict.retry_after = head.retry_after;
    found.verdict.introspected = head.introspected;
    if (found.verdict.outcome == RS_TOKEN_ACCEPTED) {
        if (!take_principal(&r, &found.principal))
            return APR_EINVAL;
        found.principal.expires = head.expires;
    }
    if (r.at != r.end)
        return APR_EINVAL;
    if (head.has_key)
        memcpy(found.key.bytes, head.key, sizeof found.key.bytes);
    *record = found;
    record->verdict.principal =
        found.verdict.outcome == RS_TOKEN_ACCEPTED ? &record->principal : NULL;
    record->verdict.key = head.has_key ? &record->key : NULL;
    return APR_SUCCESS;
}
