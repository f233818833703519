# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What the application learns, and that a client cannot tell it the same."""

import pytest

import places
from answers import granted
from texts import asking, location


@pytest.fixture(scope="module")
def bed(module_yard):
    folder = places.folder("identity")
    issuer = module_yard.issuer()
    lines = ["Require valid-user", "OAuth2RSEnv TENANT tenant", "OAuth2RSEnv ROLES /realm/roles", "OAuth2RSEnv LEVEL level",
             "OAuth2RSHeader X-User sub", "OAuth2RSHeader X-Roles /realm/roles", "OAuth2RSHeader X-Roles-Json /realm/roles json",
             "OAuth2RSHeader X-All * json", "OAuth2RSHeader X-Sub-64 sub base64"]
    config = asking(issuer, folder)
    config += location("/env/app", *lines)
    config += location("/env/app/inner", "OAuth2RSHeader X-User client_id", "OAuth2RSEnv TENANT off")
    config += location("/env/optional", "Require ip 127.0.0.1", "OAuth2RSHeader X-User sub")
    return module_yard.httpd("identity", config), issuer


def seen(server, path, token=None, **more):
    return granted(server.get(path, token, **more)).environment()


def test_claims_as_variables_and_headers(bed):
    server, issuer = bed
    env = seen(server, "/env/app", issuer.jwt(tenant="acme", realm={"roles": ["a", "b"]}, level=3))
    assert env["TENANT"] == "acme" and env["ROLES"] == "a,b" and env["LEVEL"] == "3"
    assert env["HTTP_X_USER"] == "alice" and env["HTTP_X_ROLES"] == "a,b" and env["HTTP_X_ROLES_JSON"] == '["a","b"]'
    assert env["HTTP_X_SUB_64"] == "YWxpY2U=" and '"sub":"alice"' in env["HTTP_X_ALL"].replace(" ", "")


def test_an_inner_section_replaces_and_takes_away(bed):
    server, issuer = bed
    env = seen(server, "/env/app/inner", issuer.jwt(tenant="acme"))
    assert env["HTTP_X_USER"] == "app" and "TENANT" not in env


FORGED = [("X-User", "root"), ("x-user", "root"), ("X_User", "root"), ("X-USER", "root"), ("X.User", "root")]


@pytest.mark.parametrize("header", FORGED, ids=lambda h: h[0])
@pytest.mark.parametrize("path", ["/env/app", "/env/optional", "/env/elsewhere"])
def test_a_client_cannot_say_it_itself(bed, path, header):
    server, issuer = bed
    for token in ([issuer.jwt(sub="bob")] if path == "/env/app" else [None, issuer.jwt(sub="bob")]):
        env = seen(server, path, token, headers=[header])
        assert "root" not in env.values()
        assert env.get("HTTP_X_USER") == ("bob" if path == "/env/app" else None)


@pytest.mark.parametrize("value", ["a\rb", "a\nX-Evil: 1", "\x7f", "x" * 5000])
def test_what_cannot_be_handed_over_is_left_out(bed, value):
    server, issuer = bed
    env = seen(server, "/env/app", issuer.jwt(tenant=value, client_id="app"))
    assert "TENANT" not in env and "HTTP_X_EVIL" not in env


def test_utf_8_arrives(bed):
    server, issuer = bed
    env = seen(server, "/env/app", issuer.jwt(tenant="Zürich"))
    assert env["TENANT"].encode("utf-8", "surrogateescape").decode() == "Zürich"


def test_an_element_with_the_separator_is_not_joined(bed):
    server, issuer = bed
    env = seen(server, "/env/app", issuer.jwt(realm={"roles": ["a", "b,admin"]}))
    assert "HTTP_X_ROLES" not in env and "ROLES" not in env and env["HTTP_X_ROLES_JSON"] == '["a","b,admin"]'


@pytest.mark.parametrize("line", ["OAuth2RSHeader Authorization sub", "OAuth2RSHeader Host sub", "OAuth2RSHeader X:Y sub",
                                  "OAuth2RSHeader X-Y sub jsn", "OAuth2RSEnv PATH sub", "OAuth2RSEnv HTTP_X sub",
                                  "OAuth2RSEnv 1X sub", "OAuth2RSEnv LD_PRELOAD sub"])
def test_names_that_mean_something_else(yard, issuer, folder, line):
    server = yard.httpd("names", asking(issuer, folder) + location("/x", "Require valid-user", line), start=False)
    code, text = server.configtest()
    assert code != 0 and "OAuth2RS" in text, text
