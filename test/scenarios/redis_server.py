# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A real Redis of a scenario's own on loopback, in the ways that administrators run one."""

import os
import shutil
import signal
import subprocess

import places
from launch import Process
from waiting import PATIENCE, until

PASSWORD, USER = "redis-password-of-the-scenarios", "oauth2rs"
# Nobody comes in without a name; what the scenarios do themselves, they do as root.
ACL_START = ["user default off", f"user root on >{PASSWORD} allkeys allchannels +@all"]
AS_ROOT = ["--user", "root", "--pass", PASSWORD, "--no-auth-warning"]


def program(name):
    found = shutil.which(name)
    if not found:
        raise RuntimeError(f"{name} is missing: install redis-server (Debian, Ubuntu) or redis (Fedora, RHEL)")
    return found


def manual_rules(*titles):
    """The words of the ACL commands that doc/redis.md has under these titles, as it has them."""
    found, title = {}, None
    for line in (places.ROOT / "doc" / "redis.md").read_text().splitlines():
        if line.startswith("    # "):
            title = line[6:]
        elif line.startswith("    ACL SETUSER "):
            found.setdefault(title, []).append(line.split())
    return [[word.replace(">PASSWORD", ">" + PASSWORD) for word in words] for title in titles for words in found[title]]


DATA, BEHIND_SENTINELS, SENTINELS = "every server that keeps the data", "behind Sentinels in addition", "the Sentinels themselves"
CLUSTER, REVOCATION = "in a cluster in addition", "with OAuth2RSRevocation in addition"
PUBLISHING = "where the handler oauth2-rs-revoke publishes in addition"


class RedisServer:
    """kind: plain, unix, tls, mtls, acl (a user with the rules of the manual that have these titles), password."""

    def __init__(self, kind="plain", authority=None, port=None, extra=(), rules=(DATA,)):
        self.kind, self.authority, self.rules = kind, authority, rules
        self.folder = places.folder("redis-" + kind)
        self.port = port or places.free_port()
        self.socket = self.folder / "redis.sock"
        self.extra = list(extra)
        self.process = None

    # --- what a configuration says about it

    @property
    def url(self):
        if self.kind == "unix":
            return f"unix:{self.socket}"
        if self.kind in ("tls", "mtls"):
            return f"rediss://localhost:{self.port}"
        return f"redis://127.0.0.1:{self.port}"

    def _settings(self):
        lines = ["bind 127.0.0.1", f"dir {self.folder}", "save ''", "appendonly no", "daemonize no", "protected-mode no"]
        if self.kind in ("tls", "mtls"):
            lines += ["port 0", f"tls-port {self.port}", f"tls-cert-file {self.authority.folder}/server.crt",
                      f"tls-key-file {self.authority.folder}/server.key", f"tls-ca-cert-file {self.authority.file}",
                      f"tls-auth-clients {'yes' if self.kind == 'mtls' else 'no'}"]
        else:
            lines.append(f"port {self.port}")
        if self.kind == "unix":
            lines += [f"unixsocket {self.socket}", "unixsocketperm 777"]
        if self.kind == "acl":
            lines += ACL_START
        if self.kind == "password":
            lines.append(f"requirepass {PASSWORD}")
        return lines + self.extra

    # --- the process

    def start(self):
        conf = self.folder / "redis.conf"
        conf.write_text("\n".join(self._settings()) + "\n")
        self.folder.chmod(0o777)
        self.process = Process([program("redis-server"), conf], self.port, self.folder / "log")
        if self.kind == "acl":
            for words in manual_rules(*self.rules):
                assert self.cli(*words) == "OK\n"
        return self

    def stop(self):
        if self.process:
            self.resume()
            self.process.stop()
            self.process = None

    def kill(self):
        os.kill(self.process.process.pid, signal.SIGKILL)
        self.process.process.wait()
        self.process.output.close()
        self.process = None

    def freeze(self):
        os.kill(self.process.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.process.pid, signal.SIGCONT)

    # --- what is in it

    def cli(self, *words, text=True):
        command = [program("redis-cli"), "-p", str(self.port)]
        if self.kind in ("tls", "mtls"):
            command += ["--tls", "--insecure"]  # the scenario knows whom it asks
            if self.kind == "mtls":
                command += ["--cert", f"{self.authority.folder}/client.crt", "--key", f"{self.authority.folder}/client.key"]
        if self.kind == "acl":
            command += AS_ROOT
        if self.kind == "password":
            command += ["-a", PASSWORD, "--no-auth-warning"]
        done = subprocess.run(command + [str(word) for word in words], capture_output=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode() if text else done.stdout

    def keys(self):
        return sorted(self.cli("--raw", "keys", "*").split())

    def verdicts(self):
        """The keys of what was judged: those without a letter for their kind."""
        return [key for key in self.keys() if key.count(":") == 1]

    def value(self, key):
        return self.cli("--raw", "get", key, text=False)[:-1]

    def enter(self, lines):
        """Commands without credentials, a line each."""
        done = subprocess.run([program("redis-cli"), "-p", str(self.port)], input="\n".join(lines), capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0 and "ERR" not in done.stdout, done.stdout + done.stderr
        return done.stdout

    def put(self, key, value):
        """Bytes as they are, which the words of a command line cannot be."""
        command = [program("redis-cli"), "-p", str(self.port), "-x", "set", key]
        assert subprocess.run(command, input=value, capture_output=True, timeout=PATIENCE).stdout == b"OK\n"

    def pttl(self, key):
        return int(self.cli("--raw", "pttl", key))

    def commands(self):
        """How often each command was served."""
        stats = {}
        for line in self.cli("--raw", "info", "commandstats").splitlines():
            if line.startswith("cmdstat_"):
                name, rest = line[8:].split(":", 1)
                stats[name] = int(rest.split(",")[0].split("=")[1])
        return stats

    def forbidden(self):
        """What somebody wanted to do and was not allowed to."""
        return self.cli("--raw", "acl", "log").strip()

    def wait_for_verdicts(self, count=1):
        until(lambda: len(self.verdicts()) >= count, self.keys, 0.02)
        return self.verdicts()
