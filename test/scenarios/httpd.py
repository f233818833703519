# Licensed under the Apache License, Version 2.0; see LICENSE.
"""class Httpd: one real httpd with a configuration of its own on loopback ports.

What every configuration holds: any path answers with the file ok.txt ("ok"); paths below /env/ and /ENV/ run a CGI
script that answers with its environment, NUL-separated; paths below /echo/ one that answers with the body. The rest is the scenario's text."""

import glob
import os
import pathlib
import pwd
import signal
import socket
import subprocess

import client
import places
from errorlog import ErrorLog
from waiting import PATIENCE, until

MODULES = ["authn_core", "authz_core", "authz_user", "authz_host", "alias", "dir", "env", "setenvif", "headers",
           "cgi", "socache_shmcb", "unixd", "log_config"]


# Debian and Fedora agree on nothing here, so both are asked.
USERS = ("www-data", "apache", "daemon")

# What every MPM says when it is ready, at any LogLevel.
RUNNING = "resuming normal operations"

# httpd's own: its children end without clearing the pool of the configuration, where its regular expressions are.
LSAN_SUPPRESSIONS = "leak:apr_allocator_create\nleak:libpcre\nleak:pcre2_compile\n"


def server_user():
    """Whom httpd's children run as."""
    for name in USERS:
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return "nobody"


def _mpm_text(mpm, processes, threads):
    if mpm == "prefork":
        return (f"StartServers {processes}\nMinSpareServers 1\nMaxSpareServers {max(processes, 2)}\n"
                f"ServerLimit {processes}\nMaxRequestWorkers {processes}\n")
    return (f"StartServers {processes}\nServerLimit {processes}\nThreadLimit {threads}\nThreadsPerChild {threads}\n"
            f"MinSpareThreads 1\nMaxSpareThreads {processes * threads}\nMaxRequestWorkers {processes * threads}\n")
LSAN_OF_MOD_SSL = "leak:libssl\nleak:libcrypto\n"


class Httpd:
    def __init__(self, name, config="", mpm="event", processes=1, threads=16, modules=(), module=None, tls=None,
                 listen=(), environment=None, tool=None, log_level="oauth2_rs:trace4"):
        """config: the scenario's part of httpd.conf. module: the .so; "" for none. tls: a folder with server.crt and
        server.key, served at tls_port by a virtual host that inherits everything. listen: extra ports."""
        self.folder = places.folder(name)
        self.port = places.free_port()
        self.tls_port = places.free_port() if tls else None
        self.mpm, self.processes, self.threads = mpm, processes, threads
        self.tls, self.listen, self.log_level = tls, list(listen), log_level
        self.modules = MODULES + [m for m in modules if m not in MODULES] + (["ssl"] if tls else [])
        self.module = places.module() if module is None else module
        self.tool = places.TOOL if tool is None else tool
        self.environment = environment or {}
        self.process = None
        self.conf = self.folder / "httpd.conf"
        self.log = ErrorLog(self.folder / "error_log")
        self.expects, self.allows = self.log.expects, self.log.allows
        self._make_site()
        self.configure(config)

    # --- the configuration

    def _make_site(self):
        site = self.folder / "htdocs"
        site.mkdir()
        (site / "ok.txt").write_text("ok\n")
        scripts = self.folder / "cgi-bin"
        scripts.mkdir()
        script = scripts / "env"
        script.write_text("#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\nexec env -0\n")
        script.chmod(0o755)
        echo = scripts / "echo"
        # httpd writes all of the body before it reads: the answer waits for its end.
        echo.write_text("#!/bin/sh\nbody=$(mktemp)\ncat > \"$body\"\n"
                        "printf 'Content-Type: application/octet-stream\\r\\n\\r\\n'\ncat \"$body\"\nrm \"$body\"\n")
        echo.chmod(0o755)
        for name in ("tool", "run"):
            (self.folder / name).mkdir()
            (self.folder / name).chmod(0o777)
        (self.folder / "lsan.supp").write_text(LSAN_SUPPRESSIONS + (LSAN_OF_MOD_SSL if self.tls else ""))

    def _head(self):
        lines = [f'ServerRoot "{self.folder}"', "ServerName localhost", f"Listen 127.0.0.1:{self.port}",
                 *[f"Listen {address}" for address in self.listen],
                 f'PidFile "{self.folder}/run/pid"', f'DefaultRuntimeDir "{self.folder}/run"',
                 f'ErrorLog "{self.log.path}"', f"LogLevel warn authz_core:crit {self.log_level}" if self.module
                 else "LogLevel warn", "Timeout 30", "KeepAliveTimeout 2", f"GracefulShutdownTimeout {PATIENCE // 2}"]
        folder, inside = places.httpd_modules(), places.built_in()
        for name in [f"mpm_{self.mpm}"] + self.modules:
            if "mod_" + name not in inside:
                lines.append(f"LoadModule {name}_module {folder}/mod_{name}.so")
        if self.module:
            lines.append(f"LoadModule oauth2_rs_module {self.module}")
        if os.geteuid() == 0:
            lines += [f"User {server_user()}", f"Group {server_user() if server_user() != 'nobody' else 'nogroup'}"]
        lines.append(_mpm_text(self.mpm, self.processes, self.threads))
        lines += [f'ScriptAliasMatch "^/(?:env|ENV)/" "{self.folder}/cgi-bin/env"',
                  f'ScriptAliasMatch "^/echo/" "{self.folder}/cgi-bin/echo"',
                  f'AliasMatch "^/(?!env/|ENV/|echo/|files/)" "{self.folder}/htdocs/ok.txt"',
                  f'Alias "/files/" "{self.folder}/htdocs/"',
                  f'<Directory "{self.folder}">', "    Require all granted", "</Directory>"]
        if self.tls:
            lines += [f"SSLSessionCache shmcb:{self.folder}/run/tls(65536)", f"Listen 127.0.0.1:{self.tls_port}", f"<VirtualHost 127.0.0.1:{self.tls_port}>",
                      "    SSLEngine on", f'    SSLCertificateFile "{self.tls}/server.crt"',
                      f'    SSLCertificateKeyFile "{self.tls}/server.key"', "</VirtualHost>"]
        return "\n".join(lines) + "\n"

    def configure(self, config):
        """Write httpd.conf; self.line(text) then finds lines of it."""
        self.conf.write_text(self._head() + config.rstrip("\n") + "\n")

    def line(self, text):
        """The number of the first line that holds text."""
        for number, line in enumerate(self.conf.read_text().splitlines(), 1):
            if text in line:
                return number
        raise AssertionError(f"no line with {text!r} in the configuration")

    def configtest(self):
        """(exit code, everything that httpd -t printed)"""
        done = subprocess.run([places.httpd(), "-t", "-f", str(self.conf)], capture_output=True, text=True,
                              errors="replace", env=self._environment(), timeout=PATIENCE)
        return done.returncode, done.stdout + done.stderr

    # --- the process

    def _environment(self):
        environment = {"PATH": os.environ["PATH"], "LANG": "C", **self.environment}
        if self.tool == "asan":
            environment["LD_PRELOAD"] = places.libasan()
            # Without watching dynamic TLS: of a process that was forked, LeakSanitizer reads that wrongly and dies.
            environment["ASAN_OPTIONS"] = f"detect_leaks=1:abort_on_error=0:intercept_tls_get_addr=0:log_path={self.folder}/tool/asan"
            environment["UBSAN_OPTIONS"] = f"print_stacktrace=1:log_path={self.folder}/tool/ubsan"
            environment["LSAN_OPTIONS"] = f"suppressions={self.folder}/lsan.supp:print_suppressions=0"
        return environment

    def _command(self):
        command = [places.httpd(), "-f", str(self.conf)]
        if self.tool == "valgrind":
            return ["valgrind", "-q", "--leak-check=no", f"--log-file={self.folder}/tool/valgrind.%p", *command, "-X"]
        return command + ["-D", "FOREGROUND"]

    def start(self):
        assert self.process is None
        self.log.begins()
        self._resumed = self.log.text().count(RUNNING)
        self._output = open(self.folder / "output", "ab")
        self.process = subprocess.Popen(self._command(), stdout=self._output, stderr=self._output,
                                        stdin=subprocess.DEVNULL, env=self._environment(), start_new_session=True)
        until(self._serves, lambda: "httpd does not listen:\n" + self.output() + self.log.text()[-4000:], 0.02)
        return self

    def _serves(self):
        if self.process.poll() is not None:
            raise AssertionError("httpd did not start:\n" + self.output() + self.log.text()[-4000:])
        # The port listens before post_config has had its say.
        if self.tool != "valgrind" and self.log.text().count(RUNNING) <= self._resumed:
            return False
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def graceful(self):
        """A graceful restart; returns when the new generation serves."""
        resumed = self.log.text().count(RUNNING)
        self.process.send_signal(signal.SIGUSR1)
        # "resuming normal operations" is a notice, which LogLevel warn hides only from modules: core's mpm says it.
        until(lambda: self.log.text().count(RUNNING) > resumed, "no graceful restart")

    def stop(self):
        if self.process is None:
            return
        process, self.process = self.process, None
        self.log.ends()
        # Under a sanitizer the children must leave by themselves, else leaks are not looked for.
        process.send_signal(signal.SIGWINCH if self.tool == "asan" else signal.SIGTERM)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._output.close()
            raise AssertionError(f"httpd did not stop within {PATIENCE} s")
        self._output.close()

    def children(self):
        """Process ids of the children that serve."""
        done = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True)
        return [int(pid) for pid in done.stdout.split()]

    def output(self):
        path = self.folder / "output"
        return path.read_text(errors="replace") if path.exists() else ""

    # --- requests

    def get(self, path, token=None, **more):
        return client.request(self.port, path, token, **more)

    # --- the end of a scenario

    def complaints(self):
        """What speaks against this scenario: unannounced log lines, secrets in the log, reports of the tools."""
        found = self.log.check()
        for report in sorted(glob.glob(str(self.folder / "tool" / "*"))):
            text = pathlib.Path(report).read_text(errors="replace")
            if text.strip():
                found.append(f"{os.path.basename(report)}:\n{text[:6000]}")
        return found
