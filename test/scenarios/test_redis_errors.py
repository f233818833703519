# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Every error that a real Redis answers with: a miss, one line in the log, no 5xx; and when it is over, Redis is used again."""

import threading

import pytest

from answers import granted
from redis_server import PASSWORD, RedisServer
from test_cache import redis_config, users
from texts import asking
from waiting import until

ILL, REFUSES = "RS0410", "RS0413"  # it counts as down; it refuses a command


class Case:
    """A Redis that answers with this code from spoil() to mend()."""

    log_id, code, extra, timeout = REFUSES, None, (), "2s 2s"

    def __init__(self):
        self.redis = RedisServer(extra=self.extra).start()

    def spoil(self):
        pass

    def await_answer(self, word):
        until(lambda: self.redis.cli("ping").startswith(word), lambda: self.redis.cli("ping"), 0.01)

    def mend(self):
        raise NotImplementedError

    def stop(self):
        self.redis.stop()


class OOM(Case):
    def spoil(self):
        self.redis.cli("config", "set", "maxmemory", "1")

    def mend(self):
        self.redis.cli("config", "set", "maxmemory", "0")


class NOREPLICAS(Case):
    def spoil(self):
        self.redis.cli("config", "set", "min-replicas-to-write", "1")

    def mend(self):
        self.redis.cli("config", "set", "min-replicas-to-write", "0")


class NOPERM(Case):
    def spoil(self):
        self.redis.cli("acl", "setuser", "default", "-set")

    def mend(self):
        self.redis.cli("acl", "setuser", "default", "+set")


class NOAUTH(Case):
    log_id = ILL

    def spoil(self):
        self.redis.cli("config", "set", "requirepass", PASSWORD)
        self.redis.cli("-a", PASSWORD, "--no-auth-warning", "client", "kill", "type", "normal", "skipme", "yes")

    def mend(self):
        self.redis.cli("-a", PASSWORD, "--no-auth-warning", "config", "set", "requirepass", "")


class READONLY(Case):
    def spoil(self):
        self.master = RedisServer().start()
        self.redis.cli("replicaof", "127.0.0.1", self.master.port)

    def mend(self):
        self.redis.cli("replicaof", "no", "one")

    def stop(self):
        super().stop()
        self.master.stop()


class MASTERDOWN(Case):
    """GET is answered with MASTERDOWN; SET says why."""

    code, extra = "READONLY", ["replica-serve-stale-data no"]

    def spoil(self):
        self.redis.cli("replicaof", "127.0.0.1", "1")

    def mend(self):
        self.redis.cli("replicaof", "no", "one")


class BUSY(Case):
    log_id, extra, timeout = ILL, ["busy-reply-threshold 1"], None

    def spoil(self):
        self.script = threading.Thread(target=self.run)
        self.script.start()
        self.await_answer("BUSY")

    def run(self):
        with pytest.raises(AssertionError):
            self.redis.cli("-e", "eval", "while true do end", "0")

    def mend(self):
        self.redis.cli("script", "kill")
        self.script.join()


class LOADING(Case):
    """Slowly read from the disk: a delay for each key, half a minute for all, until it is mended."""

    log_id, extra, timeout = ILL, ["loading-process-events-interval-bytes 1024"], None

    def spoil(self):
        self.redis.cli("eval", "for i=1,30000 do redis.call('set','filler'..i,string.rep('x',100)) end", "0")
        self.redis.cli("save")
        self.redis.stop()
        self.redis.extra.append("key-load-delay 1000")  # microseconds for each key
        self.redis.start()
        self.await_answer("LOADING")

    def mend(self):
        self.redis.cli("config", "set", "key-load-delay", "0")
        self.await_answer("PONG")


CASES = [OOM, NOREPLICAS, NOPERM, NOAUTH, READONLY, MASTERDOWN, BUSY, LOADING]


def use_is_resumed(server, issuer, redis):
    def one_more():
        before = len(redis.verdicts())
        granted(server.get("/users", issuer.opaque()))
        return len(redis.verdicts()) > before
    until(one_more, "Redis is not used again", 0.2)


@pytest.mark.parametrize("kind", CASES, ids=[kind.__name__ for kind in CASES])
def test_an_error_is_a_miss_told_once(httpd, issuer, folder, kind):
    case = kind()
    try:
        server = httpd("OAuth2RSLocalCache 0\n" + redis_config(case.redis, folder, timeout=case.timeout) + asking(issuer, folder) + users())
        granted(server.get("/users", issuer.opaque()))
        case.redis.wait_for_verdicts()
        case.spoil()
        tokens = [issuer.opaque() for _ in range(10)]
        for token in tokens + tokens:
            answer = server.get("/users", token)
            granted(answer)
            assert answer.seconds < 5, answer
        assert server.log.count(case.log_id) == 1, server.log.text()
        case.mend()
        use_is_resumed(server, issuer, case.redis)
        server.expects(case.log_id, (case.code or kind.__name__) + (" " if case.log_id == ILL else ": "))
    finally:
        case.stop()


# --- values

def longer(value):
    return value + b"x"


SPOILT = {"empty": lambda value: b"", "one byte": lambda value: value[:1], "half": lambda value: value[:len(value) // 2],
          "short of a byte": lambda value: value[:-1], "longer": longer, "another version": lambda value: b"\xff" + value[1:],
          "one bit": lambda value: value[:-1] + bytes([value[-1] ^ 1]), "a megabyte": lambda value: value + bytes(1 << 20)}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_value_is_a_miss(httpd, issuer, folder, redis, name):
    server = httpd("OAuth2RSLocalCache 0\n" + redis_config(redis, folder) + asking(issuer, folder) + users())
    token = issuer.opaque()
    granted(server.get("/users", token))
    (key,) = redis.wait_for_verdicts()
    redis.put(key, SPOILT[name](redis.value(key)))
    granted(server.get("/users", token))
    assert issuer.count() == 2
    granted(server.get("/users", token))  # it was written over
    assert issuer.count() == 2
    server.allows("RS0401", "RS0412")


def test_a_value_of_another_type_is_a_miss(httpd, issuer, folder, redis):
    server = httpd("OAuth2RSLocalCache 0\n" + redis_config(redis, folder) + asking(issuer, folder) + users())
    token = issuer.opaque()
    granted(server.get("/users", token))
    (key,) = redis.wait_for_verdicts()
    redis.cli("del", key)
    redis.cli("rpush", key, "a", "list")
    for _ in range(3):
        granted(server.get("/users", token))
    assert issuer.count() == 2
    server.expects("RS0413", "WRONGTYPE: ")
