# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Tokens in other places than the Authorization header, where that is allowed."""

import os
import socket
import time

import pytest

import places
from answers import absent, granted, refused
from texts import asking, location
from waiting import PATIENCE

FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.fixture(scope="module")
def bed(module_yard):
    folder = places.folder("places")
    issuer = module_yard.issuer()
    config = asking(issuer, folder)
    config += location("/echo/form", "OAuth2RSTokenFrom header form", "Require valid-user")
    config += location("/echo/kept", "OAuth2RSTokenFrom header form", "OAuth2RSForwardToken off", "Require valid-user")
    config += location("/env/header", "OAuth2RSTokenFrom header header:X-Token", "Require valid-user")
    config += location("/env/only", "OAuth2RSTokenFrom header:X-Token", "Require valid-user")
    config += location("/env/cookie", "OAuth2RSTokenFrom header cookie:at", "Require valid-user")
    config += location("/env/bare", "OAuth2RSTokenFrom header:X-Token cookie:at", "OAuth2RSForwardToken off", "Require valid-user")
    config += location("/plain", "Require valid-user")
    config += location("/moved", "OAuth2RSTokenFrom header cookie:at", "Require valid-user", "Redirect 301 /moved https://elsewhere.example.com/")
    config += location("/gone", "OAuth2RSTokenFrom header cookie:at", "Require valid-user", "Redirect 410 /gone")
    config += location("/files/missing", "OAuth2RSTokenFrom header cookie:at", "Require valid-user")
    config += location("/scope", "OAuth2RSTokenFrom header cookie:at", "Require oauth2-scope write")
    return module_yard.httpd("places", config), issuer


def post(server, path, body, *headers, token=None):
    return server.get(path, token, method="POST", body=body, headers=[FORM, *headers])


def test_a_form(bed):
    server, issuer = bed
    token = issuer.jwt()
    body = f"a=1&access_token={token}&b=%C3%A9".encode()
    answer = granted(post(server, "/echo/form", body))
    assert answer.body == body
    assert answer.get("Cache-Control") == "private, no-store"
    body = f"access_token={token}".encode()
    assert granted(post(server, "/echo/form", body)).body == body
    absent(post(server, "/echo/form", b"a=1&xaccess_token=" + token.encode()))
    refused(post(server, "/echo/form", b"access_token=" + issuer.jwt(exp=1).encode()), "expired")


def test_who_is_slow_to_bring_a_token_may_bring_an_expired_one(httpd, issuer, folder):
    """What counts is the moment at which the token is there."""
    server = httpd(asking(issuer, folder, "OAuth2RSLeeway 0") + location("/x", "OAuth2RSTokenFrom header form", "Require valid-user"))
    token = issuer.jwt(exp=int(time.time()) + 2)
    body = f"access_token={token}".encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                           + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:20])
        time.sleep(2.5)
        connection.sendall(body[20:])
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 401 ") and b"expired" in answer, answer


def test_two_tokens_are_one_too_many(bed):
    server, issuer = bed
    token = issuer.jwt()
    refused(post(server, "/echo/form", f"access_token={token}&access_token={token}".encode()), "ambiguous")
    refused(post(server, "/echo/form", f"access_token={token}".encode(), token=token), "ambiguous")
    refused(post(server, "/echo/form", b"access_token="), "form_malformed")
    refused(server.get("/env/header", token, headers=[("X-Token", token)]), "ambiguous")
    refused(server.get("/env/cookie", headers=[("Cookie", f"at={token}; at={token}")]), "ambiguous")


@pytest.mark.parametrize("name", ["access%5Ftoken", "access%5ftoken", "%61ccess_toke%6E"])
def test_a_name_counts_as_the_application_reads_it(bed, name):
    """Else a token that nobody judged would stand beside the one that we judged."""
    server, issuer = bed
    token = issuer.jwt()
    granted(post(server, "/echo/form", f"{name}={token}".encode()))
    refused(post(server, "/echo/form", f"access_token={token}&{name}={token}".encode()), "ambiguous")
    assert granted(post(server, "/echo/kept", f"a=1&{name}={token}&b=2".encode())).body == b"a=1&b=2"
    absent(post(server, "/echo/form", f"{name}%00={token}".encode()))


def test_only_a_urlencoded_form_is_one(bed):
    server, issuer = bed
    body = f"access_token={issuer.jwt()}".encode()
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencodedx"):
        absent(server.get("/echo/form", method="POST", body=body, headers=[("Content-Type", kind)]))
    granted(server.get("/echo/form", method="POST", body=body, headers=[(FORM[0], FORM[1] + "; charset=UTF-8")]))
    absent(post(server, "/plain", body))


@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 65000, 70000, 10 << 20])
def test_bodies_are_handed_on_byte_for_byte(bed, size):
    server, issuer = bed
    body = os.urandom(size)
    assert granted(post(server, "/echo/form", body, token=issuer.jwt())).body == body


def test_a_form_beyond_the_bound_holds_no_token(bed):
    server, issuer = bed
    absent(post(server, "/echo/form", f"access_token={issuer.jwt()}&a=".encode() + b"x" * 70000))


def test_a_token_that_is_kept_back_is_not_in_the_form(bed):
    server, issuer = bed
    token = issuer.jwt()
    assert granted(post(server, "/echo/kept", f"a=1&access_token={token}&b=2".encode())).body == b"a=1&b=2"
    assert granted(post(server, "/echo/kept", f"access_token={token}".encode())).body == b""
    assert granted(post(server, "/echo/kept", b"a=1", token=token)).body == b"a=1"


def test_what_is_malformed_is_said(bed):
    server, issuer = bed
    refused(server.get("/env/only", headers=[("X-Token", "a b")]), "header_malformed")
    refused(server.get("/env/cookie", headers=[("Cookie", "at=a%20b")]), "cookie_malformed")
    refused(server.get("/env/cookie", headers=[("Authorization", "Bearer a$b")]), "request_malformed")
    refused(post(server, "/echo/form", b"access_token=a%20b"), "form_malformed")


def test_another_header(bed):
    server, issuer = bed
    token = issuer.jwt()
    answer = granted(server.get("/env/header", headers=[("X-Token", token)]))
    assert answer.get("Cache-Control") == "private, no-store"
    answer = granted(server.get("/env/header", token))
    assert answer.get("Cache-Control") is None
    absent(server.get("/env/only", token))
    granted(server.get("/env/only", headers=[("X-Token", token)]))


OURS = [("Sec-Fetch-Site", "same-origin")]


def test_a_cookie_counts_in_requests_of_our_own_origin(bed):
    server, issuer = bed
    cookie = ("Cookie", f"x=1; at={issuer.jwt()}; y=2")
    origin = f"http://127.0.0.1:{server.port}"
    granted(server.get("/env/cookie", headers=[cookie]))
    granted(server.get("/env/cookie", method="POST", body=b"", headers=[cookie, *OURS]))
    granted(server.get("/env/cookie", method="POST", body=b"", headers=[cookie, ("Origin", origin)]))
    for headers in ([("Sec-Fetch-Site", "cross-site")], [("Sec-Fetch-Site", "same-site")], [("Origin", "https://evil.example.com")],
                    [("Origin", "null")]):
        absent(server.get("/env/cookie", headers=[cookie, *headers]))
        absent(server.get("/env/cookie", method="POST", body=b"", headers=[cookie, *headers]))
    absent(server.get("/env/cookie", method="POST", body=b"", headers=[cookie]))
    absent(server.get("/env/cookie", headers=[("Cookie", f"xat={issuer.jwt()}")]))


def test_a_page_over_plain_http_is_another_origin(httpd, issuer, folder):
    """Behind a ServerName that says https: the network can put a page at http://of-the-same-host."""
    server = httpd("ServerName https://api.example.com\n" + asking(issuer, folder)
                   + location("/x", "OAuth2RSTokenFrom cookie:at", "Require valid-user"))
    cookie, host = ("Cookie", f"at={issuer.jwt()}"), f"127.0.0.1:{server.port}"
    for scheme, judge in (("https", granted), ("http", absent)):
        judge(server.get("/x", method="POST", body=b"", headers=[cookie, ("Origin", f"{scheme}://{host}")]))


def test_tokens_are_kept_back_wherever_they_were(bed):
    server, issuer = bed
    token = issuer.jwt()
    env = granted(server.get("/env/bare", headers=[("Cookie", f"x=1; at={token}; y=2")])).environment()
    assert env["HTTP_COOKIE"] == "x=1; y=2"
    env = granted(server.get("/env/bare", headers=[("X-Token", token)])).environment()
    assert not any(token in value for value in env.values())


@pytest.mark.parametrize("words", ["query", "", "cookie", "header:", "headers:X"])
def test_places_that_are_none(yard, issuer, folder, words):
    server = yard.httpd("bad", asking(issuer, folder) + location("/x", f"OAuth2RSTokenFrom {words}", "Require valid-user"),
                        start=False)
    code, text = server.configtest()
    assert code != 0 and "OAuth2RSTokenFrom" in text, text


def test_no_shared_cache_hands_it_to_the_next(httpd, issuer, folder):
    config = f'CacheEnable disk "/"\nCacheRoot "{places.folder("cache")}"\nCacheQuickHandler on\nCacheIgnoreNoLastMod on\nCacheDefaultExpire 600\n'
    config += asking(issuer, folder) + location("/x", "OAuth2RSTokenFrom header header:X-Token", "Require valid-user")
    server = httpd(config, modules=["cache", "cache_disk"])
    granted(server.get("/x", headers=[("X-Token", issuer.jwt())]))
    absent(server.get("/x"))
    granted(server.get("/x", issuer.jwt()))
    absent(server.get("/x"))


def test_no_response_to_such_a_token_is_stored(bed):
    server, issuer = bed
    token = issuer.jwt()
    cookie = ("Cookie", f"at={token}")
    for path, status in (("/moved", 301), ("/gone", 410), ("/files/missing", 404)):
        answer = server.get(path, headers=[cookie])
        assert answer.status == status and answer.get("Cache-Control") == "private, no-store", (path, answer)
        answer = server.get(path, token)
        assert answer.status == status and answer.get("Cache-Control") is None, (path, answer)


def test_a_refusal_of_such_a_token_keeps_its_own(bed):
    server, issuer = bed
    answer = refused(server.get("/moved", headers=[("Cookie", f"at={issuer.jwt(exp=1)}")]), "expired")
    assert answer.get("Cache-Control") == "no-store"
    answer = server.get("/scope", headers=[("Cookie", f"at={issuer.jwt(scope='x')}")])
    assert answer.status == 403 and answer.get("Cache-Control") == "no-store"
