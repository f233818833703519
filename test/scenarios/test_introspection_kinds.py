# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Endpoints that are not RFC 7662: tokeninfo, userinfo; and endpoints behind a unix socket."""

import pathlib
import tempfile

import pytest

import faults
from answers import granted, refused, undecided
from texts import asking, location, provider

LOCATION = location("/x", "Require valid-user", "Header always set X-User expr=%{REMOTE_USER}")


def tokeninfo(issuer, *lines, **more):
    return provider(issuer, f"OAuth2RSIntrospection {issuer.url}/tokeninfo tokeninfo", *lines, **more) + LOCATION


def userinfo(issuer, *lines, audience="any"):
    return provider(issuer, f"OAuth2RSIntrospection {issuer.url}/userinfo userinfo", *lines, audience=audience) + LOCATION


@pytest.mark.parametrize("older", [False, True])
def test_tokeninfo(httpd, issuer, older):
    reply = issuer.claims(exp=None, iss=None, aud=None, client_id=None, iat=None, sub=None)
    exp = issuer.claims()["exp"]
    reply.update({"audience": "https://api.example.com", "issued_to": "app", "user_id": "117", "expires_in": 300} if older else
                 {"aud": "https://api.example.com", "azp": "app", "sub": "117", "exp": str(exp), "expires_in": "300"})
    server, token = httpd(tokeninfo(issuer)), issuer.opaque(reply=reply)
    for _ in range(3):
        granted(server.get("/x", token))
    assert issuer.count("/tokeninfo") == 1
    (request,) = issuer.asked("/tokeninfo")
    assert request.method == "POST" and request.form == {"access_token": token} and "authorization" not in request.headers


def test_tokeninfo_of_another_application_or_time(httpd, issuer):
    server = httpd(tokeninfo(issuer))
    base = {"sub": "117", "aud": "https://api.example.com", "expires_in": "300"}
    refused(server.get("/x", issuer.opaque(reply={**base, "aud": "another-app"})), "audience")
    refused(server.get("/x", issuer.opaque(reply={**base, "exp": "1500000000"})), "expired")
    refused(server.get("/x", "ya29.unknown"), "inactive")
    undecided(server.get("/x", issuer.opaque(reply={"sub": "117", "aud": "https://api.example.com"})))
    server.expects("RS0521")


def test_userinfo(httpd, issuer):
    server, token = httpd(userinfo(issuer)), issuer.opaque(reply={"sub": "auth0|1", "email": "a@b.example"})
    for _ in range(3):
        granted(server.get("/x", token))
    assert issuer.count("/userinfo") == 1
    (request,) = issuer.asked("/userinfo")
    assert request.method == "GET" and request.headers["authorization"] == f"Bearer {token}"
    refused(server.get("/x", "opaque-unknown"), "inactive")
    # JWTs of the issuer are judged as ever.
    granted(server.get("/x", issuer.jwt()))
    assert issuer.count("/userinfo") == 2


def test_userinfo_in_trouble_decides_nothing(httpd, issuer):
    server = httpd(userinfo(issuer))
    issuer.fault("/userinfo", faults.answer(500, "{}"))
    undecided(server.get("/x", issuer.opaque(reply={"sub": "a"})))
    server.expects("RS0521")


@pytest.mark.parametrize("lines, audience, words", [
    ("OAuth2RSIntrospection URL userinfo", "https://api.example.com", "does not say for whom"),
    ("OAuth2RSIntrospection URL userinfo\n    OAuth2RSClient us", "any", "no credentials"),
    ("OAuth2RSIntrospection URL tokeninfo\n    OAuth2RSClientAuth basic", "any", "no credentials"),
    ("OAuth2RSIntrospection URL userinfo\n    OAuth2RSIntrospectionParam a b", "any", "no form"),
    ("OAuth2RSIntrospection URL tokeninfo\n    OAuth2RSIntrospectionResponse jwt", "any", "not for tokeninfo"),
    ("OAuth2RSIntrospection URL tokeninf", "any", "did you mean \"tokeninfo\""),
    ("OAuth2RSIntrospection unix:/run/as.sock", "any", "unix:/PATH/OF/SOCKET|URL"),
    ("OAuth2RSIntrospection unix:run/as.sock|http://localhost/", "any", "unix:/PATH/OF/SOCKET|URL"),
    ("OAuth2RSIntrospection unix:/run/as.sock|localhost", "any", "https://"),
    ("OAuth2RSIntrospection unix:/" + 107 * "x" + "|http://localhost/", "any", "at most 107"),
])
def test_mistakes_stop_the_start(yard, issuer, lines, audience, words):
    text = provider(issuer, lines.replace("URL ", "https://as.example.com/i "), audience=audience) + LOCATION
    code, output = yard.httpd("mistakes", text, start=False).configtest()
    assert code != 0 and words in output, output


# --- unix sockets

@pytest.fixture
def socket_path():
    """Where httpd's user may go, too."""
    with tempfile.TemporaryDirectory(prefix="rs-as-") as made:
        pathlib.Path(made).chmod(0o755)
        yield pathlib.Path(made) / "as.sock"


def test_a_unix_socket(httpd, issuer, folder, socket_path):
    path = socket_path
    server = httpd(asking(issuer, folder, f"OAuth2RSIntrospection unix:{path}|http://as.internal/introspect",
                          "OAuth2RSProxy http://127.0.0.1:9") + LOCATION)
    undecided(server.get("/x", issuer.opaque()))
    server.expects("RS0521", f"introspection at unix:{path}|http://as.internal/introspect")
    issuer.listen_at(path)
    for _ in range(3):
        granted(server.get("/x", issuer.opaque()))
    assert [request.headers["host"] for request in issuer.asked("/introspect")] == ["as.internal"] * 3
    refused(server.get("/x", "opaque-unknown"), "inactive")
