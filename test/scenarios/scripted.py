# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A scripted authorization server: metadata, keys, introspection; every answer can be programmed, every fault had,
every request is counted. It runs inside the test, so that tokens are minted by a call."""

import base64
import http.server
import secrets
import socket
import threading
import time
import urllib.parse

import places
from faults import PASS
from keys import Key, compact, hmac_sign
from waiting import PATIENCE

AUDIENCE = "https://api.example.com"
CLIENT, SECRET = "rs", "rs-secret-of-the-scenarios"
NULL = object()  # a member that is null; None takes the member away
METADATA_8414, METADATA_OIDC = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 256

    def handle_error(self, request, client_address):
        pass  # clients that leave early are part of the scenarios


class _UnixServer(_Server):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "unix", 0


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, wbufsize, timeout = "HTTP/1.1", 65536, PATIENCE
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.issuer.serve(self, b"")

    def do_POST(self):
        self.issuer.serve(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def reply(self, status, body, content_type="application/json", headers=None):
        self.send_response_only(status)
        if status != 204:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Request:
    """One request as it came."""

    def __init__(self, handler, body):
        self.method, self.path, self.body = handler.command, urllib.parse.urlsplit(handler.path).path, body
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        certificate = getattr(handler.connection, "getpeercert", dict)() or {}
        self.certificate = dict(pair[0] for pair in certificate.get("subject", ())).get("commonName")
        self.form = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


class Issuer:
    """One authorization server. url is its issuer identifier. Paths: /jwks, /introspect and the metadata."""

    def __init__(self, algs=("ES256",), path="", authority=None, start=True, host=None, client_certificates=False):
        self.authority, self.client_certificates = authority, client_certificates
        self.port = places.free_port()
        self.origin = f"https://localhost:{self.port}" if authority else f"http://{host or '127.0.0.1'}:{self.port}"
        self.url = self.origin + path
        self.keys = [Key(alg) for alg in algs]
        self.client, self.secret, self.client_check = CLIENT, SECRET, True
        self.replies = {}           # opaque token: the introspection reply
        self.more_metadata = {}     # members to add, None to take away
        self.metadata_forms = {METADATA_8414 + path, path + METADATA_OIDC}
        self.jwks_headers = {}
        self.jwks_override = None   # bytes to serve as the key set
        self.minted = []            # every token made here, none of which may stand in a log
        self.requests = []
        self._faults = {}
        self._lock = threading.Lock()
        self._server = self._unix = None
        if start:
            self.start()

    # --- the server

    def start(self):
        handler = type("Handler", (_Handler,), {"issuer": self})
        self._server = _Server(("127.0.0.1", self.port), handler)
        if self.authority:
            context = self.authority.server_context(client_certificates=self.client_certificates)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def listen_at(self, path):
        """At a unix socket, too."""
        self._unix = _UnixServer(str(path), type("Handler", (_Handler,), {"issuer": self, "disable_nagle_algorithm": False}))
        path.chmod(0o666)
        threading.Thread(target=self._unix.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        for server in (self._server, self._unix):
            if server:
                server.shutdown()
                server.server_close()
        self._server = self._unix = None

    def serve(self, handler, body):
        request = Request(handler, body)
        with self._lock:
            self.requests.append(request)
            fault = self._next_fault(request.path)
        if fault and fault(handler) is not PASS:
            return
        if request.path in self.metadata_forms:
            handler.reply(200, compact(self.metadata()))
        elif request.path == "/jwks":
            handler.reply(200, self.jwks_override or compact(self.jwks()), headers=self.jwks_headers)
        elif request.path == "/introspect" and request.method == "POST":
            self._introspect(handler, request)
        elif request.path == "/tokeninfo":
            reply = self.replies.get(request.form.get("access_token"))
            handler.reply(200 if reply else 400, compact(reply or {"error": "invalid_token"}))
        elif request.path == "/userinfo":
            reply = self.replies.get(request.headers.get("authorization", "").removeprefix("Bearer "))
            handler.reply(200 if reply else 401, compact(reply or {"error": "invalid_token"}))
        else:
            handler.reply(404, b"{}")

    def _introspect(self, handler, request):
        if self.client_check and not self._is_client(request):
            handler.reply(401, b'{"error":"invalid_client"}', headers={"WWW-Authenticate": "Basic"})
            return
        reply = self.replies.get(request.form.get("token"), {"active": False})
        handler.reply(200, reply if isinstance(reply, bytes) else compact(reply))

    def _is_client(self, request):
        if request.headers.get("authorization", "").startswith("Basic "):
            pair = base64.b64decode(request.headers["authorization"][6:]).decode("utf-8", "replace").split(":", 1)
            return [urllib.parse.unquote_plus(word) for word in pair] == [self.client, self.secret]
        return (request.form.get("client_id"), request.form.get("client_secret")) == (self.client, self.secret)

    def metadata(self):
        document = {"issuer": self.url, "jwks_uri": self.origin + "/jwks", "token_endpoint": self.origin + "/token",
                    "introspection_endpoint": self.origin + "/introspect", "response_types_supported": ["code"]}
        document.update(self.more_metadata)
        return {name: value for name, value in document.items() if value is not None}

    def jwks(self):
        return {"keys": [key.jwk() for key in self.keys]}

    # --- programming it

    def fault(self, path, fault, times=None):
        """The next answers of path (times: how many; None: all until mend()) are this fault."""
        with self._lock:
            self._faults[path] = [fault, times]

    def mend(self, path=None):
        with self._lock:
            if path is None:
                self._faults.clear()
            else:
                self._faults.pop(path, None)

    def _next_fault(self, path):
        entry = self._faults.get(path)
        if not entry:
            return None
        if entry[1] is not None:
            entry[1] -= 1
            if entry[1] <= 0:
                del self._faults[path]
        return entry[0]

    def rotate(self, alg="ES256", keep=False):
        """A new key signs from now on; keep: the old ones stay in the set."""
        self.keys = [Key(alg)] + (self.keys if keep else [])
        return self.keys[0]

    # --- what was asked

    def asked(self, path):
        with self._lock:
            return [request for request in self.requests if request.path == path]

    def count(self, path="/introspect"):
        return len(self.asked(path))

    def forget_requests(self):
        with self._lock:
            self.requests = []

    # --- tokens

    def _keep(self, token):
        self.minted.append(token)
        return token

    def claims(self, **more):
        """Good claims; more: others instead, None for none."""
        now = int(time.time())
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "client_id": "app", "scope": "read write",
                  "iat": now, "exp": now + 300, "jti": secrets.token_hex(8)}
        claims.update(more)
        return {name: None if value is NULL else value for name, value in claims.items() if value is not None}

    def key(self, alg=None):
        return next(key for key in self.keys if alg in (None, key.alg))

    def jwt(self, header=None, alg=None, key=None, payload=None, **claims):
        """A token, good unless told otherwise. header: members to add (None: to take away); payload: bytes."""
        key = key or self.key(alg)
        head = {"alg": alg or key.alg, "typ": "at+jwt", "kid": key.kid}
        head.update(header or {})
        head = {name: value for name, value in head.items() if value is not None}
        return self._keep(key.sign(head, payload if payload is not None else self.claims(**claims), alg or key.alg))

    def hs_jwt(self, secret, header=None, **claims):
        return self._keep(hmac_sign(secret, {"alg": "HS256", "typ": "at+jwt", **(header or {})}, self.claims(**claims)))

    def opaque(self, reply=None, **claims):
        """An opaque token and what introspection says about it. reply: dict or bytes, as it shall be."""
        token = "opaque-" + secrets.token_urlsafe(24)
        if reply is None:
            reply = {"active": True, "token_type": "Bearer", **self.claims(**claims)}
        self.replies[token] = reply
        return self._keep(token)

    def revoke(self, token):
        self.replies[token] = {"active": False}

    def secrets(self):
        """What must not stand in a log."""
        found = [self.secret]
        for token in self.minted:
            found.append(token)
            if token.count(".") == 2:
                found.append(token.rsplit(".", 1)[1])
        return found

