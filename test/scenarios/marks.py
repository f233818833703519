# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A publisher of revocations: marks into the stream, as doc/redis.md describes them."""

import base64
import hashlib
import hmac
import struct
import time

STREAM = "oauth2rs:revocations"


def named_by(token):
    """A signed JWT without its signature, which its holder can write in another way; any other token as it is."""
    segments = token.split(".")
    if len(segments) != 3:
        return token
    try:
        header = base64.urlsafe_b64decode(segments[0] + "=" * (-len(segments[0]) % 4))
    except ValueError:
        return token
    return ".".join(segments[:2]) if header.lstrip().startswith(b"{") else token


def digest(kind, issuer, value):
    return hashlib.sha256(b"mod_oauth2_rs mark 1\0" + kind.encode() + b"\0" + issuer.encode() + b"\0" + value.encode()).digest()


def mac(secret, value):
    extracted = hmac.digest(b"mod_oauth2_rs sealed value 1", secret.encode(), "sha256")
    return hmac.digest(hmac.digest(extracted, b"mod_oauth2_rs marks 1\x01", "sha256"), value, "sha256")


def mark(kind, issuer, value, not_before=None):
    not_before = time.time() if not_before is None else not_before
    value = named_by(value) if kind == "t" else value
    return b"\x01" + digest(kind, issuer, value) + struct.pack(">Q", int(not_before * 1000000))


def publish(redis, secret, value, tag=None, stream=STREAM):
    """XADD with binary values, which redis-cli reads in quotes."""
    tag = mac(secret.strip(), value) if tag is None else tag
    quoted = ['"' + "".join(f"\\x{byte:02x}" for byte in text) + '"' for text in (value, tag)]
    said = redis.enter([f"XADD {stream} * v {quoted[0]} m {quoted[1]}"])
    assert "-" in said, said


def revoke(redis, secret, kind, issuer, value, not_before=None, stream=STREAM):
    publish(redis, secret, mark(kind, issuer, value, not_before), stream=stream)
