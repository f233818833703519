# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Redis behind Sentinels: the master is found, and followed when it dies."""

import time

import places
from answers import granted
from launch import Process
from redis_server import RedisServer, program
from test_cache import redis_config, users
from texts import asking


class Farm:
    """A master, a replica and three Sentinels that act fast."""

    def __init__(self):
        self.master = RedisServer().start()
        self.replica = RedisServer(extra=[f"replicaof 127.0.0.1 {self.master.port}"]).start()
        self.sentinels, self.ports = [], []
        for _ in range(3):
            port, folder = places.free_port(), places.folder("sentinel")
            conf = folder / "sentinel.conf"
            conf.write_text(f"port {port}\nbind 127.0.0.1\ndir {folder}\nsentinel monitor main 127.0.0.1 {self.master.port} 2\n"
                            "sentinel down-after-milliseconds main 700\nsentinel failover-timeout main 3000\n")
            self.sentinels.append(Process([program("redis-server"), conf, "--sentinel"], port, folder / "log"))
            self.ports.append(port)

    @property
    def url(self):
        return "redis+sentinel://" + ",".join(f"127.0.0.1:{port}" for port in self.ports) + "/main"

    def wait_for_replica(self):
        end = time.monotonic() + 15
        while "state=online" not in self.master.cli("info", "replication"):
            assert time.monotonic() < end
            time.sleep(0.1)

    def stop(self):
        for process in self.sentinels:
            process.stop()
        self.replica.stop()
        self.master.stop()


def test_the_master_is_found_and_followed(httpd, issuer, folder):
    farm = Farm()
    try:
        farm.wait_for_replica()
        server = httpd(redis_config(farm, folder) + asking(issuer, folder) + users())
        granted(server.get("/users", issuer.opaque()))
        assert farm.master.wait_for_verdicts()
        time.sleep(2.5)  # the Sentinels must have heard of the replica
        farm.master.kill()
        end = time.monotonic() + 30
        before = len(farm.replica.keys())
        while len(farm.replica.keys()) <= before:
            granted(server.get("/users", issuer.opaque()))
            assert time.monotonic() < end, "the new master is not used: " + server.log.text()[-1500:]
            time.sleep(0.2)
        server.allows("RS0410", "RS0413")
    finally:
        farm.stop()
