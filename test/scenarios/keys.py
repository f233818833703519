# Licensed under the Apache License, Version 2.0; see LICENSE.
"""Keys and JOSE signing for the tests: anything can be minted here, well-formed or not."""

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, ed448, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

CURVES = {"ES256": (ec.SECP256R1, "P-256", 32), "ES384": (ec.SECP384R1, "P-384", 48), "ES512": (ec.SECP521R1, "P-521", 66)}
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value, size=None):
    return b64(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode("utf-8")


class Key:
    """A key pair with its kid, for one algorithm."""

    def __init__(self, alg, kid=None, bits=2048, crv="Ed25519"):
        self.alg, self.crv = alg, crv
        if alg[:2] in ("RS", "PS"):
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        elif alg in CURVES:
            self.private = ec.generate_private_key(CURVES[alg][0]())
        elif alg == "EdDSA":
            self.private = (ed25519.Ed25519PrivateKey if crv == "Ed25519" else ed448.Ed448PrivateKey).generate()
        else:
            raise ValueError(alg)
        self.kid = kid or f"{alg.lower()}-{hashlib.sha256(self.pem()).hexdigest()[:8]}"

    def jwk(self, **more):
        public = self.private.public_key()
        jwk = {"kid": self.kid, "use": "sig", "alg": self.alg}
        if isinstance(public, rsa.RSAPublicKey):
            numbers = public.public_numbers()
            jwk.update(kty="RSA", n=number(numbers.n), e=number(numbers.e))
        elif isinstance(public, ec.EllipticCurvePublicKey):
            numbers, (_, crv, size) = public.public_numbers(), CURVES[self.alg]
            jwk.update(kty="EC", crv=crv, x=number(numbers.x, size), y=number(numbers.y, size))
        else:
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            jwk.update(kty="OKP", crv=self.crv, x=b64(raw))
        jwk.update(more)
        return jwk

    def pem(self):
        """The public key."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def private_pem(self):
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def signature(self, data, alg=None):
        alg = alg or self.alg
        if alg.startswith("RS"):
            return self.private.sign(data, padding.PKCS1v15(), HASHES[alg[2:]]())
        if alg.startswith("PS"):
            digest = HASHES[alg[2:]]()
            return self.private.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        if alg.startswith("ES"):
            r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(HASHES[alg[2:]]())))
            size = CURVES[self.alg][2]
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        return self.private.sign(data)

    def sign(self, header, payload, alg=None):
        """A compact JWS; header and payload are dicts or bytes as they shall stand there."""
        head = header if isinstance(header, bytes) else compact(header)
        body = payload if isinstance(payload, bytes) else compact(payload)
        data = f"{b64(head)}.{b64(body)}"
        return data + "." + b64(self.signature(data.encode("ascii"), alg))


    def verify(self, token):
        """(header, claims) of a token that this key has signed; anything else raises."""
        data, _, signature = token.rpartition(".")
        header, claims = (json.loads(unb64(part)) for part in data.split("."))
        raw, public = unb64(signature), self.private.public_key()
        if self.alg.startswith("RS"):
            public.verify(raw, data.encode(), padding.PKCS1v15(), HASHES[self.alg[2:]]())
        elif self.alg.startswith("PS"):
            digest = HASHES[self.alg[2:]]()
            public.verify(raw, data.encode(), padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
        elif self.alg.startswith("ES"):
            half = len(raw) // 2
            pair = encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
            public.verify(pair, data.encode(), ec.ECDSA(HASHES[self.alg[2:]]()))
        else:
            public.verify(raw, data.encode())
        return header, claims


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hmac_verify(secret, token):
    """The claims of a token signed with this secret (HS256)."""
    data, _, signature = token.rpartition(".")
    assert hmac.compare_digest(unb64(signature), hmac.new(secret, data.encode(), "sha256").digest())
    return json.loads(unb64(data.split(".")[1]))


def hmac_sign(secret, header, payload, digest="sha256"):
    head = header if isinstance(header, bytes) else compact(header)
    body = payload if isinstance(payload, bytes) else compact(payload)
    data = f"{b64(head)}.{b64(body)}"
    return data + "." + b64(hmac.new(secret, data.encode("ascii"), digest).digest())
