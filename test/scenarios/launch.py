# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Starting and stopping the authorization servers that others wrote."""

import os
import signal
import socket
import subprocess

from waiting import PATIENCE, until


class Process:
    """A server process with its output in a file; ready when its port accepts."""

    def __init__(self, command, port, log, environment=None, cwd=None):
        self.log, self.port = log, port
        self.output = open(log, "ab")
        self.process = subprocess.Popen([str(word) for word in command], stdout=self.output, stderr=self.output,
                                        stdin=subprocess.DEVNULL, cwd=cwd, start_new_session=True,
                                        env={**os.environ, **(environment or {})})
        try:
            until(self._listens, lambda: f"{command[0]} does not listen:\n{self.log.read_text()[-3000:]}")
        except Exception:
            self.stop()
            raise

    def _listens(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.process.args[0]} ended at once:\n{self.log.read_text()[-3000:]}")
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.output.close()


def post_form(url, form, auth=None, cafile=None):
    """POST a form, read JSON: what an application does to get a token."""
    import base64
    import json
    import ssl
    import urllib.parse
    import urllib.request
    call = urllib.request.Request(url, urllib.parse.urlencode(form).encode())
    if auth:
        call.add_header("Authorization", "Basic " + base64.b64encode(":".join(auth).encode()).decode())
    context = ssl.create_default_context(cafile=str(cafile)) if cafile else None
    with urllib.request.urlopen(call, context=context, timeout=PATIENCE) as answer:
        text = answer.read()
    return json.loads(text) if text else None
