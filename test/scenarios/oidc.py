# Licensed under the Apache License, Version 2.0; see LICENSE.
"""oidc-provider (npm) as authorization server: as_oidc/server.mjs. Wants Node 20 or newer."""

import fcntl
import json
import os
import shutil
import ssl
import subprocess
import urllib.request

import places
from keys import Key
from launch import Process, post_form
from waiting import PATIENCE

NODE_MIN = 20


def node_version():
    if not shutil.which("node"):
        return 0
    text = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    return int(text.lstrip("v").split(".")[0] or 0)


def install():
    """The folder with server.mjs and its packages: RS_OIDC, or made below the work of the build."""
    folder = places.pathlib.Path(os.environ.get("RS_OIDC") or places.ROOT / "build-scenarios" / "as_oidc")
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # pytest's workers come here together
        _fill(folder)
    return folder


def _fill(folder):
    changed = False
    for name in ("package.json", "package-lock.json", "server.mjs"):
        source = (places.HERE / "as_oidc" / name).read_bytes()
        target = folder / name
        if not target.exists() or target.read_bytes() != source:
            target.write_bytes(source)
            changed = changed or name != "server.mjs"
    if changed or not (folder / "node_modules" / "oidc-provider").is_dir():
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError("npm ci failed:\n" + done.stdout + done.stderr)


class OidcProvider:
    def __init__(self, authority, ttl=600):
        folder = install()
        # Our keys at this server: for each algorithm, and one for encrypted replies.
        self.our_keys = {alg: Key(alg) for alg in ("RS256", "PS256", "ES256", "EdDSA")}
        self.our_decryption = Key("RS256", kid="ours-enc")
        ours = [key.jwk() for key in self.our_keys.values()]
        ours.append(self.our_decryption.jwk(use="enc", alg="RSA-OAEP-256"))
        self.cafile, self.port = authority.file, places.free_port()
        self.url = f"https://localhost:{self.port}"
        work = places.folder("oidc")
        self._process = Process(["node", "server.mjs"], self.port, work / "log", cwd=folder, environment={
            "AS_PORT": str(self.port), "AS_PKI": str(authority.folder), "AS_TTL": str(ttl), "NODE_NO_WARNINGS": "1", "RS_JWKS": json.dumps({"keys": ours})})

    def _post(self, path, **form):
        return post_form(self.url + path, form, ("app", "app-secret"), self.cafile)

    def token(self, scope="read", **form):
        return self._post("/token", grant_type="client_credentials", scope=scope, **form)["access_token"]

    def jwt(self, alg="ES256", scope="read"):
        """For the audience https://rs.example/jwt/ALG."""
        return self.token(scope, resource=f"https://rs.example/jwt/{alg}")

    def revoke(self, token):
        self._post("/token/revocation", token=token)

    def _control(self, path, method="GET"):
        context = ssl.create_default_context(cafile=str(self.cafile))
        call = urllib.request.Request(f"{self.url}/_ctl/{path}", method=method)
        with urllib.request.urlopen(call, context=context, timeout=PATIENCE) as answer:
            return json.load(answer)

    def count(self, path="/token/introspection"):
        return self._control("stats").get(path, 0)

    def rotate(self, keep=False):
        return self._control(f"rotate?keep={int(keep)}", "POST")

    def stop(self):
        self._process.stop()
