# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What is in effect where sections, hosts and .htaccess files overlap."""

import pytest

import places
from answers import absent, granted, insufficient, refused
from texts import asking, location, provider


@pytest.fixture(scope="module")
def bed(module_yard):
    folder = places.folder("merging")
    issuer, other = module_yard.issuer(), module_yard.issuer()
    config = asking(issuer, folder)
    config += location("/env/outer", "AuthName outer", "Require oauth2-scope read", "OAuth2RSEnv TENANT tenant",
                       "OAuth2RSEnv LEVEL level", "OAuth2RSHeader X-User sub", "OAuth2RSErrorDetail off",
                       "OAuth2RSScopeImplies admin read")
    config += location("/env/outer/inner", "OAuth2RSEnv LEVEL off", "OAuth2RSEnv MAIL email")
    config += location("/env/outer/own", "AuthName own", "Require oauth2-scope write", "OAuth2RSErrorDetail on",
                       "OAuth2RSHeader x-USER client_id")
    config += location("/env/outer/rules", "OAuth2RSScopeImplies root read")
    config += location("/env/outer/and", "AuthMerging And", "Require oauth2-scope write")
    config += location("/env/outer/or", "AuthMerging Or", "Require oauth2-scope write")
    config += location("/two", "OAuth2RSUse acme", "Require valid-user")
    files = module_yard.httpd("merging", start=False)
    port = places.free_port()
    sub = files.folder / "htdocs" / "sub"
    sub.mkdir()
    (sub / "ok.txt").write_text("ok\n")
    config += (f"<Directory \"{sub}\">\nAllowOverride AuthConfig\n</Directory>\n"
               f"<VirtualHost 127.0.0.1:{port}>\nServerName localhost\n{provider(other, name='second')}"
               + location("/two", "OAuth2RSUse second", "Require valid-user")
               + location("/both", "OAuth2RSUse acme second", "Require valid-user") + "</VirtualHost>\n")
    files.listen.append(f"127.0.0.1:{port}")
    (sub / ".htaccess").write_text("AuthType oauth2-rs\nAuthName files\nRequire oauth2-scope files\nOAuth2RSHeader X-File sub\n"
                        "<RequireAll>\nRequire oauth2-claim level 3\nRequire not oauth2-scope evil\n</RequireAll>\n")
    files.configure(config)
    files.start()
    return files, issuer, other, port


SECTIONS = [
    # path, scope of the token, status, realm
    ("/env/outer", "read", 200, None), ("/env/outer", "x", 403, "outer"), ("/env/outer", "admin", 200, None),
    ("/env/outer/inner", "read", 200, None), ("/env/outer/inner", "x", 403, "outer"),
    ("/env/outer/own", "read", 403, "own"), ("/env/outer/own", "write", 200, None),
    ("/env/outer/rules", "admin", 403, "outer"), ("/env/outer/rules", "root", 200, None),
    ("/env/outer/and", "read", 403, "outer"), ("/env/outer/and", "read write", 200, None),
    ("/env/outer/and", "admin write", 200, None),
    ("/env/outer/or", "write", 200, None), ("/env/outer/or", "read", 200, None),
    # httpd unites with the Directory's "Require all granted" as well: the manual warns.
    ("/env/outer/or", "x", 200, None),
]


@pytest.mark.parametrize("path, scope, status, realm", SECTIONS, ids=[f"{p}-{s}".replace("/", "-") for p, s, _, _ in SECTIONS])
def test_nested_sections(bed, path, scope, status, realm):
    server, issuer = bed[:2]
    answer = server.get(path, issuer.jwt(scope=scope))
    assert answer.status == status, answer
    if realm:
        assert f'realm="{realm}"' in answer.challenge, answer


def test_a_scalar_of_the_inner_section_wins(bed):
    server, issuer = bed[:2]
    assert "The access token is not accepted" in server.get("/env/outer", issuer.jwt(exp=1)).challenge
    refused(server.get("/env/outer/own", issuer.jwt(exp=1)), "expired", realm="own")


def test_names_unite_and_off_takes_away(bed):
    server, issuer = bed[:2]
    claims = {"tenant": "acme", "level": 3, "email": "a@example.com", "scope": "read write"}
    env = granted(server.get("/env/outer/inner", issuer.jwt(**claims))).environment()
    assert env["TENANT"] == "acme" and env["MAIL"] == "a@example.com" and "LEVEL" not in env
    assert env["HTTP_X_USER"] == "alice"
    env = granted(server.get("/env/outer/own", issuer.jwt(**claims))).environment()
    assert env["TENANT"] == "acme" and env["LEVEL"] == "3"
    assert env["HTTP_X_USER"] == "app"  # header names have no case


def test_a_virtual_host_adds_its_provider(bed):
    import client
    server, issuer, other, port = bed
    granted(server.get("/two", issuer.jwt()))
    refused(server.get("/two", other.jwt()), "issuer")
    granted(client.request(port, "/two", other.jwt()))
    refused(client.request(port, "/two", issuer.jwt()), "issuer")
    granted(client.request(port, "/both", other.jwt()))
    granted(client.request(port, "/both", issuer.jwt()))


def test_an_htaccess_file(bed):
    server, issuer = bed[:2]
    # Two lines without a section around them: either is enough, and the refusal names the cheaper one.
    granted(server.get("/files/sub/ok.txt", issuer.jwt(scope="files")))
    granted(server.get("/files/sub/ok.txt", issuer.jwt(scope="x", level=3)))
    insufficient(server.get("/files/sub/ok.txt", issuer.jwt(scope="x", level=2)), "files", realm="files")
    absent(server.get("/files/sub/ok.txt"), scope="files", realm="files")
    refused(server.get("/files/sub/ok.txt", issuer.jwt(aud="other")), "audience", realm="files")


@pytest.mark.parametrize("line", ["OAuth2RSIssuer https://x.example.com", "OAuth2RSClient a file:/etc/passwd",
                                  "OAuth2RSIntrospection https://x.example.com/", "OAuth2RSCache none",
                                  "<OAuth2RSProvider x>\n</OAuth2RSProvider>"])
def test_secrets_and_endpoints_are_refused_in_htaccess(yard, issuer, folder, line):
    server = yard.httpd("htaccess", start=False)
    server.configure(asking(issuer, folder) +
                     f'<Directory "{server.folder}/htdocs">\nAllowOverride All\n</Directory>\n')
    (server.folder / "htdocs" / ".htaccess").write_text(line + "\n")
    server.start()
    assert server.get("/files/ok.txt").status == 500
    server.expects("not allowed here")
