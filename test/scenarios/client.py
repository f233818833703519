# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The client: requests whose every header byte is ours, and answers read as they came."""

import http.client
import json
import socket
import subprocess
import threading
import time

from waiting import PATIENCE


class Response:
    def __init__(self, status, headers, body, seconds=0.0):
        self.status, self.headers, self.body, self.seconds = status, headers, body, seconds

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        """The one header of this name, or None; two are an error of the server."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def challenge(self):
        return self.get("WWW-Authenticate")

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def environment(self):
        """What the script /env saw (see httpd.py)."""
        assert self.status == 200, self
        pairs = self.body.decode("utf-8", "surrogateescape").split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)

    def __repr__(self):
        lines = [f"{self.status} ({self.seconds:.3f} s)"] + [f"  {k}: {v}" for k, v in self.headers]
        return "\n".join(lines + ["  " + self.text[:300]])


def bearer(token):
    return [("Authorization", "Bearer " + token)]


def request(port, path, token=None, headers=(), method="GET", body=None, host="127.0.0.1", tls=None, timeout=PATIENCE, source=None):
    """One request on one new connection. headers: pairs, sent in this order as latin-1; tls: an SSLContext; source: the address
    that the server sees."""
    if tls:
        connection = http.client.HTTPSConnection("localhost", port, timeout=timeout, context=tls)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout, source_address=(source, 0) if source else None)
    started = time.monotonic()
    try:
        connection.putrequest(method, path)
        for name, value in (bearer(token) if token is not None else []) + list(headers):
            connection.putheader(name, value)
        connection.putheader("Connection", "close")
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        return Response(answer.status, answer.getheaders(), content, time.monotonic() - started)
    finally:
        connection.close()


def raw(port, data, timeout=PATIENCE):
    """Send these bytes, read to the end of the connection."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server has answered and closed before it read everything
        reply = b""
        try:
            while True:
                part = connection.recv(65536)
                if not part:
                    break
                reply += part
        except ConnectionResetError:
            pass
    head, _, body = reply.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    headers = [tuple(line.split(": ", 1)) for line in lines[1:] if ": " in line]
    return Response(status, headers, body, time.monotonic() - started)


def curl(*words):
    """curl's own judgement of a request: (status, HTTP version)."""
    command = ["curl", "-sS", "--max-time", str(PATIENCE), "-o", "/dev/null", "-w", "%{http_code} %{http_version}", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    status, version = done.stdout.split()
    return int(status), version


def together(count, call):
    """Call call(i) on count threads that start at the same moment; answers in order, exceptions raised."""
    gate = threading.Barrier(count)
    answers = [None] * count

    def run(i):
        gate.wait()
        try:
            answers[i] = call(i)
        except Exception as error:  # told below, by the thread of the test
            answers[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
