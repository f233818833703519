# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Encrypted access tokens: a JWT that the issuer signed, encrypted to us."""

import json
import os
import shutil
from base64 import urlsafe_b64decode

import pytest

import jwe
import places
from answers import granted, refused
from httpd import server_user
from texts import asking, location, provider, secret_file
from waiting import until

CURVES = ["P-256", "P-384", "P-521", "X25519"]
KINDS = ["rsa", *CURVES, 16, 24, 32, 48, 64]


def decrypting(folder, keys):
    return [f"OAuth2RSDecryptionKey file:{secret_file(folder, key.text(), name=f'dec-{i}')}" for i, key in enumerate(keys)]


@pytest.fixture(scope="module")
def bed(module_yard):
    folder = places.folder("encrypted")
    issuer, other = module_yard.issuer(), module_yard.issuer()
    keys = {kind: jwe.Key(kind) for kind in KINDS}
    config = provider(issuer, *decrypting(folder, keys.values())) + location("/x", "OAuth2RSUse acme", "Require valid-user")
    config += provider(other, *decrypting(folder, keys.values()), name="other")
    config += location("/both", "OAuth2RSUse acme other", "Require valid-user")
    return module_yard.httpd("encrypted", config), issuer, other, keys


def fitting(alg, enc):
    if alg.startswith("RSA"):
        return ["rsa"]
    return [jwe.ENCS[enc][0]] if alg == "dir" else CURVES


MATRIX = [(alg, enc, kind) for alg in jwe.ALGS for enc in jwe.ENCS for kind in fitting(alg, enc)]


@pytest.mark.parametrize("alg, enc, kind", MATRIX, ids=["-".join(map(str, row)) for row in MATRIX])
def test_each_way_of_encrypting(bed, alg, enc, kind):
    server, issuer, _, keys = bed
    token = jwe.encrypt(issuer.jwt(), keys[kind], alg, enc)
    granted(server.get("/x", token))
    segments = token.split(".")
    for which, segment in enumerate(segments):
        if not segment:
            continue
        flipped = segment[:-2] + ("A" if segment[-2] != "A" else "Q") + segment[-1]
        answer = server.get("/x", ".".join(segments[:which] + [flipped] + segments[which + 1:]))
        assert answer.status == 401 and 'error="invalid_token"' in answer.challenge, answer


def test_a_strangers_key_does_not_open_it(bed):
    server, issuer, _, keys = bed
    for kind in ("rsa", "P-256", "X25519", 32):
        alg = {"rsa": "RSA-OAEP-256", 32: "dir"}.get(kind, "ECDH-ES")
        assert server.get("/x", jwe.encrypt(issuer.jwt(), jwe.Key(kind), alg)).status == 401


def test_what_is_inside_goes_through_all_rules(bed):
    server, issuer, other, keys = bed
    for claims, reason in (({"exp": 1}, "expired"), ({"aud": "other"}, "audience"), ({"cnf": {"jkt": "x"}}, "bound")):
        refused(server.get("/x", jwe.encrypt(issuer.jwt(**claims), keys["rsa"], "RSA-OAEP")), reason)
    refused(server.get("/x", jwe.encrypt(other.jwt(), keys["rsa"], "RSA-OAEP")), "issuer")


@pytest.mark.parametrize("content", ["claims", "unsigned", "nested", "empty", "garbage"])
def test_what_is_encrypted_must_be_signed(bed, content):
    """Anybody can encrypt to us: claims that nobody signed are nobody's word."""
    server, issuer, _, keys = bed
    claims = json.dumps({"iss": issuer.url, "sub": "root", "aud": "https://api.example.com", "exp": 4102444800})
    text = {"claims": claims, "unsigned": jwe.b64(b'{"alg":"none"}') + "." + jwe.b64(claims.encode()) + ".",
            "nested": jwe.encrypt(issuer.jwt(), keys["rsa"], "RSA-OAEP"), "empty": "", "garbage": os.urandom(500)}[content]
    answer = server.get("/x", jwe.encrypt(text, keys["rsa"], "RSA-OAEP"))
    assert answer.status == 401 and 'error="invalid_token"' in answer.challenge, answer


@pytest.mark.parametrize("members", [{"zip": "DEF"}, {"crit": ["exp"]}, {"crit": []}, {"alg": "RSA1_5"}, {"alg": "A256KW"},
                                     {"alg": "none"}, {"kid": "x" * 300}], ids=lambda m: "-".join(map(str, m))[:20])
def test_headers_that_are_not_taken(bed, members):
    server, issuer, _, keys = bed
    alg = members.pop("alg", "RSA-OAEP")
    token = jwe.encrypt(issuer.jwt(), keys["rsa"], alg if alg == "RSA1_5" else "RSA-OAEP", **members)
    if alg not in ("RSA1_5", "RSA-OAEP"):
        rest = token.split(".", 1)[1]
        token = jwe.b64(json.dumps({"alg": alg, "enc": "A256GCM"}).encode()) + "." + rest
    assert server.get("/x", token).status == 401


def test_a_point_off_the_curve(bed):
    """An invalid-curve attack (RFC 8725 3.4): the sender's point is on no curve, or on another one."""
    server, issuer, _, keys = bed
    header = jwe.encrypt("x", keys["P-256"], "ECDH-ES").split(".")[0]
    good = json.loads(urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    rest = jwe.encrypt(issuer.jwt(), keys["P-256"], "ECDH-ES").split(".", 1)[1]
    for epk in ({**good["epk"], "y": good["epk"]["x"]}, {**good["epk"], "x": jwe.b64(bytes(32))}, jwe.Key("P-384").public_jwk(),
                {"kty": "EC"}, {}, "x", {"kty": "OKP", "crv": "X25519", "x": jwe.b64(bytes(32))}):
        header = jwe.b64(json.dumps({**good, "epk": epk}).encode())
        assert server.get("/x", header + "." + rest).status == 401


def test_the_issuer_inside_picks_the_provider(bed):
    server, issuer, other, keys = bed
    for each in (issuer, other):
        granted(server.get("/both", jwe.encrypt(each.jwt(), keys["P-256"], "ECDH-ES+A256KW")))


def test_without_a_key_it_is_an_opaque_token(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + location("/x", "Require valid-user"))
    calls = issuer.count()
    refused(server.get("/x", jwe.encrypt(issuer.jwt(), jwe.Key("rsa"), "RSA-OAEP")), "inactive")
    assert issuer.count() == calls + 1


def test_a_changed_file_is_read_again(httpd, issuer, folder):
    """A key that httpd's children may read; one that only root can read waits for a graceful restart."""
    path = secret_file(folder, jwe.Key("rsa").text(), name="watched")
    shutil.chown(path, server_user())
    server = httpd(provider(issuer, f"OAuth2RSDecryptionKey file:{path}") + location("/x", "Require valid-user"))
    fresh = jwe.Key("rsa")
    assert server.get("/x", jwe.encrypt(issuer.jwt(), fresh, "RSA-OAEP")).status == 401
    path.write_text(fresh.text())
    until(lambda: server.get("/x", jwe.encrypt(issuer.jwt(), fresh, "RSA-OAEP")).status == 200, "the file is not read again")
    granted(server.get("/x", jwe.encrypt(issuer.jwt(), fresh, "RSA-OAEP")))
    assert server.log.count("RS0541") == 1


@pytest.mark.parametrize("text, words", [("nonsense", "no private key"), ("", "no private key"),
                                         ('{"kty":"oct","k":"AAAA"}', "16 to 64 bytes")])
def test_a_key_of_no_use_stops_the_start(yard, issuer, folder, text, words):
    path = secret_file(folder, text, name="bad")
    server = yard.httpd("bad-key", provider(issuer, f"OAuth2RSDecryptionKey file:{path}") + location("/x", "Require valid-user"),
                        start=False)
    code, said = server.configtest()
    assert code != 0 and words in said and "RS0611" in said, said
    with pytest.raises(AssertionError, match=words):
        server.start()


def test_a_key_that_others_can_read_stops_the_start(yard, issuer, folder):
    path = secret_file(folder, jwe.Key("rsa").text(), name="open", mode=0o644)
    server = yard.httpd("open-key", provider(issuer, f"OAuth2RSDecryptionKey file:{path}"), start=False)
    code, text = server.configtest()
    assert code != 0 and "OAuth2RSDecryptionKey" in text, text
