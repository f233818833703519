# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What a refusal has as its body, and that its headers are the same with any."""

import pytest

import places
from answers import absent, insufficient, refused
from texts import asking, location

JSON = [("Accept", "application/json")]


@pytest.fixture(scope="module")
def bed(module_yard):
    folder = places.folder("body")
    issuer = module_yard.issuer()
    config = asking(issuer, folder)
    config += location("/auto", "Require oauth2-scope a b")
    config += location("/always", "OAuth2RSErrorBody problem", "Require oauth2-scope a b", 'ErrorDocument 401 "text"')
    config += location("/never", "OAuth2RSErrorBody httpd", "Require oauth2-scope a b")
    config += location("/text", 'ErrorDocument 401 "our own words"', "Require oauth2-scope a b")
    config += location("/file", "ErrorDocument 401 /files/ok.txt", "Require oauth2-scope a b")
    config += location("/far", "ErrorDocument 403 http://127.0.0.1/elsewhere", "Require oauth2-scope a b")
    config += location("/quiet", "OAuth2RSErrorBody problem", "OAuth2RSErrorDetail off", "Require oauth2-scope a b")
    return module_yard.httpd("body", config), issuer


def problem(answer):
    assert answer.get("Content-Type") == "application/problem+json", answer
    body = answer.json()
    assert body["status"] == answer.status and body["type"] == "about:blank" and body["title"]
    return body


def test_on_request_of_the_client(bed):
    server, issuer = bed
    body = problem(absent(server.get("/auto", headers=JSON), scope="a b"))
    assert body["scope"] == "a b" and "error" not in body
    body = problem(refused(server.get("/auto", issuer.jwt(exp=1), headers=JSON), "expired"))
    assert body["error"] == "invalid_token" and "expired" in body["detail"]
    body = problem(insufficient(server.get("/auto", issuer.jwt(scope="a"), headers=JSON), "a b"))
    assert body["error"] == "insufficient_scope" and body["scope"] == "a b"


@pytest.mark.parametrize("accept", [None, "text/html", "text/html,application/json;q=0.9", "*/*", "image/png"])
def test_not_for_those_who_do_not_ask(bed, accept):
    server, issuer = bed
    answer = absent(server.get("/auto", headers=[("Accept", accept)] if accept else []), scope="a b")
    assert answer.get("Content-Type").startswith("text/html")
    assert "accept" in ",".join(answer.all("Vary")).lower()


def test_always_and_never(bed):
    server, issuer = bed
    problem(absent(server.get("/always"), scope="a b"))
    answer = absent(server.get("/never", headers=JSON), scope="a b")
    assert answer.get("Content-Type").startswith("text/html")


def test_an_error_document_stays(bed):
    server, issuer = bed
    assert absent(server.get("/text", headers=JSON), scope="a b").text == "our own words"
    assert absent(server.get("/file", headers=JSON), scope="a b").text == "ok\n"
    assert server.get("/far", issuer.jwt(scope="x")).status == 302


def test_head_and_options(bed):
    server, issuer = bed
    for method in ("HEAD", "OPTIONS"):
        answer = absent(server.get("/always", method=method), scope="a b")
        assert answer.get("Content-Type") == "application/problem+json"


def test_the_detail_may_be_left_out(bed):
    server, issuer = bed
    assert "expired" not in problem(server.get("/quiet", issuer.jwt(exp=1)))["detail"]


def test_scripts_of_other_origins_may_read_the_challenge(bed):
    server, issuer = bed
    answer = absent(server.get("/auto", headers=[("Origin", "https://app.example.com")]), scope="a b")
    assert answer.get("Access-Control-Expose-Headers") == "WWW-Authenticate"
    assert server.get("/auto").get("Access-Control-Expose-Headers") is None
