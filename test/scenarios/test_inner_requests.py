# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Requests that httpd makes out of one: index files, includes, rewrites, error documents; and answers in HTTP/2."""

import subprocess

import pytest

import places
from answers import absent, challenge, granted, insufficient
from texts import asking, location
from waiting import PATIENCE, until


@pytest.fixture(scope="module")
def bed(module_yard):
    folder = places.folder("inner")
    issuer = module_yard.issuer()
    server = module_yard.httpd("inner", start=False, modules=["rewrite", "include"])
    site = server.folder / "htdocs"
    (site / "index.txt").write_text("index\n")
    (site / "page.shtml").write_text('<!--#include virtual="/files/part.txt" -->|<!--#include virtual="/env/secret/x" -->|'
                                     '<!--#echo encoding="none" var="REMOTE_USER" -->\n')
    (site / "part.txt").write_text("part")
    (site / "denied.txt").write_text("no entry\n")
    config = asking(issuer, folder, "OAuth2RSIntrospectionTTL 0")
    config += location("/files", "OAuth2RSForwardToken off", "CGIPassAuth on", "Require oauth2-scope read")
    config += location("/env/secret", "CGIPassAuth on", "Require oauth2-scope secret")
    config += location("/files/strict.txt", "Require oauth2-scope secret")
    config += (f'<Directory "{site}">\nOptions +Includes +FollowSymLinks\nDirectoryIndex index.txt\n'
               "<Files page.shtml>\nSetOutputFilter INCLUDES\nForceType text/html\n</Files>\nRewriteEngine on\n"
               "RewriteRule ^moved$ /env/moved/x [L]\nRewriteRule ^hidden$ /env/secret/x [L]\n</Directory>\n")
    config += location("/env/moved", "CGIPassAuth on", "Require valid-user")
    for name, text in {"text": '"sorry"', "local": "/errors/denied", "script": "/env/error", "away": "http://127.0.0.1:1/x",
                       "closed": "/files/part.txt"}.items():
        config += location(f"/{name}", "Require oauth2-scope none", f"ErrorDocument 403 {text}",
                           f"ErrorDocument 401 {text if name != 'away' else 'gone'}", "OAuth2RSErrorBody httpd")
    config += 'LogFormat "%>s %{oauth2-outcome}n %<{oauth2-outcome}n %<{oauth2-token}n %<{oauth2-client}n" words\n'
    config += "CustomLog access words\n"
    server.configure(config)
    server.start()
    return server, issuer


def test_an_index_file(bed):
    server, issuer = bed
    calls = issuer.count()
    assert granted(server.get("/files/", issuer.opaque(scope="read"))).body == b"index\n"
    assert issuer.count() == calls + 1
    insufficient(server.get("/files/", issuer.opaque(scope="x")), "read")
    absent(server.get("/files/"), scope="read")


def test_an_included_part_is_judged_by_its_own_lines(bed):
    server, issuer = bed
    token = issuer.opaque(scope="read")
    calls = issuer.count()
    text = granted(server.get("/files/page.shtml", token)).text
    assert text.startswith("part|") and "alice" in text and "an error occurred" in text
    assert token not in text and issuer.count() == calls + 1
    server.expects("unable to include")
    token = issuer.opaque(scope="read secret")
    text = granted(server.get("/files/page.shtml", token)).text
    # The page hides the token from what runs behind it; the part in it says who is there all the same.
    assert "OAUTH2_SUBJECT=alice" in text and token not in text


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
def test_a_rewrite_in_a_directory(bed, kind):
    server, issuer = bed
    token = getattr(issuer, kind)(scope="read")
    env = granted(server.get("/files/moved", token)).environment()
    assert env["OAUTH2_SUBJECT"] == "alice" and not any(token in value for value in env.values())
    insufficient(server.get("/files/hidden", token), "secret")


DOCUMENTS = [("text", b"sorry"), ("local", None), ("script", None), ("closed", None)]


@pytest.mark.parametrize("name, body", DOCUMENTS, ids=[row[0] for row in DOCUMENTS])
def test_error_documents_keep_the_answer(bed, name, body):
    server, issuer = bed
    token = issuer.jwt(scope="read")
    answer = insufficient(server.get(f"/{name}", token), "none")
    assert body is None or body in answer.body
    absent(server.get(f"/{name}"), scope="none")
    head = server.get(f"/{name}", token, method="HEAD")
    assert head.status == 403 and head.body == b"" and head.challenge == answer.challenge
    options = server.get(f"/{name}", token, method="OPTIONS")
    assert options.status == 403 and options.challenge == answer.challenge


def test_an_error_document_elsewhere(bed):
    server, issuer = bed
    answer = server.get("/away", issuer.jwt(scope="read"))
    assert answer.status == 302 and answer.get("Location") == "http://127.0.0.1:1/x"


def test_the_log_names_the_first_outcome(bed):
    server, issuer = bed
    access = server.folder / "access"

    def line_of(number):
        """httpd writes it when the answer has gone."""
        until(lambda: len(access.read_text().splitlines()) >= number)
        return access.read_text().splitlines()[number - 1].split()

    server.stop()  # what earlier scenarios asked is written then
    server.start()
    lines = len(access.read_text().splitlines())
    server.get("/script", issuer.jwt(scope="read", client_id="shop"))
    last = line_of(lines + 1)
    assert last[0] == "403" and last[2] == "scope_insufficient" and last[4] == "shop" and len(last[3]) == 8
    server.get("/script")
    assert line_of(lines + 2)[2] == "token_absent"


def test_http_2(httpd, issuer, folder):
    server = httpd("Protocols h2c http/1.1\n" + asking(issuer, folder) + location("/x", "Require oauth2-scope read"),
                   modules=["http2"])

    def ask(*words):
        done = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "-o", "/dev/null", "-D", "-", *words,
                               f"http://127.0.0.1:{server.port}/x"], capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        return lines[0].split()[:2], [line.split(": ", 1)[1] for line in lines if line.startswith("www-authenticate")]

    assert ask() == (["HTTP/2", "401"], [challenge(scope="read")])
    status, challenges = ask("-H", f"Authorization: Bearer {issuer.jwt(scope='x')}")
    assert status[1] == "403" and len(challenges) == 1 and "insufficient_scope" in challenges[0]
    assert ask("-H", f"Authorization: Bearer {issuer.jwt(scope='read')}") == (["HTTP/2", "200"], [])
