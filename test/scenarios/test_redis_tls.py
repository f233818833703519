# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A Redis that TLS does not let us speak to: nothing is told to it, and no grant is lost."""

import pytest

import places
from answers import granted
from pki import Authority
from redis_server import RedisServer
from test_cache import redis_config, users
from texts import asking


def presenting(authority, paths):
    return RedisServer("tls", authority, extra=[f"tls-cert-file {paths[0]}", f"tls-key-file {paths[1]}"])


def another_name(authority):
    return presenting(authority, authority.issue("othername", ["other.example"]))


def part_of_the_name(authority):
    """The whole name counts, and * stands for a whole label."""
    return presenting(authority, authority.issue("part", ["local*", "localhost.example", "host"]))


def only_the_address(authority):
    """The URL has a name."""
    return presenting(authority, authority.issue("address", ["127.0.0.1"], ["127.0.0.1"]))


def another_authority(_):
    return RedisServer("tls", Authority(places.folder("foreign"), "Foreign CA"))


def one_that_calls_itself_the_same(authority):
    return RedisServer("tls", Authority(places.folder("namesake"), authority.name))


def for_clients_only(authority):
    return presenting(authority, authority.issue("for-clients", ["localhost"], usage=authority.CLIENT_AUTH))


def the_right_one(authority):
    return RedisServer("tls", authority)


def one_that_asks_for_ours(authority):
    """With TLS 1.3 it says so after the handshake, when a command may be on its way already."""
    return RedisServer("mtls", authority, extra=["tls-protocols TLSv1.3"])


def one_that_asks_for_ours_in_the_handshake(authority):
    return RedisServer("mtls", authority, extra=["tls-protocols TLSv1.2"])


def trust(authority):
    return [f"OAuth2RSRedisTrust file:{authority.file}"]


def the_systems_store(_):
    return []


# a server, whom we trust, words of RS0410
UNSPEAKABLE = [
    (another_name, trust, "its certificate is not accepted: hostname mismatch"),
    (part_of_the_name, trust, "its certificate is not accepted: hostname mismatch"),
    (only_the_address, trust, "its certificate is not accepted: hostname mismatch"),
    (another_authority, trust, "its certificate is not accepted: "),
    (one_that_calls_itself_the_same, trust, "its certificate is not accepted: "),
    (for_clients_only, trust, "its certificate is not accepted: unsuitable certificate purpose"),
    (the_right_one, the_systems_store, "its certificate is not accepted: "),
    (one_that_asks_for_ours, trust, ""),
    (one_that_asks_for_ours_in_the_handshake, trust, "TLS failed: "),
]


@pytest.mark.parametrize("make, trusted, words", UNSPEAKABLE, ids=[f"{row[0].__name__}-{row[1].__name__}" for row in UNSPEAKABLE])
def test_nothing_is_told_to_a_redis_that_tls_refuses(httpd, issuer, folder, authority, make, trusted, words):
    redis = make(authority).start()
    try:
        config = redis_config(redis, folder, *trusted(authority))
        server = httpd("OAuth2RSLocalCache 0\n" + config + asking(issuer, folder) + users())
        tokens = [issuer.opaque() for _ in range(5)]
        for token in tokens + tokens:
            granted(server.get("/users", token))
        assert issuer.count() == 2 * len(tokens)
        assert server.log.count("RS0410") == 1, server.log.text()
        server.expects("RS0410", f"RS0410: Redis localhost:{redis.port}: {words}")
        assert redis.keys() == []
        assert not {"get", "set", "eval", "auth"} & set(redis.commands()), redis.commands()
    finally:
        redis.stop()
