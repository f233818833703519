/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* A token as a client sends it: parse, decrypt, claims, policy. */
#include "fuzz.h"
#include "jose/rs_jwe.h"
#include "jose/rs_jws.h"
#include "provider/rs_provider_spec.h"

#include <apr_general.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static apr_pool_t *root;
    static rs_provider_spec_t *spec;
    /* A secret, and the key of RFC 7520 5.5: the ways that need no RSA. */
    static const char text[] = "{\"keys\":[{\"kty\":\"oct\",\"k\":\"XctOhJAkA-pD9Lh7ZgW_2A\"},{"
                               "\"kty\":\"EC\",\"crv\":\"P-256\","
                               "\"x\":\"Ze2loSV3wrroKUN_4zhwGhCqo3Xhu1td4QjeQ5wIVR0\",\"y\":"
                               "\"HlLtdXARY_f55A3fnzQbPcm6hgr34Mp8p-nuzQCE0Zw\",\"d\":"
                               "\"r_kHyZ-a06rmxM3yESK84r1otSg-aQcVStkRhA-iCM8\"}]}";
    const char *why;
    rs_jwe_plain_t plain;
    apr_pool_t *p;
    const rs_jws_t *jws;

    if (!root) {
        apr_initialize();
        apr_pool_create(&root, NULL);
        spec = rs_provider_spec_create("fuzz", root);
        spec->policy.issuer = "https://login.example.com";
        spec->policy.audience_any = true;
    }
    apr_pool_create(&p, root);
    if (rs_jws_parse(&jws, (const char *)bytes, len, p) == RS_TOKEN_ACCEPTED) {
        const rs_json_t *json = rs_jws_claims(jws, NULL, p);
        if (json) {
            rs_claims_t claims = rs_claims_from_json(json, p);
            rs_evidence_t evidence = { .claims = &claims, .typ = rs_jws_typ(jws) };
            rs_policy_judge(&spec->policy, &evidence, apr_time_from_sec(1700000000), p);
        }
    }
    if (rs_jwe_looks_like((const char *)bytes, len))
        (void)rs_jwe_decrypt(rs_jwe_keys_parse(text, sizeof text - 1, &why, p), (const char *)bytes,
                             len, &plain, p);
    apr_pool_destroy(p);
    return 0;
}
