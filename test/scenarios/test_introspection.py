# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Asking the issuer: who we say we are, what it may answer, and who asks when many want to know."""

import json
import os
import signal
import threading
import time

import pytest

import client
import faults
import jwe
import places
from answers import granted, refused, undecided
from keys import Key, hmac_verify
from test_cache import ask_at_once, redis_config
from texts import asking, location, provider, secret_file
from waiting import until

ENDPOINT = "/introspect"
LOCATION = location("/x", "Require valid-user")
US = "https://api.example.com"


def question(issuer):
    return [request for request in issuer.requests if request.path == ENDPOINT][-1]


def test_a_reply_with_many_audiences_costs_no_more_than_its_length(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + LOCATION)
    token = issuer.opaque(aud=["a%03x" % number for number in range(20000)])
    begin = time.monotonic()
    refused(server.get("/x", token), "audience")
    assert time.monotonic() - begin < 10
    assert "... is not among the accepted ones" in server.log.text()


# --- who we are

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def audience(issuer, word):
    return {"": issuer.url, "issuer": issuer.url, "endpoint": issuer.url + ENDPOINT}.get(word, word)


@pytest.mark.parametrize("word", ["", "issuer", "endpoint", "https://as.example.com/token"])
@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_private_key_jwt(httpd, issuer, folder, alg, word):
    issuer.client_check = False
    key = Key(alg)
    path = secret_file(folder, key.private_pem().decode(), name="client-key")
    server = httpd(provider(issuer, "OAuth2RSClient us", f"OAuth2RSClientAuth private_key_jwt {word}",
                            f"OAuth2RSClientKey file:{path} {alg}") + LOCATION)
    ids = set()
    for _ in range(2):
        granted(server.get("/x", issuer.opaque()))
        form = question(issuer).form
        assert form["client_id"] == "us" and form["client_assertion_type"] == ASSERTION
        header, claims = key.verify(form["client_assertion"])
        assert header["alg"] == alg and claims["iss"] == claims["sub"] == "us" and claims["aud"] == audience(issuer, word)
        assert 0 < claims["exp"] - time.time() <= 60
        ids.add(claims["jti"])
        server.log.secret(form["client_assertion"])
    assert len(ids) == 2


def test_client_secret_jwt(httpd, issuer, folder):
    issuer.client_check = False
    secret = "a secret of the client that is long enough"
    path = secret_file(folder, secret, name="client-secret")
    server = httpd(provider(issuer, f"OAuth2RSClient us file:{path}", "OAuth2RSClientAuth client_secret_jwt") + LOCATION)
    granted(server.get("/x", issuer.opaque()))
    claims = hmac_verify(secret.encode(), question(issuer).form["client_assertion"])
    assert claims["iss"] == "us" and claims["aud"] == issuer.url


def test_bearer(httpd, issuer, folder):
    issuer.client_check = False
    path = secret_file(folder, "token-of-ours-1234\n", name="bearer")
    server = httpd(provider(issuer, f"OAuth2RSClient us file:{path}", "OAuth2RSClientAuth bearer") + LOCATION)
    granted(server.get("/x", issuer.opaque()))
    assert question(issuer).headers["authorization"] == "Bearer token-of-ours-1234"
    server.log.secret("token-of-ours-1234")


def test_tls(httpd, yard, authority, folder):
    """The key is readable for root alone: httpd's children have it from the start."""
    issuer = yard.issuer(authority=authority, client_certificates=True)
    issuer.client_check = False
    authority.issue("us", ["resource-server"], usage=authority.CLIENT_AUTH)
    key = secret_file(folder, (authority.folder / "us.key").read_text(), name="us.key")
    server = httpd(provider(issuer, "OAuth2RSClient us", "OAuth2RSClientAuth tls",
                            f"OAuth2RSClientCertificate file:{authority.folder}/us.crt file:{key}") + LOCATION)
    granted(server.get("/x", issuer.opaque()))
    assert question(issuer).certificate == "resource-server" and question(issuer).form["client_id"] == "us"


def test_more_fields(httpd, issuer, folder):
    lines = ["OAuth2RSIntrospectionParam resource https://api.example.com/?a=b&c", "OAuth2RSIntrospectionParam x \"ä b\"",
             "OAuth2RSIntrospectionParam token_type_hint opaque"]
    server = httpd(asking(issuer, folder, *lines) + LOCATION)
    granted(server.get("/x", issuer.opaque()))
    request = question(issuer)
    assert request.form["resource"] == "https://api.example.com/?a=b&c" and request.form["x"] == "ä b"
    assert request.body.count(b"token_type_hint=") == 1 and request.form["token_type_hint"] == "opaque"


BAD = [(["OAuth2RSClientAuth private_key_jwt", "OAuth2RSClient us"], "OAuth2RSClientKey"),
       (["OAuth2RSClientAuth tls", "OAuth2RSClient us"], "OAuth2RSClientCertificate"),
       (["OAuth2RSClientAuth bearer", "OAuth2RSClient us"], "no secret"),
       (["OAuth2RSClientAuth basic issuer"], "client_secret_jwt and private_key_jwt only"),
       (["OAuth2RSClientAuth private_key_jvt"], "did you mean \"private_key_jwt\""),
       *((["OAuth2RSIntrospectionParam %s x" % name], f"{name} is a field of the question's own: where it belongs, it is sent already")
         for name in ("token", "access_token", "client_id", "client_secret", "client_assertion", "client_assertion_type")),
       (["OAuth2RSIntrospectionResponse jwt any"], "any-audience"),
       (["OAuth2RSBreaker 0 1s"], "1 to 1000"), (["OAuth2RSBreaker 3 1ms"], "100ms"), (["OAuth2RSMaxWaiting 0"], "1 to"),
       (["OAuth2RSStaleIfError soon"], "not a time")]


@pytest.mark.parametrize("lines, words", BAD, ids=[row[0][0] for row in BAD])
def test_mistakes_stop_the_start(yard, issuer, lines, words):
    server = yard.httpd("mistakes", provider(issuer, *lines), start=False)
    code, text = server.configtest()
    assert code != 0 and words in text, text


@pytest.mark.parametrize("limit", ["60", "0/1m", "x/1m", "60/", "60/1ms", "60/x"])
def test_limits_that_are_none(yard, issuer, limit):
    server = yard.httpd("limits", f"OAuth2RSFailureLimit {limit}\n" + provider(issuer), start=False)
    code, text = server.configtest()
    assert code != 0 and "OAuth2RSFailureLimit" in text, text


# --- signed replies (RFC 9701)

TYPE = "application/token-introspection+jwt"


def signed(issuer, reply, typ="token-introspection+jwt", key=None, **more):
    claims = {"iss": issuer.url, "aud": issuer.client, "iat": int(time.time()), "token_introspection": reply}
    claims = {name: value for name, value in {**claims, **more}.items() if value is not None}
    key = key or issuer.key()
    return key.sign({"alg": key.alg, "kid": issuer.key().kid, "typ": typ}, claims)


def replies(issuer, make, content_type=TYPE):
    """The issuer's answers become what make() says."""
    def answer(handler):
        handler.reply(200, make().encode(), content_type=content_type)
    issuer.fault(ENDPOINT, answer)


@pytest.fixture
def signing(httpd, issuer, folder):
    key = jwe.Key("rsa")
    server = httpd(asking(issuer, folder, "OAuth2RSIntrospectionResponse jwt",
                          f"OAuth2RSDecryptionKey file:{secret_file(folder, key.text(), name='dec')}") + LOCATION)
    return server, issuer, key


def active(issuer, **claims):
    return {"active": True, **issuer.claims(**claims)}


def test_a_signed_reply(signing):
    server, issuer, key = signing
    replies(issuer, lambda: signed(issuer, active(issuer)))
    granted(server.get("/x", issuer.opaque()))
    assert question(issuer).headers["accept"] == TYPE
    replies(issuer, lambda: jwe.encrypt(signed(issuer, active(issuer)), key, "RSA-OAEP-256"))
    granted(server.get("/x", issuer.opaque()))
    replies(issuer, lambda: signed(issuer, {"active": False}))
    refused(server.get("/x", issuer.opaque()), "inactive")
    replies(issuer, lambda: signed(issuer, active(issuer, aud="other")))
    refused(server.get("/x", issuer.opaque()), "audience")


LIES = {
    "typ": lambda issuer: signed(issuer, active(issuer), typ="JWT"),
    "no-typ": lambda issuer: signed(issuer, active(issuer), typ=None),
    "access-token": lambda issuer: issuer.jwt(active=True),
    "iss": lambda issuer: signed(issuer, active(issuer), iss="https://evil.example.com"),
    "aud": lambda issuer: signed(issuer, active(issuer), aud="another"),
    "no-aud": lambda issuer: signed(issuer, active(issuer), aud=None),
    "no-iat": lambda issuer: signed(issuer, active(issuer), iat=None),
    "iat": lambda issuer: signed(issuer, active(issuer), iat=int(time.time()) + 3600),
    "old": lambda issuer: signed(issuer, active(issuer), iat=int(time.time()) - 60),
    "signature": lambda issuer: signed(issuer, active(issuer), key=Key("ES256")),
    "unwrapped": lambda issuer: signed(issuer, None, **active(issuer)),
    "array": lambda issuer: signed(issuer, [active(issuer)]),
    "json": lambda issuer: json.dumps(active(issuer)),
    "none": lambda issuer: jwe.b64(b'{"alg":"none","typ":"token-introspection+jwt"}') + "." +
    jwe.b64(json.dumps({"iss": issuer.url, "token_introspection": active(issuer)}).encode()) + ".",
    "stranger": lambda issuer: jwe.encrypt(signed(issuer, active(issuer)), jwe.Key("rsa"), "RSA-OAEP"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_reply_that_is_not_the_issuers_word_decides_nothing(signing, lie):
    server, issuer, _ = signing
    replies(issuer, lambda: LIES[lie](issuer))
    undecided(server.get("/x", issuer.opaque()))
    server.expects("RS0521")


def test_plain_json_where_a_signature_is_demanded(signing):
    server, issuer, _ = signing
    undecided(server.get("/x", issuer.opaque()))
    server.expects("RS0521")


def test_the_audience_of_a_reply_may_be_anybody(httpd, issuer, folder):
    server = httpd(asking(issuer, folder, "OAuth2RSIntrospectionResponse jwt any-audience") + LOCATION)
    replies(issuer, lambda: signed(issuer, active(issuer), aud=US))
    granted(server.get("/x", issuer.opaque()))


def test_a_signed_reply_is_no_access_token(signing):
    server, issuer, _ = signing
    refused(server.get("/x", signed(issuer, active(issuer), **issuer.claims())), "type")


# --- when the issuer is away

def test_a_stale_result_serves_while_the_issuer_is_away(httpd, issuer, folder):
    server = httpd(asking(issuer, folder, "OAuth2RSIntrospectionTTL 1s", "OAuth2RSStaleIfError 1h", "OAuth2RSBreaker 100 1s")
                   + LOCATION)
    lasting, short = issuer.opaque(), issuer.opaque(exp=int(time.time()) + 6)
    granted(server.get("/x", lasting))
    granted(server.get("/x", short))
    issuer.fault(ENDPOINT, faults.answer(502, "{}"))
    time.sleep(1.2)
    granted(server.get("/x", lasting))
    time.sleep(6.2 - 1.2)
    undecided(server.get("/x", short))  # its own end is the end
    granted(server.get("/x", lasting))
    undecided(server.get("/x", issuer.opaque()))
    issuer.mend()
    issuer.revoke(lasting)
    refused(server.get("/x", lasting), "inactive")
    issuer.fault(ENDPOINT, faults.answer(502, "{}"))
    time.sleep(0.1)
    server.expects("RS0521", "RS0532")


def test_a_stale_result_does_not_serve_when_the_issuer_refuses_us(httpd, issuer, folder):
    server = httpd(asking(issuer, folder, "OAuth2RSIntrospectionTTL 1s", "OAuth2RSStaleIfError 1h") + LOCATION)
    token = issuer.opaque()
    granted(server.get("/x", token))
    issuer.fault(ENDPOINT, faults.answer(401, "{}"))
    time.sleep(1.2)
    undecided(server.get("/x", token))
    server.expects("RS0521")


def test_the_breaker(httpd, issuer, folder):
    server = httpd(asking(issuer, folder, "OAuth2RSBreaker 2 2m") + LOCATION, processes=3, threads=4)
    issuer.fault(ENDPOINT, faults.answer(500, "{}"))
    for _ in range(6):
        undecided(server.get("/x", issuer.opaque()), seconds=3600)
    assert issuer.count() == 2
    server.expects("RS0521")


@pytest.mark.parametrize("mpm, processes", [("event", 1), ("prefork", 16)])
def test_few_may_wait(httpd, issuer, folder, mpm, processes):
    """Of a process; where it has one thread, of all."""
    server = httpd(asking(issuer, folder, "OAuth2RSMaxWaiting 2", "OAuth2RSTimeout 1s 20s") + LOCATION, threads=32, mpm=mpm, processes=processes)
    issuer.fault(ENDPOINT, faults.delay(4))
    answers = client.together(12, lambda i: server.get("/x", issuer.opaque()))
    assert sorted(a.status for a in answers) == [200] * 2 + [503] * 10
    assert all(a.seconds < 4 for a in answers if a.status == 503)  # before the issuer answers
    server.expects("RS0523")


@pytest.mark.parametrize("mpm, processes", [("event", 1), ("prefork", 16)])
def test_a_burst_of_unseen_tokens_is_served_by_a_quick_issuer(httpd, issuer, folder, mpm, processes):
    server = httpd(asking(issuer, folder, "OAuth2RSMaxWaiting 6") + LOCATION, threads=16, mpm=mpm, processes=processes)
    issuer.fault(ENDPOINT, faults.delay(0.02))
    rounds = []
    while rounds.count([200] * 12) == 0 and len(rounds) < 3:  # on a busy machine a quick issuer may be slow for once
        before = issuer.count()
        rounds.append([answer.status for answer in client.together(12, lambda i: server.get("/x", issuer.opaque()))])
    assert rounds[-1] == [200] * 12 and issuer.count() == before + 12, rounds
    server.allows("RS0523")


def test_retry_after_is_heeded_by_all_processes(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + LOCATION, processes=3, threads=4)
    issuer.fault(ENDPOINT, faults.answer(429, "", Retry_After="30"), times=1)
    for _ in range(12):
        undecided(server.get("/x", issuer.opaque()), seconds=30)
    assert issuer.count() == 1
    server.expects("RS0521")


# --- bad tokens in masses

def test_who_brings_inactive_tokens_is_throttled(httpd, issuer, folder):
    server = httpd("OAuth2RSFailureLimit 5/1h\n" + asking(issuer, folder, "OAuth2RSIntrospectionTTL 5m 5m") + LOCATION, processes=3, threads=4)
    known = issuer.opaque()
    granted(server.get("/x", known))
    for i in range(5):
        refused(server.get("/x", f"bad-{i}"), "inactive")
    calls = issuer.count()
    for i in range(5, 20):
        answer = server.get("/x", f"bad-{i}")
        assert answer.status == 429 and 1 <= int(answer.get("Retry-After")) <= 3600 and answer.challenge is None
    assert server.get("/x", issuer.opaque()).status == 429  # not seen before: it would need a call
    assert issuer.count() == calls
    granted(server.get("/x", known))
    granted(server.get("/x", issuer.jwt()))
    refused(server.get("/x", "bad-1"), "inactive")  # remembered: costs nobody anything
    line, = [line for line in server.log.text().splitlines() if "RS0662: " in line]
    assert "client 127.0.0.1" in line and "mod_remoteip" in line and "path /x" in line
    server.expects("RS0662")


def test_each_address_has_a_budget_of_its_own(httpd, issuer, folder):
    server = httpd("OAuth2RSFailureLimit 3/1h\n" + asking(issuer, folder, "OAuth2RSIntrospectionTTL 5m 5m") + LOCATION, processes=2, threads=4)
    for source in ("127.0.0.1", "127.0.0.2"):
        for i in range(3):
            refused(server.get("/x", f"bad-{source}-{i}", source=source), "inactive")
        assert server.get("/x", f"bad-{source}-3", source=source).status == 429
    assert issuer.count() == 6
    granted(server.get("/x", issuer.opaque(), source="127.0.0.3"))
    server.expects("RS0662")


def test_a_throttled_client_is_told_why(httpd, issuer, folder):
    server = httpd("OAuth2RSFailureLimit 1/1h\n" + asking(issuer, folder) + LOCATION)
    refused(server.get("/x", "bad-1"), "inactive")
    answer = server.get("/x", "bad-2", headers=[("Accept", "application/json")])
    assert answer.status == 429 and answer.challenge is None
    assert "address" in answer.json()["detail"] and "error" not in answer.json()
    server.expects("RS0662")


def test_the_limit_can_be_taken_away(httpd, issuer, folder):
    server = httpd("OAuth2RSFailureLimit off\n" + asking(issuer, folder) + LOCATION)
    for i in range(80):
        refused(server.get("/x", f"bad-{i}"), "inactive")


# --- one question for all

# There are more threads than requests, and all may wait as long as they must: on a busy machine even a quick issuer is slow, and that is another scenario's question.
ALL_MAY_WAIT = "OAuth2RSMaxWaiting 64"


def test_a_herd_on_two_processes(httpd, issuer, folder):
    server = httpd(asking(issuer, folder, ALL_MAY_WAIT) + LOCATION, processes=2, threads=64)
    issuer.fault(ENDPOINT, faults.delay(0.02))
    for _ in range(3):
        token = issuer.opaque()
        calls = issuer.count()
        for answer in ask_at_once([server.port], "/x", token, 64):
            granted(answer)
        assert issuer.count() == calls + 1


def test_a_herd_on_many_processes_of_one_thread(httpd, issuer, folder):
    many = 24 if places.TOOL else 48  # with a tool each takes a second to start and another one to end
    server = httpd(asking(issuer, folder, ALL_MAY_WAIT) + LOCATION, mpm="prefork", processes=many)
    issuer.fault(ENDPOINT, faults.delay(0.02))
    for _ in range(3):
        token = issuer.opaque()
        calls = issuer.count()
        for answer in client.together(many, lambda i: server.get("/x", token)):
            granted(answer)
        assert issuer.count() == calls + 1
    server.allows("AH00045")  # so many processes take a while to end


def test_a_herd_on_two_hosts(httpd, issuer, folder, redis):
    config = redis_config(redis, folder) + asking(issuer, folder, ALL_MAY_WAIT) + LOCATION
    servers = [httpd(config, name=name, processes=2, threads=32) for name in ("one", "two")]
    issuer.fault(ENDPOINT, faults.delay(0.02))
    for _ in range(3):
        token = issuer.opaque()
        calls = issuer.count()
        for answer in ask_at_once([server.port for server in servers], "/x", token, 64):
            granted(answer)
        assert issuer.count() == calls + 1
    assert [name for name in redis.keys() if ":c:" in name] == []


def test_who_claims_and_dies_costs_the_time_of_the_claim(httpd, issuer, folder, redis):
    config = redis_config(redis, folder) + asking(issuer, folder, "OAuth2RSTimeout 1s 3s") + LOCATION
    first, second = httpd(config, name="one"), httpd(config, name="two")
    token = issuer.opaque()
    issuer.fault(ENDPOINT, faults.hang(), times=1)

    def ask():
        try:
            first.get("/x", token)
        except OSError:
            pass
    asker = threading.Thread(target=ask)
    asker.start()
    until(lambda: issuer.count() == 1, pause=0.01)
    for pid in first.children():
        os.kill(pid, signal.SIGKILL)
    answer = granted(second.get("/x", token))
    assert 5 < answer.seconds < 6 + 6  # the claim lives for two calls
    asker.join()
    assert issuer.count() == 2
    first.allows("AH00052", "AH00051")


def test_with_ttl_zero_nobody_waits_for_anothers_answer(httpd, issuer, folder, redis):
    server = httpd(redis_config(redis, folder) + asking(issuer, folder, "OAuth2RSIntrospectionTTL 0") + LOCATION, threads=32)
    token = issuer.opaque()
    for answer in ask_at_once([server.port], "/x", token, 16):
        granted(answer)
    assert issuer.count() == 16 and redis.verdicts() == []
