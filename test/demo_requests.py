# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What test/demo shows: requests with all kinds of tokens, each as a curl line with the answer it gets. Ends with an
error when an answer is not the right one."""

import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "scenarios"))

import places  # noqa: E402
from httpd import Httpd  # noqa: E402
from scripted import AUDIENCE, Issuer  # noqa: E402
from texts import secret_file  # noqa: E402

CONFIG = """
<OAuth2RSProvider demo>
    OAuth2RSIssuer    {issuer}
    OAuth2RSAudience  {audience}
    OAuth2RSClient    {client} file:{secret}
</OAuth2RSProvider>
<Location "/users">
    AuthType oauth2-rs
    Require oauth2-scope read:users
</Location>
<Location "/payments">
    AuthType oauth2-rs
    Require oauth2-scope read:payments
</Location>
"""


def requests(issuer):
    """(what, path, token, status, what the challenge must hold)"""
    now = int(time.time())
    users = {"scope": "read:users"}
    revoked = issuer.opaque(**users)
    issuer.revoke(revoked)
    good = issuer.jwt(**users)
    yield "no token", "/users", None, 401, 'scope="read:users"'
    yield "a good JWT", "/users", good, 200, None
    yield "the same once more, from the cache", "/users", good, 200, None
    yield "an expired JWT", "/users", issuer.jwt(exp=now - 600, iat=now - 1200, **users), 401, "expired"
    yield "a JWT for another audience", "/users", issuer.jwt(aud="https://other.example.com", **users), 401, "audience"
    yield "a JWT whose signature was changed", "/users", good[:-6] + "AAAAAA", 401, "signature"
    yield "a good opaque token", "/users", issuer.opaque(**users), 200, None
    yield "a revoked opaque token", "/users", revoked, 401, "not active"
    yield "a good JWT without the scope", "/payments", good, 403, 'scope="read:payments"'
    yield "a good JWT with that scope", "/payments", issuer.jwt(scope="read:payments"), 200, None


def show(port, what, path, token):
    line = ["curl", "-si", f"http://127.0.0.1:{port}{path}"]
    printed = " ".join(line)
    if token:
        line[2:2] = ["-H", f"Authorization: Bearer {token}"]
        shown = token if len(token) < 40 else token[:18] + "..." + token[-6:]
        printed = f"curl -si -H 'Authorization: Bearer {shown}' http://127.0.0.1:{port}{path}"
    answer = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    head = answer.replace("\r", "").split("\n\n")[0].splitlines()
    print(f"\n# {what}\n{printed}")
    for text in head:
        if text.startswith("HTTP/") or text.lower().startswith(("www-authenticate", "cache-control", "retry-after")):
            print("    " + text)
    challenge = [text for text in head if text.lower().startswith("www-authenticate")]
    return int(head[0].split()[1]), " ".join(challenge)


def main():
    issuer = Issuer(["ES256"])
    secret = secret_file(places.folder("demo-secret"), issuer.secret + "\n")
    config = CONFIG.format(issuer=issuer.url, audience=AUDIENCE, client=issuer.client, secret=secret)
    server = Httpd("demo", config)
    wrong = []
    server.start()
    try:
        print(f"\nhttpd on http://127.0.0.1:{server.port}, an authorization server on {issuer.url}, and this configuration:")
        print(config)
        count = 0
        for what, path, token, status, word in requests(issuer):
            got, challenge = show(server.port, what, path, token)
            count += 1
            if got != status or (word and word not in challenge) or (not word and challenge):
                wrong.append(f"{what}: {got} {challenge}, not {status} {word or ''}")
        print(f"\n{count - len(wrong)} of {count} answers are right; the issuer was asked for its "
              f"keys {issuer.count('/jwks')} time(s) and about tokens {issuer.count('/introspect')} time(s).")
        if "--keep" in sys.argv[1:]:
            print(f"\nA token to play with, good for five minutes:\n{issuer.jwt(scope='read:users read:payments')}\n")
            input("Enter ends the demo. ")
    finally:
        server.stop()
        issuer.stop()
        places.forget_work()
    if wrong:
        sys.exit("wrong answers:\n" + "\n".join(wrong))


main()
