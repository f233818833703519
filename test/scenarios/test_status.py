# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What mod_status' page says of providers and caches."""

import html
import re

import faults
from answers import granted, undecided
from test_cache import redis_config
from texts import asking, location

STATUS = '<Location "/server-status">\n    SetHandler server-status\n    Require local\n</Location>\n'
LOCATION = location("/x", "Require valid-user")


def state(server):
    """Our lines of ?auto: {name: value}."""
    pairs = (line.split(": ", 1) for line in server.get("/server-status?auto").body.decode().splitlines() if line.startswith("OAuth2RS"))
    return {name.removeprefix("OAuth2RS "): value for name, value in pairs}


def test_providers_and_caches(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + LOCATION + STATUS, modules=["status"])
    before = state(server)
    assert before["acme Breaker"] == "closed" and before["acme Calls"] == before["LocalEntries"] == "0"
    assert before["acme KeysFetch"] == "none yet"
    granted(server.get("/x", issuer.opaque()))
    granted(server.get("/x", issuer.jwt()))
    after = state(server)
    assert after["acme Keys"] == "1" and after["acme KeysFetch"] == "well" and int(after["acme KeysAge"]) < 5
    assert (after["acme Calls"], after["acme Undecided"], after["acme Failures"], after["acme Waiting"]) == ("1", "0", "0", "0")
    assert after["LocalEntries"] == "2" and int(after["LocalBytes"]) > 500 and after["SharedCache"] == "shm"
    assert after["SharedCacheState"] == "well"
    assert 1 <= int(after["IssuerConnectionsUsed"]) <= int(after["IssuerConnectionsMax"]) <= 64
    page = server.get("/server-status").body.decode()
    found = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page))
    assert html.unescape(found["acme Breaker"]) == "closed" and "mod_oauth2_rs in process" in page


def test_an_issuer_and_a_redis_in_trouble(httpd, issuer, folder, redis):
    server = httpd(redis_config(redis, folder) + asking(issuer, folder, "OAuth2RSBreaker 2 30s") + LOCATION + STATUS, modules=["status"])
    granted(server.get("/x", issuer.opaque()))
    assert state(server)["SharedCache"] == "redis"
    redis.stop()
    issuer.fault("/introspect", faults.answer(500, "{}"))
    for _ in range(4):
        undecided(server.get("/x", issuer.opaque()))
    now = state(server)
    assert now["acme Breaker"] == "open" and 25 <= int(now["acme AskedAgainIn"]) <= 30
    assert now["acme Failures"] == "2" and now["SharedCacheState"] == "in trouble"
    server.expects("RS0410", "RS0521")


def test_an_issuer_that_does_not_accept_us(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + LOCATION + STATUS, modules=["status"])
    issuer.fault("/introspect", faults.answer(401, '{"error":"invalid_client"}'))
    undecided(server.get("/x", issuer.opaque()))
    now = state(server)
    assert (now["acme Breaker"], now["acme Undecided"], now["acme Failures"]) == ("closed", "1", "0")
    server.expects("RS0521")


def test_no_secret_and_no_token_is_shown(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + LOCATION + STATUS, modules=["status"])
    token = issuer.opaque()
    granted(server.get("/x", token))
    for path in ("/server-status", "/server-status?auto"):
        text = server.get(path).body.decode()
        assert token not in text and issuer.secret not in text


def test_a_server_without_providers_says_nothing(httpd):
    server = httpd(STATUS, modules=["status"])
    assert state(server) == {}
