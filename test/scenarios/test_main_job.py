# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The main job: a protected Location on real input, with the answers to the byte."""

import time

import pytest

import client
import places
from answers import absent, granted, insufficient, refused
from scripted import AUDIENCE, NULL
from texts import asking, location


@pytest.fixture(scope="module")
def bed(module_yard):
    """One httpd and one issuer for all scenarios of this file."""
    folder = places.folder("main-job")
    issuer = module_yard.issuer(["ES256", "RS256", "PS256", "EdDSA", "RS512", "PS384", "ES384", "ES512"])
    config = asking(issuer, folder)
    config += location("/users", "Require oauth2-scope read")
    config += location("/users/write", "Require oauth2-scope read write")
    config += location("/payments", r'AuthName "the \"payments\""', "Require oauth2-scope pay")
    config += location("/any", "Require valid-user")
    config += location("/env/app", "Require valid-user")
    server = module_yard.httpd("main-job", config)
    return server, issuer


# --- answers

def test_no_token_is_asked_for_one_without_an_error(bed):
    server, _ = bed
    absent(server.get("/users"), scope="read")
    absent(server.get("/any"))


def test_the_401_names_every_scope_that_is_needed(bed):
    server, _ = bed
    absent(server.get("/users/write"), scope="read write")


def test_the_realm_is_authname_escaped(bed):
    server, _ = bed
    absent(server.get("/payments"), scope="pay", realm=r'the \"payments\"')


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA", "RS512", "PS384", "ES384", "ES512"])
def test_a_good_jwt_of_every_algorithm_is_granted(bed, alg):
    server, issuer = bed
    token = issuer.jwt(alg=alg)
    granted(server.get("/users", token))
    granted(server.get("/users", token))


def test_a_good_opaque_token_is_granted(bed):
    server, issuer = bed
    granted(server.get("/users", issuer.opaque()))


def test_unprotected_paths_know_nothing_of_tokens(bed):
    server, issuer = bed
    granted(server.get("/elsewhere"))
    granted(server.get("/elsewhere", "rubbish"))
    granted(server.get("/elsewhere", issuer.jwt(exp=1)))


NOW = int(time.time())

BAD_CLAIMS = [
    ("expired", {"exp": NOW - 3600, "iat": NOW - 7200}, "expired"),
    ("expired beyond the leeway", {"exp": NOW - 32}, "expired"),
    ("without exp", {"exp": None}, "lifetime"),
    ("not yet valid", {"nbf": NOW + 3600}, "not_yet"),
    ("issued in the future", {"iat": NOW + 3600, "exp": NOW + 7200}, "not_yet"),
    ("of another audience", {"aud": "https://other.example.com"}, "audience"),
    ("of an audience with a slash more", {"aud": AUDIENCE + "/"}, "audience"),
    ("of other audiences", {"aud": ["a", "b"]}, "audience"),
    ("without audience", {"aud": None}, "audience"),
    ("with an empty audience", {"aud": []}, "audience"),
    ("with a null audience", {"aud": NULL}, "audience"),
    ("of another issuer", {"iss": "https://evil.example.com"}, "issuer"),
    ("bound by a certificate", {"cnf": {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}}, "bound"),
    ("bound by a key", {"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}, "bound"),
    ("bound in an unknown way", {"cnf": {"new": 1}}, "bound"),
    ("without a name", {"sub": None, "client_id": None}, "nameless"),
]


@pytest.mark.parametrize("what, claims, reason", BAD_CLAIMS, ids=[row[0].replace(" ", "-") for row in BAD_CLAIMS])
def test_a_jwt_is_refused(bed, what, claims, reason):
    server, issuer = bed
    refused(server.get("/users", issuer.jwt(**claims)), reason)


BAD_REPLIES = [row for row in BAD_CLAIMS if row[0] not in ("without exp", "expired beyond the leeway")]


@pytest.mark.parametrize("what, claims, reason", BAD_REPLIES, ids=[row[0].replace(" ", "-") for row in BAD_REPLIES])
def test_an_introspection_reply_goes_through_the_same_rules(bed, what, claims, reason):
    server, issuer = bed
    refused(server.get("/users", issuer.opaque(**claims)), reason)


def test_an_introspection_reply_needs_neither_iss_nor_exp(bed):
    server, issuer = bed
    granted(server.get("/users", issuer.opaque(iss=None, exp=None, iat=None)))


def test_the_leeway_is_for_jwts_alone(bed):
    server, issuer = bed
    granted(server.get("/users", issuer.jwt(exp=int(time.time()) - 10)))
    refused(server.get("/users", issuer.opaque(exp=int(time.time()) - 2)), "expired")


def test_an_inactive_token_is_refused(bed):
    server, issuer = bed
    refused(server.get("/users", issuer.opaque({"active": False})), "inactive")
    refused(server.get("/users", "a-token-nobody-issued"), "inactive")


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
def test_a_missing_scope_is_403_and_names_all_that_is_needed(bed, kind):
    server, issuer = bed
    token = getattr(issuer, kind)(scope="read")
    insufficient(server.get("/payments", token), "pay", realm=r'the \"payments\"')
    insufficient(server.get("/users/write", token), "read write")
    granted(server.get("/users", token))


def test_scopes_are_words_not_text(bed):
    server, issuer = bed
    for scope in ("readwrite", "read:all", "Read", "re ad", "read,write", ""):
        insufficient(server.get("/users", issuer.jwt(scope=scope)), "read")
    granted(server.get("/users", issuer.jwt(scope="write  read")))
    granted(server.get("/users", issuer.jwt(scope=None, scp=["write", "read"])))


AUTHORIZATIONS = [
    ("the scheme in small letters", "bearer %s", "granted"),
    ("the scheme in capitals", "BEARER %s", "granted"),
    ("more spaces", "Bearer   %s", "granted"),
    ("another scheme", "Basic YTpi", "absent"),
    ("a scheme that begins like ours", "BearerX %s", "absent"),
    ("the scheme alone", "Bearer", "request_malformed"),
    ("the scheme and a space", "Bearer ", "request_malformed"),
    ("two tokens", "Bearer %s %s", "request_malformed"),
    ("two tokens and a comma", "Bearer %s, Bearer %s", "ambiguous|request_malformed"),
    ("a character that no token has", "Bearer a$b", "request_malformed"),
    ("a quoted token", 'Bearer "%s"', "request_malformed"),
]


@pytest.mark.parametrize("what, value, expected", AUTHORIZATIONS, ids=[r[0].replace(" ", "-") for r in AUTHORIZATIONS])
def test_the_authorization_header(bed, what, value, expected):
    server, issuer = bed
    answer = server.get("/users", headers=[("Authorization", value.replace("%s", issuer.jwt()))])
    if expected == "granted":
        granted(answer)
    elif expected == "absent":
        absent(answer, scope="read")
    else:
        reasons = expected.split("|")
        for reason in reasons[:-1]:
            try:
                refused(answer, reason)
                return
            except AssertionError:
                continue
        refused(answer, reasons[-1])


def test_two_authorization_headers_are_one_too_many(bed):
    server, issuer = bed
    token = issuer.jwt()
    answer = server.get("/users", headers=client.bearer(token) + client.bearer(token))
    assert answer.status == 400 and 'error="invalid_request"' in answer.challenge, answer


def test_the_query_is_no_place_for_a_token(bed):
    server, issuer = bed
    absent(server.get("/users?access_token=" + issuer.jwt()), scope="read")


def test_a_form_is_no_place_for_a_token(bed):
    server, issuer = bed
    body = ("access_token=" + issuer.jwt()).encode()
    absent(server.get("/users", method="POST", body=body,
                      headers=[("Content-Type", "application/x-www-form-urlencoded")]), scope="read")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "DELETE", "PURGE"])
def test_every_method_is_protected(bed, method):
    server, issuer = bed
    absent(server.get("/users", method=method), scope="read")
    refused(server.get("/users", issuer.jwt(aud="x"), method=method), "audience")


# --- what the application sees

def test_the_application_sees_who_it_is(bed):
    server, issuer = bed
    expires = int(time.time()) + 300
    seen = server.get("/env/app", issuer.jwt(sub="alice", client_id="shop", scope="b a", exp=expires)).environment()
    assert seen["REMOTE_USER"] == "alice"
    assert seen["AUTH_TYPE"].lower() == "oauth2-rs"
    assert {name: value for name, value in seen.items() if name.startswith("OAUTH2_")} == {
        "OAUTH2_ISSUER": issuer.url, "OAUTH2_SUBJECT": "alice", "OAUTH2_CLIENT_ID": "shop",
        "OAUTH2_SCOPE": "b a", "OAUTH2_EXPIRES": str(expires)}


def test_the_same_again_from_the_cache(bed):
    server, issuer = bed
    for token in (issuer.jwt(), issuer.opaque()):
        first, second = (server.get("/env/app", token).environment() for _ in range(2))
        keep = lambda seen: {n: v for n, v in seen.items() if n.startswith("OAUTH2_") or n == "REMOTE_USER"}
        assert keep(first) == keep(second) and keep(first)["REMOTE_USER"] == "alice"


def test_a_client_of_its_own_right_is_the_user(bed):
    server, issuer = bed
    seen = server.get("/env/app", issuer.jwt(sub=None, client_id="robot")).environment()
    assert seen["REMOTE_USER"] == "client:robot"
    assert "OAUTH2_SUBJECT" not in seen and seen["OAUTH2_CLIENT_ID"] == "robot"


LOOK_ALIKES = [("OAUTH2_SUBJECT", "mallory"), ("OAuth2-Subject", "mallory"), ("oauth2-client-id", "mallory"),
               ("OAUTH2_Issuer", "mallory"), ("OAuth2-Scope", "mallory"), ("oauth2_expires", "mallory"),
               ("OAUTH2-NEW", "mallory")]


@pytest.mark.parametrize("path, token", [("/env/app", True), ("/env/open", False)])
def test_look_alike_headers_of_the_client_never_arrive(bed, path, token):
    server, issuer = bed
    seen = server.get(path, issuer.jwt() if token else None, headers=LOOK_ALIKES).environment()
    assert "mallory" not in seen.values(), {n: v for n, v in seen.items() if v == "mallory"}


def test_control_bytes_of_claims_never_arrive(bed):
    server, issuer = bed
    for evil in ("al\r\nX-Evil: 1", "al\nice", "al\u0001ice", "al\u007fice"):
        answer = server.get("/env/app", issuer.jwt(sub=evil))
        if answer.status == 200:
            assert not any(c < " " or c == "\x7f" for v in answer.environment().values() for c in v), answer
        else:
            assert answer.status == 401, answer


# --- counting calls

def test_one_token_one_introspection(bed):
    server, issuer = bed
    token, before = issuer.opaque(), issuer.count()
    for _ in range(5):
        granted(server.get("/users", token))
    assert issuer.count() == before + 1


def test_a_jwt_costs_no_call(bed):
    server, issuer = bed
    before = issuer.count()
    refused(server.get("/users", issuer.jwt(aud="x")), "audience")
    granted(server.get("/users", issuer.jwt()))
    refused(server.get("/users", issuer.jwt(iss="https://evil.example.com")), "issuer")
    assert issuer.count() == before


def test_the_question_to_the_issuer(bed):
    """POST, form-encoded, our credentials in Basic, nothing of the client's request."""
    server, issuer = bed
    token = issuer.opaque()
    granted(server.get("/users", token, headers=[("Cookie", "a=b"), ("X-Mine", "1")]))
    asked = issuer.asked("/introspect")[-1]
    assert asked.method == "POST" and asked.form["token"] == token
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.headers["authorization"].startswith("Basic ")
    assert asked.headers["accept"] == "application/json"
    assert not {"cookie", "x-mine"} & set(asked.headers)


# --- directives of a provider

def test_client_secret_post(httpd, issuer, folder):
    server = httpd(asking(issuer, folder, "OAuth2RSClientAuth post") + location("/users", "Require valid-user"))
    granted(server.get("/users", issuer.opaque()))
    asked = issuer.asked("/introspect")[-1]
    assert "authorization" not in asked.headers and asked.form["client_secret"] == issuer.secret


def test_basic_credentials_are_form_encoded_first(httpd, issuer, folder):
    """RFC 6749 2.3.1."""
    issuer.client, issuer.secret = "r s:1", "p+q/%26: \u00fc"
    server = httpd(asking(issuer, folder).replace("OAuth2RSClient r s:1", 'OAuth2RSClient "r s:1"')
                   + location("/users", "Require valid-user"))
    granted(server.get("/users", issuer.opaque()))


def test_audience_words(httpd, yard, issuer, folder):
    config = asking(issuer, folder, name="absent", audience="https://api.example.com or-absent")
    config += asking(issuer, folder, name="any", audience="any")
    config += asking(issuer, folder, name="two", audience="https://a.example https://b.example")
    for name in ("absent", "any", "two"):
        config += location("/" + name, f"OAuth2RSUse {name}", "Require valid-user")
    server = httpd(config)
    for make in (issuer.jwt, issuer.opaque):
        granted(server.get("/absent", make(aud=None)))
        granted(server.get("/absent", make(aud=[])))
        refused(server.get("/absent", make(aud="x")), "audience")
        granted(server.get("/any", make(aud="x")))
        granted(server.get("/any", make(aud=None)))
        granted(server.get("/two", make(aud=["x", "https://b.example"])))
        refused(server.get("/two", make(aud=AUDIENCE)), "audience")


def test_verdicts_never_cross_providers(httpd, issuer, folder):
    """One token, one issuer, two sets of rules: the answer of one is not the other's."""
    config = asking(issuer, folder, name="loose", audience="any")
    config += asking(issuer, folder, name="strict", audience="https://strict.example")
    for name in ("loose", "strict"):
        config += location("/" + name, f"OAuth2RSUse {name}", "Require valid-user")
    server = httpd(config)
    for token in (issuer.jwt(), issuer.opaque()):
        for _ in range(2):
            granted(server.get("/loose", token))
            refused(server.get("/strict", token), "audience")


def test_scope_and_user_claims(httpd, issuer, folder):
    config = asking(issuer, folder, "OAuth2RSScopeClaim permissions /authz/scopes", "OAuth2RSUserClaim email sub")
    server = httpd(config + location("/env", "Require oauth2-scope x"))
    seen = server.get("/env/1", issuer.jwt(permissions=["x"], scope="y", email="a@b.c")).environment()
    assert seen["REMOTE_USER"] == "a@b.c" and seen["OAUTH2_SUBJECT"] == "alice" and seen["OAUTH2_SCOPE"] == "x"
    granted(server.get("/env/1", issuer.opaque(authz={"scopes": "w x"})))
    insufficient(server.get("/env/1", issuer.jwt(scope="x", permissions="y")), "x")


@pytest.mark.parametrize("word, jwt_calls, opaque", [("jwt", 0, "malformed"), ("introspection", 1, None), ("both", 1, None)])
def test_validate(httpd, issuer, folder, word, jwt_calls, opaque):
    server = httpd(asking(issuer, folder, f"OAuth2RSValidate {word}") + location("/users", "Require valid-user"))
    token = issuer.jwt()
    issuer.replies[token] = {"active": True, **issuer.claims()}
    granted(server.get("/users", token))
    assert issuer.count() == jwt_calls
    if opaque:
        refused(server.get("/users", issuer.opaque()), opaque)
    elif word == "introspection":
        granted(server.get("/users", issuer.opaque()))


def test_both_means_that_either_may_refuse(httpd, issuer, folder):
    server = httpd(asking(issuer, folder, "OAuth2RSValidate both") + location("/users", "Require valid-user"))
    refused(server.get("/users", issuer.jwt()), "inactive")
    expired = issuer.jwt(exp=1)
    issuer.replies[expired] = {"active": True, **issuer.claims()}
    refused(server.get("/users", expired), "expired")


def test_two_providers_are_told_apart_by_iss(httpd, yard, folder):
    first, second, third = yard.issuer(), yard.issuer(), yard.issuer()
    config = asking(first, folder, name="first") + asking(second, folder, name="second")
    server = httpd(config + location("/users", "OAuth2RSUse first second", "Require oauth2-scope read"))
    granted(server.get("/users", first.jwt()))
    granted(server.get("/users", second.jwt()))
    refused(server.get("/users", third.jwt()), "issuer")
    refused(server.get("/users", first.jwt(iss=second.url)), "key")
    assert third.requests == [] and first.count() == second.count() == 0


def test_an_opaque_token_is_never_shown_to_an_issuer_that_may_not_be_its_own(httpd, yard, folder):
    first, second = yard.issuer(), yard.issuer()
    config = asking(first, folder, name="first") + asking(second, folder, name="second")
    server = httpd(config + location("/users", "OAuth2RSUse first second", "Require valid-user"))
    assert server.get("/users", first.opaque()).status == 500
    assert first.count() == second.count() == 0
    server.expects(*SEVERAL_CANDIDATES)


# Ids of the log lines at warn or above that scenarios of this file announce.
SEVERAL_CANDIDATES = ("RS0531",)


def test_providers_of_a_virtual_host(httpd, yard, folder):
    """A virtual host sees its own providers and the main server's."""
    main, own = yard.issuer(), yard.issuer()
    port = places.free_port()
    config = asking(main, folder, name="main") + location("/main", "OAuth2RSUse main", "Require valid-user")
    config += f"<VirtualHost 127.0.0.1:{port}>\n" + asking(own, folder, name="own")
    config += location("/own", "OAuth2RSUse own", "Require valid-user") + "</VirtualHost>\n"
    server = httpd(config, listen=[f"127.0.0.1:{port}"])
    granted(server.get("/main", main.jwt()))
    granted(client.request(port, "/main", main.jwt()))
    granted(client.request(port, "/own", own.jwt()))
    refused(client.request(port, "/own", main.jwt()), "issuer")
    granted(server.get("/own", None))


def test_an_https_issuer_with_its_own_authority(httpd, yard, authority, folder):
    issuer = yard.issuer(authority=authority)
    server = httpd(asking(issuer, folder) + location("/users", "Require valid-user"))
    granted(server.get("/users", issuer.jwt()))
    granted(server.get("/users", issuer.opaque()))


@pytest.mark.parametrize("path, forms", [
    ("", ["/.well-known/oauth-authorization-server"]),
    ("", ["/.well-known/openid-configuration"]),
    ("/realms/acme", ["/.well-known/oauth-authorization-server/realms/acme"]),
    ("/realms/acme", ["/realms/acme/.well-known/openid-configuration"]),
    ("/realms/acme", ["/realms/acme/.well-known/oauth-authorization-server"]),
], ids=["8414", "oidc", "8414-inserted", "oidc-appended", "8414-appended"])
def test_metadata_is_found_in_either_place(httpd, yard, folder, path, forms):
    issuer = yard.issuer(path=path)
    issuer.metadata_forms = set(forms)
    server = httpd(asking(issuer, folder) + location("/users", "Require valid-user"))
    granted(server.get("/users", issuer.jwt()))
    granted(server.get("/users", issuer.opaque()))


def test_an_error_document_keeps_the_challenge(httpd, issuer, folder):
    config = asking(issuer, folder) + location("/users", "Require oauth2-scope read")
    config += 'ErrorDocument 401 /files/ok.txt\nErrorDocument 403 "no"\n'
    server = httpd(config)
    answer = absent(server.get("/users"), scope="read")
    assert answer.text == "ok\n"
    insufficient(server.get("/users", issuer.jwt(scope="x")), "read")
