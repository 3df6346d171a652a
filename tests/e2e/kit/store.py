# SPDX-License-Identifier: Apache-2.0
"""Reading (and where a test needs it, changing) what the module keeps on disk."""

import base64
import json
import os
import pathlib
import stat

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from . import pki


def spki(public_key):
    """A public key in a form that can be compared."""
    return public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_chain(pem):
    """All certificates of a PEM text, leaf first."""
    end = b"-----END CERTIFICATE-----"
    return [x509.load_pem_x509_certificate(part + end) for part in pem.split(end)[:-1]]


def dns_names(cert):
    """The DNS names of a certificate."""
    return cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)


class Store:
    """One MDStoreDir."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def file(self, *parts):
        """A path inside."""
        return self.path.joinpath(*parts)

    def json(self, *parts):
        """A JSON file, or None when it is absent; a reader may meet it just when it is replaced."""
        try:
            return json.loads(self.file(*parts).read_text())
        except FileNotFoundError:
            return None

    def names(self, group):
        """The folder names in a group."""
        try:
            return sorted(p.name for p in self.file(group).iterdir() if p.is_dir())
        except FileNotFoundError:
            return []

    def secret(self):
        """The passphrase of its encrypted keys."""
        text = self.json("md_store.json")["key"]
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    def chain(self, md, group="domains", name="pubcert.pem"):
        """The certificates of a chain file, or None."""
        try:
            return load_chain(self.file(group, md, name).read_bytes())
        except FileNotFoundError:
            return None

    def cert(self, md, group="domains", name="pubcert.pem"):
        """The leaf of a chain file, or None."""
        chain = self.chain(md, group, name)
        return chain[0] if chain else None

    def key(self, md, group="domains", name="privkey.pem"):
        """A private key, decrypted if need be, or None."""
        try:
            pem = self.file(group, md, name).read_bytes()
        except FileNotFoundError:
            return None
        return serialization.load_pem_private_key(pem, self.secret() if b"ENCRYPTED" in pem else None)

    def put_challenge(self, name, key, cert, curve=""):
        """Put a tls-alpn-01 challenge pair where the module looks for it, by hand."""
        folder = self.file("challenges", name)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        (folder / f"acme-tls-alpn-01-privkey{curve}.pem").write_bytes(pki.key_pem(key))
        (folder / f"acme-tls-alpn-01-pubcert{curve}.pem").write_bytes(pki.cert_pem(cert))
        self.give_to(self.file("challenges").stat().st_uid, folder)
        return folder

    @staticmethod
    def give_to(uid, folder):
        """Make `uid` the owner of a folder and its files, as far as we may."""
        if os.geteuid() == 0:
            for path in [folder, *folder.iterdir()]:
                os.chown(path, uid, -1)

    def tree(self):
        """{relative path: (mode, uid, is folder)} of everything inside."""
        found = {}
        for path in sorted(self.path.rglob("*")):
            try:
                info = path.lstat()
            except FileNotFoundError:
                continue
            found[str(path.relative_to(self.path))] = (stat.S_IMODE(info.st_mode), info.st_uid,
                                                       stat.S_ISDIR(info.st_mode))
        return found

    def contents(self):
        """{relative path: bytes} of every file inside."""
        return {str(p.relative_to(self.path)): p.read_bytes() for p in sorted(self.path.rglob("*")) if p.is_file()}
