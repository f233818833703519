# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What would stop the start is found by configtest: who restarts after "Syntax OK" has a server afterwards."""

import json
import pathlib
import signal

import pytest

import places
from keys import Key
from test_config import complaint, provider
from texts import location, secret_file
from texts import provider as texts_provider

CACHE_SECRET = "a cache secret of more than thirty-two bytes"
INTROSPECTION = "OAuth2RSIntrospection https://login.example.com/i"


def public(folder, text, name="public"):
    path = folder / name
    path.write_text(text)
    path.chmod(0o644)
    return path


def redis(*lines, url="redis://127.0.0.1"):
    return "\n".join([f"OAuth2RSCache {url}", *lines]) + "\n" + provider()


def clear(folder, credentials, url, *lines):
    return redis(f"OAuth2RSCacheSecret file:{secret_file(folder, CACHE_SECRET)}",
                 f"{credentials} file:{secret_file(folder, 'a password', name='password')}", *lines, url=url)


BROKEN = {
    # what: (its configuration, the line that is named, words of the sentence)
    "keys-that-are-none": (lambda f: provider(f"OAuth2RSKeys file:{public(f, 'no key')}"), "<OAuth2RSProvider", ["OAuth2RSKeys file:"]),
    "keys-of-an-empty-file": (lambda f: provider(f"OAuth2RSKeys file:{public(f, '')}"), "<OAuth2RSProvider", ["OAuth2RSKeys file:"]),
    "keys-of-an-empty-set": (lambda f: provider(f"OAuth2RSKeys file:{public(f, json.dumps({'keys': []}))}"), "<OAuth2RSProvider",
                             ["OAuth2RSKeys file:"]),
    "empty-client-secret": (lambda f: provider(INTROSPECTION, f"OAuth2RSClient us file:{secret_file(f, '')}"), "<OAuth2RSProvider",
                            ["OAuth2RSClient", "cannot be read"]),
    "short-shared-key": (lambda f: provider("OAuth2RSAlgorithms HS256", f"OAuth2RSSharedKey file:{secret_file(f, 'short')}"),
                         "<OAuth2RSProvider", ["OAuth2RSSharedKey", "32 bytes"]),
    "client-key-that-is-none": (lambda f: provider(INTROSPECTION, "OAuth2RSClient us", "OAuth2RSClientAuth private_key_jwt",
                                                   f"OAuth2RSClientKey file:{secret_file(f, 'no key')}"),
                                "<OAuth2RSProvider", ["OAuth2RSClientKey"]),
    "short-client-secret-for-a-jwt": (lambda f: provider(INTROSPECTION, f"OAuth2RSClient us file:{secret_file(f, 'short')}",
                                                         "OAuth2RSClientAuth client_secret_jwt"),
                                      "<OAuth2RSProvider", ["OAuth2RSClient", "32 bytes"]),
    "decryption-key-that-is-none": (lambda f: provider(f"OAuth2RSDecryptionKey file:{secret_file(f, 'no key')}"), "<OAuth2RSProvider",
                                    ["OAuth2RSDecryptionKey file:"]),
    "metadata-of-another-issuer": (lambda f: provider(f"OAuth2RSMetadata file:{public(f, json.dumps({'issuer': 'https://x.example.com'}))}"),
                                   "<OAuth2RSProvider", ["OAuth2RSMetadata file:", "another issuer"]),
    "metadata-that-is-none": (lambda f: provider(f"OAuth2RSMetadata file:{public(f, '<html>')}"), "<OAuth2RSProvider", ["OAuth2RSMetadata file:"]),
    "identity-key-that-is-none": (lambda f: f"OAuth2RSIdentityKey file:{secret_file(f, 'no key')} https://us.example.com\n" + provider(),
                                  "OAuth2RSIdentityKey", ["OAuth2RSIdentityKey"]),
    "short-previous-cache-secret": (lambda f: redis(f"OAuth2RSCacheSecret file:{secret_file(f, CACHE_SECRET)} "
                                                       f"file:{secret_file(f, 'short', name='old')}"), None, ["OAuth2RSCacheSecret", "32"]),
    "short-previous-secret-behind-a-command": (lambda f: redis("OAuth2RSCacheSecret \"exec:/bin/cat /nowhere\" "
                                                                  f"file:{secret_file(f, 'short', name='old')}"), None,
                                               ["OAuth2RSCacheSecret", "32"]),
    "empty-redis-password": (lambda f: redis(f"OAuth2RSCacheSecret file:{secret_file(f, CACHE_SECRET)}",
                                             f"OAuth2RSRedisCredentials file:{secret_file(f, '', name='password')}"), None, ["password"]),
    "redis-password-in-clear": (lambda f: clear(f, "OAuth2RSRedisCredentials", "redis://cache.example.com"), "OAuth2RSCache",
                                ["RS0605", "unencrypted", "rediss://", "OAuth2RSRedisPlaintext on"]),
    "sentinel-password-in-clear": (lambda f: clear(f, "OAuth2RSSentinelCredentials oauth2rs", "redis+sentinel://localhost,192.0.2.1/main"),
                                   "OAuth2RSCache", ["RS0605", "OAuth2RSSentinelCredentials", "unencrypted"]),
    "cluster-password-in-clear": (lambda f: clear(f, "OAuth2RSRedisCredentials", "redis+cluster://[::1],[2001:db8::1]"), "OAuth2RSCache",
                                  ["RS0605", "unencrypted"]),
    "redis-ca-that-is-none": (lambda f: redis(f"OAuth2RSCacheSecret file:{secret_file(f, CACHE_SECRET)}",
                                              f"OAuth2RSRedisTrust file:{public(f, 'no certificate')}", url="rediss://localhost"),
                              None, ["TLS towards Redis"]),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_stops_the_start_is_found(yard, folder, what):
    make, line, words = BROKEN[what]
    server, said = complaint(yard, make(folder) + location("/x", "Require valid-user"))
    for word in words:
        assert word in said, said
    if line:
        assert f"httpd.conf:{server.line(line)}" in said, said
    assert said.count("RS06") + said.count("RS0416") == 1, said
    output = server.output()
    assert output.count(words[0]) == 1, output


def test_what_is_wrong_in_a_host(yard, folder):
    text = provider(name="main") + "<VirtualHost *:1>\n" + provider(f"OAuth2RSKeys file:{public(folder, 'no key')}", name="own") + "</VirtualHost>\n"
    server, said = complaint(yard, text)
    assert f"httpd.conf:{server.line('<OAuth2RSProvider own')}" in said and said.count("RS0611") == 1, said


def test_the_default_cache_without_its_module(yard):
    server = yard.httpd("no-shmcb", start=False)
    server.modules.remove("socache_shmcb")
    server.configure("")
    assert server.configtest()[0] == 0  # nothing is protected, so nothing is missing
    server.configure(provider())
    code, said = server.configtest()
    assert code != 0 and "a2enmod socache_shmcb" in said, said
    with pytest.raises(AssertionError, match="RS0615"):
        server.start()
    server.stop()
    server.configure("OAuth2RSCache none\n" + provider())
    assert server.configtest()[0] == 0
    server.start()


# ---- what comes from commands ----

def command(folder, name, text):
    """A program that leaves a trace when it is run, and says text."""
    path, trace = folder / name, folder / f"{name}-was-run"
    path.write_text(f"#!/bin/sh\ntouch {trace}\nprintf %s '{text}'\n")
    path.chmod(0o755)
    return path, trace


@pytest.mark.parametrize("lines", [
    ["OAuth2RSAlgorithms HS256", "OAuth2RSSharedKey exec:{}"],
    [INTROSPECTION, "OAuth2RSClient us exec:{}"],
    [INTROSPECTION, "OAuth2RSClient us exec:{}", "OAuth2RSClientAuth client_secret_jwt"],
], ids=["shared-key", "secret", "secret-of-a-jwt"])
def test_configtest_runs_no_command(yard, folder, lines):
    program, trace = command(folder, "secret", "k" * 40)
    server = yard.httpd("exec", provider(*[line.format(program) for line in lines]), start=False)
    code, said = server.configtest()
    assert code == 0 and "Syntax OK" in said and not trace.exists(), said
    server.start()
    assert trace.exists()


def test_what_a_command_says_is_judged_at_the_start(yard, folder):
    program, _ = command(folder, "secret", "short")
    server = yard.httpd("exec", provider("OAuth2RSAlgorithms HS256", f"OAuth2RSSharedKey exec:{program}"), start=False)
    assert server.configtest()[0] == 0
    with pytest.raises(AssertionError, match="32 bytes"):
        server.start()
    server.stop()
    server.expects("RS0611")
    server.allows("AH00020", "AH00016")


def test_beside_a_command_the_rest_is_looked_at(yard, folder):
    program, _ = command(folder, "secret", "k" * 40)
    _, said = complaint(yard, provider(INTROSPECTION, f"OAuth2RSClient us exec:{program}", f"OAuth2RSKeys file:{public(folder, 'no key')}"))
    assert "OAuth2RSKeys file:" in said, said


# ---- what is right ----

@pytest.mark.parametrize("url, lines", [("redis://127.0.0.1", []), ("redis://[::1]:1", []), ("redis://localhost", []), ("unix:/run/redis.sock", []),
                                        ("rediss://cache.example.com", []), ("redis://cache.example.com", ["OAuth2RSRedisPlaintext on"])])
def test_a_password_that_stays_here_or_is_encrypted(yard, folder, url, lines):
    server = yard.httpd("clear", clear(folder, "OAuth2RSRedisCredentials", url, *lines), start=False)
    code, said = server.configtest()
    assert code == 0, said


def test_all_that_is_read_from_files(yard, folder, authority):
    key = Key("ES256")
    metadata = {"issuer": "https://login.example.com", "jwks_uri": "https://login.example.com/keys"}
    certificate = pathlib.Path(authority.folder)
    text = f"OAuth2RSIdentityKey file:{secret_file(folder, key.private_pem().decode(), name='identity')} https://us.example.com\n"
    text += "OAuth2RSCache rediss://localhost:1\n"
    text += (f"OAuth2RSCacheSecret file:{secret_file(folder, CACHE_SECRET, name='new')} file:{secret_file(folder, CACHE_SECRET * 2, name='old')}\n"
             f"OAuth2RSRedisTrust file:{authority.file}\n"
             f"OAuth2RSRedisCertificate file:{certificate}/client.crt file:{secret_file(folder, (certificate / 'client.key').read_text(), name='tls')}\n")
    text += provider(INTROSPECTION, "OAuth2RSClient us", "OAuth2RSClientAuth private_key_jwt",
                     f"OAuth2RSClientKey file:{secret_file(folder, key.private_pem().decode(), name='client')}",
                     f"OAuth2RSKeys file:{public(folder, json.dumps({'keys': [key.jwk()]}), name='keys')}",
                     f"OAuth2RSMetadata file:{public(folder, json.dumps(metadata), name='metadata')}",
                     f"OAuth2RSDecryptionKey file:{secret_file(folder, key.private_pem().decode(), name='decryption')}")
    server = yard.httpd("right", text + location("/x", "Require valid-user"), start=False)
    code, said = server.configtest()
    assert code == 0 and said.strip() == "Syntax OK", said
    server.start()
    assert server.output().strip() == "", server.output()
    assert server.get("/x").status == 401
    server.allows("RS0410")


def test_a_graceful_restart_with_a_file_that_broke_is_told(yard, folder):
    path = public(folder, json.dumps({"keys": [Key("ES256").jwk()]}))
    server = yard.httpd("broke", provider(f"OAuth2RSKeys file:{path}"))
    path.write_text("no key")
    code, said = server.configtest()
    assert code != 0 and str(path) in said, said
    server.process.send_signal(signal.SIGUSR1)
    assert server.process.wait(10) != 0
    server.stop()
    assert "OAuth2RSKeys file:" in server.log.text() + server.output()
    server.allows("RS0611", "RS0506", "AH00020", "AH00016", "AH00018")


def test_a_graceful_restart_brings_the_module(yard, issuer):
    """What a2enmod and a reload do."""
    server = yard.httpd("without", "", module="")
    server.module = places.module()
    server.configure("LogLevel warn\n" + texts_provider(issuer) + location("/x", "Require valid-user"))
    assert server.configtest()[0] == 0
    server.graceful()
    assert server.get("/x").status == 401
    assert server.get("/x", issuer.jwt()).status == 200
    assert server.get("/x", issuer.jwt(exp=1)).status == 401


def test_the_lock_may_be_of_another_kind(yard, issuer):
    server = yard.httpd("lock", "Mutex sem oauth2-rs-cache\n" + texts_provider(issuer) + location("/x", "Require valid-user"))
    assert server.get("/x", issuer.jwt()).status == 200
