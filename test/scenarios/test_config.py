# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Mistakes in the configuration stop configtest and the start, with file, line, mistake and remedy."""

import json
import pathlib
import time

import pytest

import texts
from answers import granted
from keys import Key
from texts import location, secret_file

GOOD = """<OAuth2RSProvider acme>
    OAuth2RSIssuer https://login.example.com
    OAuth2RSAudience https://api.example.com
</OAuth2RSProvider>
"""


def provider(*lines, name="acme", issuer="https://login.example.com", audience="https://api.example.com"):
    body = ([f"OAuth2RSIssuer {issuer}"] if issuer else []) + ([f"OAuth2RSAudience {audience}"] if audience else [])
    return "\n".join([f"<OAuth2RSProvider {name}>", *body, *lines, "</OAuth2RSProvider>"]) + "\n"


def complaint(yard, config, name="config"):
    """What configtest says; the start must fail as well."""
    server = yard.httpd(name, config, start=False)
    code, text = server.configtest()
    assert code != 0, "configtest is content"
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    server.stop()
    server.allows("RS0601", "RS0602", "RS0603", "RS0604", "RS0605", "RS0606", "RS0607", "AH00526", "AH00020", "AH00016")
    return server, text


MISTAKES = {
    # what: (configuration, line that is named, words of the sentence)
    "no-issuer": (provider(issuer=None), "<OAuth2RSProvider", ["OAuth2RSIssuer is missing"]),
    "no-audience": (provider(audience=None), "<OAuth2RSProvider", ["OAuth2RSAudience is missing", "any"]),
    "issuer-over-plain-http": (provider(issuer="http://login.example.com"), "OAuth2RSIssuer", ["https"]),
    "issuer-that-is-no-url": (provider(issuer="login.example.com"), "OAuth2RSIssuer", ["https://"]),
    "endpoint-over-plain-http": (provider("OAuth2RSIntrospection http://login.example.com/i"), "OAuth2RSIntrospection",
                                 ["https"]),
    "keys-with-a-password-in-the-url": (provider("OAuth2RSKeys https://a:b@keys.example.com/"), "OAuth2RSKeys", ["user"]),
    "unknown-algorithm": (provider("OAuth2RSAlgorithms RS265"), "OAuth2RSAlgorithms", ["RS265", "RS256"]),
    "none": (provider("OAuth2RSAlgorithms none"), "OAuth2RSAlgorithms", ["never"]),
    "hs-without-a-key": (provider("OAuth2RSAlgorithms HS256"), "<OAuth2RSProvider", ["OAuth2RSSharedKey"]),
    "misspelt-validate": (provider("OAuth2RSValidate introspecton"), "OAuth2RSValidate", ["introspection"]),
    "misspelt-client-auth": (provider("OAuth2RSClientAuth basik"), "OAuth2RSClientAuth", ["basic"]),
    "misspelt-directive": (provider("OAuth2RSIssuerr https://x.example.com"), "OAuth2RSIssuerr", ["OAuth2RSIssuer"]),
    "introspection-without-credentials": (provider("OAuth2RSIntrospection https://login.example.com/i"),
                                          "<OAuth2RSProvider", ["OAuth2RSClient"]),
    "time-without-sense": (provider("OAuth2RSLeeway soon"), "OAuth2RSLeeway", ["soon"]),
    "another-spelling-of-the-type": (GOOD + location("/x", "Require valid-user").replace("AuthType oauth2-rs", "AuthType oauth2_rs"), "AuthType",
                                     ["RS0663", "write AuthType oauth2-rs"]),
    "alias-of-a-require-line": (GOOD + "<AuthzProviderAlias oauth2-scope reads a>\n</AuthzProviderAlias>\n", "<AuthzProviderAlias",
                                ["'Require oauth2-scope a'", "cannot be used in <AuthzProviderAlias>"]),
    "alias-with-a-directive-in-it": (GOOD + location("/x", "Require oauth2-any-scope a") + "<AuthzProviderAlias oauth2-scope reads a>\n"
                                     "OAuth2RSErrorDetail off\n</AuthzProviderAlias>\n", "<AuthzProviderAlias",
                                     ["cannot be used in <AuthzProviderAlias>"]),
    "alias-behind-a-require-line": (GOOD + location("/x", "Require oauth2-role a") + "<AuthzProviderAlias oauth2-claim reads a>\n"
                                    "</AuthzProviderAlias>\n", "<AuthzProviderAlias", ["cannot be used in <AuthzProviderAlias>"]),
    "too-few-words": (provider("OAuth2RSTimeout 5s"), "OAuth2RSTimeout", ["write OAuth2RSTimeout CONNECT TOTAL"]),
    "too-many-words": (provider("OAuth2RSClientAuth post a b"), "OAuth2RSClientAuth", ["private_key_jwt", "[issuer|endpoint|URL]"]),
    "written-twice": (provider("OAuth2RSLeeway 1s", "OAuth2RSLeeway 2s"), "OAuth2RSLeeway 2s", ["twice"]),
    "ttl-of-a-location": (GOOD + location("/x", "OAuth2RSIntrospectionTTL 1 2 3", "Require valid-user"), "OAuth2RSIntrospectionTTL",
                          ["write OAuth2RSIntrospectionTTL POSITIVE [NEGATIVE]"]),
    "ttl-of-a-location-without-sense": (GOOD + location("/x", "OAuth2RSIntrospectionTTL soon", "Require valid-user"),
                                        "OAuth2RSIntrospectionTTL", ["OAuth2RSIntrospectionTTL: ", "soon"]),
    "misspelt-error-body": (GOOD + location("/x", "OAuth2RSErrorBody probelm", "Require valid-user"), "OAuth2RSErrorBody",
                            ["OAuth2RSErrorBody: ", "accept, httpd or problem", 'did you mean "problem"']),
    "no-lifetime-at-all": (provider("OAuth2RSMaxLifetime 0"), "OAuth2RSMaxLifetime", ["off"]),
    "negative-time": (provider("OAuth2RSLeeway -3"), "OAuth2RSLeeway", []),
    "timeouts-the-wrong-way-round": (provider("OAuth2RSTimeout 5s 2s"), "OAuth2RS", ["longer"]),
    "secret-that-is-not-there": (provider("OAuth2RSClient us file:/nowhere/secret"), "OAuth2RSClient", ["/nowhere/secret"]),
    "secret-inline": (provider("OAuth2RSClient us topsecretword"), "OAuth2RSClient", ["file:"]),
    "variable-that-is-not-set": (provider("OAuth2RSClient us env:NOT_SET_ANYWHERE"), "OAuth2RSClient", ["NOT_SET_ANYWHERE"]),
    "command-that-is-not-there": (provider("OAuth2RSClient us exec:/nowhere/program"), "OAuth2RSClient", ["/nowhere"]),
    "ca-that-is-not-there": (provider("OAuth2RSTrust file:/nowhere/ca.pem"), "OAuth2RSTrust", ["/nowhere/ca.pem"]),
    "section-without-a-name": ("<OAuth2RSProvider>\n</OAuth2RSProvider>\n", "<OAuth2RSProvider", ["name"]),
    "two-of-one-name": (GOOD + GOOD.replace("login", "other"), None, ["acme"]),
    "provider-directive-outside": ("OAuth2RSIssuer https://login.example.com\n", "OAuth2RSIssuer", ["<OAuth2RSProvider"]),
    "unknown-provider": (GOOD + location("/x", "OAuth2RSUse acne", "Require valid-user"), "OAuth2RSUse", ["acne", "acme"]),
    "no-provider-at-all": (location("/x", "Require valid-user"), "AuthType", ["<OAuth2RSProvider"]),
    "several-and-none-named": (GOOD + provider(name="other", issuer="https://other.example.com")
                               + location("/x", "Require valid-user"), "AuthType", ["OAuth2RSUse"]),
    "scope-without-a-name": (GOOD + location("/x", "Require oauth2-scope"), "Require oauth2-scope", ["scope"]),
    "claim-without-a-name": (GOOD + location("/x", "Require oauth2-claim"), "Require oauth2-claim", ["claim"]),
    "regex-that-does-not-compile": (GOOD + location("/x", "Require oauth2-claim sub ~ ("), "Require oauth2-claim", []),
    "cache-of-no-kind": ("OAuth2RSCache memcached:localhost\n" + GOOD, "OAuth2RSCache", ["redis://"]),
    "cache-misspelt": ("OAuth2RSCache shn\n" + GOOD, "OAuth2RSCache", ["shm"]),
    "redis-without-a-secret": ("OAuth2RSCache redis://127.0.0.1\n" + GOOD + location("/x", "Require valid-user"),
                               "OAuth2RSCache", ["OAuth2RSCacheSecret"]),
    "redis-url-with-a-password": ("OAuth2RSCache redis://:pw@127.0.0.1\n" + GOOD, "OAuth2RSCache", ["OAuth2RSRedisCredentials"]),
    "shm-too-small": ("OAuth2RSCache shm:1k\n" + GOOD, "OAuth2RSCache", ["256k"]),
    "token-from-the-authorization-header-as-it-is": (GOOD + location("/x", "OAuth2RSTokenFrom header:authorization", "Require valid-user"),
                                                     "OAuth2RSTokenFrom", ["write header"]),
    "pool-of-nothing": ("OAuth2RSRedisPool 0\n" + GOOD, "OAuth2RSRedisPool", []),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_told(yard, what):
    config, line, words = MISTAKES[what]
    server, text = complaint(yard, config)
    for word in words:
        assert word in text, text
    if line:
        assert "httpd.conf:" in text or "line" in text, text
        numbers = [number for number, content in enumerate(server.conf.read_text().splitlines(), 1) if line in content]
        assert any(f":{number}" in text or f"line {number} " in text for number in numbers), text


@pytest.mark.parametrize("name", ["Content-Type", "Accept", "Accept-Encoding", "Origin", "If-None-Match", "keep_alive", "Proxy-Authorization",
                                  "Cache-Control", "Sec-Fetch-Site", "X-Forwarded-For", "User-Agent", "Cookie", "te"])
def test_a_header_with_a_meaning_in_http(yard, name):
    _, text = complaint(yard, GOOD + location("/x", f"OAuth2RSHeader {name} sub", "Require valid-user"))
    assert name in text and "meaning in HTTP" in text, text


@pytest.mark.parametrize("name", ["From", "X-Forwarded-User", "Remote-User", "Acceptor", "Contents", "Host-Name"])
def test_a_header_without_one(yard, name):
    server = yard.httpd("header", GOOD + location("/x", f"OAuth2RSHeader {name} sub", "Require valid-user"), start=False)
    assert server.configtest()[0] == 0


def test_a_secret_that_others_can_read(yard, folder):
    path = secret_file(folder, "x" * 40, mode=0o644)
    _, text = complaint(yard, provider(f"OAuth2RSClient us file:{path}"))
    assert str(path) in text and "chmod" in text


def test_keys_that_others_can_write(yard, folder):
    path = folder / "keys"
    path.write_text(json.dumps({"keys": [Key("ES256").jwk()]}))
    path.chmod(0o666)
    _, text = complaint(yard, provider(f"OAuth2RSKeys file:{path}"))
    assert str(path) in text


def test_a_cache_secret_that_is_too_short(yard, folder):
    path = secret_file(folder, "short")
    _, text = complaint(yard, f"OAuth2RSCache redis://127.0.0.1\nOAuth2RSCacheSecret file:{path}\n" + GOOD
                        + location("/x", "Require valid-user"))
    assert "32" in text


def test_a_key_file_without_a_key_stops_the_start(yard, folder):
    path = folder / "keys"
    path.write_text("no key at all")
    server, text = complaint(yard, provider(f"OAuth2RSKeys file:{path}"))
    assert str(path) in text and "RS0611" in text and "RS0611" in server.output()


def test_a_shared_key_that_is_too_short_stops_the_start(yard, folder):
    path = secret_file(folder, "short")
    server, text = complaint(yard, provider("OAuth2RSAlgorithms HS256", f"OAuth2RSSharedKey file:{path}"))
    assert "32" in text and "RS0611" in text and "RS0611" in server.output()


def script(folder, *lines):
    path = folder / "script"
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o700)
    return path


def asking_with(issuer, path):
    return texts.provider(issuer, f"OAuth2RSClient {issuer.client} exec:{path}")


def test_a_command_may_say_the_secret(httpd, issuer, folder):
    path = script(folder, f"echo {issuer.secret}", "exec >&-", "sleep 0.3")
    server = httpd(asking_with(issuer, path) + location("/x", "Require valid-user"))
    granted(server.get("/x", issuer.opaque()))


def test_a_command_that_does_not_end_stops_the_start_after_ten_seconds(yard, issuer, folder):
    path = script(folder, "echo secret", "exec >&-", "exec sleep 60")
    server = yard.httpd("exec", asking_with(issuer, path), start=False)
    begin = time.monotonic()
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    assert 9 < time.monotonic() - begin < 40
    server.stop()
    assert "OAuth2RSClient cannot be read: its command did not end within 10 seconds" in server.log.text()
    server.expects("RS0611")
    server.allows("AH00020", "AH00016")


@pytest.mark.parametrize("line, words", [("echo secret; exit 3", "its command ended with exit status 3"),
                                         ("kill -9 $$", "its command was ended by signal 9"), ("true", "its command wrote nothing")])
def test_a_command_that_fails_stops_the_start_and_is_told(yard, issuer, folder, line, words):
    server = yard.httpd("exec", asking_with(issuer, script(folder, line)), start=False)
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    server.stop()
    assert "OAuth2RSClient cannot be read: " + words in server.log.text()
    server.expects("RS0611")
    server.allows("AH00020", "AH00016")


def test_a_key_for_redis_that_is_not_the_certificates_stops_the_start(yard, folder, authority):
    key = secret_file(folder, (pathlib.Path(authority.folder) / "server.key").read_text(), name="redis.key")
    secret = secret_file(folder, "a cache secret of more than thirty-two bytes", name="cache-secret")
    server, text = complaint(yard, f"OAuth2RSCache rediss://localhost\nOAuth2RSCacheSecret file:{secret}\n"
                             f"OAuth2RSRedisCertificate file:{authority.folder}/client.crt file:{key}\n" + provider())
    assert str(key) in text and "RS0416" in text and "RS0416" in server.output()


@pytest.mark.parametrize("directive", ["OAuth2RSRequireHTTPS off", "OAuth2RSClient us file:/etc/passwd",
                                       "OAuth2RSCache none", "OAuth2RSIntrospection https://x.example.com/i"])
def test_htaccess_may_not(yard, directive):
    server = yard.httpd("htaccess", GOOD, start=False)
    (server.folder / "htdocs" / ".htaccess").write_text(directive + "\n")
    text = server.conf.read_text()
    server.conf.write_text(text.replace(f'<Directory "{server.folder}">',
                                        f'<Directory "{server.folder}">\nAllowOverride AuthConfig'))
    server.start()
    assert server.get("/files/ok.txt").status == 500
    server.allows("htdocs/.htaccess: OAuth2RS")


def test_a_good_configuration_is_accepted(yard, folder):
    config = "OAuth2RSCache shm:1m\nOAuth2RSLocalCache 1000 5s\n"
    config += provider("OAuth2RSValidate auto", "OAuth2RSAlgorithms RS256 ES256 EdDSA", "OAuth2RSLeeway 10s",
                       "OAuth2RSMaxLifetime 1h", "OAuth2RSKeysRefresh 1m 2h 1d", "OAuth2RSKeysCooldown 10s",
                       f"OAuth2RSClient us file:{secret_file(folder, 'secret')}", "OAuth2RSClientAuth post",
                       "OAuth2RSIntrospectionTTL 1m 5s", "OAuth2RSTimeout 1s 3s", "OAuth2RSScopeClaim scp /a/b",
                       "OAuth2RSUserClaim email sub", "OAuth2RSUserPrefix acme:", "OAuth2RSTokenType rfc9068",
                       "OAuth2RSRequireClaim token_use access")
    config += location("/x", "OAuth2RSUse acme", "OAuth2RSErrorDetail off", "Require oauth2-scope a b",
                       "Require oauth2-claim /a/b = c d", "Require oauth2-any-scope x y")
    server = yard.httpd("good", config, start=False)
    code, text = server.configtest()
    assert code == 0 and "Syntax OK" in text, text


def test_configtest_speaks_to_nobody(yard):
    issuer = yard.issuer()
    server = yard.httpd("quiet", provider(issuer=issuer.url) + location("/x", "Require valid-user"), start=False)
    assert server.configtest()[0] == 0
    assert issuer.requests == []
