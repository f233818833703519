# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A JWT of our own for the application, verified by an httpd of its own that knows only the key set."""

import base64
import json
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from answers import absent, granted
from texts import asking, location, secret_file

KEYS = {"ec": lambda: ec.generate_private_key(ec.SECP256R1()), "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate}


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def config(issuer, folder, key):
    path = secret_file(folder, pem(key), name="identity.pem")
    text = f"OAuth2RSIdentityKey file:{path} https://gateway.example.com\n"
    text += '<Location "/keys">\nSetHandler oauth2-rs-jwks\n</Location>\n'
    text += asking(issuer, folder)
    return text + location("/env/app", "Require valid-user", "OAuth2RSSignedIdentity X-Identity https://app.example.com")


def parts(token):
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


@pytest.mark.parametrize("kind", KEYS)
def test_the_application_can_verify_it(httpd, yard, issuer, folder, kind):
    gateway = httpd(config(issuer, folder, KEYS[kind]()), name="gateway")
    answer = granted(gateway.get("/keys"))
    assert answer.get("Content-Type") == "application/jwk-set+json"
    (key,) = answer.json()["keys"]
    assert "d" not in key and key["kid"]
    env = granted(gateway.get("/env/app", issuer.opaque(scope="read", sub="bob"))).environment()
    token = env["HTTP_X_IDENTITY"]
    gateway.log.secret(token)
    header, claims = parts(token)
    assert header["typ"] == "oauth2-rs-identity+jwt" and header["kid"] == key["kid"]
    assert claims["sub"] == "bob" and claims["scope"] == "read" and claims["token_iss"] == issuer.url
    assert claims["aud"] == "https://app.example.com" and 0 < claims["exp"] - time.time() <= 61
    jwks = folder / "gateway.jwks"
    jwks.write_bytes(answer.body)
    backend = httpd(f"<OAuth2RSProvider gateway>\nOAuth2RSIssuer https://gateway.example.com\nOAuth2RSMetadata off\n"
                    f"OAuth2RSAudience https://app.example.com\nOAuth2RSKeys file:{jwks}\n"
                    "OAuth2RSTokenType oauth2-rs-identity+jwt\n</OAuth2RSProvider>\n"
                    + location("/env/app", "OAuth2RSTokenFrom header:X-Identity", "Require valid-user"), name="backend")
    env = granted(backend.get("/env/app", headers=[("X-Identity", token)])).environment()
    assert env["REMOTE_USER"] == "bob"
    absent(backend.get("/env/app"))


@pytest.mark.parametrize("name", ["X-Identity", "x_identity", "X-IDENTITY"])
def test_a_client_cannot_bring_one(httpd, issuer, folder, name):
    server = httpd(config(issuer, folder, KEYS["ec"]()))
    for path in ("/env/elsewhere", "/env/app"):
        env = granted(server.get(path, issuer.jwt(), headers=[(name, "forged")])).environment()
        assert "forged" not in env.values()


def test_a_key_is_needed(yard, issuer, folder):
    text = asking(issuer, folder) + location("/x", "OAuth2RSSignedIdentity X-Identity https://a.example.com", "Require valid-user")
    server = yard.httpd("nokey", text, start=False)
    code, said = server.configtest()
    assert code != 0 and "OAuth2RSIdentityKey" in said and "httpd.conf:" in said, said
    server.allows("RS0608")


def test_a_key_is_needed_by_a_virtual_host(yard, issuer, folder):
    text = asking(issuer, folder) + "<VirtualHost *:1>\n" + location(
        "/x", "OAuth2RSSignedIdentity X-Identity https://a.example.com", "Require valid-user") + "</VirtualHost>\n"
    server = yard.httpd("nokey", text, start=False)
    code, said = server.configtest()
    assert code != 0 and "RS0608" in said and f"httpd.conf:{server.line('OAuth2RSSignedIdentity')}" in said, said


def test_a_virtual_host_signs_with_the_main_servers_key(yard, issuer, folder):
    import client
    import places
    port = places.free_port()
    text = config(issuer, folder, KEYS["ec"]()) + f"<VirtualHost 127.0.0.1:{port}>\n" + location(
        "/env/host", "OAuth2RSSignedIdentity X-Own https://own.example.com", "Require valid-user") + "</VirtualHost>\n"
    server = yard.httpd("host", text, listen=[f"127.0.0.1:{port}"])
    env = granted(client.request(port, "/env/host", issuer.opaque(scope="read", sub="bob"))).environment()
    assert parts(env["HTTP_X_OWN"])[1]["aud"] == "https://own.example.com"
    server.log.secret(env["HTTP_X_OWN"])


def test_a_key_is_needed_by_an_htaccess_file(yard, issuer, folder):
    server = yard.httpd("htaccess", asking(issuer, folder), start=False)
    text = server.conf.read_text()
    server.conf.write_text(text.replace(f'<Directory "{server.folder}">', f'<Directory "{server.folder}">\nAllowOverride AuthConfig'))
    (server.folder / "htdocs" / ".htaccess").write_text("AuthType oauth2-rs\nRequire valid-user\nOAuth2RSSignedIdentity X-I https://a.example.com\n")
    server.start()
    assert server.get("/files/ok.txt", issuer.jwt()).status == 500
    server.expects("no OAuth2RSIdentityKey")


def test_an_rsa_key_is_refused(yard, issuer, folder):
    server = yard.httpd("rsa", config(issuer, folder, rsa.generate_private_key(65537, 2048)), start=False)
    code, said = server.configtest()
    assert code != 0 and "RS0618" in said and f"httpd.conf:{server.line('OAuth2RSIdentityKey')}" in said, said
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    server.stop()
    assert "RS0618" in server.output()


def test_only_get(httpd, issuer, folder):
    server = httpd(config(issuer, folder, KEYS["ec"]()))
    answer = server.get("/keys", method="POST", body=b"")
    assert answer.status == 405 and "GET" in answer.get("Allow").replace(" ", "").split(","), answer
