# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Pieces of configuration that the scenarios share. Each is what an administrator would write."""

from scripted import AUDIENCE


def secret_file(folder, text, name="secret", mode=0o600):
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


def provider(issuer, *lines, name="acme", audience=AUDIENCE):
    """A provider section for the scripted issuer, JWTs only unless lines say more."""
    body = [f"OAuth2RSIssuer {issuer.url}"] + ([f"OAuth2RSAudience {audience}"] if audience else []) + list(lines)
    if issuer.authority:
        body.append(f"OAuth2RSTrust file:{issuer.authority.file}")
    return "\n".join([f"<OAuth2RSProvider {name}>"] + ["    " + line for line in body] + ["</OAuth2RSProvider>"]) + "\n"


def asking(issuer, folder, *lines, name="acme", **more):
    """A provider section with our credentials, so that opaque tokens are introspected."""
    secret = secret_file(folder, issuer.secret + "\n", name=f"client-{name}")
    return provider(issuer, f"OAuth2RSClient {issuer.client} file:{secret}", *lines, name=name, **more)


def location(path, *lines):
    """A protected Location; its Require lines are among lines."""
    body = ["AuthType oauth2-rs"] + list(lines)
    return "\n".join([f'<Location "{path}">'] + ["    " + line for line in body] + ["</Location>"]) + "\n"
