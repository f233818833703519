# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What is remembered, where, and how long: the issuer's count of questions tells."""

import hashlib
import json
import shutil
import time

import pytest

import client
import faults
from answers import granted, refused, undecided
from redis_server import PASSWORD, USER, RedisServer
from scripted import METADATA_8414
from texts import asking, location, secret_file
from waiting import until

SECRET = "a cache secret of more than thirty-two bytes\n"
REDIS_TROUBLE = ("RS0410",)


def redis_config(server, folder, *lines, secret=SECRET, name="cache-secret", timeout="2s 2s"):
    """timeout: None where time is what the scenario is about. Else a Redis that a busy machine makes late would be one in trouble."""
    path = secret_file(folder, secret, name=name)
    lines = [*lines, *([f"OAuth2RSRedisTimeout {timeout}"] if timeout else [])]
    return "\n".join([f"OAuth2RSCache {server.url}", f"OAuth2RSCacheSecret file:{path}", *lines]) + "\n"


def users(*lines):
    return location("/users", *lines, "Require oauth2-scope read")


# --- one server

def test_one_question_for_many_requests(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + users())
    token = issuer.opaque()
    for _ in range(20):
        granted(server.get("/users", token))
    assert issuer.count() == 1


def test_processes_share_what_they_know_through_shared_memory(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + users(), processes=3, threads=4)
    token = issuer.opaque()
    for _ in range(40):
        granted(server.get("/users", token))
    assert issuer.count() == 1


def test_processes_share_keys_and_metadata_through_shared_memory(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + users(), processes=3, threads=4)
    for _ in range(40):
        granted(server.get("/users", issuer.jwt()))
    assert [request.path for request in issuer.requests] == [METADATA_8414, "/jwks"]
    # A new key is fetched by one of them, too.
    issuer.rotate(keep=True)
    for _ in range(40):
        granted(server.get("/users", issuer.jwt()))
    assert issuer.count("/jwks") == 2


def test_without_a_shared_cache_each_process_asks_once(httpd, issuer, folder):
    server = httpd("OAuth2RSCache none\n" + asking(issuer, folder) + users(), processes=2, threads=4)
    token = issuer.opaque()
    for _ in range(40):
        granted(server.get("/users", token))
    assert 1 <= issuer.count() <= 2


def test_without_any_cache_each_request_asks(httpd, issuer, folder):
    server = httpd("OAuth2RSCache none\nOAuth2RSLocalCache 0\n" + asking(issuer, folder) + users())
    token = issuer.opaque()
    for _ in range(3):
        granted(server.get("/users", token))
    assert issuer.count() == 3


def test_ttl_zero_asks_every_time(httpd, issuer, folder):
    config = asking(issuer, folder) + users() + location("/strict", "OAuth2RSIntrospectionTTL 0", "Require valid-user")
    server = httpd(config)
    token = issuer.opaque()
    granted(server.get("/users", token))
    granted(server.get("/strict", token))
    granted(server.get("/strict", token))
    assert issuer.count() == 3
    issuer.revoke(token)
    granted(server.get("/users", token))
    refused(server.get("/strict", token), "inactive")
    refused(server.get("/users", token), "inactive")  # what one learns, others know


def test_the_ttl_of_a_location_only_shortens(httpd, issuer, folder):
    config = asking(issuer, folder, "OAuth2RSIntrospectionTTL 1s") + location(
        "/users", "OAuth2RSIntrospectionTTL 10m", "Require valid-user")
    server = httpd(config)
    token = issuer.opaque()
    granted(server.get("/users", token))
    issuer.revoke(token)
    time.sleep(1.2)
    refused(server.get("/users", token), "inactive")


def test_no_result_outlives_its_token(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + users())
    end = int(time.time()) + 6
    token = issuer.opaque(exp=end)
    granted(server.get("/users", token))
    time.sleep(max(0, end + 0.1 - time.time()))
    answer = server.get("/users", token)
    refused(answer, "expired")


def test_an_inactive_token_is_remembered_shortly(httpd, issuer, folder):
    server = httpd(asking(issuer, folder, "OAuth2RSIntrospectionTTL 5m 3s") + users())
    token = issuer.opaque({"active": False})
    for _ in range(5):
        refused(server.get("/users", token), "inactive")
    assert issuer.count() == 1
    issuer.replies[token] = {"active": True, **issuer.claims()}
    time.sleep(3.2)
    granted(server.get("/users", token))


def test_what_could_not_be_found_out_is_not_remembered(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + users())
    token = issuer.opaque()
    issuer.fault("/introspect", faults.answer(500), times=1)
    undecided(server.get("/users", token))
    granted(server.get("/users", token))
    server.expects("RS0521")


def test_verdicts_do_not_cross_providers(httpd, yard, folder):
    one, two = yard.issuer(), yard.issuer()
    config = asking(one, folder, name="one") + asking(two, folder, name="two")
    config += location("/one", "OAuth2RSUse one", "Require valid-user")
    config += location("/two", "OAuth2RSUse two", "Require valid-user")
    server = httpd(config)
    token = one.opaque()
    granted(server.get("/one", token))
    refused(server.get("/two", token), "inactive")
    granted(server.get("/one", token))
    assert (one.count(), two.count()) == (1, 1)


def ask_at_once(ports, path, token, count):
    return client.together(count, lambda i: client.request(ports[i % len(ports)], path, token))


def test_a_herd_of_first_requests_is_one_question(httpd, issuer, folder):
    server = httpd(asking(issuer, folder, "OAuth2RSMaxWaiting 64") + users(), threads=64)
    issuer.fault("/introspect", faults.delay(0.02))
    token = issuer.opaque()
    for answer in ask_at_once([server.port], "/users", token, 48):
        granted(answer)
    assert issuer.count() == 1


# --- Redis

def test_two_servers_share_a_verdict_and_nothing_else_is_told(httpd, issuer, folder, redis):
    config = redis_config(redis, folder) + asking(issuer, folder) + users()
    one, two = httpd(config, name="one"), httpd(config, name="two")
    token = issuer.opaque(sub="alice-of-the-scenarios")
    granted(one.get("/users", token))
    granted(two.get("/users", token))
    assert issuer.count() == 1
    (key,) = redis.verdicts()
    assert key.startswith("oauth2rs:") and len(key) == len("oauth2rs:") + 64
    value = redis.value(key)
    for secret in (token, "alice-of-the-scenarios", issuer.secret, hashlib.sha256(token.encode()).hexdigest()):
        assert secret.encode() not in value and secret not in key
    assert hashlib.sha256(token.encode()).hexdigest() != key[-64:]


@pytest.mark.parametrize("exp, ttl, wanted_ms", [(60, "5m", 60000), (3600, "2m", 120000), (None, "90s", 90000)])
def test_records_live_as_long_as_the_rule_says(httpd, issuer, folder, redis, exp, ttl, wanted_ms):
    server = httpd(redis_config(redis, folder) + asking(issuer, folder, f"OAuth2RSIntrospectionTTL {ttl}") + users())
    now = time.time()
    granted(server.get("/users", issuer.opaque(exp=exp and int(now) + exp)))
    (key,) = redis.verdicts()
    passed = (time.time() - now) * 1000
    assert wanted_ms - passed - 1100 <= redis.pttl(key) <= wanted_ms


def test_a_negative_lives_shortly_in_redis(httpd, issuer, folder, redis):
    server = httpd(redis_config(redis, folder) + asking(issuer, folder) + users())
    refused(server.get("/users", issuer.opaque({"active": False})), "inactive")
    (key,) = redis.verdicts()
    assert 8000 <= redis.pttl(key) <= 10000


def test_jwts_are_no_business_of_redis(httpd, issuer, folder, redis):
    server = httpd(redis_config(redis, folder) + asking(issuer, folder) + users())
    granted(server.get("/users", issuer.jwt()))
    assert redis.verdicts() == []


def test_keys_and_metadata_are_fetched_once_for_all_servers(httpd, issuer, folder, redis):
    config = redis_config(redis, folder) + asking(issuer, folder) + users()
    first, second = httpd(config, name="one"), httpd(config, name="two", processes=2, threads=4)
    granted(first.get("/users", issuer.jwt()))
    calls = len(issuer.requests)
    for _ in range(20):
        granted(second.get("/users", issuer.jwt()))
    assert len(issuer.requests) == calls, [r.path for r in issuer.requests[calls:]]
    issuer.stop()
    third = httpd(config, name="three")
    granted(third.get("/users", issuer.jwt()))


def test_redis_is_no_source_of_keys(httpd, issuer, yard, folder, redis):
    """Whoever writes to Redis without the secret brings in no key: neither his own bytes nor those of another place."""
    evil = yard.issuer()
    config = redis_config(redis, folder) + asking(issuer, folder) + users()
    granted(httpd(config, name="one").get("/users", issuer.jwt()))
    names = [name for name in redis.keys() if ":d:" in name]
    assert len(names) == 2, names
    redis.cli("COPY", names[0], names[1], "REPLACE")
    redis.cli("SET", names[0], json.dumps(evil.jwks()))
    server = httpd(config, name="two")
    calls = len(issuer.requests)
    granted(server.get("/users", issuer.jwt()))
    assert len(issuer.requests) > calls
    assert server.get("/users", evil.jwt(iss=issuer.url)).status == 401
    server.expects("RS0401")


def test_another_secret_finds_nothing_and_says_so_once(httpd, issuer, folder, redis):
    text = asking(issuer, folder) + users()
    one = httpd(redis_config(redis, folder) + text, name="one")
    two = httpd(redis_config(redis, folder, secret="quite another secret of enough bytes\n", name="other") + text, name="two")
    token = issuer.opaque()
    granted(one.get("/users", token))
    granted(two.get("/users", token))
    assert issuer.count() == 2
    two.expects("RS0401")


def test_the_previous_secret_still_opens(httpd, issuer, folder, redis):
    text = asking(issuer, folder) + users()
    one = httpd(redis_config(redis, folder) + text, name="one")
    token = issuer.opaque()
    granted(one.get("/users", token))
    new = secret_file(folder, "the next secret of more than 32 bytes\n", name="next")
    old = folder / "cache-secret"
    two = httpd(f"OAuth2RSCache {redis.url}\nOAuth2RSCacheSecret file:{new} file:{old}\n" + text, name="two")
    granted(two.get("/users", token))
    assert issuer.count() == 1


def test_an_edited_policy_does_not_find_old_verdicts(httpd, issuer, folder, redis):
    one = httpd(redis_config(redis, folder) + asking(issuer, folder) + users(), name="one")
    two = httpd(redis_config(redis, folder) + asking(issuer, folder, "OAuth2RSRequireClaim client_id app") + users(),
                name="two")
    token = issuer.opaque()
    granted(one.get("/users", token))
    granted(two.get("/users", token))
    assert issuer.count() == 2


def test_a_forged_or_moved_record_is_not_believed(httpd, issuer, folder, redis):
    server = httpd("OAuth2RSLocalCache 0\n" + redis_config(redis, folder) + asking(issuer, folder) + users())
    good, bad = issuer.opaque(), issuer.opaque({"active": False})
    granted(server.get("/users", good))
    (key_of_good,) = redis.verdicts()
    refused(server.get("/users", bad), "inactive")
    (key_of_bad,) = [key for key in redis.verdicts() if key != key_of_good]
    redis.cli("copy", key_of_good, key_of_bad, "replace")
    refused(server.get("/users", bad), "inactive")
    redis.cli("set", key_of_good, "rubbish")
    granted(server.get("/users", good))
    server.expects("RS0401")


def credentials(folder):
    """Of the user of doc/redis.md."""
    return f"OAuth2RSRedisCredentials {USER} file:{secret_file(folder, PASSWORD, name='redis-password')}"


@pytest.mark.parametrize("kind", ["plain", "unix", "password", "acl", "tls", "mtls"])
def test_every_way_to_reach_redis(httpd, issuer, folder, authority, kind):
    server = RedisServer(kind, authority).start()
    try:
        lines = []
        if kind == "acl":
            lines.append(credentials(folder))
        if kind == "password":
            lines.append(f"OAuth2RSRedisCredentials file:{secret_file(folder, PASSWORD, name='redis-password')}")
        if kind in ("tls", "mtls"):
            lines.append(f"OAuth2RSRedisTrust file:{authority.file}")
        if kind == "mtls":
            key = folder / "client.key"
            shutil.copy(authority.folder / "client.key", key)
            key.chmod(0o600)  # for whoever starts httpd, not for its children
            lines.append(f"OAuth2RSRedisCertificate file:{authority.folder}/client.crt file:{key}")
        config = redis_config(server, folder, *lines) + asking(issuer, folder) + users()
        one, two = httpd(config, name="one"), httpd(config, name="two")
        token = issuer.opaque()
        granted(one.get("/users", token))
        server.wait_for_verdicts()
        granted(two.get("/users", token))
        assert issuer.count() == 1
        assert kind != "acl" or not server.forbidden()
    finally:
        server.stop()


def test_a_database_of_its_own(httpd, issuer, folder):
    redis = RedisServer("acl").start()
    try:
        zero = redis_config(redis, folder, credentials(folder))
        three = zero.replace(redis.url, redis.url + "/3")
        rest = asking(issuer, folder) + users()
        token = issuer.opaque()
        for name in ("one", "two"):
            granted(httpd(three + rest, name=name).get("/users", token))
        assert issuer.count() == 1 and redis.keys() == []
        assert "oauth2rs:" in redis.cli("-n", 3, "--raw", "keys", "*")
        granted(httpd(zero + rest, name="zero").get("/users", token))
        assert issuer.count() == 2 and redis.verdicts() and not redis.forbidden()
    finally:
        redis.stop()


def test_a_prefix_of_its_own(httpd, issuer, folder, redis):
    blue = redis_config(redis, folder, "OAuth2RSCachePrefix oauth2rs:blue:")
    rest = asking(issuer, folder) + users()
    token = issuer.opaque()
    for name in ("one", "two"):
        server = httpd(blue + rest, name=name)
        granted(server.get("/users", token))
        granted(server.get("/users", issuer.jwt()))
    assert issuer.count() == 1 and redis.keys()
    assert all(key.startswith("oauth2rs:blue:") for key in redis.keys())
    granted(httpd(redis_config(redis, folder) + rest, name="three").get("/users", token))
    assert issuer.count() == 2


def test_redis_that_is_not_there_costs_no_grant(httpd, issuer, folder):
    absent = RedisServer()
    server = httpd(redis_config(absent, folder, timeout=None) + asking(issuer, folder) + users())
    tokens = [issuer.opaque() for _ in range(5)]
    for token in tokens + tokens:
        granted(server.get("/users", token))
    assert issuer.count() == 5
    server.expects(*REDIS_TROUBLE)


def test_redis_may_die_and_come_back(httpd, issuer, folder):
    server_of_values = RedisServer().start()
    server = httpd(redis_config(server_of_values, folder) + asking(issuer, folder) + users())
    granted(server.get("/users", issuer.opaque()))
    server_of_values.wait_for_verdicts(1)
    server_of_values.kill()
    for _ in range(5):
        granted(server.get("/users", issuer.opaque()))
    server_of_values.start()

    def is_used():
        granted(server.get("/users", issuer.opaque()))
        return server_of_values.keys()
    until(is_used, "Redis is not used again", 0.1)
    server_of_values.stop()
    server.expects(*REDIS_TROUBLE)


def test_silent_redis_costs_bounded_time(httpd, issuer, folder, redis):
    server = httpd(redis_config(redis, folder, timeout=None) + asking(issuer, folder) + users())
    granted(server.get("/users", issuer.opaque()))
    redis.freeze()
    for _ in range(8):
        answer = server.get("/users", issuer.opaque())
        granted(answer)
        assert answer.seconds < 5, answer
    redis.resume()
    server.expects(*REDIS_TROUBLE)


def test_a_server_that_is_no_redis_costs_no_grant(httpd, issuer, yard, folder):
    other = yard.issuer()  # speaks HTTP
    config = f"OAuth2RSCache redis://127.0.0.1:{other.port}\n"
    config += f"OAuth2RSCacheSecret file:{secret_file(folder, SECRET, name='cache-secret')}\n"
    server = httpd(config + asking(issuer, folder) + users())
    for _ in range(4):
        granted(server.get("/users", issuer.opaque()))
    server.expects(*REDIS_TROUBLE)


def test_an_acl_that_forbids_is_told_once(httpd, issuer, folder):
    server_of_values = RedisServer("acl").start()
    server_of_values.cli("acl", "setuser", USER, "-set")
    config = redis_config(server_of_values, folder, credentials(folder)) + asking(issuer, folder) + users()
    server = httpd(config)
    for _ in range(4):
        granted(server.get("/users", issuer.opaque()))
    server_of_values.stop()
    assert server.log.count("RS0413") == 1, server.log.text()
    server.expects("RS0413", "with NOPERM: give its user the ACL rules in redis.md")


def test_a_wrong_password_is_told(httpd, issuer, folder):
    server_of_values = RedisServer("password").start()
    wrong = secret_file(folder, "not the password", name="redis-password")
    config = redis_config(server_of_values, folder, f"OAuth2RSRedisCredentials file:{wrong}")
    server = httpd(config + asking(issuer, folder) + users())
    for _ in range(4):
        granted(server.get("/users", issuer.opaque()))
    server_of_values.stop()
    assert "OAuth2RSRedisCredentials" in server.log.text()
    server.expects(*REDIS_TROUBLE)
