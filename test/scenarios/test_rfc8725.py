# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The attacks of RFC 8725, JSON Web Token Best Current Practices, one by one; the names are its sections."""

import json

import pytest

import jwe
import places
from answers import granted, refused
from keys import Key, hmac_sign
from scripted import AUDIENCE
from texts import location, provider, secret_file


@pytest.fixture(scope="module")
def bed(module_yard):
    folder = places.folder("rfc8725")
    issuer, other = module_yard.issuer(("RS256", "ES256")), module_yard.issuer()
    key = jwe.Key("P-256")
    config = provider(issuer, f"OAuth2RSDecryptionKey file:{secret_file(folder, key.text(), name='dec')}")
    config += provider(other, "OAuth2RSTokenType rfc9068", name="strict")
    config += location("/x", "OAuth2RSUse acme", "Require valid-user") + location("/strict", "OAuth2RSUse strict", "Require valid-user")
    return module_yard.httpd("rfc8725", config), issuer, other, key


def invalid(answer):
    assert answer.status == 401 and 'error="invalid_token"' in answer.challenge, answer


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
def test_2_1_the_algorithm_is_changed_to_none(bed, alg):
    server, issuer = bed[:2]
    header, payload, _ = issuer.jwt().split(".")
    for signature in ("", issuer.jwt().split(".")[2]):
        invalid(server.get("/x", f"{jwe.b64(json.dumps({'alg': alg, 'typ': 'at+jwt'}).encode())}.{payload}.{signature}"))


@pytest.mark.parametrize("form", ["pem", "pem-stripped", "jwk", "n", "der"])
def test_2_1_an_rsa_public_key_is_the_hmac_secret(bed, form):
    from cryptography.hazmat.primitives import serialization
    server, issuer = bed[:2]
    key = issuer.key("RS256")
    der = key.private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    secret = {"pem": key.pem(), "pem-stripped": key.pem().strip(), "jwk": json.dumps(key.jwk()).encode(),
              "n": key.jwk()["n"].encode(), "der": der}[form]
    refused(server.get("/x", hmac_sign(secret, {"alg": "HS256", "typ": "at+jwt", "kid": key.kid}, issuer.claims())), "alg")


@pytest.mark.parametrize("secret, words", [("secret", "32 bytes"), ("x" * 31, "32 bytes")])
def test_2_2_a_weak_symmetric_key_stops_the_start(yard, issuer, folder, secret, words):
    path = secret_file(folder, secret, name="weak")
    server = yard.httpd("weak", provider(issuer, "OAuth2RSAlgorithms HS256", f"OAuth2RSSharedKey file:{path}"), start=False)
    code, said = server.configtest()
    assert code != 0 and words in said and "RS0611" in said, said
    with pytest.raises(AssertionError, match=words):
        server.start()


def test_2_3_encryption_is_no_signature(bed):
    server, issuer, _, key = bed
    claims = json.dumps(issuer.claims())
    invalid(server.get("/x", jwe.encrypt(claims, key, "ECDH-ES")))
    unsigned = jwe.b64(b'{"alg":"none"}') + "." + jwe.b64(claims.encode()) + "."
    invalid(server.get("/x", jwe.encrypt(unsigned, key, "ECDH-ES")))
    granted(server.get("/x", jwe.encrypt(issuer.jwt(), key, "ECDH-ES")))


def test_2_4_plaintext_lengths_are_not_compressed(bed):
    server, issuer, _, key = bed
    invalid(server.get("/x", jwe.encrypt(issuer.jwt(), key, "ECDH-ES", zip="DEF")))


def test_2_5_an_invalid_point_in_ecdh_es(bed):
    server, issuer, _, key = bed
    header, *rest = jwe.encrypt(issuer.jwt(), key, "ECDH-ES").split(".")
    epk = {"kty": "EC", "crv": "P-256", "x": jwe.b64(b"\x01" * 32), "y": jwe.b64(b"\x01" * 32)}
    header = jwe.b64(json.dumps({"alg": "ECDH-ES", "enc": "A256GCM", "epk": epk}).encode())
    refused(server.get("/x", ".".join([header, *rest])), "decryption")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"])
def test_2_6_json_in_another_encoding(bed, encoding):
    server, issuer = bed[:2]
    invalid(server.get("/x", issuer.jwt(payload=json.dumps({**issuer.claims(), "name": "Zürich"}, ensure_ascii=False).encode(encoding))))


def test_2_7_a_token_for_another_recipient(bed):
    server, issuer = bed[:2]
    refused(server.get("/x", issuer.jwt(aud="https://other.example.com")), "audience")
    refused(server.get("/x", issuer.jwt(aud=None)), "audience")
    refused(server.get("/x", issuer.jwt(aud=[AUDIENCE + "/", AUDIENCE.upper()])), "audience")


@pytest.mark.parametrize("typ", ["JWT", "secevent+jwt", "logout+jwt", "dpop+jwt", "id_token", None])
def test_2_8_cross_jwt_confusion(bed, typ):
    """A token of the issuer that is no access token: where the type is required, nothing else passes."""
    server, _, strict, _ = bed
    refused(server.get("/strict", strict.jwt(header={"typ": typ})), "type")
    granted(server.get("/strict", strict.jwt()))


def test_2_8_an_id_token_where_no_type_is_required(bed):
    server, issuer = bed[:2]
    refused(server.get("/x", issuer.jwt(header={"typ": "JWT"}, nonce="n", at_hash="h")), "type")


@pytest.mark.parametrize("kid", ["../../../../dev/null", "' OR 1=1 --", "$(id)", "http://127.0.0.1:1/x", "a\n", "%00", "file:///etc/passwd"])
def test_2_9_a_kid_is_looked_up_in_the_set_and_nowhere_else(bed, kid):
    server, issuer = bed[:2]
    forged = Key("ES256", kid=kid)
    answer = server.get("/x", issuer.jwt(key=forged))
    assert answer.status in (401, 503), answer  # 503 in the cool-down after the first one


@pytest.mark.parametrize("member", ["jku", "x5u"])
def test_2_9_an_address_in_the_header_is_not_asked(bed, yard, member):
    server, issuer = bed[:2]
    evil = yard.issuer()
    token = issuer.jwt(key=evil.key(), header={member: evil.url + "/jwks", "kid": issuer.key("ES256").kid})
    refused(server.get("/x", token), "signature")
    assert not evil.requests


def test_3_1_the_key_says_for_which_algorithm_it_is(bed):
    server, issuer = bed[:2]
    key = issuer.key("RS256")
    for alg in ("RS384", "RS512", "PS256", "PS512"):
        invalid(server.get("/x", issuer.jwt(alg=alg, key=key)))
    granted(server.get("/x", issuer.jwt(key=key)))


def test_3_2_rsa_keys_of_1024_bits_do_not_verify(yard, folder):
    issuer = yard.issuer()
    issuer.keys.append(Key("RS256", bits=1024))
    server = yard.httpd("short", provider(issuer) + location("/x", "Require valid-user"))
    granted(server.get("/x", issuer.jwt()))
    invalid(server.get("/x", issuer.jwt(alg="RS256")))


def test_3_8_the_issuer_and_its_keys_belong_together(bed):
    """The keys of one issuer verify nothing of another."""
    server, issuer, other, _ = bed
    refused(server.get("/x", other.jwt(header={"kid": issuer.key("ES256").kid}, iss=issuer.url)), "signature")
    refused(server.get("/x", issuer.jwt(iss=other.url)), "issuer")


def test_3_9_there_is_no_provider_without_a_word_on_the_audience(yard, issuer):
    server = yard.httpd("audience", provider(issuer, audience=None), start=False)
    code, text = server.configtest()
    assert code != 0 and "OAuth2RSAudience" in text


def test_3_10_claims_are_not_trusted_as_headers(bed):
    server, issuer = bed[:2]
    answer = server.get("/x", issuer.jwt(sub='a"\r\nX-Evil: 1', client_id="\u202e"))
    assert "X-Evil" not in [name for name, _ in answer.headers]
