# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Redis Cluster: six servers; slots that move, and a master that dies. The user has the rules of doc/redis.md."""

import subprocess
import time

import pytest

import places
from answers import granted
from launch import Process
from redis_server import ACL_START, AS_ROOT, CLUSTER, DATA, PASSWORD, manual_rules, program
from test_cache import credentials, redis_config, users
from texts import asking
from waiting import PATIENCE, until

MASTERS, ALL = 3, 6


class Cluster:
    def __init__(self):
        self.ports, self.processes = [places.free_port() for _ in range(ALL)], []
        for port in self.ports:
            folder = places.folder("cluster")
            conf = folder / "redis.conf"
            conf.write_text("\n".join([f"port {port}", "bind 127.0.0.1", "save ''", "cluster-enabled yes", "cluster-node-timeout 1000",
                                       f"cluster-port {places.free_port()}", f"dir {folder}", *ACL_START, "masteruser root",
                                       f"masterauth {PASSWORD}"]) + "\n")
            self.processes.append(Process([program("redis-server"), conf], port, folder / "log"))
            for words in manual_rules(DATA, CLUSTER):
                assert self.cli(port, *words) == "OK"
        hosts = [f"127.0.0.1:{port}" for port in self.ports]
        done = subprocess.run([program("redis-cli"), "--cluster", "create", *hosts, "--cluster-replicas", "1", "--cluster-yes",
                               *AS_ROOT],
                              capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr
        self.await_state("ok")

    @property
    def url(self):
        return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in self.ports[:2])

    def cli(self, port, *words):
        done = subprocess.run([program("redis-cli"), "--raw", "-p", str(port), *AS_ROOT, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE)
        return done.stdout.strip()

    def alive(self):
        return [port for port, process in zip(self.ports, self.processes) if process]

    def await_state(self, state):
        until(lambda: all(f"cluster_state:{state}" in self.cli(port, "cluster", "info") for port in self.alive()),
              "the cluster is not " + state, 0.1)

    def masters(self):
        return [port for port in self.alive() if self.cli(port, "role").startswith("master")]

    def forbidden(self):
        return "".join(self.cli(port, "acl", "log") for port in self.alive())

    def id(self, port):
        return self.cli(port, "cluster", "myid")

    def keys(self):
        """{key: port of the master that has it}"""
        return {key: port for port in self.masters() for key in self.cli(port, "keys", "oauth2rs:*").split() if key.count(":") == 1}

    def kill(self, port):
        at = self.ports.index(port)
        self.processes[at].stop()
        self.processes[at] = None

    def stop(self):
        for process in self.processes:
            if process:
                process.stop()


@pytest.fixture(scope="module")
def six():
    made = Cluster()
    yield made
    made.stop()


@pytest.fixture
def cluster(six):
    yield six
    assert not six.forbidden()


def bed(httpd, issuer, folder, cluster):
    """Nothing is remembered locally: each request shows where the value is."""
    return httpd("OAuth2RSLocalCache 0\n" + redis_config(cluster, folder, credentials(folder)) + asking(issuer, folder) + users())


def test_values_are_spread_over_the_masters(httpd, issuer, folder, cluster):
    server = bed(httpd, issuer, folder, cluster)
    tokens = [issuer.opaque() for _ in range(40)]
    for _ in range(2):
        for token in tokens:
            granted(server.get("/users", token))
    assert issuer.count() == len(tokens)
    assert len(set(cluster.keys().values())) == MASTERS
    # Each was asked for at the right place at once.
    assert not any("errorstat_MOVED" in cluster.cli(port, "info", "errorstats") for port in cluster.ports)


def move(cluster, key, source, target, finish):
    slot = cluster.cli(source, "cluster", "keyslot", key)
    cluster.cli(target, "cluster", "setslot", slot, "importing", cluster.id(source))
    cluster.cli(source, "cluster", "setslot", slot, "migrating", cluster.id(target))
    yield
    assert cluster.cli(source, "migrate", "127.0.0.1", target, key, 0, 2000, "auth2", "root", PASSWORD) == "OK"
    yield
    if finish:
        for port in cluster.masters():
            cluster.cli(port, "cluster", "setslot", slot, "node", cluster.id(target))
    yield


def test_a_slot_that_moves(httpd, issuer, folder, cluster):
    server = bed(httpd, issuer, folder, cluster)
    before = set(cluster.keys())
    token = issuer.opaque()
    granted(server.get("/users", token))
    (key,) = set(cluster.keys()) - before
    source = cluster.keys()[key]
    target = next(port for port in cluster.masters() if port != source)
    for _ in move(cluster, key, source, target, finish=True):
        granted(server.get("/users", token))  # on its way: ASK; arrived: MOVED
        granted(server.get("/users", token))
    assert cluster.keys()[key] == target
    assert issuer.count() == 1
    time.sleep(1.1)
    granted(server.get("/users", token))
    assert issuer.count() == 1


def test_a_master_that_dies(httpd, issuer, folder, cluster):
    server = bed(httpd, issuer, folder, cluster)
    tokens = [issuer.opaque() for _ in range(30)]
    for token in tokens:
        granted(server.get("/users", token))
    cluster.kill(cluster.masters()[0])
    for token in tokens:
        granted(server.get("/users", token))
    cluster.await_state("ok")

    def all_masters_are_used():
        for _ in range(10):
            granted(server.get("/users", issuer.opaque()))
        calls = issuer.count()
        fresh = [issuer.opaque() for _ in range(15)]
        for token in fresh + fresh:
            granted(server.get("/users", token))
        return issuer.count() == calls + len(fresh)
    until(all_masters_are_used, "the new master is not used", 0.5)
    server.allows("RS0410", "RS0413")
