# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The ways httpd runs: MPMs, HTTP/2, TLS, restarts under load."""

import threading
import time

import pytest

import client
from answers import absent, granted, insufficient, plain, refused
from texts import asking, location
from waiting import until


def config(issuer, folder):
    return asking(issuer, folder) + location("/users", "Require oauth2-scope read") + location(
        "/pay", "Require oauth2-scope pay")


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_every_mpm(httpd, issuer, folder, mpm):
    server = httpd(config(issuer, folder), mpm=mpm, processes=2, threads=8)
    tokens = [issuer.jwt(), issuer.opaque()]
    for token in tokens * 10:
        granted(server.get("/users", token))
    absent(server.get("/users"), scope="read")
    insufficient(server.get("/pay", tokens[0]), "pay")
    refused(server.get("/users", issuer.jwt(aud="other")), "audience")
    assert issuer.count() == 1


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_a_graceful_restart_under_load_loses_nothing(httpd, issuer, folder, mpm):
    server = httpd(config(issuer, folder), mpm=mpm, processes=2, threads=8)
    stop, bad, count = threading.Event(), [], [0]
    cached = issuer.opaque()

    def load():
        while not stop.is_set():
            for token in (issuer.jwt(), cached, issuer.opaque()):
                try:
                    answer = server.get("/users", token)
                except OSError as error:
                    bad.append(error)
                    continue
                count[0] += 1
                if answer.status != 200:
                    bad.append(answer)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        time.sleep(0.4)
        server.graceful()
    try:
        until(lambda: count[0] > 50)
        time.sleep(0.4)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    # A connection that httpd itself closes while it hands over is httpd's matter.
    wrong = [one for one in bad if not isinstance(one, OSError)]
    assert not wrong, wrong[0]
    assert len(bad) <= 5, bad[:3]


def test_http2(httpd, issuer, folder, authority):
    server = httpd("Protocols h2 http/1.1\n" + config(issuer, folder), tls=authority.folder, modules=["http2", "watchdog"])
    url = f"https://localhost:{server.tls_port}"
    common = ["--cacert", str(authority.file), "--http2"]
    assert client.curl(*common, f"{url}/users") == (401, "2")
    bearer = ["-H", f"Authorization: Bearer {issuer.jwt()}"]
    assert client.curl(*common, *bearer, f"{url}/users") == (200, "2")
    assert client.curl(*common, *bearer, f"{url}/pay") == (403, "2")


def test_a_plain_connection_is_refused_before_the_token_is_looked_at(httpd, issuer, folder):
    text = config(issuer, folder) + location("/old", "OAuth2RSRequireHTTPS off", "Require oauth2-scope read")
    server = httpd(text)
    token = issuer.opaque()
    for header in (("X-Forwarded-For", "1.2.3.4"), ("Forwarded", "for=1.2.3.4"), ("Via", "1.1 proxy")):
        plain(server.get("/users", token, headers=[header]))
        plain(server.get("/users", headers=[header]))
    assert issuer.count() == 0
    granted(server.get("/old", token, headers=[("X-Forwarded-For", "1.2.3.4")]))
    server.expects("RS0635")


def test_mod_remoteip_tells_who_is_not_from_this_host(httpd, issuer, folder):
    server = httpd("RemoteIPHeader X-Real-IP\nRemoteIPInternalProxy 127.0.0.1\nOAuth2RSRevocation on\n" + config(issuer, folder)
                   + '<Location "/revoke">\n    SetHandler oauth2-rs-revoke\n    Require all granted\n</Location>\n', modules=["remoteip", "watchdog"])
    elsewhere, form = ("X-Real-IP", "192.0.2.1"), ("Content-Type", "application/x-www-form-urlencoded")
    granted(server.get("/users", issuer.jwt()))
    plain(server.get("/users", issuer.jwt(), headers=[elsewhere]))
    assert server.get("/revoke", method="POST", body=b"subject=x", headers=[form]).status == 200
    assert server.get("/revoke", method="POST", body=b"subject=x", headers=[form, elsewhere]).status == 403
    server.expects("RS0635")


def test_the_servername_may_say_https(httpd, issuer, folder):
    server = httpd("ServerName https://api.example.com\n" + config(issuer, folder))
    granted(server.get("/users", issuer.jwt(), headers=[("X-Forwarded-For", "1.2.3.4")]))


def test_without_mod_watchdog(httpd, issuer, folder):
    server = httpd(config(issuer, folder))
    granted(server.get("/users", issuer.jwt()))
