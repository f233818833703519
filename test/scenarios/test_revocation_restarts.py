# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Revocations while processes come and go, and while Redis is away or full: what was revoked stays revoked."""

import os
import pathlib
import signal
import socket
import time

import pytest

import marks
from answers import granted, refused, undecided
from client import together
from redis_server import RedisServer
from test_cache import SECRET, redis_config
from test_revocation import HANDLER, LOCATION, bed, felt, revoke, shared  # noqa: F401 (a fixture)
from texts import asking
from waiting import PATIENCE, until


def inode_of(local, remote):
    """Of the connection with these ports, in /proc/net/tcp; None: there is none, or nobody has accepted it."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if [int(words[i].split(":")[1], 16) for i in (1, 2)] == [local, remote] and words[9] != "0":
            return words[9]
    return None


def sockets_of(pid):
    found = set()
    for path in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
        try:
            found.add(os.readlink(path).removeprefix("socket:[").removesuffix("]"))
        except OSError:
            pass  # closed meanwhile
    return found


def in_the_hands_of(server, held):
    """Waits until each is in the hands of a process of this generation."""
    until(lambda: None not in [one.holder() for one in held], "a connection is not accepted")
    return [one.holder() for one in held]


class Held:
    """A request whose last header is still to come."""

    def __init__(self, server, token):
        self.connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self.server = server
        self.connection.sendall(f"GET /x HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n".encode())

    def holder(self):
        """The process of the server that has taken the connection; None: nobody yet."""
        ours = self.connection.getsockname()[1]
        inode = inode_of(self.server.port, ours)
        return next((pid for pid in self.server.children() if inode in sockets_of(pid)), None) if inode else None

    def finish(self):
        self.connection.sendall(b"Connection: close\r\n\r\n")
        status = int(self.connection.makefile("rb").readline().split()[1])
        self.connection.close()
        return status


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_a_process_that_leaves_hears_of_revocations(shared, httpd, issuer, folder, mpm):  # noqa: F811
    lines, _ = shared
    room = "" if mpm == "prefork" else "ServerLimit 8\nStartServers 1\n"  # for two generations
    server = httpd(lines + asking(issuer, folder) + LOCATION + HANDLER + room, mpm=mpm, processes=8 if mpm == "prefork" else 2, threads=8)
    token, other = issuer.jwt(), issuer.jwt()
    granted(server.get("/x", token))
    held, good = [Held(server, token) for _ in range(3)], Held(server, other)
    holders = in_the_hands_of(server, [*held, good])
    server.graceful()
    time.sleep(1.5)
    assert revoke(server, token=token).status == 200
    felt(server, token)
    time.sleep(1)
    assert [one.holder() for one in [*held, good]] == holders
    assert together(3, lambda i: held[i].finish()) == [401] * 3
    assert good.finish() == 200


def test_all_requests_of_such_a_process_wait_for_the_news(httpd, issuer, folder, redis):
    """Not only the one that fetches them."""
    (server,) = bed(httpd, issuer, folder, redis, "one", lines=["ServerLimit 8", "StartServers 1"])
    token = issuer.jwt()
    granted(server.get("/x", token))
    held = [Held(server, token) for _ in range(6)]
    holders = in_the_hands_of(server, held)
    server.graceful()
    time.sleep(1.5)
    marks.revoke(redis, SECRET, "t", "", token)
    felt(server, token)
    time.sleep(1.1)
    assert [one.holder() for one in held] == holders
    redis.cli("client", "pause", 400)
    assert together(6, lambda i: held[i].finish()) == [401] * 6


def test_two_servers_whose_readers_are_killed(redis, httpd, issuer, folder):
    """With all that they had in their hands. What was revoked meanwhile is known to those who come after them, and what was before."""
    servers = bed(httpd, issuer, folder, redis, "one", "two")
    early, other = issuer.jwt(), issuer.jwt()
    marks.revoke(redis, SECRET, "t", "", early)
    for server in servers:
        felt(server, early)
    for _ in range(3):
        token = issuer.jwt()
        for server in servers:
            granted(server.get("/x", token))
        killed = [server.children() for server in servers]
        for pid in sum(killed, []):
            os.kill(pid, signal.SIGKILL)
        marks.revoke(redis, SECRET, "t", "", token)
        for server in servers:
            felt(server, token)
            felt(server, early)
            granted(server.get("/x", other))
        for server, old in zip(servers, killed):
            assert len(old) == 2 and not set(old) & set(server.children())
    for server in servers:
        server.allows("AH00051", "AH00052")  # how it was killed


@pytest.fixture
def durable(request):
    """A Redis that keeps what it had over a stop."""
    redis = RedisServer(extra=["appendonly yes", "appendfsync always"]).start()
    yield redis
    redis.stop()


def test_a_restart_while_redis_is_away(durable, httpd, issuer, folder):
    """The new processes know what the old ones knew."""
    (server,) = bed(httpd, issuer, folder, durable, "one", lines=[HANDLER])
    here, elsewhere, late = issuer.jwt(), issuer.jwt(), issuer.jwt()
    assert revoke(server, token=here).status == 200
    marks.revoke(durable, SECRET, "t", "", elsewhere)
    felt(server, elsewhere)
    durable.stop()
    for _ in range(2):
        server.graceful()
        for _ in range(10):
            refused(server.get("/x", here), "revoked")
            refused(server.get("/x", elsewhere), "revoked")
            granted(server.get("/x", late))
    durable.start()
    marks.revoke(durable, SECRET, "t", "", late)
    felt(server, late)
    server.allows("RS0410", "RS0430", "RS0692")


def test_a_start_while_redis_is_away(durable, httpd, issuer, folder):
    """Nothing is known of before: the operator chooses."""
    token, other = issuer.jwt(), issuer.jwt()
    marks.revoke(durable, SECRET, "t", "", token)
    durable.stop()
    config = asking(issuer, folder) + LOCATION
    open_, strict = [httpd(redis_config(durable, folder, line) + config, name=name, processes=2, threads=4)
                     for name, line in (("open", "OAuth2RSRevocation on"), ("strict", "OAuth2RSRevocation on 2h required"))]
    granted(open_.get("/x", token))
    for _ in range(5):
        undecided(strict.get("/x", token))
        undecided(strict.get("/x", other))
    durable.start()
    for server in (open_, strict):
        felt(server, token)
        granted(server.get("/x", other))
        server.expects("RS0434")
        server.allows("RS0410", "RS0430")
        assert "RS0435" in server.log.text()
    # Once known, always known.
    durable.stop()
    strict.graceful()
    refused(strict.get("/x", token), "revoked")
    granted(strict.get("/x", other))


def test_a_reload_that_names_another_redis(durable, redis, httpd, issuer, folder):
    """That the stream of one was read says nothing of the other's."""
    token, other = issuer.jwt(), issuer.jwt()
    marks.revoke(durable, SECRET, "t", "", token)
    durable.stop()
    config, another = [redis_config(one, folder, "OAuth2RSRevocation on 2h required") + asking(issuer, folder) + LOCATION
                       for one in (redis, durable)]
    server = httpd(config, processes=2, threads=4)
    granted(server.get("/x", other))
    server.configure(another)
    server.graceful()
    for _ in range(5):
        undecided(server.get("/x", token))
        undecided(server.get("/x", other))
    durable.start()
    felt(server, token)
    granted(server.get("/x", other))
    server.expects("RS0434")
    server.allows("RS0410", "RS0430")


def test_a_full_redis_takes_no_revocation(redis, httpd, issuer, folder):
    (server,) = bed(httpd, issuer, folder, redis, "one", lines=[HANDLER])
    redis.cli("config", "set", "maxmemory-policy", "noeviction")
    redis.cli("config", "set", "maxmemory", "1")
    assert revoke(server, subject="x").status == 503
    server.expects("RS0692")
    server.allows("RS0413")


def test_a_stream_that_was_trimmed(redis, httpd, issuer, folder):
    """Who begins later cannot know what is not there any more; a minute is left to the clocks."""
    now = int(time.time())
    old, new = issuer.jwt(iat=now - 600), issuer.jwt(iat=now + 90)
    redis.cli("eval", "for i = 1, 100100 do redis.call('XADD', KEYS[1], '*', 'x', i) end", 1, marks.STREAM)
    server = httpd(redis_config(redis, folder, "OAuth2RSRevocation on")
                   + asking(issuer, folder, "OAuth2RSLeeway 5m") + LOCATION)
    refused(server.get("/x", old), "revoked")
    granted(server.get("/x", new))
    server.expects("RS0433", "RS0432")
