# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Tokens that nobody needs, preflights, tokens kept back, requests inside requests."""

import pytest

import places
from answers import absent, granted, insufficient, plain, refused
from texts import asking, location


@pytest.fixture(scope="module")
def bed(module_yard):
    folder = places.folder("access")
    issuer = module_yard.issuer()
    config = asking(issuer, folder)
    config += location("/env/optional", "OAuth2RSOptional on", "Require all granted")
    config += location("/env/optional-ip", "OAuth2RSOptional on", "Require ip 127.0.0.1", "Require oauth2-scope read")
    config += location("/cors", "OAuth2RSPreflight on", "Require oauth2-scope read")
    config += location("/no-cors", "Require oauth2-scope read")
    config += location("/env/kept", "CGIPassAuth on", "OAuth2RSForwardToken off", "Require valid-user")
    config += location("/env/shown", "CGIPassAuth on", "Require valid-user")
    config += location("/files", "Require oauth2-scope read")
    config += "RewriteEngine on\nRewriteRule ^/inside/(.*)$ /env/kept/$1 [PT]\n"
    config += location("/strict", "Require oauth2-scope strict")
    config += "ErrorDocument 404 /env/shown/error\n"
    return module_yard.httpd("access", config, modules=["rewrite"]), issuer


def test_an_optional_token(bed):
    server, issuer = bed
    env = granted(server.get("/env/optional")).environment()
    assert "REMOTE_USER" not in env and "OAUTH2_SUBJECT" not in env
    env = granted(server.get("/env/optional", issuer.jwt())).environment()
    assert env["REMOTE_USER"] == "alice" and env["OAUTH2_SUBJECT"] == "alice"
    refused(server.get("/env/optional", issuer.jwt(exp=1)), "expired")
    refused(server.get("/env/optional", headers=[("Authorization", "Bearer")]), "request_malformed")
    granted(server.get("/env/optional", headers=[("Authorization", "Basic YTpi")]))


def test_an_optional_token_beside_an_address(bed):
    server, issuer = bed
    granted(server.get("/env/optional-ip"))
    env = granted(server.get("/env/optional-ip", issuer.jwt(scope="other"))).environment()
    assert env["REMOTE_USER"] == "alice"
    refused(server.get("/env/optional-ip", issuer.jwt(aud="other")), "audience")


def test_an_optional_token_on_a_plain_connection(bed):
    server, issuer = bed
    granted(server.get("/env/optional", headers=[("Via", "1.1 x")]))
    plain(server.get("/env/optional", issuer.jwt(), headers=[("Via", "1.1 x")]))
    server.expects("RS0635")


PREFLIGHT = [("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "PUT")]


def test_only_true_preflights_pass(bed):
    server, issuer = bed
    assert server.get("/cors", method="OPTIONS", headers=PREFLIGHT).status == 200
    absent(server.get("/cors", method="OPTIONS"), scope="read")
    absent(server.get("/cors", method="OPTIONS", headers=PREFLIGHT[:1]), scope="read")
    absent(server.get("/cors", method="OPTIONS", headers=PREFLIGHT[1:]), scope="read")
    absent(server.get("/cors", method="GET", headers=PREFLIGHT), scope="read")
    absent(server.get("/no-cors", method="OPTIONS", headers=PREFLIGHT), scope="read")
    refused(server.get("/cors", issuer.jwt(exp=1), method="OPTIONS", headers=PREFLIGHT), "expired")


def test_the_token_may_be_kept_back(bed):
    server, issuer = bed
    token = issuer.jwt()
    assert token in granted(server.get("/env/shown", token)).environment()["HTTP_AUTHORIZATION"]
    env = granted(server.get("/env/kept", token)).environment()
    assert not any(token in value for value in env.values())
    assert env["REMOTE_USER"] == "alice"
    env = granted(server.get("/inside/x", token)).environment()
    assert not any(token in value for value in env.values())


def test_a_missing_file_keeps_its_status(bed):
    server, issuer = bed
    answer = server.get("/files/not-there", issuer.jwt())
    assert answer.status == 404, answer
    absent(server.get("/files/not-there"), scope="read")


def test_an_internal_redirect_is_judged_again_without_a_second_call(httpd, issuer, folder):
    config = asking(issuer, folder, "OAuth2RSIntrospectionTTL 0") + location("/open", "Require valid-user")
    config += location("/strict", "Require oauth2-scope strict")
    config += "ErrorDocument 404 /strict\n"
    server = httpd("RewriteEngine on\n" + config + '<Location "/open">\nRewriteEngine on\nRewriteRule . /strict [L]\n</Location>\n',
                   modules=["rewrite"])
    token = issuer.opaque(scope="read")
    insufficient(server.get("/open", token), "strict")
    assert issuer.count() == 1
    granted(server.get("/open", issuer.opaque(scope="strict")))
    assert issuer.count() == 2
