# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Load while Redis is killed, stopped and started again: nobody gets a 5xx, nobody waits beyond the bounds. Ends with an error
when somebody does."""

import sys
import time

import load  # noqa: I001
import places
from httpd import Httpd
from redis_server import RedisServer
from scripted import Issuer
from texts import asking, location, secret_file

SECONDS = 12
# Connect and command of Redis twice (looking and storing), and a call to the issuer of this script under load.
BOUND_MS = 2 * (200 + 100) + 2000


def run(what, events, tokens_per_run=400):
    """events: [(second, function of the Redis)]"""
    issuer, redis = Issuer(["ES256"]), RedisServer().start()
    folder = places.folder("chaos")
    secret = secret_file(folder, "a secret of the cache of at least 32 bytes", name="cache")
    config = (f"LogLevel oauth2_rs:warn\nKeepAlive On\nMaxKeepAliveRequests 0\nOAuth2RSCache {redis.url}\n"
              f"OAuth2RSCacheSecret file:{secret}\nOAuth2RSLocalCache 10000 1s\n")
    config += asking(issuer, folder, "OAuth2RSIntrospectionTTL 3s") + location("/users", "Require oauth2-scope read")
    server = Httpd("chaos", config, threads=32).start()
    tokens = [issuer.opaque() for _ in range(tokens_per_run)]
    running = load.Load(server, "/users", tokens, SECONDS, connections=16)
    begun = time.monotonic()
    for second, event in events:
        time.sleep(max(0, begun + second - time.monotonic()))
        event(redis)
    numbers = running.finish()
    calls = issuer.count()
    server.stop()
    redis.stop()
    issuer.stop()
    fine = not numbers["bad"] and not numbers["errors"] and numbers["max_ms"] <= BOUND_MS
    print(f"{what:34} {numbers['rate']:8.0f} {numbers['bad']:6} {numbers['p99_ms']:7.1f} {numbers['max_ms']:8.1f} "
          f"{calls / SECONDS:8.1f}  {'' if fine else 'WRONG ' + numbers['errors']}")
    return fine


def main():
    print(f"{'':34} {'req/s':>8} {'bad':>6} {'p99 ms':>7} {'max ms':>8} {'calls/s':>8}")
    fine = [
        run("Redis well", []),
        run("Redis killed and started again", [(3, RedisServer.kill), (7, RedisServer.start)]),
        run("Redis stopped (SIGSTOP) for 4 s", [(3, RedisServer.freeze), (7, RedisServer.resume)]),
        run("Redis killed every second", [(s, RedisServer.kill if s % 2 else RedisServer.start) for s in range(3, 9)]),
    ]
    places.forget_work()
    if not all(fine):
        sys.exit("some requests failed or took too long")


main()
