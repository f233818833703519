# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Revocations: felt on all servers within a second, whatever a cache or a signature says."""

import base64
import re
import threading
import time
import urllib.parse

import pytest

import faults
import marks
import places
from answers import REFUSALS, granted, refused
from redis_server import DATA, PUBLISHING, REVOCATION, RedisServer
from test_cache import SECRET, credentials, redis_config
from texts import asking, location
from waiting import until

REFUSALS["revoked"] = (401, "invalid_token", "The access token was revoked")
LOCATION = location("/x", "Require valid-user")


def bed(httpd, issuer, folder, redis, *names, lines=()):
    config = redis_config(redis, folder, "OAuth2RSRevocation on", *lines) + asking(issuer, folder) + LOCATION
    return [httpd(config, name=name, processes=2, threads=8) for name in names]


def felt(server, token, reason="revoked"):
    """In all processes: for longer than each of them waits between two looks, every request is refused.
    Five seconds are allowed, for one mark on a busy machine; test_marks_are_felt_within_a_second() judges the median."""
    end, refused_since = time.monotonic() + 5, None
    while refused_since is None or time.monotonic() - refused_since < 0.6:
        answer = server.get("/x", token)
        if answer.status == 401:
            refused_since = refused_since or time.monotonic()
        else:
            refused_since = None
            assert time.monotonic() < end, "not felt within 5 s"
        time.sleep(0.01)
    refused(server.get("/x", token), reason)
    return refused_since


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


def test_marks_are_felt_within_a_second(redis, httpd, issuer, folder):
    servers = bed(httpd, issuer, folder, redis, "one", "two")
    took = []
    for server in servers * 3:
        token = issuer.jwt()
        granted(server.get("/x", token))
        marks.revoke(redis, SECRET, "t", "", token)
        published = time.monotonic()
        took.append(felt(server, token) - published)
    assert sorted(took)[2] < 1, took


def test_a_mark_without_the_secret_is_passed_over(redis, httpd, issuer, folder):
    (server,) = bed(httpd, issuer, folder, redis, "one")
    token = issuer.jwt()
    granted(server.get("/x", token))
    value = marks.mark("t", "", token)
    marks.publish(redis, "another secret of more than thirty-two bytes", value)
    marks.publish(redis, SECRET, value[:-1])
    marks.publish(redis, SECRET, value, tag=b"")
    behind = issuer.jwt()
    marks.revoke(redis, SECRET, "t", "", behind)
    felt(server, behind)  # then they were read, too
    granted(server.get("/x", token))
    server.expects("RS0432")


def test_marks_under_the_previous_secret(redis, httpd, issuer, folder):
    """While secrets are changed some publish with the old one, and some with the new one."""
    new, rest = "the next secret of more than 32 bytes\n", asking(issuer, folder) + LOCATION + HANDLER
    config = redis_config(redis, folder, "OAuth2RSRevocation on")
    old = folder / "cache-secret"
    both = redis_config(redis, folder, "OAuth2RSRevocation on", secret=new, name="next").replace("/next\n", f"/next file:{old}\n")
    before, during = httpd(config + rest, name="before"), httpd(both + rest, name="during")
    tokens = [issuer.jwt() for _ in range(3)]
    for token in tokens:
        granted(during.get("/x", token))
    marks.revoke(redis, SECRET, "t", "", tokens[0])
    felt(during, tokens[0])
    felt(before, tokens[0])
    marks.revoke(redis, new, "t", "", tokens[1])
    felt(during, tokens[1])
    granted(before.get("/x", tokens[1]))
    assert not during.log.count("RS0432")
    # What is told here is told under the new one.
    after = httpd(redis_config(redis, folder, "OAuth2RSRevocation on", secret=new, name="next") + rest, name="after")
    assert revoke(during, token=tokens[2]).status == 200
    felt(after, tokens[2])
    granted(before.get("/x", tokens[2]))
    granted(after.get("/x", tokens[0]))
    for server in (before, after):
        server.expects("RS0432")
        server.allows("RS0401")  # documents of the other secret


def test_what_stands_in_redis_is_what_the_manual_says(redis, httpd, issuer, folder):
    """All kinds of keys, each with an end but the stream."""
    (server,) = bed(httpd, issuer, folder, redis, "one", lines=[HANDLER])
    names = re.findall(r"(?m)^\| `(oauth2rs:[^`]+)` \|", (places.ROOT / "doc" / "redis.md").read_text())
    forms = {name: re.compile(re.escape(name).replace("DIGITS", "[0-9a-f]{64}")) for name in names}
    issuer.fault("/introspect", faults.delay(2))
    asking_now = threading.Thread(target=lambda: server.get("/x", issuer.opaque()))
    granted(server.get("/x", issuer.jwt()))
    granted(server.get("/x", issuer.opaque()))
    assert revoke(server, subject="x").status == 200
    asking_now.start()
    seen = {}

    def all_were_seen():
        for key in redis.keys():
            (seen[key],) = [name for name, form in forms.items() if form.fullmatch(key)]
            assert redis.pttl(key) != -1 or seen[key].endswith(":revocations"), key
        return set(seen.values()) == set(forms)
    until(all_were_seen, lambda: seen)
    asking_now.join()


def test_a_stream_with_another_prefix(redis, httpd, issuer, folder):
    (server,) = bed(httpd, issuer, folder, redis, "one", lines=["OAuth2RSCachePrefix oauth2rs:blue:"])
    token, other = issuer.jwt(), issuer.jwt()
    marks.revoke(redis, SECRET, "t", "", other)
    marks.revoke(redis, SECRET, "t", "", token, stream="oauth2rs:blue:revocations")
    felt(server, token)
    granted(server.get("/x", other))


def test_what_was_revoked_before_the_start_is_known(redis, httpd, issuer, folder):
    token = issuer.jwt()
    marks.revoke(redis, SECRET, "t", "", token)
    (server,) = bed(httpd, issuer, folder, redis, "one")
    refused(server.get("/x", token), "revoked")


def test_a_thousand_marks(redis, httpd, issuer, folder):
    tokens = [issuer.jwt() for _ in range(3)]
    for i in range(11):
        marks.revoke(redis, SECRET, "s", issuer.url, f"user-{i}")
        redis.enter(f"XADD {marks.STREAM} * x {j}" for j in range(99))
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
        until(lambda: server.log.count("RS0430"), "nobody says that there is no news", 0.1)
        refused(server.get("/x", early), "revoked")
        granted(server.get("/x", late))
        redis.start()
        marks.revoke(redis, SECRET, "t", "", late)
        felt(server, late)
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
        token = issuer.opaque()
        granted(server.get("/x", token))
        issuer.revoke(token)
        until(lambda: server.get("/x", token).status == 401, pause=0.1)
        server.allows("RS0410", "RS0430", "RS0434")  # a process may not have read them yet
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


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def written_otherwise(token):
    """The same ES256 signature as r, n - s: whoever holds the token can write it so, and it verifies."""
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    other = raw[:32] + (P256_ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    return signed + "." + base64.urlsafe_b64encode(other).rstrip(b"=").decode()


# --- by the handler, through Redis and through shared memory

HANDLER = '<Location "/revoke">\n    SetHandler oauth2-rs-revoke\n    Require local\n</Location>\n'


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(params=["shm", "redis"])
def shared(request, folder):
    """Lines for the shared cache, and whether two servers share it."""
    if request.param == "shm":
        yield "OAuth2RSRevocation on\n", False
        return
    yield redis_config(request.getfixturevalue("redis"), folder, "OAuth2RSRevocation on"), True


def revoke(server, **form):
    body = urllib.parse.urlencode(form).encode()
    return server.get("/revoke", method="POST", body=body, headers=list(FORM.items()))


FORMS = {"token": lambda token: {"token": token}, "subject": lambda _: {"subject": "bob"}, "client": lambda _: {"client": "shop"},
         "session": lambda _: {"session": "session-1"}, "everything": lambda _: {"everything": "yes"}}


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_revokes_everywhere(shared, httpd, issuer, folder, kind):
    lines, two = shared
    config = lines + asking(issuer, folder) + LOCATION + HANDLER
    servers = [httpd(config, name=name, processes=3, threads=8) for name in ("one", "two")[:1 + two]]
    now = int(time.time())
    token = issuer.jwt(sub="bob", client_id="shop", sid="session-1", iat=now - 10)
    other = issuer.jwt(sub="eve", client_id="else", sid="another", iat=now)
    for server in servers:
        for _ in range(6):
            granted(server.get("/x", token))
            granted(server.get("/x", other))
    answer = revoke(servers[0], **FORMS[kind](token), not_before=now - 5)
    assert answer.status == 200 and b"within a second" in answer.body, answer
    for server in servers:
        felt(server, token)
        granted(server.get("/x", other))
    assert servers[0].log.count("RS0690") == 1 and (kind in ("token", "everything") or FORMS[kind](token)[kind] in servers[0].log.text())


def test_shared_memory_keeps_revocations_over_a_graceful_restart(httpd, issuer, folder):
    server = httpd("OAuth2RSRevocation on\n" + asking(issuer, folder) + LOCATION + HANDLER, processes=2, threads=8)
    token, other = issuer.jwt(), issuer.jwt()
    granted(server.get("/x", token))
    assert revoke(server, token=token).status == 200
    felt(server, token)
    for _ in range(2):
        server.graceful()
        for _ in range(20):
            refused(server.get("/x", token), "revoked")
            granted(server.get("/x", other))


def test_another_spelling_of_the_signature_does_not_bring_a_token_back(shared, httpd, issuer, folder):
    lines, _ = shared
    server = httpd(lines + asking(issuer, folder) + LOCATION + HANDLER)
    token, other = issuer.jwt(), issuer.jwt()
    twin = written_otherwise(token)
    granted(server.get("/x", twin))
    assert revoke(server, token=token).status == 200
    for _ in range(4):
        refused(server.get("/x", token), "revoked")
        refused(server.get("/x", twin), "revoked")
        granted(server.get("/x", other))
    # Opaque tokens with dots are named by all that stands in them.
    paseto = ["v4.local.one-and-only", "v4.local.two-and-more"]
    issuer.replies.update({token: {"active": True, "token_type": "Bearer", **issuer.claims()} for token in paseto})
    assert revoke(server, token=paseto[0]).status == 200
    refused(server.get("/x", paseto[0]), "revoked")
    granted(server.get("/x", paseto[1]))


@pytest.mark.parametrize("form, words", [
    ({}, b"write one of"), ({"subject": ""}, b"empty"), ({"subject": "a", "client": "b"}, b"one thing"),
    ({"subject": "a", "issuer": "https://misspelt.example.com"}, b"not the issuer"), ({"everything": "no"}, b"everything=yes"),
    ({"subject": "a", "not_before": "yesterday"}, b"seconds"), ({"subject": "a", "not_before": "99999999999999"}, b"seconds"),
    ({"user": "a"}, b"write one of"), ({"subject": "a\0b"}, b"cannot be read"),
    # Nothing undoes it, and a clock or a program may have counted in milliseconds.
    ({"subject": "a", "not_before": int(time.time()) + 3600}, b"in the future"), ({"subject": "a", "not_before": "17672256000"}, b"in the future"),
    # What cannot be presented would be revoked in vain: a + that a form made a blank, a value in quotes.
    ({"token": "a b"}, b"no token"), ({"token": '"a.b.c"'}, b"no token"), ({"token": "Bearer "}, b"no token"), ({"token": " \n"}, b"no token"),
    ({"token": "t\u00f6ken"}, b"no token")])
def test_forms_that_are_refused(httpd, issuer, folder, form, words):
    server = httpd("OAuth2RSRevocation on\n" + asking(issuer, folder) + LOCATION + HANDLER)
    token = issuer.jwt(sub="a", client_id="b")
    answer = revoke(server, **form)
    assert answer.status == 400 and words in answer.body, answer
    granted(server.get("/x", token))


@pytest.mark.parametrize("dress", ["{}\n", "Bearer {}", " bearer  {}\r\n", "BEARER\t{} "])
def test_a_token_from_a_file_or_a_header(httpd, issuer, folder, dress):
    """curl --data-urlencode token@FILE sends the newline at the end of the file."""
    server = httpd("OAuth2RSRevocation on\n" + asking(issuer, folder) + LOCATION + HANDLER)
    token = issuer.jwt()
    granted(server.get("/x", token))
    assert revoke(server, token=dress.format(token)).status == 200
    refused(server.get("/x", token), "revoked")


def test_an_issuer_whose_clock_is_ahead(httpd, issuer, folder):
    """Its tokens may claim to have been issued after the revocation: not_before reaches as far as the leeway. Without it whoever logs
    in afterwards is let in."""
    server = httpd("OAuth2RSRevocation on\n" + asking(issuer, folder, "OAuth2RSLeeway 60s") + LOCATION + HANDLER)
    now = int(time.time())
    ahead, anew = issuer.jwt(sub="bob", iat=now + 30), issuer.jwt(sub="eve", iat=now + 10)
    granted(server.get("/x", ahead))
    assert revoke(server, subject="bob", not_before=now + 50).status == 200
    assert revoke(server, subject="eve").status == 200
    refused(server.get("/x", ahead), "revoked")
    granted(server.get("/x", anew))


def test_two_providers_of_one_issuer_need_no_name(yard, httpd, issuer, folder):
    both = asking(issuer, folder) + asking(issuer, folder, name="other") + LOCATION.replace("AuthType", "OAuth2RSUse acme other\n    AuthType")
    server = httpd("OAuth2RSRevocation on\n" + both + HANDLER)
    token = issuer.jwt(sub="bob", iat=int(time.time()) - 10)
    granted(server.get("/x", token))
    assert revoke(server, subject="bob").status == 200
    refused(server.get("/x", token), "revoked")
    server = httpd("OAuth2RSRevocation on\n" + both + asking(yard.issuer(), folder, name="third") + HANDLER, name="three")
    assert revoke(server, subject="bob").status == 400
    assert revoke(server, subject="bob", issuer=issuer.url).status == 200


def test_who_may_revoke(httpd, issuer, folder):
    """A program on this host, or somebody whom httpd knows; no page in a browser, nobody behind a proxy."""
    open_to_all = HANDLER.replace("Require local", "Require all granted")
    by_token = location("/admin", "SetHandler oauth2-rs-revoke", "OAuth2RSRequireHTTPS off", "Require oauth2-scope admin")
    server = httpd("OAuth2RSRevocation on\n" + asking(issuer, folder) + LOCATION + open_to_all + by_token)
    form = FORM
    for name in ("Origin", "X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Client-IP", "x-real-ip"):
        assert server.get("/revoke", method="POST", body=b"subject=x", headers=list({**form, name: "https://example.com"}.items())).status == 403
    answer = server.get("/revoke", method="GET")
    assert answer.status == 405 and "POST" in answer.get("Allow").replace(" ", "").split(","), answer
    assert server.get("/revoke", method="POST", body=b"subject=x", headers=list({"Content-Type": "text/plain"}.items())).status == 415
    assert server.get("/revoke", method="POST", body=b"token=" + 50000 * b"x", headers=list(form.items())).status == 413
    assert server.get("/revoke", method="POST", body=b"subject=x", headers=list(form.items())).status == 200
    admin = {**form, "X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer " + issuer.jwt(scope="admin")}
    assert server.get("/admin", method="POST", body=b"subject=x", headers=list(admin.items())).status == 200
    reader = {**form, "Authorization": "Bearer " + issuer.jwt(scope="read")}
    assert server.get("/admin", method="POST", body=b"subject=x", headers=list(reader.items())).status == 403


def test_a_revocation_that_cannot_be_told(redis, httpd, issuer, folder):
    (server,) = bed(httpd, issuer, folder, redis, "one", lines=[HANDLER])
    token = issuer.jwt(sub="x", iat=int(time.time()) - 10)
    granted(server.get("/x", token))
    redis.stop()
    answer = revoke(server, subject="x")
    assert answer.status == 503 and answer.get("Retry-After") and b"on this host only" in answer.body
    felt(server, token)
    server.graceful()
    refused(server.get("/x", token), "revoked")
    server.expects("RS0692")
    server.allows("RS0410", "RS0430", "RS0434")


def test_the_rule_of_the_manual_is_enough(httpd, issuer, folder):
    """One server publishes, the other only reads."""
    redis = RedisServer("acl", rules=[DATA, REVOCATION, PUBLISHING]).start()
    servers = []
    try:
        servers = bed(httpd, issuer, folder, redis, "one", "two", lines=[credentials(folder), HANDLER])
        token = issuer.jwt(sub="bob", iat=int(time.time()) - 10)
        for server in servers:
            granted(server.get("/x", token))
        assert revoke(servers[0], subject="bob").status == 200
        for server in servers:
            felt(server, token)
            granted(server.get("/x", issuer.opaque()))
        assert not redis.forbidden()
    finally:
        for server in servers:
            server.stop()
        redis.stop()


@pytest.fixture
def ruled():
    redis = RedisServer("acl", rules=[DATA, REVOCATION, PUBLISHING]).start()
    yield redis
    redis.stop()


FOREIGN = {
    "large": "redis.call('XADD', KEYS[1], '*', 'x', string.rep('x', 2500000))",
    "many fields": "local f = {} for i = 1, 4200 do f[i] = 'x' end redis.call('XADD', KEYS[1], '*', unpack(f))",
    "one field more": "for i = 1, 600 do redis.call('XADD', KEYS[1], '*', 'v', 'x', 'm', 'y', 'more', 'z') end",
    "id": "redis.call('XADD', KEYS[1], '9999999999999999-1', 'v', 'x', 'm', 'y')",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_entries_of_others_stop_no_revocation(ruled, httpd, issuer, folder, what):
    """Neither for who reads nor for who begins later; and Redis is not given up for them."""
    (server,) = bed(httpd, issuer, folder, ruled, "one", lines=[credentials(folder), HANDLER])
    ruled.cli("eval", FOREIGN[what], 1, marks.STREAM)
    token = issuer.jwt(sub="bob", iat=int(time.time()) - 10)
    granted(server.get("/x", token))
    assert revoke(server, subject="bob").status == 200
    felt(server, token)
    (late,) = bed(httpd, issuer, folder, ruled, "late", lines=[credentials(folder)])
    for _ in range(5):
        refused(late.get("/x", token), "revoked")
    for reader in (server, late):
        reader.expects("RS0432", *["RS0436"] * (what == "large"))


def test_without_revocation_there_is_no_handler(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + LOCATION + HANDLER)
    assert revoke(server, subject="x").status == 404


@pytest.mark.parametrize("lines, words", [("OAuth2RSRevocation on\nOAuth2RSCache none\n", "needs a shared cache"), ("OAuth2RSRevocation maybe\n", "on, on RETENTION"),
                                          ("OAuth2RSRevocation on 1s\n", "1m"),
                                          ("OAuth2RSRevocation on 1h maybe\n", "on RETENTION required"), ("OAuth2RSRevocation required\n", "on RETENTION required")])
def test_mistakes_stop_the_start(yard, issuer, folder, lines, words):
    server = yard.httpd("mistakes", lines + asking(issuer, folder) + LOCATION, start=False)
    code, text = server.configtest()
    assert code != 0 and words in text, text
