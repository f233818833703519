# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What clients can provoke is told once a minute, with the place: nobody fills the log."""

import pytest

from answers import plain
from texts import location, provider

TIMES = 7
FAILING = "\"file('/nowhere') == 'x'\""

PROVOKED = {
    # id: (configuration beside a provider, path, headers)
    "RS0635": (lambda i: provider(i) + location("/x", "Require valid-user"), [("Via", "1.1 proxy")]),
    "RS0631": (lambda i: provider(i) + provider(i, name="second") + location("/", "Require valid-user")
               + '<Location "/named">\nOAuth2RSUse acme\n</Location>\n', []),
    "RS0653": (lambda i: provider(i) + '<Location "/x">\n<RequireAll>\nRequire all granted\nRequire not oauth2-scope evil\n'
               "</RequireAll>\n</Location>\n", []),
    "RS0642": (lambda i: provider(i) + location("/x", f"Require oauth2-expr {FAILING}"), []),
    "RS0641": (lambda i: provider(i) + location("/x", "Require oauth2-scope \"%{file:/nowhere}\""), []),
}


@pytest.mark.parametrize("identity", PROVOKED)
def test_one_line_for_many_requests(httpd, issuer, identity):
    make, headers = PROVOKED[identity]
    server = httpd(make(issuer), processes=2, threads=4)
    for _ in range(TIMES):
        answer = server.get("/x/path", issuer.jwt(), headers=headers)
        assert answer.status in (403, 500), answer
    lines = [line for line in server.log.text().splitlines() if f"{identity}: " in line]
    assert len(lines) == 1, lines
    assert "host localhost" in lines[0] and "path /x/path" in lines[0] and "since the last line" in lines[0], lines
    server.expects(identity)
    server.allows("Evaluation of expression")  # httpd's own


def test_a_path_with_control_bytes(httpd, issuer):
    server = httpd(provider(issuer) + location("/x", "Require valid-user"))
    plain(server.get("/x/a%0aRS9999%1b[31m", issuer.jwt(), headers=[("Via", "1.1 proxy")]))
    line, = [line for line in server.log.text().splitlines() if "RS0635" in line]
    assert "RS9999" in line and "\x1b" not in line
    server.expects("RS0635")
