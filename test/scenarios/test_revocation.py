# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Revocations: felt on all servers within a second, whatever a cache or a signature says."""

import time

import pytest

import marks
from answers import REFUSALS, granted, refused
from redis_server import RedisServer
from test_cache import SECRET, redis_config
from texts import asking, location

REFUSALS["revoked"] = (401, "invalid_token", "The access token was revoked")
LOCATION = location("/x", "Require valid-user")


def bed(httpd, issuer, folder, redis, *names, lines=()):
    config = redis_config(redis, folder, "OAuth2RSRevocation on", *lines) + asking(issuer, folder) + LOCATION
    return [httpd(config, name=name, processes=2, threads=8) for name in names]


def felt(server, token, seconds=1.5, reason="revoked"):
    """In all processes: many requests in a row are refused."""
    end, row = time.monotonic() + seconds, 0
    while row < 12:
        answer = server.get("/x", token)
        row = row + 1 if answer.status == 401 else 0
        assert time.monotonic() < end or row, f"not felt within {seconds} s"
        time.sleep(0.01)
    return refused(server.get("/x", token), reason)


@pytest.mark.parametrize("make", ["jwt", "opaque"])
@pytest.mark.parametrize("kind", ["t", "s", "c", "d", "i"])
def test_a_mark_is_felt_on_two_servers(redis, httpd, issuer, folder, kind, make):
    servers = bed(httpd, issuer, folder, redis, "one", "two")
    claims = {"sub": "bob", "client_id": "shop", "sid": "session-1"}
    token, other = getattr(issuer, make)(**claims, iat=int(time.time()) - 10), issuer.jwt(sub="eve", sid="another", client_id="else")
    for server in servers:
        for _ in range(4):
            granted(server.get("/x", token))
            granted(server.get("/x", other))
    value = {"t": token, "s": "bob", "c": "shop", "d": "session-1", "i": ""}[kind]
    marks.revoke(redis, SECRET, kind, "" if kind == "t" else issuer.url, value, not_before=time.time() - 5)
    for server in servers:
        felt(server, token)
        granted(server.get("/x", other))
    # What was issued after the moment is good again, except the token itself.
    granted(servers[0].get("/x", getattr(issuer, make)(**claims, iat=int(time.time()))))


def test_a_mark_without_the_secret_is_passed_over(redis, httpd, issuer, folder):
    (server,) = bed(httpd, issuer, folder, redis, "one")
    token = issuer.jwt()
    granted(server.get("/x", token))
    value = marks.mark("t", "", token)
    marks.publish(redis, "another secret of more than thirty-two bytes", value)
    marks.publish(redis, SECRET, value[:-1])
    marks.publish(redis, SECRET, value, tag=b"")
    time.sleep(1)
    granted(server.get("/x", token))
    server.expects("RS0432")


def test_what_was_revoked_before_the_start_is_known(redis, httpd, issuer, folder):
    token = issuer.jwt()
    marks.revoke(redis, SECRET, "t", "", token)
    (server,) = bed(httpd, issuer, folder, redis, "one")
    refused(server.get("/x", token), "revoked")


def test_a_thousand_marks(redis, httpd, issuer, folder):
    tokens = [issuer.jwt() for _ in range(3)]
    for i in range(1100):
        marks.revoke(redis, SECRET, "s", issuer.url, f"user-{i}") if i % 100 == 0 else redis.cli("XADD", marks.STREAM, "*", "x", i)
    for token in tokens:
        marks.revoke(redis, SECRET, "t", "", token)
    (server,) = bed(httpd, issuer, folder, redis, "one")
    for token in tokens:
        refused(server.get("/x", token), "revoked")
    server.expects("RS0432")


def test_while_the_reader_was_away(httpd, issuer, folder):
    """Redis dies and comes back with what it had on its disk; what was revoked meanwhile elsewhere comes then."""
    redis = RedisServer(extra=["appendonly yes", "appendfsync always"])
    redis.start()
    try:
        (server,) = bed(httpd, issuer, folder, redis, "one")
        early, late = issuer.jwt(), issuer.jwt()
        marks.revoke(redis, SECRET, "t", "", early)
        felt(server, early)
        redis.stop()
        time.sleep(1)
        refused(server.get("/x", early), "revoked")
        granted(server.get("/x", late))
        redis.start()
        marks.revoke(redis, SECRET, "t", "", late)
        felt(server, late, seconds=5)
        server.allows("RS0410")
        server.expects("RS0430")
    finally:
        redis.stop()


def test_without_news_the_issuer_is_asked_the_oftener(httpd, issuer, folder):
    redis = RedisServer()
    redis.start()
    try:
        (server,) = bed(httpd, issuer, folder, redis, "one", lines=["OAuth2RSLocalCache 1000 1s"])
        redis.stop()
        token, end = issuer.opaque(), time.monotonic() + 5
        granted(server.get("/x", token))
        issuer.revoke(token)
        while server.get("/x", token).status != 401:
            assert time.monotonic() < end
            time.sleep(0.1)
        server.allows("RS0410", "RS0430")
    finally:
        redis.stop()


def test_a_token_older_than_marks_are_kept(redis, httpd, issuer, folder):
    config = redis_config(redis, folder, "OAuth2RSRevocation on 1h") + asking(issuer, folder) + LOCATION
    server = httpd(config)
    now = int(time.time())
    granted(server.get("/x", issuer.jwt(iat=now - 3500)))
    refused(server.get("/x", issuer.jwt(iat=now - 3700)), "revoked")
    refused(server.get("/x", issuer.jwt(iat=None)), "revoked")
    granted(server.get("/x", issuer.opaque(iat=now - 3700)))  # the issuer itself says that it is good


@pytest.mark.parametrize("lines, words", [("OAuth2RSRevocation on\n", "needs Redis"), ("OAuth2RSRevocation maybe\n", "on, on RETENTION"),
                                          ("OAuth2RSRevocation on 1s\n", "1m")])
def test_mistakes_stop_the_start(yard, issuer, folder, lines, words):
    server = yard.httpd("mistakes", lines + asking(issuer, folder) + LOCATION, start=False)
    code, text = server.configtest()
    assert code != 0 and words in text, text
