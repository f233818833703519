# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Keys over time: absent, late, rotated, lied about."""

import json
import threading
import time

import pytest
from cryptography.hazmat.primitives import serialization

import client
import faults
from answers import granted, refused, undecided
from keys import Key
from texts import location, provider
from waiting import until

TROUBLE = "RS0501"


def users():
    return location("/users", "Require oauth2-scope read")


def test_the_issuer_may_be_absent_at_the_start(httpd, yard):
    issuer = yard.issuer(start=False)
    server = httpd(provider(issuer) + users())
    undecided(server.get("/users", issuer.jwt()))
    issuer.start()
    until(lambda: server.get("/users", issuer.jwt()).status != 503, "the keys are not asked for again", 0.1)
    granted(server.get("/users", issuer.jwt()))
    server.expects(TROUBLE)


def test_a_new_kid_is_accepted_after_one_fetch(httpd, issuer):
    server = httpd(provider(issuer) + users())
    granted(server.get("/users", issuer.jwt()))
    before = issuer.count("/jwks")
    issuer.rotate(keep=True)
    granted(server.get("/users", issuer.jwt()))
    assert issuer.count("/jwks") == before + 1


def test_200_unknown_kids_cost_one_fetch(httpd, issuer):
    server = httpd(provider(issuer) + users())
    granted(server.get("/users", issuer.jwt()))
    before = issuer.count("/jwks")
    stranger = Key("ES256")
    for number in range(200):
        old = int(time.time()) - 100
        answer = server.get("/users", issuer.jwt(key=stranger, header={"kid": f"k{number}"}, iat=old))
        refused(answer, "key")
    assert issuer.count("/jwks") == before + 1


def test_in_the_cool_down_a_newer_token_waits(httpd, issuer):
    server = httpd(provider(issuer) + users())
    granted(server.get("/users", issuer.jwt()))
    stranger = Key("ES256")
    refused(server.get("/users", issuer.jwt(key=stranger, iat=int(time.time()) - 100)), "key")
    time.sleep(1.1)  # iat has whole seconds
    undecided(server.get("/users", issuer.jwt(key=stranger)), seconds=30)


def test_a_cached_verdict_ends_with_its_key(httpd, issuer):
    server = httpd(provider(issuer, "OAuth2RSKeysCooldown 1s") + users())
    token = issuer.jwt()
    granted(server.get("/users", token))
    granted(server.get("/users", token))
    issuer.rotate(keep=False)
    granted(server.get("/users", issuer.jwt()))  # brings the new set
    answer = server.get("/users", token)
    assert answer.status in (401, 503), answer


@pytest.mark.parametrize("lie", [
    faults.html(), faults.answer(500), faults.answer(200, "{}"), faults.answer(200, '{"keys":[]}'), faults.garbage(),
    faults.answer(204), faults.reset(), faults.answer(200, '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'),
], ids=["html", "500", "empty-object", "no-keys", "garbage", "204", "reset", "secrets"])
def test_a_lie_never_replaces_good_keys(httpd, issuer, lie):
    server = httpd(provider(issuer, "OAuth2RSKeysRefresh 1s 1s") + users())
    granted(server.get("/users", issuer.jwt()))
    issuer.fault("/jwks", lie)
    before = issuer.count("/jwks")

    def asked():
        granted(server.get("/users", issuer.jwt()))
        return issuer.count("/jwks") > before
    until(asked, "the keys are not asked for again", 0.1)
    for _ in range(5):
        granted(server.get("/users", issuer.jwt()))
    server.expects(TROUBLE)


def test_old_keys_serve_only_so_long(httpd, issuer):
    server = httpd(provider(issuer, "OAuth2RSKeysRefresh 1s 1s 2s") + users())
    granted(server.get("/users", issuer.jwt()))
    issuer.fault("/jwks", faults.answer(500))
    until(lambda: server.get("/users", issuer.jwt()).status != 200, "stale keys serve for ever", 0.2)
    undecided(server.get("/users", issuer.jwt()))
    server.expects(TROUBLE)


def test_keys_are_refreshed_without_a_request(httpd, issuer):
    server = httpd(provider(issuer, "OAuth2RSKeysRefresh 1s 1s") + users(), modules=["watchdog"])
    granted(server.get("/users", issuer.jwt()))
    before = issuer.count("/jwks")
    until(lambda: issuer.count("/jwks") >= before + 2, "no background refresh", 0.1)


def test_a_slow_refresh_delays_nobody(httpd, issuer):
    server = httpd(provider(issuer, "OAuth2RSKeysRefresh 1s 1s") + users())
    granted(server.get("/users", issuer.jwt()))
    issuer.fault("/jwks", faults.delay(4))
    before = issuer.count("/jwks")
    end = time.monotonic() + 8

    def ask(_):
        slow = 0
        while time.monotonic() < end:
            answer = server.get("/users", issuer.jwt())
            granted(answer)
            slow += answer.seconds > 3
            time.sleep(0.02)
        return slow

    slow = sum(client.together(6, ask))
    fetches = issuer.count("/jwks") - before
    assert fetches and slow <= fetches, (slow, fetches)  # each the one that fetches


# mod_watchdog leaves its threads alone with what a child throws away when it ends.
@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_who_leaves_ends_a_refresh_under_way(httpd, issuer, mpm):
    server = httpd(provider(issuer, "OAuth2RSKeysRefresh 1s 1s", "OAuth2RSTimeout 1s 90s") + users(), mpm=mpm,
                   environment={"MALLOC_PERTURB_": "165"})  # what is freed is overwritten
    granted(server.get("/users", issuer.jwt()))
    old = server.children()
    issuer.fault("/jwks", faults.hang(), times=1)
    before = issuer.count("/jwks")
    until(lambda: issuer.count("/jwks") > before, pause=0.01)
    server.graceful()
    server.allows("AH00288")  # the old ones count as well
    # httpd tells in its log who crashed.
    until(lambda: not set(old) & set(server.children()), "who leaves waits for the issuer", seconds=40)
    granted(server.get("/users", issuer.jwt()))


def test_a_rotation_in_mid_load(httpd, issuer):
    server = httpd(provider(issuer, "OAuth2RSKeysCooldown 1s") + users(), threads=16)
    stop = threading.Event()
    bad = []

    def load():
        while not stop.is_set():
            answer = server.get("/users", issuer.jwt())
            if answer.status not in (200, 503):
                bad.append(answer)

    threads = [threading.Thread(target=load) for _ in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        time.sleep(1.1)
        issuer.rotate(keep=True)
    stop.set()
    for thread in threads:
        thread.join()
    assert not bad, bad[0]


def pem_of(key):
    return key.private.public_key().public_bytes(serialization.Encoding.PEM,
                                                 serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("form", ["jwks", "jwk", "pem"])
def test_keys_from_a_file(httpd, yard, folder, form):
    issuer = yard.issuer(start=False)
    text = {"jwks": json.dumps(issuer.jwks()), "jwk": json.dumps(issuer.keys[0].jwk()), "pem": pem_of(issuer.keys[0])}[form]
    path = folder / "keys"
    path.write_text(text)
    server = httpd(provider(issuer, "OAuth2RSMetadata off", f"OAuth2RSKeys file:{path}") + users())
    granted(server.get("/users", issuer.jwt()))
    refused(server.get("/users", issuer.jwt(key=Key("ES256"), header={"kid": None})), "signature")


def test_a_changed_file_is_read_again(httpd, yard, folder):
    issuer = yard.issuer(start=False)
    path = folder / "keys"
    path.write_text(json.dumps(issuer.jwks()))
    server = httpd(provider(issuer, "OAuth2RSMetadata off", f"OAuth2RSKeys file:{path}") + users())
    granted(server.get("/users", issuer.jwt()))
    issuer.rotate()
    path.write_text(json.dumps(issuer.jwks()))
    until(lambda: server.get("/users", issuer.jwt()).status == 200, "the file is not read again", 0.2)


def test_a_file_that_becomes_rubbish_is_told_and_ignored(httpd, yard, folder):
    issuer = yard.issuer(start=False)
    path = folder / "keys"
    path.write_text(json.dumps(issuer.jwks()))
    server = httpd(provider(issuer, "OAuth2RSMetadata off", f"OAuth2RSKeys file:{path}") + users())
    granted(server.get("/users", issuer.jwt()))
    path.write_text("{}")

    def told():
        granted(server.get("/users", issuer.jwt()))
        return server.log.count("RS0506")
    until(told, "the file is not read again", 0.2)
    granted(server.get("/users", issuer.jwt()))
    server.expects("RS0506")


def test_keys_of_a_url(httpd, yard):
    issuer = yard.issuer()
    issuer.metadata_forms = set()
    server = httpd(provider(issuer, "OAuth2RSMetadata off", f"OAuth2RSKeys {issuer.origin}/jwks") + users())
    granted(server.get("/users", issuer.jwt()))


def test_metadata_of_another_issuer_is_not_believed(httpd, issuer):
    issuer.more_metadata = {"issuer": "https://evil.example.com"}
    server = httpd(provider(issuer) + users())
    undecided(server.get("/users", issuer.jwt()))
    assert issuer.count("/jwks") == 0
    server.expects(TROUBLE)


def test_metadata_that_names_plain_http_elsewhere_is_not_followed(httpd, issuer):
    issuer.more_metadata = {"jwks_uri": "http://keys.example.com/jwks"}
    server = httpd(provider(issuer) + users())
    undecided(server.get("/users", issuer.jwt()))
    server.expects(TROUBLE)


def test_a_shared_key(httpd, issuer, folder):
    secret = "a-shared-key-of-at-least-32-bytes-for-HS256"
    path = folder / "shared"
    path.write_text(secret)
    path.chmod(0o600)
    server = httpd(provider(issuer, "OAuth2RSAlgorithms HS256", f"OAuth2RSSharedKey file:{path}") + users())
    granted(server.get("/users", issuer.hs_jwt(secret.encode())))
    refused(server.get("/users", issuer.hs_jwt(b"another key of at least 32 bytes....")), "signature")
    refused(server.get("/users", issuer.jwt()), "alg")


def test_one_providers_trouble_does_not_delay_another(httpd, yard):
    well, ill = yard.issuer(), yard.issuer()
    ill.fault("/jwks", faults.hang())
    config = provider(well, name="well") + provider(ill, "OAuth2RSTimeout 1s 15s", name="ill")
    server = httpd(config + location("/users", "OAuth2RSUse well ill", "Require oauth2-scope read"))
    granted(server.get("/users", well.jwt()))
    waiting = threading.Thread(target=lambda: server.get("/users", ill.jwt()))
    waiting.start()
    for _ in range(10):
        answer = server.get("/users", well.jwt())
        granted(answer)
        assert answer.seconds < 10
    waiting.join()
    server.expects(TROUBLE)
