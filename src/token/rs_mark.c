/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* Revocation marks. */
#include "token/rs_mark.h"
#include "base/rs_base64url.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define FORMAT 1

static const char use[] = "mod_oauth2_rs mark 1";

void rs_mark_digest(rs_sha256_t *digest, rs_mark_kind_t kind, const char *issuer, const char *value)
{
    char letter[2] = { (char)kind, '\0' };
    rs_span_t spans[] = { { use, sizeof use },
                          { letter, sizeof letter },
                          { issuer, strlen(issuer) + 1 },
                          { value, strlen(value) } };

    rs_sha256(spans, sizeof spans / sizeof spans[0], digest);
}

/* An opaque token may have two dots as well, and all that is secret behind the last one: only a
 * JOSE header (RFC 7515 section 4) makes it a signed JWT. */
static bool is_json_object(const char *segment, apr_size_t len, apr_pool_t *p)
{
    unsigned char *text;
    apr_size_t text_len;

    if (rs_base64url_decode(segment, len, &text, &text_len, p) != APR_SUCCESS)
        return false;
    while (text_len && apr_isspace(*text))
        text++, text_len--;
    return text_len && *text == '{';
}

/* How many of its characters name the token. */
static apr_size_t named_by(const char *token, apr_size_t len, apr_pool_t *p)
{
    const char *end = token + len, *first = memchr(token, '.', len), *second;

    second = first ? memchr(first + 1, '.', (apr_size_t)(end - first - 1)) : NULL;
    if (!second || memchr(second + 1, '.', (apr_size_t)(end - second - 1)) ||
        !is_json_object(token, (apr_size_t)(first - token), p))
        return len;
    return (apr_size_t)(second - token);
}

void rs_mark_digest_token(rs_sha256_t *digest, const char *token, apr_size_t len, apr_pool_t *p)
{
    rs_mark_digest(digest, RS_MARK_TOKEN, "", apr_pstrmemdup(p, token, named_by(token, len, p)));
}

apr_time_t rs_mark_counts_from(const rs_mark_t *mark, apr_time_t heard_at)
{
    apr_time_t latest = heard_at + RS_MARK_AHEAD_MAX;

    if (mark->not_before <= heard_at)
        return heard_at;
    return mark->not_before < latest ? mark->not_before : latest;
}

bool rs_mark_is_spent(apr_time_t counts_from, apr_interval_time_t retention, apr_time_t now)
{
    return now - counts_from > retention + RS_MARK_AHEAD_MAX;
}

void rs_mark_encode(const rs_mark_t *mark, unsigned char bytes[RS_MARK_BYTES])
{
    apr_uint64_t number = (apr_uint64_t)mark->not_before;
    unsigned i;

    bytes[0] = FORMAT;
    memcpy(bytes + 1, mark->of.bytes, RS_SHA256_BYTES);
    for (i = RS_MARK_BYTES; i-- > 1 + RS_SHA256_BYTES; number >>= 8)
        bytes[i] = (unsigned char)number;
}

bool rs_mark_decode(rs_mark_t *mark, const unsigned char *bytes, apr_size_t len)
{
    apr_uint64_t number = 0;
    unsigned i;

    if (len != RS_MARK_BYTES || bytes[0] != FORMAT)
        return false;
    memcpy(mark->of.bytes, bytes + 1, RS_SHA256_BYTES);
    for (i = 0; i < 8; i++)
        number = number << 8 | bytes[1 + RS_SHA256_BYTES + i];
    if (number > (apr_uint64_t)APR_INT64_MAX)
        return false;
    mark->not_before = (apr_time_t)number;
    return true;
}

unsigned rs_marks_of(const rs_presented_t *presented, const rs_principal_t *principal,
                     rs_sha256_t digests[RS_MARKS_OF_TOKEN], apr_pool_t *p)
{
    rs_claim_t sid = rs_claims_get(&principal->claims, "sid");
    unsigned count = 0;

    rs_mark_digest_token(&digests[count++], presented->token, presented->token_len, p);
    rs_mark_digest(&digests[count++], RS_MARK_ISSUER, principal->issuer, "");
    if (principal->subject)
        rs_mark_digest(&digests[count++], RS_MARK_SUBJECT, principal->issuer, principal->subject);
    if (principal->client)
        rs_mark_digest(&digests[count++], RS_MARK_CLIENT, principal->issuer, principal->client);
    if (sid.type == RS_JSON_STRING)
        rs_mark_digest(&digests[count++], RS_MARK_SESSION, principal->issuer, sid.text);
    return count;
}

apr_time_t rs_mark_issued_at(const rs_principal_t *principal)
{
    rs_claim_t iat = rs_claims_get(&principal->claims, "iat");
    bool number = iat.type == RS_JSON_INTEGER || iat.type == RS_JSON_REAL;

    return number && iat.real > 0 && iat.real < 1e11 ? (apr_time_t)(iat.real * APR_USEC_PER_SEC)
                                                     : 0;
}
