# Licensed under the Apache License, Version 2.0; see LICENSE.
"""An encryptor of our own (RFC 7516), apart from the module's code: every alg and enc that the module takes, and some it does not."""

import hashlib
import hmac
import json
import os
import struct
from base64 import urlsafe_b64encode

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

# enc: (bytes of the content key, digest of the MAC)
ENCS = {"A128GCM": (16, None), "A192GCM": (24, None), "A256GCM": (32, None), "A128CBC-HS256": (32, hashlib.sha256),
        "A192CBC-HS384": (48, hashlib.sha384), "A256CBC-HS512": (64, hashlib.sha512)}
WRAPS = {"ECDH-ES+A128KW": 16, "ECDH-ES+A192KW": 24, "ECDH-ES+A256KW": 32}
ALGS = ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", *WRAPS, "dir"]


def b64(data):
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size):
    return b64(value.to_bytes(size, "big"))


class Key:
    """A decryption key for one kind of alg: rsa, P-256, P-384, P-521, X25519, or a secret of so many bytes."""

    def __init__(self, kind):
        self.kind = kind
        if kind == "rsa":
            self.key = rsa.generate_private_key(65537, 2048)
        elif kind == "X25519":
            self.key = x25519.X25519PrivateKey.generate()
        elif isinstance(kind, int):
            self.key = os.urandom(kind)
        else:
            self.key = ec.generate_private_key({"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}[kind]())

    def text(self):
        """As a file of OAuth2RSDecryptionKey: PEM, or a JWK for a secret."""
        if isinstance(self.kind, int):
            return json.dumps({"kty": "oct", "k": b64(self.key)})
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()).decode()

    def public_jwk(self):
        public = self.key.public_key()
        if self.kind == "X25519":
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            return {"kty": "OKP", "crv": "X25519", "x": b64(raw)}
        numbers, size = public.public_numbers(), (public.key_size + 7) // 8
        return {"kty": "EC", "crv": self.kind, "x": number(numbers.x, size), "y": number(numbers.y, size)}


def _agree(key, header, name, size):
    sender = Key(key.kind)
    header["epk"] = sender.public_jwk()
    shared = (sender.key.exchange(key.key.public_key()) if key.kind == "X25519"
              else sender.key.exchange(ec.ECDH(), key.key.public_key()))
    info = b"".join(struct.pack(">I", len(part)) + part for part in (name.encode(), b"", b"")) + struct.pack(">I", size * 8)
    return ConcatKDFHash(hashes.SHA256(), size, info).derive(shared)


def _content_key(key, header, size):
    """(content key, encrypted key)"""
    alg = header["alg"]
    if alg == "dir":
        return key.key, b""
    if alg == "ECDH-ES":
        return _agree(key, header, header["enc"], size), b""
    cek = os.urandom(size)
    if alg in WRAPS:
        return cek, aes_key_wrap(_agree(key, header, alg, WRAPS[alg]), cek)
    if alg == "RSA1_5":
        return cek, key.key.public_key().encrypt(cek, padding.PKCS1v15())
    digest = hashes.SHA256() if alg == "RSA-OAEP-256" else hashes.SHA1()
    return cek, key.key.public_key().encrypt(cek, padding.OAEP(padding.MGF1(digest), digest, None))


def _encrypt(cek, digest, aad, text):
    """(iv, ciphertext, tag)"""
    if digest is None:
        iv = os.urandom(12)
        sealed = AESGCM(cek).encrypt(iv, text, aad)
        return iv, sealed[:-16], sealed[-16:]
    iv, half = os.urandom(16), len(cek) // 2
    pad = 16 - len(text) % 16
    encryptor = Cipher(algorithms.AES(cek[half:]), modes.CBC(iv)).encryptor()
    sealed = encryptor.update(text + bytes([pad]) * pad) + encryptor.finalize()
    tag = hmac.new(cek[:half], aad + iv + sealed + struct.pack(">Q", len(aad) * 8), digest).digest()[:half]
    return iv, sealed, tag


def encrypt(text, key, alg, enc="A256GCM", **members):
    """The compact form of text encrypted to key. members: of the header, over what is usual."""
    header = {"alg": alg, "enc": enc, "cty": "JWT", **members}
    size, digest = ENCS[enc]
    cek, wrapped = _content_key(key, header, size)
    aad = b64(json.dumps(header).encode())
    parts = _encrypt(cek, digest, aad.encode(), text.encode() if isinstance(text, str) else text)
    return ".".join([aad, b64(wrapped), *map(b64, parts)])
