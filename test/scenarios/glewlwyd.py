# Licensed under the Apache License, Version 2.0; see LICENSE.
"""glewlwyd (Debian) as authorization server: written in C with a JOSE library of its own. It issues JWTs to clients and
introspects a client's own tokens."""

import http.cookiejar
import json
import pathlib
import re
import sqlite3
import subprocess
import urllib.request

import places
from launch import Process, post_form
from waiting import PATIENCE

CONFIGURATION = pathlib.Path("/etc/glewlwyd/glewlwyd.conf")
SCHEMA = pathlib.Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")

OIDC = {
    "jwt-type": "jwks", "jwt-key-size": "256", "jwks-uri": "", "default-kid": "",
    "access-token-duration": 600, "refresh-token-duration": 3600, "code-duration": 60, "refresh-token-rolling": True,
    "auth-type-code-enabled": True, "auth-type-client-enabled": True, "auth-type-refresh-enabled": True,
    "auth-type-token-enabled": False, "auth-type-password-enabled": False, "auth-type-device-enabled": False,
    "auth-type-none-enabled": False, "auth-type-id-token-enabled": True, "allow-non-oidc": True,
    "introspection-revocation-allowed": True, "introspection-revocation-allow-target-client": True,
    "introspection-revocation-auth-scope": [], "jwks-show": True, "subject-type": "public", "pkce-allowed": False,
    "request-parameter-allow": False, "scope": [], "additional-parameters": [],
}


class Glewlwyd:
    def __init__(self):
        self.work, self.port = places.folder("glewlwyd"), places.free_port()
        self.base = f"http://localhost:{self.port}"
        self.url = self.base + "/api/oidc"
        self.introspection = self.url + "/introspect"
        self._make_database()
        self._make_configuration()
        self._process = Process(["glewlwyd", f"--config-file={self.work}/conf"], self.port, self.work / "log")
        try:
            self._set_up()
        except Exception:
            self.stop()
            raise

    def _make_database(self):
        connection = sqlite3.connect(self.work / "db")
        connection.executescript(SCHEMA.read_text())
        connection.commit()
        connection.close()

    def _make_configuration(self):
        text = "\n".join(line for line in CONFIGURATION.read_text().splitlines() if "@include" not in line)
        for name, value in (("port", self.port), ("external_url", f'"{self.base}/"'), ("log_mode", '"console"'),
                            ("log_level", '"WARNING"')):
            text = re.sub(rf"(?m)^{name}\s*=.*", f"{name}={value}", text)
        if not re.search(r"(?m)^bind_address", text):
            text = 'bind_address="127.0.0.1"\n' + text
        text += f'\ndatabase = {{ type = "sqlite3"; path = "{self.work}/db"; }};\n'
        (self.work / "conf").write_text(text)

    def _set_up(self):
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        opener = urllib.request.build_opener(cookies)

        def call(path, body):
            request = urllib.request.Request(f"{self.base}/api/{path}", json.dumps(body).encode(),
                                             {"Content-Type": "application/json"})
            opener.open(request, timeout=PATIENCE).read()

        keys = subprocess.run(["rnbyc", "-j", "-g", "EC256", "-a", "ES256", "-o", f"{self.work}/jwks", "-p", "/dev/null",
                               "-n", "0"], capture_output=True, text=True)
        assert keys.returncode == 0, keys.stderr
        call("auth/", {"username": "admin", "password": "password"})
        for scope in ("read", "write"):
            call("scope/", {"name": scope, "display_name": scope, "description": scope, "password_required": True,
                            "password_max_age": 0, "scheme": {}})
        call("mod/plugin/", {"module": "oidc", "name": "oidc", "display_name": "oidc", "parameters": {
            **OIDC, "iss": self.url, "jwks-private": (self.work / "jwks").read_text()}})
        call("client/?source=database", {
            "client_id": "app", "name": "app", "password": "app-secret", "confidential": True, "enabled": True,
            "scope": ["read", "write"], "authorization_type": ["client_credentials"], "redirect_uri": [],
            "token_endpoint_auth_method": ["client_secret_basic", "client_secret_post"]})

    def token(self, scope="read"):
        form = {"grant_type": "client_credentials", "scope": scope}
        return post_form(self.url + "/token", form, ("app", "app-secret"))["access_token"]

    def revoke(self, token):
        post_form(self.url + "/revoke", {"token": token}, ("app", "app-secret"))

    def stop(self):
        self._process.stop()
