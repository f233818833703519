# Licensed under the Apache License, Version 2.0; see LICENSE.
"""OAuth2RSUse: which sections need one, and where it may stand."""

import pytest

import client
import places
from answers import granted
from test_config import complaint
from test_config import provider as written
from texts import asking, location, provider

TWO = written() + written(name="other", issuer="https://other.example.com")
ON = 'AuthType oauth2-rs\nRequire valid-user'


def section(path, *lines, kind="Location"):
    return "\n".join([f'<{kind} "{path}">', *lines, f"</{kind}>"]) + "\n"


def host(*sections):
    return "<VirtualHost *:1>\n" + "".join(sections) + "</VirtualHost>\n"


NAMED = {
    "here": section("/a", ON, "OAuth2RSUse acme"),
    "around": section("/", "OAuth2RSUse acme") + section("/a", ON),
    "around-with-a-slash": section("/a/", "OAuth2RSUse acme") + section("/a/b", ON),
    "inside": section("/", ON) + section("/a", "OAuth2RSUse acme"),
    "in-a-pattern": section("^/(a|b)", "OAuth2RSUse acme", kind="LocationMatch") + section("/a", ON),
    "in-a-directory": section("/", "OAuth2RSUse acme", kind="Directory") + section("/a", ON),
    "in-the-main-server": section("/", "OAuth2RSUse acme") + host(section("/a", ON)),
    "in-the-main-server-and-the-host-has-a-provider": section("/", "OAuth2RSUse acme") + host(
        written(name="own", issuer="https://own.example.com"), section("/a", ON)),
    "in-an-if": section("/a", ON, "<If \"true\">", "OAuth2RSUse acme", "</If>"),
}

UNNAMED = {
    "beside": section("/a", "OAuth2RSUse acme") + section("/b", ON),
    "beside-with-the-same-beginning": section("/a", "OAuth2RSUse acme") + section("/ab", ON),
    "in-another-directory": section("/srv/a", "OAuth2RSUse acme", kind="Directory") + section("/srv/b", ON, kind="Directory"),
    "in-a-host": section("/a", ON) + host(section("/a", "OAuth2RSUse acme")),
    "in-quotes": section("/a", 'AuthType "oauth2-rs"', "Require valid-user"),
}


@pytest.mark.parametrize("where", NAMED)
def test_a_use_that_reaches_the_section(yard, where):
    server = yard.httpd("named", TWO + NAMED[where], start=False)
    code, said = server.configtest()
    assert code == 0, said
    server.start()


@pytest.mark.parametrize("where", UNNAMED)
def test_a_use_that_does_not(yard, where):
    server, said = complaint(yard, TWO + UNNAMED[where])
    assert "RS0607" in said and f"httpd.conf:{server.line('AuthType')}" in said, said


def test_a_use_of_the_main_server_serves_in_a_host(yard):
    issuer, other = yard.issuer(), yard.issuer()
    port = places.free_port()
    text = provider(issuer) + section("/", "OAuth2RSUse acme") + (
        f"<VirtualHost 127.0.0.1:{port}>\n" + provider(other, name="second") + location("/x", "Require valid-user") + "</VirtualHost>\n")
    yard.httpd("hosts", text, listen=[f"127.0.0.1:{port}"])
    granted(client.request(port, "/x", issuer.jwt()))
    assert client.request(port, "/x", other.jwt()).status == 401


def test_a_provider_that_is_named_twice(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + location("/x", "OAuth2RSUse acme acme", "OAuth2RSUse acme", "Require valid-user"))
    granted(server.get("/x", issuer.opaque()))
