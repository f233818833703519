# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Django OAuth Toolkit (Debian) as authorization server: opaque tokens, sparse introspection replies."""

import places
from launch import Process, post_form

PYTHON = "/usr/bin/python3"  # Debian's own: the packages are there


class DjangoOAuthToolkit:
    def __init__(self):
        self.work, self.port = places.folder("dot"), places.free_port()
        self.url = f"http://127.0.0.1:{self.port}/o"
        self.introspection = self.url + "/introspect/"
        self._process = Process([PYTHON, places.HERE / "dot_app.py", self.port, self.work], self.port,
                                self.work / "log")

    def token(self, scope="read"):
        form = {"grant_type": "client_credentials", "scope": scope}
        return post_form(self.url + "/token/", form, ("app", "app-secret"))["access_token"]

    def revoke(self, token):
        post_form(self.url + "/revoke_token/", {"token": token}, ("app", "app-secret"))

    def stop(self):
        self._process.stop()
