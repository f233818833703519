# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The same file over the same httpd: bare, with the module loaded, and protected."""

import load  # noqa: I001  (puts the scenarios on the path)
import places
from httpd import Httpd
from scripted import Issuer
from texts import asking, location

ROUNDS, SECONDS = 3, 3


def main():
    issuer = Issuer(["ES256", "RS256"])
    folder = places.folder("bench")
    quiet = "LogLevel oauth2_rs:warn\nKeepAlive On\nMaxKeepAliveRequests 0\n"
    config = quiet + asking(issuer, folder) + location("/users", "Require oauth2-scope read")
    bare = Httpd("bare", "KeepAlive On\nMaxKeepAliveRequests 0\n", module="", threads=64).start()
    ours = Httpd("ours", config, threads=64).start()
    jwt, opaque = issuer.jwt(exp=2 ** 31), issuer.opaque()
    many = [issuer.jwt(exp=2 ** 31) for _ in range(500)]
    rows = [("bare httpd", bare, "/users", []), ("module loaded, not protected", ours, "/free", []),
            ("one JWT, cached", ours, "/users", [jwt]), ("500 JWTs, cached", ours, "/users", many),
            ("one opaque token, cached", ours, "/users", [opaque]), ("no token (401)", ours, "/users", [])]
    best = {}
    for _ in range(ROUNDS):
        for what, server, path, tokens in rows:
            numbers = load.Load(server, path, tokens, SECONDS).finish()
            if what not in best or numbers["rate"] > best[what]["rate"]:
                best[what] = numbers
    base = best["bare httpd"]
    print(f"{'best of ' + str(ROUNDS):32} {'req/s':>9} {'ratio':>7} {'CPU/req':>9} {'p99':>8}")
    for what, *_ in rows:
        numbers = best[what]
        print(f"{what:32} {numbers['rate']:9.0f} {numbers['rate'] / base['rate']:7.2f} {numbers['cpu_us']:6.1f} us "
              f"{numbers['p99_ms']:5.1f} ms")
    print(f"the issuer was asked {issuer.count()} time(s) about tokens, {issuer.count('/jwks')} time(s) for keys")
    for server in (bare, ours):
        server.stop()
    issuer.stop()
    places.forget_work()


main()
