# Licensed under the Apache License, Version 2.0; see LICENSE.
"""An issuer that lies, fails or is slow when it is asked about a token."""

import time

import pytest

import client
import faults
from answers import granted, refused, undecided
from texts import asking, location

TROUBLE = "RS0521"


def users():
    return location("/users", "Require oauth2-scope read")


@pytest.fixture
def bed(httpd, issuer, folder):
    server = httpd(asking(issuer, folder, "OAuth2RSTimeout 500ms 3s") + users())
    return server, issuer


ANSWERS = {
    "active-is-a-string": faults.answer(200, '{"active":"true","scope":"read","aud":"https://api.example.com"}'),
    "active-is-1": faults.answer(200, '{"active":1}'),
    "active-is-null": faults.answer(200, '{"active":null}'),
    "no-active": faults.answer(200, '{"scope":"read"}'),
    "two-actives": faults.answer(200, '{"active":false,"active":true}'),
    "an-array": faults.answer(200, '[{"active":true}]'),
    "html": faults.html(),
    "garbage": faults.garbage(),
    "no-content": faults.answer(204),
    "server-error": faults.answer(500, '{"active":true}'),
    "bad-gateway": faults.answer(502),
    "not-found": faults.answer(404),
    "credentials-refused": faults.answer(401, '{"error":"invalid_client"}'),
    "forbidden": faults.answer(403),
    "5-MiB": faults.answer(200, b'{"active":true,"x":"' + b"x" * (5 << 20) + b'"}'),
    "truncated": faults.truncate(),
    "reset": faults.reset(),
    "hangs": faults.hang(),
    "drips": faults.drip(b'{"active":true,"scope":"read"}'),
    "deep": faults.answer(200, '{"active":true,"x":' + "[" * 1000 + "]" * 1000 + "}"),
    "nul": faults.answer(200, b'{"active":true,"sub":"a\x00b"}'),
    "created": faults.answer(201, '{"active":true}'),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_no_answer_is_no_verdict(bed, what):
    server, issuer = bed
    token = issuer.opaque()
    issuer.fault("/introspect", ANSWERS[what])
    answer = server.get("/users", token)
    undecided(answer)
    assert answer.seconds < 10, answer
    issuer.mend()
    granted(server.get("/users", token))
    server.expects(TROUBLE)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_credentials_and_token_go_to_no_other_host(bed, yard, status):
    server, issuer = bed
    thief = yard.issuer()
    issuer.fault("/introspect", faults.redirect(thief.url + "/introspect", status))
    undecided(server.get("/users", issuer.opaque()))
    assert thief.requests == []
    server.expects(TROUBLE)


@pytest.mark.parametrize("status, error", [(401, "invalid_client"), (403, ""), (400, "invalid_client"), (400, "unauthorized_client")])
def test_refused_credentials_are_told_with_the_remedy(bed, status, error):
    server, issuer = bed
    issuer.fault("/introspect", faults.answer(status, '{"error":"%s"}' % error))
    undecided(server.get("/users", issuer.opaque()))
    assert f"with status {status}" in server.log.text()
    server.expects(TROUBLE, ": check OAuth2RSClient and OAuth2RSClientAuth;")


def test_a_400_about_the_token_is_a_refusal(bed):
    server, issuer = bed
    issuer.fault("/introspect", faults.answer(400, '{"error":"unsupported_token_type"}'))
    for _ in range(12):
        refused(server.get("/users", issuer.opaque()), "inactive")
    assert server.log.text().count("the issuer answers unsupported_token_type") == 12
    issuer.mend()
    granted(server.get("/users", issuer.opaque()))  # no breaker has opened


@pytest.mark.parametrize("status", [429, 503])
def test_the_issuer_may_ask_to_be_left_alone(bed, status):
    server, issuer = bed
    issuer.fault("/introspect", faults.answer(status, Retry_After="3"), times=1)
    answer = server.get("/users", issuer.opaque())
    undecided(answer, seconds=3)
    undecided(server.get("/users", issuer.opaque()), seconds=3)
    assert issuer.count() == 1
    server.expects(TROUBLE)


def test_a_dead_issuer_is_soon_left_alone(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + users())
    cached = issuer.opaque()
    granted(server.get("/users", cached))
    issuer.fault("/introspect", faults.reset())
    for _ in range(8):
        undecided(server.get("/users", issuer.opaque()))
    granted(server.get("/users", cached))
    assert issuer.count() <= 7
    issuer.mend()
    refusal = server.get("/users", issuer.opaque())
    undecided(refusal, seconds=10)
    server.expects(TROUBLE)


def test_a_slow_issuer_does_not_take_all_threads(httpd, issuer, folder):
    server = httpd(asking(issuer, folder, "OAuth2RSTimeout 1s 6s") + users(), threads=8)
    issuer.fault("/introspect", faults.hang())
    begun = time.monotonic()
    answers = client.together(24, lambda i: server.get("/users", issuer.opaque()))
    for answer in answers:
        undecided(answer)
    assert time.monotonic() - begun < 3 * 6, "each waited its turn"
    server.allows(TROUBLE, "RS0523", "AH00484")  # for half a second all are taken
