# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates made on the spot, for the servers around the one under test."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

UTC = datetime.timezone.utc


def new_key(kind="p-256"):
    """A private key: `p-256`, `secp384r1` or `rsa`."""
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP384R1() if kind == "secp384r1" else ec.SECP256R1())


def key_pem(key):
    """The key as plain PKCS#8 PEM."""
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def cert_pem(*certs):
    """The certificates as PEM, one after the other."""
    return b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certs)


def _alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def new_cert(names, key, issuer=None, days=30, starts=-1, extensions=()):
    """A certificate for `names` over `key`; `issuer` is (certificate, key) or None for self-signed."""
    now = datetime.datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:60])])
    builder = (x509.CertificateBuilder().subject_name(subject)
               .issuer_name(issuer[0].subject if issuer else subject)
               .public_key(key.public_key()).serial_number(x509.random_serial_number())
               .not_valid_before(now + datetime.timedelta(days=starts))
               .not_valid_after(now + datetime.timedelta(days=starts + days))
               .add_extension(x509.SubjectAlternativeName([_alternative(n) for n in names]), False)
               .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
               .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False))
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256())


def new_ca(name="Test Root"):
    """A self-signed CA: (certificate, key)."""
    key = new_key()
    now = datetime.datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    cert = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256()))
    return cert, key


def acme_alpn_cert(name, key, digest=b"\x00" * 32):
    """A tls-alpn-01 challenge certificate (RFC 8737) for one name."""
    value = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31"), b"\x04\x20" + digest)
    return new_cert([name], key, days=7, extensions=[(value, True)])
