# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The worked example of the manual, as it stands there: its configuration and its table."""

import re

import pytest

import places
from scripted import AUDIENCE
from texts import secret_file

TEXT = (places.ROOT / "doc" / "example.md").read_text()
ROWS = re.findall(r"^\| ([A-Z]+) (\S+) \| ([^|]+) \| (\d+) \|$", TEXT, re.M)


@pytest.fixture(scope="module")
def bed(module_yard):
    issuer = module_yard.issuer()
    secret = secret_file(places.folder("example"), issuer.secret)
    config = re.search(r"```apache\n(.*?)```", TEXT, re.S).group(1)
    config = config.replace("https://login.example.com/realms/acme", issuer.url).replace("/etc/apache2/acme.secret", str(secret))
    config = config.replace("OAuth2RSClient    api ", f"OAuth2RSClient    {issuer.client} ")
    assert AUDIENCE in config
    return module_yard.httpd("example", config), issuer


def test_the_table_has_rows():
    assert len(ROWS) > 10


@pytest.mark.parametrize("kind", ["jwt", "opaque"])
@pytest.mark.parametrize("method, path, words, status", ROWS, ids=[" ".join(row).replace("/", "-") for row in ROWS])
def test_each_row(bed, method, path, words, status, kind):
    server, issuer = bed
    token, words = None, words.strip()
    if words != "-":
        claims = {"scope": "other" if words == "none" else " ".join(w for w in words.split() if "=" not in w)}
        claims.update({"client_id": w.split("=")[1] for w in words.split() if "=" in w})
        token = getattr(issuer, kind)(**claims)
    answer = server.get(path, token, method=method, body=b"" if method == "POST" else None)
    assert answer.status == int(status), answer
