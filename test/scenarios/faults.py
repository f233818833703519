# Licensed under the Apache License, Version 2.0; see LICENSE.
"""What can go wrong at an authorization server. Each function returns a fault: called with the request handler of
scripted.py, it answers (or does not); a fault that returns PASS lets the ordinary answer follow."""

import socket
import struct
import time

PASS = object()


def delay(seconds):
    def fault(handler):
        time.sleep(seconds)
        return PASS
    return fault


def hang():
    """Takes the request and says nothing until the client leaves."""
    def fault(handler):
        handler.close_connection = True
        handler.connection.settimeout(60)
        try:
            while handler.connection.recv(4096):
                pass
        except OSError:
            pass
    return fault


def reset():
    def fault(handler):
        handler.close_connection = True
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
    return fault


def answer(status, body=b"", content_type="application/json", **headers):
    """Any answer; header names with _ for -."""
    data = body.encode() if isinstance(body, str) else body

    def fault(handler):
        handler.reply(status, data, content_type, {k.replace("_", "-"): v for k, v in headers.items()})
    return fault


def html(status=200):
    return answer(status, "<html><body>Sign in</body></html>", "text/html")


def garbage():
    return answer(200, '{"active":tru')


def truncate(start='{"active":true,'):
    """Announces more than it sends."""
    def fault(handler):
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n" +
                            start.encode())
        handler.wfile.flush()
    return fault


def drip(body, seconds_per_byte=0.2):
    """The right answer, a byte at a time."""
    def fault(handler):
        handler.close_connection = True
        data = body.encode()
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data))
        try:
            for byte in data:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
                time.sleep(seconds_per_byte)
        except OSError:
            pass
    return fault


def padded(body, size=5 * 1024 * 1024):
    """The right answer with so many bytes of white space around it."""
    return answer(200, body[:-1] + " " * (size - len(body)) + body[-1:])


def chunked_forever():
    """Chunks without an end: no Content-Length warns of it."""
    def fault(handler):
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                handler.wfile.write(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        except OSError:
            pass
    return fault


def redirect(url, status=307):
    return answer(status, "", "text/plain", Location=url)
