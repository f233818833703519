# Licensed under the Apache License, Version 2.0; see LICENSE.
"""class Backend: an application behind mod_proxy that answers with the bytes of the request it got."""

import socketserver
import threading

from waiting import PATIENCE


class _Echo(socketserver.StreamRequestHandler):
    timeout = PATIENCE

    def handle(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = self.rfile.readline(65536)
            if not line:
                return
            head += line
        length = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        body = self.rfile.read(length[0]) if length else b""
        answer = head + body
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
                         % len(answer) + answer)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Backend:
    def __init__(self):
        self._server = _Server(("127.0.0.1", 0), _Echo)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
