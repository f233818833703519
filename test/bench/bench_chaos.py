# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Load while Redis is killed, stopped, filled and started again, and while the issuer hangs, resets and lies: a table of what the
clients saw. Ends with an error when Redis trouble gives anybody a 5xx, when the issuer's gives anything but 503, when a bad token is
let in, when somebody waits beyond the bounds, or when it does not work again soon after the trouble. RS_CHAOS_SECONDS: of each row, 12 unless set."""

import os
import re
import sys
import threading
import time

import load  # noqa: I001
import faults
import places
from httpd import Httpd
from redis_server import RedisServer
from scripted import Issuer
from texts import asking, location, secret_file

SECONDS = int(os.environ.get("RS_CHAOS_SECONDS", 12))
CONNECTIONS = 64
# Connect and command of Redis three times (looking, claiming, storing), and a call to the issuer of this script under load.
HEALED_MAX_S = 20  # the breaker's ten, the issuer's two, and a busy machine
BOUND_MS = 3 * (200 + 100) + 2000


class Prober(threading.Thread):
    """Bad tokens beside the load: nobody may ever let one in."""

    def __init__(self, server, issuer):
        super().__init__(daemon=True)
        self.server, self.over, self.asked, self.wrong = server, threading.Event(), 0, 0
        self.tokens = [issuer.jwt(exp=1), issuer.jwt(aud="other"), issuer.opaque(reply={"active": False}), issuer.opaque(scope="x"),
                       issuer.jwt()[:-4] + "AAAA"]

    def run(self):
        while not self.over.wait(0.1):
            token = self.tokens[self.asked % len(self.tokens)]
            try:
                self.wrong += self.server.get("/users", token).status == 200
            except OSError:
                pass  # a full listen queue; the load counts such things
            self.asked += 1


class Healing(threading.Thread):
    """How long after the issuer is well again until a token that nobody has seen is accepted."""

    def __init__(self, server, issuer):
        super().__init__(daemon=True)
        self.server, self.issuer, self.begun, self.seconds = server, issuer, time.monotonic(), None
        self.start()

    def run(self):
        while time.monotonic() - self.begun < HEALED_MAX_S:
            try:
                if self.server.get("/users", self.issuer.opaque()).status == 200:
                    self.seconds = time.monotonic() - self.begun
                    return
            except OSError:
                pass
            time.sleep(0.05)


def recovery(server):
    """Seconds between the first line that Redis is given up and the last that it answers again, in one process."""
    times = {"RS0410": [], "RS0411": []}
    for line in server.log.text().splitlines():
        for name, found in times.items():
            if name in line:
                clock = re.search(r"(\d\d):(\d\d):([\d.]+)", line)
                found.append(int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3]))
    return times


def run(what, events=(), tokens=400, issuer_trouble=False, delay=0.0, lines=()):
    """events: (share of the time, function of redis and issuer)"""
    issuer, redis = Issuer(["ES256"]), RedisServer().start()
    folder = places.folder("chaos")
    secret = secret_file(folder, "a secret of the cache of at least 32 bytes", name="cache")
    config = (f"LogLevel oauth2_rs:notice\nKeepAlive On\nMaxKeepAliveRequests 0\nOAuth2RSCache {redis.url}\n"
              f"OAuth2RSCacheSecret file:{secret}\nOAuth2RSLocalCache 10000 1s\nOAuth2RSFailureLimit off\n")
    config += asking(issuer, folder, "OAuth2RSIntrospectionTTL 3s", "OAuth2RSTimeout 1s 2s", *lines)
    config += location("/users", "Require oauth2-scope read")
    server = Httpd("chaos", config, threads=96).start()
    if delay:
        issuer.fault("/introspect", faults.delay(delay))
    prober = Prober(server, issuer)
    running = load.Load(server, "/users", [issuer.opaque() for _ in range(tokens)], SECONDS, connections=CONNECTIONS, statuses=True)
    prober.start()
    begun, healing = time.monotonic(), None
    for share, event in events:
        time.sleep(max(0, begun + share * SECONDS - time.monotonic()))
        event(redis, issuer)
        last = time.time()
        if event is issuer_well:
            healing = Healing(server, issuer)
    numbers = running.finish()
    prober.over.set()
    prober.join()
    again = recovery(server)["RS0411"]
    back = ""
    if events and again:
        clock = time.localtime(last)
        back = f"{again[-1] - (clock.tm_hour * 3600 + clock.tm_min * 60 + clock.tm_sec + last % 1):.2f}"
    calls = issuer.count()
    if healing:
        healing.join()
        back = f"{healing.seconds:.2f}" if healing.seconds is not None else "never"
    server.stop()
    redis.stop()
    issuer.stop()
    known = {200, 503} if issuer_trouble else {200}
    fine = back != "never" and set(numbers["statuses"]) <= known and not numbers["errors"] and numbers["max_ms"] <= BOUND_MS and not prober.wrong
    statuses = " ".join(f"{status}:{count}" for status, count in sorted(numbers["statuses"].items()))
    print(f"{what:38} {numbers['rate']:8.0f} {statuses:23} {prober.asked:4}/{prober.wrong} {numbers['p99_ms']:8.1f} "
          f"{numbers['max_ms']:8.1f} {calls / SECONDS:8.1f} {back:>7}  {'' if fine else 'WRONG ' + numbers['errors']}", flush=True)
    return fine


def kill(redis, _):
    redis.kill()


def start(redis, _):
    redis.start()


def full(redis, _):
    redis.cli("config", "set", "maxmemory", "1")


def room(redis, _):
    redis.cli("config", "set", "maxmemory", "0")


def issuer_does(make):
    return lambda _, issuer: issuer.fault("/introspect", make())


def issuer_well(_, issuer):
    issuer.mend("/introspect")


def main():
    print(f"{'c=64':38} {'req/s':>8} {'statuses':23} {'bad/in':>6} {'p99 ms':>8} {'max ms':>8} {'calls/s':>8} {'back s':>7}")
    fine = [
        run("all well"),
        run("Redis killed and started again", [(0.25, kill), (0.6, start)]),
        run("Redis stopped (SIGSTOP)", [(0.25, lambda r, _: r.freeze()), (0.6, lambda r, _: r.resume())]),
        run("Redis killed every second", [(s / 12, kill if s % 2 else start) for s in range(3, 9)]),
        run("Redis full", [(0.25, full), (0.6, room)]),
        run("5,000 tokens, 20 ms issuer, Redis dies", [(0.4, kill), (0.8, start)], tokens=5000, delay=0.02),
        run("issuer hangs", [(0.25, issuer_does(faults.hang)), (0.6, issuer_well)], issuer_trouble=True),
        run("issuer resets", [(0.25, issuer_does(faults.reset)), (0.6, issuer_well)], issuer_trouble=True),
        run("issuer lies", [(0.25, issuer_does(faults.garbage)), (0.6, issuer_well)], issuer_trouble=True),
        run("issuer hangs, stale allowed", [(0.25, issuer_does(faults.hang)), (0.6, issuer_well)],
            lines=["OAuth2RSStaleIfError 1h"]),
    ]
    places.forget_work()
    if not all(fine):
        sys.exit("some requests failed or took too long")


main()
