# Licensed under the Apache License, Version 2.0; see LICENSE.
"""A certificate authority of our own for loopback: ca.crt, server.crt, server.key in a folder."""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject, issuer, public):
    now = datetime.datetime.utcnow()
    return (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer)).public_key(public)
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=10)))


class Authority:
    CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH

    def __init__(self, folder, name="Scenario CA"):
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        cert = (_builder(name, name, self.key.public_key())
                .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
                .sign(self.key, hashes.SHA256()))
        self.file = folder / "ca.crt"
        self.file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        self.issue("server", ["localhost"], ["127.0.0.1", "::1"])
        self.issue("client", ["mod-oauth2-rs"], usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    def issue(self, file, names, addresses=(), usage=ExtendedKeyUsageOID.SERVER_AUTH):
        """A certificate; (certificate, key) as paths."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = [x509.DNSName(n) for n in names] + [x509.IPAddress(ipaddress.ip_address(a)) for a in addresses]
        cert = (_builder(names[0], self.name, key.public_key())
                .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
                .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
                .sign(self.key, hashes.SHA256()))
        paths = self.folder / f"{file}.crt", self.folder / f"{file}.key"
        paths[0].write_bytes(cert.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
        paths[1].chmod(0o600)
        return paths

    def server_context(self, file="server", client_certificates=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if client_certificates:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file)
        context.load_cert_chain(self.folder / f"{file}.crt", self.folder / f"{file}.key")
        return context

    def client_context(self):
        return ssl.create_default_context(cafile=str(self.file))
