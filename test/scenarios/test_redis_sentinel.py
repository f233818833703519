# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Redis behind Sentinels: the master is found, and followed when it dies. The users have the rules of doc/redis.md."""

import subprocess

import places
from answers import granted
from launch import Process
from redis_server import ACL_START, AS_ROOT, BEHIND_SENTINELS, DATA, PASSWORD, SENTINELS, USER, RedisServer, manual_rules, program
from test_cache import credentials, redis_config, users
from texts import asking, secret_file
from waiting import PATIENCE, until


SENTINEL_CONF = """port {port}
bind 127.0.0.1
dir {folder}
{users}
sentinel sentinel-user root
sentinel sentinel-pass {password}
sentinel monitor main 127.0.0.1 {master} 2
sentinel auth-user main root
sentinel auth-pass main {password}
sentinel down-after-milliseconds main 700
sentinel failover-timeout main 3000
"""


def data_server(*extra):
    return RedisServer("acl", rules=[DATA, BEHIND_SENTINELS], extra=["masteruser root", f"masterauth {PASSWORD}", *extra]).start()


class Farm:
    """A master, a replica and three Sentinels that act fast."""

    def __init__(self):
        self.master = data_server()
        self.replica = data_server(f"replicaof 127.0.0.1 {self.master.port}")
        self.sentinels, self.ports = [], []
        for _ in range(3):
            port, folder = places.free_port(), places.folder("sentinel")
            conf = folder / "sentinel.conf"
            conf.write_text(SENTINEL_CONF.format(port=port, folder=folder, users="\n".join(ACL_START), password=PASSWORD,
                                                 master=self.master.port))
            self.sentinels.append(Process([program("redis-server"), conf, "--sentinel"], port, folder / "log"))
            self.ports.append(port)
            for words in manual_rules(SENTINELS):
                assert self.ask(port, *words) == "OK"

    def ask(self, port, *words):
        """One of the Sentinels."""
        done = subprocess.run([program("redis-cli"), "--raw", "-p", str(port), *AS_ROOT, *words], capture_output=True, text=True, timeout=PATIENCE)
        return done.stdout.strip()

    def forbidden(self):
        return "".join(self.ask(port, "acl", "log") for port in self.ports) + self.master_forbade + self.replica.forbidden()

    @property
    def url(self):
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{port}" for port in self.ports) + "/main"

    def wait_for_replica(self):
        until(lambda: "state=online" in self.master.cli("info", "replication"), pause=0.1)

    def wait_for_sentinels(self):
        """Each must know the replica, or it has nobody to promote, and the others, or there is no majority."""
        until(lambda: all(self.ask(port, "sentinel", "replicas", "main").count("master-link-status\nok") == 1
                          and self.ask(port, "sentinel", "sentinels", "main").count("\nrunid") == 2 for port in self.ports),
              lambda: self.ask(self.ports[0], "sentinel", "replicas", "main"), 0.1)

    def kill_master(self):
        self.master_forbade = self.master.forbidden()
        self.master.kill()

    def stop(self):
        for process in self.sentinels:
            process.stop()
        self.replica.stop()
        self.master.stop()


def test_the_master_is_found_and_followed(httpd, issuer, folder):
    farm = Farm()
    try:
        farm.wait_for_replica()
        farm.wait_for_sentinels()
        sentinel = f"OAuth2RSSentinelCredentials {USER} file:{secret_file(folder, PASSWORD, name='sentinel-password')}"
        server = httpd(redis_config(farm, folder, credentials(folder), sentinel) + asking(issuer, folder) + users())
        granted(server.get("/users", issuer.opaque()))
        assert farm.master.wait_for_verdicts()
        farm.kill_master()
        before = len(farm.replica.keys())

        def is_used():
            granted(server.get("/users", issuer.opaque()))
            return len(farm.replica.keys()) > before
        until(is_used, lambda: "the new master is not used: " + server.log.text()[-1500:], 0.2)
        assert not farm.forbidden()
        server.allows("RS0410", "RS0413")
    finally:
        farm.stop()
