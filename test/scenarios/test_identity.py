# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What the application learns, and that a client cannot tell it the same."""

import time

import pytest

import places
from answers import absent, granted
from backend import Backend
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


@pytest.fixture(scope="module")
def proxied(module_yard):
    """The same headers in front of mod_proxy, and of a handler in C: mod_headers answers with what httpd's own table holds."""
    folder, backend = places.folder("proxied"), Backend()
    issuer = module_yard.issuer()
    lines = ["OAuth2RSHeader X-User sub", "OAuth2RSHeader X-Dept /dept json"]
    # The expression is one of the C modules behind us: it reads r->headers_in.
    told = ['Header always set Told "expr=%{req:X-User}|%{req:x_user}|%{req:X-Dept}|%{req:Authorization}"']
    config = asking(issuer, folder) + f"ProxyPass /app/ http://127.0.0.1:{backend.port}/\n"
    config += location("/app/all", *lines, *told, "Require valid-user")
    config += location("/app/kept", *lines, *told, "OAuth2RSForwardToken off", "Require valid-user")
    config += location("/app/form", "OAuth2RSTokenFrom header form", "OAuth2RSForwardToken off", "Require valid-user")
    config += location("/app/optional", *lines, *told, "OAuth2RSOptional on", "Require all granted")
    config += f'<Location "/app/open">\n{told[0]}\nRequire all granted\n</Location>\n'
    yield module_yard.httpd("proxied", config, modules=["proxy", "proxy_http"]), issuer
    backend.stop()


LOOK_ALIKES = [("X-User", "root"), ("x_user", "root"), ("X_USER", "root"), ("X-Dept", "root"), ("x_dept", "root"),
               ("OAUTH2_SUBJECT", "root"), ("OAuth2-Subject", "root"), ("Remote-User", "root"), ("REMOTE_USER", "root")]


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
@pytest.mark.parametrize("path", ["/app/all", "/app/kept", "/app/optional", "/app/open"])
def test_the_application_behind_a_proxy_hears_it_from_us_alone(proxied, path, method):
    server, issuer = proxied
    for token in [issuer.jwt(sub="bob", dept={"a": 1})] + ([None] if path in ("/app/optional", "/app/open") else []):
        answer = granted(server.get(path, token, headers=LOOK_ALIKES, method=method, body=b"x" if method == "POST" else None))
        assert "root" not in answer.text and "root" not in answer.get("Told")
        named = token and path != "/app/open"
        assert ("X-User: bob" in answer.text) == bool(named)
        assert answer.get("Told").startswith('bob||{"a":1}|' if named else "|||")
        if path == "/app/kept":
            assert token not in answer.text and token not in answer.get("Told")
        elif token:
            assert f"Authorization: Bearer {token}" in answer.text


def test_a_refusal_does_not_let_them_through_either(proxied):
    server, issuer = proxied
    assert "root" not in absent(server.get("/app/all", headers=LOOK_ALIKES)).get("Told")


def test_a_form_reaches_the_application_without_its_token(proxied):
    server, issuer = proxied
    token = issuer.jwt()
    answer = granted(server.get("/app/form", method="POST", body=f"a=1&access_token={token}&b=%20x".encode(),
                                headers=[("Content-Type", "application/x-www-form-urlencoded")]))
    assert token not in answer.text and answer.text.endswith("a=1&b=%20x")


@pytest.mark.parametrize("value", ["a\rb", "a\nX-Evil: 1", "a\r\n\r\nGET / HTTP/1.1", "\x7f", "\x01", "x" * 5000])
def test_what_cannot_be_handed_over_is_left_out(bed, value):
    server, issuer = bed
    env = seen(server, "/env/app", issuer.jwt(tenant=value, client_id="app"))
    assert "TENANT" not in env and "HTTP_X_EVIL" not in env


def test_utf_8_arrives(bed):
    server, issuer = bed
    for text in ("Zürich", "\x80\x9f\xa0\xff", "\u2028", "\U0001f600"):
        env = seen(server, "/env/app", issuer.jwt(tenant=text))
        assert env["TENANT"].encode("utf-8", "surrogateescape").decode() == text


@pytest.mark.parametrize("make", ["jwt", "opaque"])
def test_a_nul_is_in_no_claim(bed, make):
    """Such JSON is not taken at all: a JWT of it cannot be read, a reply of it is no answer."""
    server, issuer = bed
    answer = server.get("/env/app", getattr(issuer, make)(tenant="a\0b"))
    assert answer.status == (401 if make == "jwt" else 503), answer
    server.allows("RS0521")


def test_claims_of_64_kib_cost_their_header_only(bed):
    """An opaque token's reply may be large; a JWT of that size does not fit into a request."""
    server, issuer = bed
    env = seen(server, "/env/app", issuer.opaque(sub="bob", tenant="acme", realm={"roles": ["r" * 70 for _ in range(950)]}))
    assert env["HTTP_X_USER"] == "bob" and env["TENANT"] == "acme" and "ROLES" not in env and "HTTP_X_ALL" not in env


def test_an_element_with_the_separator_is_not_joined(bed):
    server, issuer = bed
    env = seen(server, "/env/app", issuer.jwt(realm={"roles": ["a", "b,admin"]}))
    assert "HTTP_X_ROLES" not in env and "ROLES" not in env and env["HTTP_X_ROLES_JSON"] == '["a","b,admin"]'


def test_a_joined_list_ends_at_the_bound(bed):
    server, issuer = bed
    for length, fits in ((4096, True), (4097, False)):
        roles = ["", "x" * 4000, "y" * (length - 4002)]
        env = seen(server, "/env/app", issuer.opaque(realm={"roles": roles}))
        assert env.get("ROLES") == (",".join(roles) if fits else None)


def test_a_list_of_many_elements_costs_no_more_than_its_length(bed):
    server, issuer = bed
    begin = time.monotonic()
    env = seen(server, "/env/app", issuer.opaque(realm={"roles": [""] * 20000 + ["a"]}))
    assert "ROLES" not in env and "HTTP_X_ROLES_JSON" not in env
    assert time.monotonic() - begin < 10


HTTP_NAMES = """Content-Type Content-Length Transfer-Encoding Accept Accept-Encoding Origin If-None-Match If-Match If-Modified-Since
If-Unmodified-Since If-Range Range Keep-Alive Connection Proxy-Authorization Proxy TE Trailer Upgrade Expect Via Forwarded Cookie Cache-Control
Sec-Fetch-Site Access-Control-Request-Method content_type Max-Forwards""".split()


@pytest.mark.parametrize("name", HTTP_NAMES)
def test_a_header_with_a_meaning_in_http_is_not_for_a_claim(yard, issuer, folder, name):
    server = yard.httpd("names", asking(issuer, folder) + location("/x", "Require valid-user", f"OAuth2RSHeader {name} sub"), start=False)
    code, text = server.configtest()
    assert code != 0 and f'OAuth2RSHeader: "{name}" has a meaning in HTTP' in text, text


@pytest.mark.parametrize("line", ["OAuth2RSHeader Authorization sub", "OAuth2RSHeader Host sub", "OAuth2RSHeader X:Y sub",
                                  "OAuth2RSHeader X-Y sub jsn", "OAuth2RSEnv PATH sub", "OAuth2RSEnv HTTP_X sub",
                                  "OAuth2RSEnv 1X sub", "OAuth2RSEnv LD_PRELOAD sub"])
def test_names_that_mean_something_else(yard, issuer, folder, line):
    server = yard.httpd("names", asking(issuer, folder) + location("/x", "Require valid-user", line), start=False)
    code, text = server.configtest()
    assert code != 0 and "OAuth2RS" in text, text


# ---- what others see of it, and what they keep ----

@pytest.fixture(scope="module")
def among(module_yard):
    """mod_rewrite beside us, trailers that are let in, credentials of the application."""
    folder = places.folder("among")
    issuer = module_yard.issuer()
    rewriting = ["RewriteEngine on", "RewriteCond %{ENV:OAUTH2_CLIENT_ID}/%{ENV:TENANT} (.+)", 'RewriteRule "" "-" [E=SEEN:%1]']
    config = "MergeTrailers on\n" + asking(issuer, folder)
    config += location("/env/rewritten", "Require valid-user", "OAuth2RSEnv TENANT tenant", *rewriting)
    config += location("/env/renamed", "Require valid-user", "OAuth2RSEnv OAUTH2_SCOPE tenant")
    config += location("/env/taken", "Require valid-user", "OAuth2RSEnv OAUTH2_SCOPE off")
    config += location("/env/form", "OAuth2RSTokenFrom header form", "Require valid-user", "OAuth2RSHeader X-User sub")
    kept = ["CGIPassAuth on", "OAuth2RSForwardToken off", "Require valid-user"]
    config += location("/env/cookie", "OAuth2RSTokenFrom cookie:at", *kept)
    config += location("/env/both", "OAuth2RSTokenFrom header cookie:at", *kept)
    return module_yard.httpd("among", config, modules=["rewrite"]), issuer


def test_mod_rewrite_sees_all_variables(among):
    server, issuer = among
    assert seen(server, "/env/rewritten", issuer.jwt(tenant="acme"))["SEEN"] == "app/acme"


def test_a_variable_of_ours_may_be_given_another_meaning(among):
    server, issuer = among
    assert seen(server, "/env/renamed", issuer.jwt(tenant="acme"))["OAUTH2_SCOPE"] == "acme"
    assert "OAUTH2_SCOPE" not in seen(server, "/env/renamed", issuer.jwt())
    assert "OAUTH2_SCOPE" not in seen(server, "/env/taken", issuer.jwt())


@pytest.mark.parametrize("path", ["/env/cookie", "/env/both"])
def test_credentials_for_the_application_stay(among, path):
    server, issuer = among
    token = issuer.jwt()
    env = seen(server, path, headers=[("Cookie", f"at={token}"), ("Authorization", "Basic YTpi")])
    assert env["HTTP_AUTHORIZATION"] == "Basic YTpi" and token not in "".join(env.values())
    if path == "/env/both":
        assert "HTTP_AUTHORIZATION" not in seen(server, path, token)


def test_trailers_cannot_say_it_either(among):
    import client
    server, issuer = among
    form = f"access_token={issuer.jwt(sub='bob')}".encode()
    trailers = b"".join(f"{name}: root\r\n".encode() for name in ("Remote-User", "remote_user", "OAUTH2-Scope", "X-User", "X-Kept"))
    answer = client.raw(server.port, b"POST /env/form HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
                        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n%x\r\n%s\r\n0\r\n%s\r\n" % (len(form), form, trailers))
    env = granted(answer).environment()
    assert [name for name, value in env.items() if value == "root"] == ["HTTP_X_KEPT"]
    assert env["HTTP_X_USER"] == "bob"
