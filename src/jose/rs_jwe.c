/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* JWE: taking a token apart, and the choice of the key. */
#include "jose/rs_jwe.h"
#include "base/rs_base64url.h"
#include "base/rs_limits.h"
#include "jose/rs_jwe_parts.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <string.h>

#define SEGMENTS 5

static unsigned split(const char *token, apr_size_t len, const char *ends[SEGMENTS])
{
    const char *at = token, *end = token + len;
    unsigned count = 0;

    while (count < SEGMENTS) {
        const char *dot = memchr(at, '.', (apr_size_t)(end - at));
        ends[count++] = dot ? dot : end;
        if (!dot)
            return count;
        at = dot + 1;
    }
    return SEGMENTS + 1;
}

bool rs_jwe_looks_like(const char *token, apr_size_t len)
{
    const char *ends[SEGMENTS];

    return split(token, len, ends) == SEGMENTS;
}

static bool decode(rs_jwe_part_t *part, const char *from, const char *to, apr_pool_t *p)
{
    unsigned char *bytes;

    if (rs_base64url_decode(from, (apr_size_t)(to - from), &bytes, &part->len, p) != APR_SUCCESS)
        return false;
    part->bytes = bytes;
    return true;
}

static bool short_text(const rs_json_t *header, const char *name, const char **text)
{
    const rs_json_t *value = rs_json_get(header, name);
    apr_size_t len = 0;

    *text = rs_json_text(value, &len);
    return !value || (*text && len <= RS_KID_BYTES_MAX);
}

/* jku, jwk, x5u and x5c are not looked at (RFC 8725 3.10). zip: what a few bytes can grow to has no
 * bound (RFC 8725 3.6). */
static bool read_header(rs_jwe_t *jwe, rs_jwe_plain_t *plain, const rs_jwe_part_t *bytes,
                        apr_pool_t *p)
{
    const char *alg, *enc;

    if (bytes->len > RS_JOSE_HEADER_BYTES_MAX)
        return false;
    jwe->header =
        rs_json_object((const char *)bytes->bytes, bytes->len, &rs_json_token_limits, NULL, p);
    if (!jwe->header || rs_json_get(jwe->header, "crit") || rs_json_get(jwe->header, "zip"))
        return false;
    if (!short_text(jwe->header, "alg", &alg) || !short_text(jwe->header, "enc", &enc) ||
        !short_text(jwe->header, "kid", &jwe->kid) ||
        !short_text(jwe->header, "typ", &plain->typ) ||
        !short_text(jwe->header, "cty", &plain->cty) || !alg || !enc)
        return false;
    jwe->alg = rs_jwe_alg(alg);
    jwe->enc = rs_jwe_enc(enc);
    return true;
}

static bool parse(rs_jwe_t *jwe, rs_jwe_plain_t *plain, const char *token, apr_size_t len,
                  apr_pool_t *p)
{
    const char *ends[SEGMENTS];
    rs_jwe_part_t header;

    if (len > RS_TOKEN_BYTES_MAX || split(token, len, ends) != SEGMENTS)
        return false;
    jwe->aad = token;
    jwe->aad_len = (apr_size_t)(ends[0] - token);
    return decode(&header, token, ends[0], p) && read_header(jwe, plain, &header, p) &&
           decode(&jwe->key, ends[0] + 1, ends[1], p) &&
           decode(&jwe->iv, ends[1] + 1, ends[2], p) &&
           decode(&jwe->text, ends[2] + 1, ends[3], p) &&
           decode(&jwe->tag, ends[3] + 1, ends[4], p);
}

/* A content key that cannot be had is replaced by a random one, and its tag is wrong: both ways
 * take the same steps (RFC 7516 11.5). */
static bool open_with(const rs_jwe_t *jwe, const rs_jwe_key_t *key, rs_jwe_plain_t *plain,
                      apr_pool_t *p)
{
    unsigned char cek[RS_JWE_CEK_BYTES_MAX];
    bool had = rs_jwe_content_key(jwe, key, cek, p);
    const char *content = rs_jwe_content(jwe, cek, &plain->len, p);

    OPENSSL_cleanse(cek, sizeof cek);
    plain->bytes = had ? content : NULL;
    return plain->bytes != NULL;
}

rs_outcome_t rs_jwe_decrypt(const rs_jwe_keys_t *keys, const char *token, apr_size_t len,
                            rs_jwe_plain_t *plain, apr_pool_t *p)
{
    rs_jwe_t jwe = { 0 };
    unsigned i, tried = 0;
    bool fine = false;

    memset(plain, 0, sizeof *plain);
    if (!parse(&jwe, plain, token, len, p))
        return RS_TOKEN_MALFORMED;
    if (!jwe.alg || !jwe.enc)
        return RS_TOKEN_ALG_REFUSED;
    ERR_set_mark();
    for (i = 0; i < keys->count && !fine && tried < RS_KEYS_TRIED_PER_TOKEN_MAX; i++) {
        if (!rs_jwe_key_fits(&keys->keys[i], &jwe))
            continue;
        fine = open_with(&jwe, &keys->keys[i], plain, p);
        tried++;
    }
    ERR_pop_to_mark();
    return fine ? RS_TOKEN_ACCEPTED : RS_TOKEN_DECRYPTION_FAILED;
}
