# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The test bed itself: an httpd without the module behaves as the scenarios assume."""

import socket

import pytest

import client
from errorlog import ErrorLog
from waiting import until


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_a_bare_httpd_serves_and_restarts(httpd, mpm):
    server = httpd("Header always set X-Seen yes", mpm=mpm, module="", tool="", processes=2)
    assert server.get("/any/path").text == "ok\n"
    assert server.get("/any").get("X-Seen") == "yes"
    environment = server.get("/env/x", headers=[("X-A", "1")]).environment()
    assert environment["HTTP_X_A"] == "1" and environment["REQUEST_METHOD"] == "GET"
    server.graceful()
    assert server.get("/files/ok.txt").status == 200


def test_no_complaint_about_as_few_processes_as_wanted(httpd):
    server = httpd(mpm="prefork", module="", tool="", processes=2)
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
    for one in held:
        one.sendall(b"GET /x HTTP/1.1\r\n")  # before that, the kernel accepts for httpd
    until(lambda: server.log.count("AH00161"))
    for one in held:
        one.close()


def test_configtest_tells_file_and_line(httpd):
    server = httpd("Nonsense on", module="", start=False)
    code, text = server.configtest()
    assert code != 0 and f"line {server.line('Nonsense')} of {server.conf}" in text


def test_an_unannounced_error_is_a_complaint(tmp_path):
    log = ErrorLog(tmp_path / "log")
    log.path.write_text("[d] [oauth2_rs:error] [pid 1:tid 2] RS0001: no\n[d] [core:notice] [pid 1] AH00001: fine\n"
                        "[d] [oauth2_rs:trace3] [pid 1:tid 2] nothing\n")
    assert len(log.check()) == 1
    log.path.write_text(log.path.read_text() + "[d] [oauth2_rs:warn] [pid 1:tid 2] RS0002: hm secret-text\n")
    log.expects("RS0002", "RS0003")
    log.secret("secret-text")
    assert [text.split(":")[0] for text in log.check()] == ["announced line did not come", "a secret stands in the log"]
    assert log.check() == []


def test_a_line_of_the_end_is_a_complaint_before_it(tmp_path):
    log = ErrorLog(tmp_path / "log")
    log.path.write_text("[d1] [mpm_event:error] [pid 1:tid 2] (9)Bad file descriptor: AH00468: error closing socket\n")
    log.ends()
    log.path.write_text(log.path.read_text() + log.path.read_text().replace("d1", "d2") + "[d3] [core:error] [pid 1] AH00001: no\n")
    log.begins()
    log.path.write_text(log.path.read_text() + log.path.read_text().splitlines()[0].replace("d1", "d4") + "\n")
    assert [text[:22] for text in log.check()] == ["unannounced line: [d1]", "unannounced line: [d3]", "unannounced line: [d4]"]


def test_the_scripted_issuer_answers_and_counts(issuer):
    reply = client.request(issuer.port, "/.well-known/openid-configuration").json()
    assert reply["issuer"] == issuer.url
    assert client.request(issuer.port, "/jwks").json()["keys"][0]["kid"] == issuer.keys[0].kid
    assert client.request(issuer.port, "/introspect", method="POST", body=b"token=x").status == 401
    assert issuer.count("/introspect") == 1
