# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The README's lines on an installed system: the issuer there is replaced by one that runs here, nothing else."""

import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, "/tmp/try/scenarios")
from scripted import Issuer  # noqa: E402

README = pathlib.Path("/tmp/try/README.md").read_text()
LOG = pathlib.Path("/var/log/apache2/error.log")
SITE = pathlib.Path("/etc/apache2/conf-enabled/protected.conf")


def readme_lines():
    """The block of the README that defines a provider and protects a Location."""
    for block in re.findall(r"```\w*\n(.*?)```", README, re.S) + re.findall(r"((?:^    .*\n|^\n)+)", README, re.M):
        if "<OAuth2RSProvider" in block and "<Location" in block:
            return block
    raise SystemExit("README.md shows no provider with a protected Location")


def ask(path, token=None):
    call = urllib.request.Request(f"http://127.0.0.1{path}")
    if token:
        call.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(call, timeout=10) as answer:
            return answer.status, answer.headers.get("WWW-Authenticate", "")
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("WWW-Authenticate", "")


def expect(what, got, status, word=""):
    if got[0] != status or word not in got[1]:
        raise SystemExit(f"{what}: {got}, not {status} {word}")
    print(f"  {what}: {got[0]} {got[1]}")


def main():
    issuer = Issuer(["ES256"])
    block = readme_lines()
    audience = re.search(r"OAuth2RSAudience\s+(\S+)", block).group(1)
    path = re.search(r'<Location "?([^">]+)', block).group(1)
    scope = re.search(r"Require oauth2-scope\s+(.+)", block).group(1).strip()
    SITE.write_text(re.sub(r"(OAuth2RSIssuer\s+)\S+", r"\g<1>" + issuer.url, block))
    target = pathlib.Path("/var/www/html" + path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("protected\n")
    done = subprocess.run(["apache2ctl", "start"], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"httpd does not start: {done.stdout}{done.stderr}\n{LOG.read_text() if LOG.exists() else ''}")
    try:
        for _ in range(100):
            try:
                ask("/")
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise SystemExit(f"httpd does not listen: {done.stdout}{done.stderr}\n{LOG.read_text() if LOG.exists() else ''}")
        expect("no token", ask(path), 401, "Bearer realm=")
        expect("a good token", ask(path, issuer.jwt(aud=audience, scope=scope)), 200)
        expect("another scope", ask(path, issuer.jwt(aud=audience, scope="other")), 403, "insufficient_scope")
        expect("another audience", ask(path, issuer.jwt(aud="other", scope=scope)), 401, "invalid_token")
    finally:
        subprocess.run(["apache2ctl", "stop"], capture_output=True)
        SITE.unlink()
    log = LOG.read_text()
    bad = [line for line in log.splitlines() if "oauth2_rs" in line and re.search(r":(warn|error|crit|emerg)\]", line)]
    if bad:
        raise SystemExit("the error log holds:\n" + "\n".join(bad))


main()
