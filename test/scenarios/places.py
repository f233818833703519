# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Where things are on this machine: the module under test, httpd and its modules, free loopback ports, work folders.

Variables of the environment that choose: RS_MODULE (the .so), RS_HTTPD (the server program), RS_TOOL (empty, asan or
valgrind), RS_WORK (parent of all work folders), RS_OIDC (a folder with oidc-provider installed)."""

import glob
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOL = os.environ.get("RS_TOOL", "")


def module():
    """The module under test: RS_MODULE, or the newest one of the build folders in the tree."""
    if os.environ.get("RS_MODULE"):
        return os.environ["RS_MODULE"]
    built = glob.glob(str(ROOT / "build*" / ".libs" / "mod_oauth2_rs.so"))
    built += glob.glob(str(ROOT / ".libs" / "mod_oauth2_rs.so"))
    return max(built, key=os.path.getmtime) if built else None


def httpd():
    named = os.environ.get("RS_HTTPD")
    for name in [named] if named else ["apache2", "httpd"]:
        found = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/apache2/bin")
        if found:
            return found
    raise RuntimeError("no httpd found: install apache2 (Debian, Ubuntu) or httpd (Fedora, RHEL)")


def httpd_modules():
    for folder in ["/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules",
                   "/usr/local/apache2/modules"]:
        if os.path.isdir(folder):
            return folder
    raise RuntimeError("no folder of httpd modules found")


def built_in():
    """Names of the modules that this httpd has inside ("mod_unixd", ...)."""
    text = subprocess.run([httpd(), "-l"], capture_output=True, text=True, check=True).stdout
    return {line.strip()[:-2] for line in text.splitlines() if line.strip().endswith(".c")}


def libasan():
    path = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    return path.stdout.strip()


def _first_port():
    # Below the kernel's own ephemeral range, one span for each parallel worker of pytest; different from run to run,
    # so that two runs on one machine seldom meet.
    worker = int("".join(c for c in os.environ.get("PYTEST_XDIST_WORKER", "0") if c.isdigit()) or 0)
    return 10240 + (worker * 2700 + os.getpid() * 13 % 2000) % 21600


_next_port = _first_port()


def free_port():
    global _next_port
    while True:
        port = _next_port
        _next_port = port + 1 if port < 32000 else 10240
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


_work = None


def work():
    """The parent of all work folders of this run: open to the user that httpd's children run as."""
    global _work
    if _work is None:
        if os.environ.get("RS_WORK"):
            os.makedirs(os.environ["RS_WORK"], mode=0o755, exist_ok=True)
        _work = pathlib.Path(tempfile.mkdtemp(prefix="rs-", dir=os.environ.get("RS_WORK")))
        _work.chmod(0o755)
    return _work


def folder(name):
    """A new work folder."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="".join(c if c.isalnum() else "-" for c in name)[:40] + "-", dir=work()))
    made.chmod(0o755)
    return made


def forget_work(keep=False):
    if _work is not None and not keep:
        shutil.rmtree(_work, ignore_errors=True)
