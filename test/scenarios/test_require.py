# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The Require family: who is let in, and what a refusal says is missing."""

import time

import pytest

import places
from answers import absent, challenge, denied, granted, insufficient, refused
from texts import asking, location


@pytest.fixture(scope="module")
def bed(module_yard):
    folder = places.folder("require")
    issuer = module_yard.issuer()
    lines = {
        "all": ["<RequireAll>", "Require oauth2-scope a b", "Require oauth2-scope c", "</RequireAll>"],
        "any": ["<RequireAny>", "Require oauth2-scope a b c", "Require oauth2-scope d e", "</RequireAny>"],
        "any-scope": ["Require oauth2-any-scope a b"],
        "role": ["Require oauth2-role admin ops"],
        "scope-or-role": ["Require oauth2-scope a", "Require oauth2-role admin"],
        "scope-and-role": ["<RequireAll>", "Require oauth2-scope a", "Require oauth2-role admin", "</RequireAll>"],
        "claim": ["Require oauth2-claim department sales hr"],
        "claim-present": ["Require oauth2-claim department"],
        "claim-not": ["Require oauth2-claim department != sales"],
        "claim-regex": [r'Require oauth2-claim email ~ "[a-z]+@example\.com"'],
        "claim-number": ["Require oauth2-claim level >= 3"],
        "claim-true": ["Require oauth2-claim admin true"],
        "claim-pointer": ["Require oauth2-claim /realm_access/roles admin"],
        "claim-url": ["Require oauth2-claim https://acme.example.com/tier gold"],
        "client": ["Require oauth2-client app other"],
        "subject": ["Require oauth2-subject alice"],
        "issuer": [f"Require oauth2-issuer {issuer.url}"],
        "audience": ["Require oauth2-audience https://api.example.com"],
        "acr": ["Require oauth2-acr silver gold"],
        "age": ["Require oauth2-max-auth-age 5m"],
        "expr": ["Require oauth2-expr \"oauth2_claim('tenant') == 'acme' && 'admin' -in oauth2_claims('roles')\""],
        "expr-pointer": ["Require oauth2-expr \"oauth2_claim('/a/b') -gt 2\""],
        "expr-path": ["Require oauth2-expr \"oauth2_claim(%{HTTP:X-Which}) == 'yes'\""],
        "expr-failing": ['Require oauth2-claim roles "%{file:/nowhere}"'],
        "user": ["Require user alice"],
        "not": ["<RequireAll>", "Require valid-user", "Require not oauth2-scope evil", "</RequireAll>"],
        "only-not": ["<RequireAll>", "Require all granted", "Require not oauth2-scope evil", "</RequireAll>"],
        "none": ["<RequireAll>", "Require all granted", "<RequireNone>", "Require oauth2-scope evil", "</RequireNone>",
                 "</RequireAll>"],
        "ip-or-scope": ["Require ip 127.0.0.1", "Require oauth2-scope a"],
        "other-ip-or-scope": ["Require ip 10.9.8.7", "Require oauth2-scope a"],
        "ip-and-not": ["<RequireAll>", "Require ip 127.0.0.1", "Require not oauth2-scope evil", "</RequireAll>"],
        "limit": ["<LimitExcept GET>", "Require oauth2-scope write", "</LimitExcept>", "<Limit GET>",
                  "Require oauth2-scope read", "</Limit>"],
    }
    config = asking(issuer, folder)
    for name, body in lines.items():
        config += location(f"/{name}", *body)
    config += ('<LocationMatch "^/users/(?<uid>[^/]+)">\nAuthType oauth2-rs\nRequire oauth2-claim sub %{env:MATCH_UID}\n'
               "</LocationMatch>\n")
    implies = ["OAuth2RSScopeImplies admin write", "OAuth2RSScopeImplies write read list", "OAuth2RSScopeImplies a b",
               "OAuth2RSScopeImplies b a"]
    config += location("/implied", *implies, "Require oauth2-scope read")
    config += location("/implied/any", "Require oauth2-any-scope list x")
    config += location("/circle", *implies, "Require oauth2-scope c")
    config += location("/wild", "OAuth2RSScopeWildcard on", "Require oauth2-scope users.read")
    config += location("/tame", "Require oauth2-scope users.read")
    config += location("/outer", "Require oauth2-scope outer")
    config += location("/outer/inner", "AuthMerging And", "Require oauth2-scope inner")
    config += location("/outer/or", "AuthMerging Or", "Require oauth2-scope inner")
    return module_yard.httpd("require", config, modules=["authz_host", "authz_user"]), issuer


def test_all_needs_the_union(bed):
    server, issuer = bed
    absent(server.get("/all"), scope="a b c")
    granted(server.get("/all", issuer.jwt(scope="c b a z")))
    for scope in ("a b", "c", "", "A B C"):
        insufficient(server.get("/all", issuer.jwt(scope=scope)), "a b c")


def test_any_names_the_alternative_with_fewest_missing(bed):
    server, issuer = bed
    granted(server.get("/any", issuer.jwt(scope="d e")))
    insufficient(server.get("/any", issuer.jwt(scope="a b")), "a b c")
    insufficient(server.get("/any", issuer.jwt(scope="e")), "d e")


def test_any_scope(bed):
    server, issuer = bed
    granted(server.get("/any-scope", issuer.jwt(scope="b")))
    answer = server.get("/any-scope", issuer.jwt(scope="x"))
    assert answer.status == 403 and 'error="insufficient_scope"' in answer.challenge, answer


@pytest.mark.parametrize("claims, fine", [({"roles": ["ops"]}, True), ({"roles": "admin x"}, True), ({"groups": ["admin"]}, True),
                                          ({"roles": ["Admin"]}, False), ({}, False), ({"roles": [], "groups": ["admin"]}, False)])
def test_roles(bed, claims, fine):
    server, issuer = bed
    answer = server.get("/role", issuer.jwt(**claims))
    (granted if fine else denied)(answer)


def test_a_missing_role_is_no_missing_scope(bed):
    server, issuer = bed
    granted(server.get("/scope-or-role", issuer.jwt(scope="x", roles=["admin"])))
    insufficient(server.get("/scope-or-role", issuer.jwt(scope="x")), "a")
    insufficient(server.get("/scope-and-role", issuer.jwt(scope="x", roles=["admin"])), "a")
    denied(server.get("/scope-and-role", issuer.jwt(scope="a")))


CLAIMS = [
    ("claim", {"department": "hr"}, True), ("claim", {"department": ["x", "sales"]}, True), ("claim", {"department": "HR"}, False),
    ("claim", {"department": "hr "}, False), ("claim", {}, False), ("claim", {"department": None}, False),
    ("claim", {"department": 0}, False),
    ("claim-present", {"department": "x"}, True), ("claim-present", {"department": 0}, True), ("claim-present", {}, False),
    ("claim-not", {"department": "hr"}, True), ("claim-not", {"department": "sales"}, False),
    ("claim-not", {"department": ["hr", "sales"]}, False), ("claim-not", {}, False),
    ("claim-regex", {"email": "bob@example.com"}, True), ("claim-regex", {"email": "bob@example.com.evil"}, False),
    ("claim-regex", {"email": "x bob@example.com"}, False),
    ("claim-number", {"level": 3}, True), ("claim-number", {"level": 3.5}, True), ("claim-number", {"level": 2}, False),
    ("claim-number", {"level": "high"}, False),
    ("claim-true", {"admin": True}, True), ("claim-true", {"admin": False}, False),
    ("claim-pointer", {"realm_access": {"roles": ["x", "admin"]}}, True), ("claim-pointer", {"realm_access": {}}, False),
    ("claim-pointer", {"realm_access": "admin"}, False), ("claim-url", {"https://acme.example.com/tier": "gold"}, True),
    ("claim-url", {"https://acme.example.com/tier": "tin"}, False),
    ("client", {"client_id": "other"}, True), ("client", {"client_id": "stranger"}, False), ("client", {"client_id": None}, False),
    ("subject", {"sub": "alice"}, True), ("subject", {"sub": "Alice"}, False),
    ("issuer", {}, True), ("audience", {}, True), ("user", {}, True), ("user", {"sub": "bob"}, False),
]


@pytest.mark.parametrize("path, claims, fine", CLAIMS, ids=[f"{i}-{row[0]}" for i, row in enumerate(CLAIMS)])
def test_claims(bed, path, claims, fine):
    server, issuer = bed
    (granted if fine else denied)(server.get(f"/{path}", issuer.jwt(**claims)))


def test_step_up(bed):
    server, issuer = bed
    granted(server.get("/acr", issuer.jwt(acr="gold")))
    answer = server.get("/acr", issuer.jwt(acr="tin"))
    assert answer.status == 401, answer
    assert 'error="insufficient_user_authentication"' in answer.challenge and 'acr_values="silver gold"' in answer.challenge
    granted(server.get("/age", issuer.jwt(auth_time=int(time.time()) - 10)))
    for claims in ({"auth_time": int(time.time()) - 400}, {}):
        answer = server.get("/age", issuer.jwt(**claims))
        assert answer.status == 401 and 'max_age="300"' in answer.challenge, answer


@pytest.mark.parametrize("path", ["not", "only-not", "none", "ip-and-not"])
def test_negated_lines_refuse_the_evil_and_the_unknown(bed, path):
    server, issuer = bed
    granted(server.get(f"/{path}", issuer.jwt(scope="good")))
    denied(server.get(f"/{path}", issuer.jwt(scope="evil good")))
    refused(server.get(f"/{path}", issuer.jwt(exp=1)), "expired")
    answer = server.get(f"/{path}")
    assert answer.status == 401 and "error=" not in answer.challenge, answer


def test_an_allowed_address_needs_no_token_and_no_call(bed):
    server, issuer = bed
    before = len(issuer.requests)
    granted(server.get("/ip-or-scope"))
    granted(server.get("/ip-or-scope", issuer.opaque()))
    assert len(issuer.requests) == before
    absent(server.get("/other-ip-or-scope"), scope="a")
    granted(server.get("/other-ip-or-scope", issuer.jwt(scope="a")))


@pytest.mark.parametrize("path", ["/implied", "/implied/any"])
def test_a_scope_may_stand_for_others(bed, path):
    server, issuer = bed
    for scope in ("read list", "write", "admin", "x admin"):
        granted(server.get(path, issuer.jwt(scope=scope)))
    insufficient(server.get("/implied", issuer.jwt(scope="list")), "read")
    insufficient(server.get("/circle", issuer.jwt(scope="a")), "c")


def test_wildcards(bed):
    server, issuer = bed
    for scope in ("users.*", "users.read"):
        granted(server.get("/wild", issuer.jwt(scope=scope)))
    for scope in ("users.", "users", "*", ".*", "user.*", "users.read.*", "users*"):
        insufficient(server.get("/wild", issuer.jwt(scope=scope)), "users.read")
    insufficient(server.get("/tame", issuer.jwt(scope="users.*")), "users.read")


EXPRESSIONS = [
    ("expr", {"tenant": "acme", "roles": ["x", "admin"]}, True), ("expr", {"tenant": "acme", "roles": "admin"}, True),
    ("expr", {"tenant": "acme", "roles": ["x"]}, False), ("expr", {"tenant": "other", "roles": ["admin"]}, False), ("expr", {}, False),
    ("expr-pointer", {"a": {"b": 3}}, True), ("expr-pointer", {"a": {"b": 2}}, False), ("expr-pointer", {"a": 3}, False),
]


@pytest.mark.parametrize("path, claims, fine", EXPRESSIONS, ids=[f"{i}-{row[0]}" for i, row in enumerate(EXPRESSIONS)])
def test_expressions(bed, path, claims, fine):
    server, issuer = bed
    (granted if fine else denied)(server.get(f"/{path}", issuer.jwt(**claims)))


def test_an_expression_is_evaluated_once_for_the_line_and_not_for_each_element(bed):
    server, issuer = bed
    mark = server.log.mark()
    server.expects("RS0641")
    server.allows("Evaluation of expression from")
    denied(server.get("/expr-failing", issuer.jwt(roles=["r"] * 100)))
    assert 1 <= server.log.count("RS0641", mark) <= 2


def test_an_expression_may_name_the_claim(bed):
    server, issuer = bed
    granted(server.get("/expr-path", issuer.jwt(flag="yes"), headers=[("X-Which", "flag")]))
    denied(server.get("/expr-path", issuer.jwt(flag="yes"), headers=[("X-Which", "other")]))
    denied(server.get("/expr-path", issuer.jwt(flag="yes")))


def test_claims_in_other_directives(httpd, issuer, folder):
    config = asking(issuer, folder) + location("/x", "Require valid-user",
                                               'Header set X-Sub "expr=%{oauth2_claim:sub}"')
    server = httpd(config)
    assert granted(server.get("/x", issuer.jwt())).get("X-Sub") == "alice"


def test_limits_by_method(bed):
    server, issuer = bed
    reader = issuer.jwt(scope="read")
    granted(server.get("/limit", reader))
    insufficient(server.get("/limit", reader, method="DELETE"), "write")


def test_rules_about_the_object_in_the_path(bed):
    server, issuer = bed
    granted(server.get("/users/alice", issuer.jwt()))
    denied(server.get("/users/bob", issuer.jwt()))
    denied(server.get("/users/alice%20x", issuer.jwt()))


def test_merging(bed):
    server, issuer = bed
    granted(server.get("/outer/inner", issuer.jwt(scope="outer inner")))
    for scope in ("inner", "outer"):
        answer = server.get("/outer/inner", issuer.jwt(scope=scope))
        assert answer.status == 403 and "insufficient_scope" in answer.challenge, answer
        granted(server.get("/outer/or", issuer.jwt(scope=scope)))


def test_a_denial_is_one_line_that_says_what_is_missing(bed):
    server, issuer = bed
    mark = server.log.mark()
    insufficient(server.get("/all", issuer.jwt(scope="a")), "a b c")
    lines = [line for line in server.log.since(mark) if "RS0651" in line]
    assert len(lines) == 1, lines
    for word in ("alice", "app", "/all", "Require oauth2-scope", "httpd.conf:"):
        assert word in lines[0], lines[0]


def test_the_detail_may_be_left_out(httpd, issuer, folder):
    server = httpd(asking(issuer, folder) + location("/x", "OAuth2RSErrorDetail off", "Require oauth2-scope a"))
    answer = server.get("/x", issuer.jwt(exp=1))
    assert answer.status == 401
    assert answer.challenge != challenge(error="invalid_token", description="The access token has expired")
    assert 'error="invalid_token"' in answer.challenge and "expired" not in answer.challenge


BLIND = ['<If "oauth2_claim(\'a\') == \'b\'">\nHeader set X y\n</If>',
         "<Location /blind>\nRequire expr \"oauth2_claim('a') == 'b'\"\n</Location>",
         "<Location /blind>\nAuthType oauth2-rs\nRequire valid-user\n<If \"oauth2_claim('a') == 'b'\">\n</If>\n</Location>",
         "SetEnvIfExpr \"oauth2_claim('a') == 'b'\" X=y"]


@pytest.mark.parametrize("lines", BLIND, ids=["if", "require-expr", "if-in-location", "setenvifexpr"])
def test_configtest_warns_of_expressions_that_never_see_a_claim(yard, issuer, folder, lines):
    server = yard.httpd("blind", asking(issuer, folder) + lines + "\n", start=False)
    code, text = server.configtest()
    assert code == 0 and "RS0609" in text and "httpd.conf" in text, text


@pytest.mark.parametrize("lines, good, bad", [
    (["Require oauth2-scope a"], "a", "b"), (["Require oauth2-any-scope a c"], "c", "b"),
    (["<RequireAll>", "Require valid-user", "Require not oauth2-scope evil", "Require oauth2-role admin", "</RequireAll>"], "b", "evil"),
    (["<LimitExcept POST>", "Require oauth2-claim scope a", "</LimitExcept>"], "a", "b")],
    ids=["scope", "any-scope", "not", "limit"])
def test_require_in_htaccess(httpd, issuer, folder, lines, good, bad):
    server = httpd(asking(issuer, folder), start=False, modules=["authz_user"])
    (server.folder / "htdocs" / ".htaccess").write_text("\n".join(["AuthType oauth2-rs", *lines]) + "\n")
    text = server.conf.read_text()
    server.conf.write_text(text.replace(f'<Directory "{server.folder}">', f'<Directory "{server.folder}">\nAllowOverride AuthConfig Limit'))
    server.start()
    assert server.get("/files/ok.txt").status == 401
    assert server.get("/files/ok.txt", issuer.jwt(scope=good, roles=["admin"])).status == 200
    assert server.get("/files/ok.txt", issuer.jwt(scope=bad, roles=["admin"])).status == 403
