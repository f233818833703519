# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Tokens that nobody should accept: malformed ones, forged ones, and those that try to be expensive."""

import json
import secrets
import time

import pytest

import client
import places
from answers import REFUSALS, granted, refused
from keys import Key, b64, compact, hmac_sign, unb64
from texts import asking, location, provider

SECONDS = 10.0  # a refusal is quick, whatever the token looks like


@pytest.fixture(scope="module")
def bed(module_yard):
    """/jwt judges JWTs alone, so a token never leaves the server; /auto asks about what is no JWT."""
    folder = places.folder("tokens-bad")
    issuer = module_yard.issuer(["ES256", "RS256", "EdDSA"])
    config = asking(issuer, folder, "OAuth2RSValidate auto", name="auto")
    config += provider(issuer, "OAuth2RSValidate jwt", name="jwt")
    for name in ("auto", "jwt"):
        config += location("/" + name, f"OAuth2RSUse {name}", "Require valid-user")
    # The ordinary limit of a header field is 8190 bytes; here the module's own bound must hold.
    return module_yard.httpd("tokens-bad", "LimitRequestFieldSize 131072\n" + config), issuer


@pytest.fixture(autouse=True)
def a_good_token_still_passes(bed):
    yield
    server, issuer = bed
    granted(server.get("/jwt", issuer.jwt()))


def bad(bed, token, *reasons, path="/jwt"):
    """Refused as 401 invalid_token (or 400 where the header itself is wrong), in bounded time, without a call."""
    server, issuer = bed
    issuer.minted.append(token)
    before = len(issuer.requests)
    answer = server.get(path, token)
    assert answer.seconds < SECONDS, answer
    for reason in reasons[:-1]:
        if (answer.challenge or "").endswith(f'error_description="{REFUSALS[reason][2]}"'):
            return refused(answer, reason)
    refused(answer, reasons[-1])
    assert issuer.count() == len([r for r in issuer.requests[:before] if r.path == "/introspect"])
    return answer


def parts(bed, **claims):
    return bed[1].jwt(**claims).split(".")


# --- the shape

def test_empty(bed):
    server, issuer = bed
    refused(server.get("/jwt", headers=[("Authorization", "Bearer ")]), "request_malformed")


@pytest.mark.parametrize("size", [30 * 1024, 33 * 1024, 64 * 1024, 120 * 1024])
@pytest.mark.parametrize("kind", ["letters", "dots", "jwt"])
def test_huge(bed, size, kind):
    server, issuer = bed
    token = {"letters": "a" * size, "dots": "." * size, "jwt": issuer.jwt(pad="x" * (size * 3 // 4))}[kind]
    answer = server.get("/jwt", token)
    assert answer.seconds < SECONDS
    if kind == "jwt" and len(token) <= 32 * 1024:
        assert answer.status in (200, 401), answer
    else:
        assert answer.status in (400, 401) and "error=" in answer.challenge, answer


def test_64_kib_at_the_ordinary_limit_is_httpds_own_400(httpd, issuer, folder):
    server = httpd(provider(issuer) + location("/jwt", "Require valid-user"))
    assert server.get("/jwt", "a" * 65536).status == 400


@pytest.mark.parametrize("change", ["no-dot", "one-dot", "three-dots", "four-dots", "leading-dot", "trailing-dot", "empty-payload",
                                    "empty-header", "empty-signature"])
def test_wrong_dots(bed, change):
    head, body, sign = parts(bed)
    token = {
        "no-dot": head + body + sign, "one-dot": f"{head}.{body}", "three-dots": f"{head}.{body}.{sign}.",
        "four-dots": f"{head}.{body}.{sign}..", "leading-dot": f".{head}.{body}.{sign}",
        "trailing-dot": f"{head}.{body}.{sign}.{sign}", "empty-payload": f"{head}..{sign}",
        "empty-header": f".{body}.{sign}", "empty-signature": f"{head}.{body}.",
    }[change]
    bad(bed, token, "malformed", "signature")


@pytest.mark.parametrize("segment", [0, 1, 2])
def test_padded_base64(bed, segment):
    """RFC 7515 2: base64url with all trailing '=' omitted. In the middle of a token '=' is not even b64token."""
    segments = parts(bed)
    segments[segment] += "=" * (-len(segments[segment]) % 4 or 4)
    bad(bed, ".".join(segments), "request_malformed", "malformed")


def test_plain_base64_alphabet(bed):
    """'+' and '/' belong to another alphabet."""
    server, issuer = bed
    for _ in range(20):
        head, body, sign = parts(bed)
        if "-" in sign or "_" in sign:
            bad(bed, f"{head}.{body}.{sign.replace('-', '+').replace('_', '/')}", "malformed")
            return


def test_base64_with_stray_bits_at_the_end(bed):
    """The last character of a 43-letter segment carries unused bits: they must be zero, else one token has many names."""
    head, body, sign = parts(bed)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = sign[:-1] + alphabet[alphabet.index(sign[-1]) ^ 1]
    bad(bed, f"{head}.{body}.{twin}", "malformed", "signature")


@pytest.mark.parametrize("segment", [0, 1, 2])
def test_every_segment_is_covered(bed, segment):
    segments = parts(bed)
    data = bytearray(unb64(segments[segment]))
    data[len(data) // 2] ^= 1
    segments[segment] = b64(bytes(data))
    bad(bed, ".".join(segments), "malformed", "key", "alg", "issuer", "audience", "claim", "signature")


@pytest.mark.parametrize("cut", [1, 32, 63])
def test_truncated_signature(bed, cut):
    head, body, sign = parts(bed)
    bad(bed, f"{head}.{body}.{b64(unb64(sign)[:-cut])}", "signature", "malformed")


# --- algorithms (RFC 8725 section 2.1, 3.1, 3.2)

@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "none ", ""])
@pytest.mark.parametrize("signature", ["", "kept"])
def test_alg_none_in_any_case(bed, alg, signature):
    _, body, sign = parts(bed)
    head = b64(compact({"alg": alg, "typ": "at+jwt", "kid": bed[1].key().kid}))
    bad(bed, f"{head}.{body}.{sign if signature else ''}", "malformed", "alg")


def test_hs256_with_the_rsa_public_key(bed):
    server, issuer = bed
    key = issuer.key("RS256")
    for secret in (key.pem(), key.pem().strip(), compact(key.jwk()), unb64(key.jwk()["n"])):
        bad(bed, hmac_sign(secret, {"alg": "HS256", "kid": key.kid}, issuer.claims()), "alg")


@pytest.mark.parametrize("signed, said", [("ES256", "RS256"), ("RS256", "PS256"), ("RS256", "RS512"), ("EdDSA", "ES256"),
                                          ("ES256", "ES384"), ("RS256", "ES256"), ("ES256", "EdDSA")])
def test_the_algorithm_must_fit_the_key(bed, signed, said):
    issuer = bed[1]
    key = issuer.key(signed)
    token = key.sign({"alg": said, "kid": key.kid, "typ": "at+jwt"}, issuer.claims(), signed)
    bad(bed, token, "alg", "key", "signature")


@pytest.mark.parametrize("alg", [None, 256, ["ES256"], {"a": 1}, True, "es256", "ES256K", "RSA1_5", "dir", "x" * 1000])
def test_strange_algorithms(bed, alg):
    issuer = bed[1]
    key = issuer.key("ES256")
    head = {"kid": key.kid, "typ": "at+jwt"} if alg is None else {"alg": alg, "kid": key.kid, "typ": "at+jwt"}
    bad(bed, key.sign(head, issuer.claims(), "ES256"), "malformed", "alg")


def test_an_algorithm_that_the_provider_does_not_allow(httpd, yard, folder):
    issuer = yard.issuer(["ES256", "RS256"])
    server = httpd(provider(issuer, "OAuth2RSAlgorithms ES256 EdDSA") + location("/jwt", "Require valid-user"))
    granted(server.get("/jwt", issuer.jwt(alg="ES256")))
    refused(server.get("/jwt", issuer.jwt(alg="RS256")), "alg")


def test_keys_that_the_token_brings_along_are_ignored(bed, yard):
    """RFC 8725 3.10: jku, x5u, x5c and jwk of a token say nothing, and nobody fetches them."""
    issuer, thief = bed[1], yard.issuer()
    own = thief.keys[0]
    for extra in ({"jwk": own.jwk()}, {"jku": thief.url + "/jwks"}, {"x5u": thief.url + "/x5u"},
                  {"x5c": ["MAA="]}, {"jku": thief.url + "/jwks", "kid": own.kid}):
        head = {"alg": "ES256", "kid": issuer.key().kid, "typ": "at+jwt", **extra}
        bad(bed, own.sign(head, issuer.claims()), "signature", "key")
    assert thief.requests == []


@pytest.mark.parametrize("crit", [["b64"], ["exp"], ["unheard-of"], [], "b64", [1], {"a": 1}, ["alg"]])
def test_unknown_crit(bed, crit):
    bad(bed, bed[1].jwt(header={"crit": crit, "b64": False, "unheard-of": 1}), "malformed")


# --- JSON

def forged(bed, payload=None, header=None):
    """Rightly signed, with these bytes inside."""
    key = bed[1].key("ES256")
    return key.sign(header or {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"},
                    payload if payload is not None else bed[1].claims())


def claims_text(bed, **more):
    return compact(bed[1].claims(**more)).decode()


def test_duplicate_members(bed):
    text = claims_text(bed)
    for extra in ('"aud":"https://api.example.com"', '"exp":99999999999', '"sub":"mallory"', '"a":1,"a":1',
                  '"nested":{"x":1,"x":2}', r'"\u0073ub":"mallory"'):
        bad(bed, forged(bed, (text[:-1] + "," + extra + "}").encode()), "malformed")
    key = bed[1].key("ES256")
    head = f'{{"alg":"none","kid":"{key.kid}","alg":"ES256"}}'.encode()
    bad(bed, forged(bed, header=head), "malformed")


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"])
def test_depth_1000(bed, opening, closing):
    text = claims_text(bed)[:-1] + ',"deep":' + opening * 1000 + "1" + closing * 1000 + "}"
    bad(bed, forged(bed, text.encode()), "malformed")
    bad(bed, forged(bed, (opening * 7000).encode()), "malformed")


@pytest.mark.parametrize("payload", [b"", b"null", b"1", b"[]", b'"x"', b"{}x", b"{", b"\xef\xbb\xbf{}", b"{}{}", b"true",
                                     b"{\"a\":}", b"{'a':1}", b"{\"a\":NaN}", b"{\"a\":01}", b"\x00{}", b"{}\x00"])
def test_what_is_not_a_json_object(bed, payload):
    bad(bed, forged(bed, payload), "malformed")


def test_embedded_nul(bed):
    text = claims_text(bed, sub="ali\\u0000ce".encode().decode("unicode_escape"))
    bad(bed, forged(bed, text.encode()), "malformed", "claim")
    bad(bed, forged(bed, claims_text(bed).replace('"alice"', '"ali\0ce"').encode()), "malformed")
    bad(bed, forged(bed, claims_text(bed).replace('"sub"', '"su\\u0000b"').encode()), "malformed", "claim")
    audience = claims_text(bed, aud="https://api.example.com\0.evil")
    bad(bed, forged(bed, audience.encode()), "malformed", "audience")


@pytest.mark.parametrize("evil", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc3"],
                         ids=["ff", "overlong", "surrogate", "beyond", "cut"])
def test_bad_utf8(bed, evil):
    bad(bed, forged(bed, claims_text(bed).encode().replace(b"alice", b"al" + evil + b"ice")), "malformed")


@pytest.mark.parametrize("text", [r"\ud800", r"\udc00x", r"\ud800A"])
def test_lone_surrogates(bed, text):
    bad(bed, forged(bed, claims_text(bed).replace("alice", text).encode()), "malformed")


NOW = int(time.time())


@pytest.mark.parametrize("exp", [f'"{NOW + 300}"', "1e300", "-1", "0", "null", "true", "[]", "{}", "1e400", "-1e300",
                                 "9223372036854775808", "18446744073709551617", '""', '"never"', "1" * 400],
                         ids=lambda text: text.replace(str(NOW + 300), "later")[:20])
def test_strange_exp(bed, exp):
    text = claims_text(bed, exp=None)[:-1] + f',"exp":{exp}}}'
    bad(bed, forged(bed, text.encode()), "malformed", "claim", "lifetime", "expired")


@pytest.mark.parametrize("name", ["nbf", "iat"])
@pytest.mark.parametrize("value", [f'"{NOW}"', "1e300", "true", "[]", "1e400"], ids=lambda text: text.replace(str(NOW), "now"))
def test_strange_nbf_and_iat(bed, name, value):
    text = claims_text(bed, iat=None)[:-1] + f',"{name}":{value}}}'
    bad(bed, forged(bed, text.encode()), "malformed", "claim", "lifetime", "not_yet")


def test_real_numbers_are_numbers(bed):
    server, issuer = bed
    text = claims_text(bed, exp=None, iat=None)[:-1] + f',"exp":{NOW + 3000}.5,"iat":{NOW}.25}}'
    granted(server.get("/jwt", forged(bed, text.encode())))
    text = claims_text(bed, exp=None, iat=None)[:-1] + f',"exp":{(NOW + 3000) / 1e9:.9f}e9}}'
    granted(server.get("/jwt", forged(bed, text.encode())))


@pytest.mark.parametrize("claims", [{"iss": 5}, {"iss": ["x"]}, {"aud": 5}, {"aud": {"a": 1}}, {"aud": [5]},
                                    {"aud": [["https://api.example.com"]]}, {"sub": 5}, {"sub": ["alice"]}, {"sub": ""},
                                    {"cnf": "x"}, {"cnf": []}, {"cnf": True}], ids=lambda c: json.dumps(c))
def test_claims_of_the_wrong_type(bed, claims):
    if claims.get("sub") == "":
        claims = {"sub": "", "client_id": None}
    bad(bed, bed[1].jwt(**claims), "malformed", "claim", "issuer", "audience", "nameless", "bound")


def test_scope_of_the_wrong_type_grants_nothing(bed):
    server, issuer = bed
    for scope in (5, {"read": True}, True, [5, {"a": 1}]):
        assert server.get("/jwt", issuer.jwt(scope=scope)).status in (200, 401)


# --- kinds of tokens that are no access tokens (RFC 8725 3.11)

@pytest.mark.parametrize("typ", ["logout+jwt", "secevent+jwt", "dpop+jwt", "token-introspection+jwt", "application/dpop+jwt",
                                 "DPOP+JWT"])
def test_other_kinds_by_typ(bed, typ):
    bad(bed, bed[1].jwt(header={"typ": typ}), "type")


@pytest.mark.parametrize("claims", [{"nonce": "n", "at_hash": "x"}, {"token_use": "id"}, {"token_use": "refresh_token"},
                                    {"typ": "Refresh"}, {"typ": "ID"}, {"events": {"x": {}}}], ids=lambda c: json.dumps(c))
def test_other_kinds_by_payload(bed, claims):
    bad(bed, bed[1].jwt(header={"typ": "JWT"}, **claims), "type", "claim")


@pytest.mark.parametrize("typ", [None, "JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
def test_access_tokens_by_typ(bed, typ):
    server, issuer = bed
    granted(server.get("/jwt", issuer.jwt(header={"typ": typ})))


# --- keys and issuers

def old_claims(issuer):
    """Of a token that is older than the key set: for a newer one the answer in the cool-down is 503."""
    return issuer.claims(iat=int(time.time()) - 100)


def test_a_foreign_key_under_a_known_kid(bed):
    issuer = bed[1]
    stranger = Key("ES256", kid=issuer.key("ES256").kid)
    bad(bed, stranger.sign({"alg": "ES256", "kid": stranger.kid}, issuer.claims()), "signature")


def test_without_a_kid_every_fitting_key_is_tried(bed):
    server, issuer = bed
    granted(server.get("/jwt", issuer.jwt(header={"kid": None})))
    bad(bed, Key("ES256").sign({"alg": "ES256"}, old_claims(issuer)), "signature", "key")


@pytest.mark.parametrize("kid", ["", "../../etc/passwd", "' OR 1=1", "%n%n%s", "k" * 5000, 5, None, ["a"], "x\0y", "\r\nX: 1"],
                         ids=lambda k: repr(k)[:20])
def test_strange_kids(bed, kid):
    key, issuer = Key("ES256"), bed[1]
    head = compact({"alg": "ES256", "kid": kid})
    bad(bed, key.sign(head, old_claims(issuer)), "malformed", "signature", "key")


# --- opaque ones

@pytest.mark.parametrize("token", ["a", "..", "...", "a.b", "a.b.c", "=", "====", "-._~+/=", "%00", "a" * 4000])
def test_strange_opaque_tokens_are_asked_about_or_refused(bed, token):
    server, issuer = bed
    answer = server.get("/auto", token)
    assert answer.status in (400, 401) and "error=" in answer.challenge, answer
    assert answer.seconds < SECONDS


def test_raw_bytes_in_the_header(bed):
    server, issuer = bed
    for value in (b"Bearer \x00\x01", b"Bearer a\x00b", b"Bearer \xff\xfe", b"Bearer a\tb", b"Bearer\ta", b"Bearer a\x7f",
                  b"\x00", b"Bearer " + secrets.token_bytes(60).replace(b"\n", b"").replace(b"\r", b"")):
        answer = client.raw(server.port, b"GET /jwt HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
                            + value + b"\r\n\r\n")
        assert answer.status in (400, 401), (value, answer)


def test_many_different_bad_tokens_leave_the_server_well(bed):
    server, issuer = bed
    good = issuer.jwt()
    for number in range(200):
        data = secrets.token_bytes(1 + number % 90)
        assert server.get("/jwt", f"{b64(data)}.{b64(data)}.{b64(data)}").status == 401
    granted(server.get("/jwt", good))
