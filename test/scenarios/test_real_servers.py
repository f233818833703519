# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Authorization servers that others wrote, with their own tokens and dialects."""

import os

import pytest

import oidc
from answers import granted, insufficient, refused, undecided
from dot import DjangoOAuthToolkit
from glewlwyd import Glewlwyd
from texts import location, secret_file


def section(issuer, folder, *lines, audience="any", name="real", us=("app", "app-secret")):
    """us: id and secret; the id alone."""
    secret = [f"file:{secret_file(folder, us[1], name='client-' + name)}"] if len(us) > 1 else []
    body = [f"OAuth2RSIssuer {issuer}", f"OAuth2RSAudience {audience}", " ".join(["OAuth2RSClient", us[0], *secret]), *lines]
    return "\n".join([f"<OAuth2RSProvider {name}>", *["    " + line for line in body], "</OAuth2RSProvider>"]) + "\n"


LOCATIONS = location("/users", "Require oauth2-scope read") + location("/pay", "Require oauth2-scope pay")


@pytest.fixture(scope="module")
def glewlwyd():
    server = Glewlwyd()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def dot():
    server = DjangoOAuthToolkit()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def provider(authority):
    if oidc.node_version() < oidc.NODE_MIN:
        pytest.skip(f"oidc-provider wants Node {oidc.NODE_MIN} or newer")
    server = oidc.OidcProvider(authority)
    yield server
    server.stop()


def test_glewlwyd_jwt(httpd, glewlwyd, folder):
    server = httpd(section(glewlwyd.url, folder) + LOCATIONS)
    token = glewlwyd.token()
    granted(server.get("/users", token))
    insufficient(server.get("/pay", token), "pay")


def test_glewlwyd_introspects_its_jwts(httpd, glewlwyd, folder):
    server = httpd(section(glewlwyd.url, folder, "OAuth2RSValidate both", "OAuth2RSIntrospectionTTL 0") + LOCATIONS)
    token = glewlwyd.token()
    granted(server.get("/users", token))
    glewlwyd.revoke(token)
    refused(server.get("/users", token), "inactive")


def test_glewlwyd_says_nothing_about_a_token_that_is_not_active(httpd, glewlwyd, folder):
    lines = ["OAuth2RSValidate introspection", "OAuth2RSIntrospectionResponse jwt any-audience", "OAuth2RSFailureLimit 3/1h"]
    server = httpd("\n".join(lines[2:]) + "\n" + section(glewlwyd.url, folder, *lines[:2]) + LOCATIONS)
    for i in range(3):
        refused(server.get("/users", f"nobody-issued-this-{i}"), "inactive")
    assert server.get("/users", "nor-this").status == 429
    server.expects("RS0662")


def test_glewlwyd_signs_its_replies_for_the_tokens_audience(httpd, glewlwyd, folder):
    """RFC 9701 wants our id there; the log says what to write."""
    config = section(glewlwyd.url, folder, "OAuth2RSValidate introspection", "OAuth2RSIntrospectionResponse jwt any-audience", name="any")
    config += section(glewlwyd.url, folder, "OAuth2RSValidate introspection", "OAuth2RSIntrospectionResponse jwt", name="ours")
    config += location("/any", "OAuth2RSUse any", "Require oauth2-scope read") + location("/ours", "OAuth2RSUse ours", "Require oauth2-scope read")
    server = httpd(config)
    token = glewlwyd.token()
    granted(server.get("/any", token))
    undecided(server.get("/ours", token))
    server.expects("RS0521", "provider ours: introspection at ", "OAuth2RSIntrospectionResponse jwt any-audience")


def test_django_oauth_toolkit(httpd, dot, folder):
    lines = [f"OAuth2RSIntrospection {dot.introspection}", "OAuth2RSMetadata off", "OAuth2RSIntrospectionTTL 1s"]
    server = httpd(section(dot.url, folder, *lines) + LOCATIONS)
    token = dot.token()
    granted(server.get("/users", token))
    insufficient(server.get("/pay", token), "pay")
    refused(server.get("/users", "nobody-issued-this"), "inactive")


def test_django_oauth_toolkit_leaves_the_audience_out(httpd, dot, folder):
    lines = [f"OAuth2RSIntrospection {dot.introspection}", "OAuth2RSMetadata off"]
    config = section(dot.url, folder, *lines, audience="https://api.example.com", name="strict")
    config += section(dot.url, folder, *lines, audience="https://api.example.com or-absent", name="lenient")
    config += location("/strict", "OAuth2RSUse strict", "Require valid-user")
    config += location("/lenient", "OAuth2RSUse lenient", "Require valid-user")
    server = httpd(config)
    token = dot.token()
    refused(server.get("/strict", token), "audience")
    granted(server.get("/lenient", token))
    assert "or-absent" in server.log.text()


# The first one's secret shows who form-encodes it before it goes into Basic (RFC 6749 2.3.1).
CLIENTS = {"basic": ("rs-basic", "rs basic:s+cret/%26"), "post": ("rs-post", "rs-post-secret")}


@pytest.mark.parametrize("method", CLIENTS)
def test_oidc_provider_opaque(httpd, provider, authority, folder, method):
    lines = [f"OAuth2RSTrust file:{authority.file}", f"OAuth2RSClientAuth {method}"]
    server = httpd(section(provider.url, folder, *lines, us=CLIENTS[method]) + LOCATIONS)
    token = provider.token()
    before = provider.count()
    for _ in range(5):
        granted(server.get("/users", token))
    assert provider.count() == before + 1
    insufficient(server.get("/pay", token), "pay")
    other = provider.token()
    provider.revoke(other)
    refused(server.get("/users", other), "inactive")


def test_oidc_provider_client_secret_jwt(httpd, provider, authority, folder):
    lines = [f"OAuth2RSTrust file:{authority.file}", "OAuth2RSClientAuth client_secret_jwt"]
    server = httpd(section(provider.url, folder, *lines, us=("rs-secret-jwt", "rs-secret-jwt-of-more-than-32-bytes")) + LOCATIONS)
    granted(server.get("/users", provider.token()))


def private_key_jwt(provider, authority, folder, client, alg, *lines):
    key = secret_file(folder, provider.our_keys[alg].private_pem().decode(), name="our-key")
    return section(provider.url, folder, f"OAuth2RSTrust file:{authority.file}", "OAuth2RSClientAuth private_key_jwt",
                   f"OAuth2RSClientKey file:{key} {alg}", *lines, us=(client,))


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
def test_oidc_provider_private_key_jwt(httpd, provider, authority, folder, alg):
    server = httpd(private_key_jwt(provider, authority, folder, "rs-private", alg) + LOCATIONS)
    granted(server.get("/users", provider.token()))
    granted(server.get("/users", provider.token()))


def test_oidc_provider_tls(httpd, provider, authority, folder):
    """RFC 8705; a certificate of the same authority for another name is not enough."""
    stranger = authority.issue("stranger", ["somebody-else"], usage=authority.CLIENT_AUTH)
    servers = []
    for name, paths in (("ours", (authority.folder / "client.crt", authority.folder / "client.key")), ("stranger", stranger)):
        key = secret_file(folder, paths[1].read_text(), name=f"{name}.key")
        lines = [f"OAuth2RSTrust file:{authority.file}", "OAuth2RSClientAuth tls", f"OAuth2RSClientCertificate file:{paths[0]} file:{key}"]
        servers.append(httpd(section(provider.url, folder, *lines, us=("rs-tls",)) + LOCATIONS, name=name))
    granted(servers[0].get("/users", provider.token()))
    undecided(servers[1].get("/users", provider.token()))
    servers[1].expects("RS0521")


def test_oidc_provider_none(httpd, provider, authority, folder):
    lines = [f"OAuth2RSTrust file:{authority.file}", "OAuth2RSClientAuth none"]
    server = httpd(section(provider.url, folder, *lines, us=("rs-none",)) + LOCATIONS)
    granted(server.get("/users", provider.token()))


@pytest.mark.parametrize("client", ["rs-signed", "rs-sealed"])
def test_oidc_provider_signs_and_encrypts_its_replies(httpd, provider, authority, folder, client):
    path = secret_file(folder, provider.our_decryption.private_pem().decode(), name="our-decryption")
    server = httpd(private_key_jwt(provider, authority, folder, client, "ES256", "OAuth2RSIntrospectionResponse jwt",
                                   f"OAuth2RSDecryptionKey file:{path}") + LOCATIONS)
    token = provider.token()
    granted(server.get("/users", token))
    insufficient(server.get("/pay", token), "pay")
    gone = provider.token()
    provider.revoke(gone)
    refused(server.get("/users", gone), "inactive")


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"])
def test_oidc_provider_jwt(httpd, provider, authority, folder, alg):
    trust = f"OAuth2RSTrust file:{authority.file}"
    server = httpd(section(provider.url, folder, trust, "OAuth2RSTokenType rfc9068",
                           audience=f"https://rs.example/jwt/{alg}") + LOCATIONS)
    granted(server.get("/users", provider.jwt(alg)))


def test_oidc_provider_rotates_its_keys(httpd, provider, authority, folder):
    trust = f"OAuth2RSTrust file:{authority.file}"
    server = httpd(section(provider.url, folder, trust) + LOCATIONS)
    granted(server.get("/users", provider.jwt()))
    provider.rotate(keep=False)
    granted(server.get("/users", provider.jwt()))


def test_oidc_provider_does_not_introspect_its_jwts(httpd, provider, authority, folder):
    """It answers 400 unsupported_token_type: about the token, no outage."""
    trust = f"OAuth2RSTrust file:{authority.file}"
    server = httpd(section(provider.url, folder, trust, "OAuth2RSValidate introspection", us=CLIENTS["basic"]) + LOCATIONS)
    refused(server.get("/users", provider.jwt()), "inactive")


def test_node_is_there_in_ci():
    if os.environ.get("CI") == "true" and oidc.node_version() and oidc.node_version() >= oidc.NODE_MIN:
        assert oidc.install().is_dir()
