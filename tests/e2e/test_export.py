# SPDX-License-Identifier: Apache-2.0
"""Copies of key and certificates for other daemons of the machine."""

import grp
import os
import pwd

from cryptography.hazmat.primitives import serialization

from kit import places, tls
from kit.proc import wait_until
from kit.store import load_chain


def exported(folder):
    """The leaf in a folder of copies, or None."""
    try:
        return load_chain((folder / "cert.pem").read_bytes())[0]
    except FileNotFoundError:
        return None


def test_copies_follow_the_certificate_and_belong_to_whom_they_are_for(ca, httpd, name):
    folder = httpd.root / "mail"
    user = places.unprivileged_user() if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    section = f"<MDomain {name()}>\nMDExport mail {user}:{group} 0440\nMDPrivateKeys RSA\n</MDomain>\n"
    httpd.configure(section, httpd.vhost(name())).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    wait_until(lambda: exported(folder) == cert, 30, "the copy follows the certificate", pause=0.1)
    modes = {p.name: (p.stat().st_mode & 0o777, p.owner()) for p in folder.iterdir()}
    assert modes == {"privkey.pem": (0o440, user), "cert.pem": (0o644, user), "chain.pem": (0o644, user),
                     "fullchain.pem": (0o644, user)}
    assert folder.stat().st_mode & 0o777 == 0o750
    key = serialization.load_pem_private_key((folder / "privkey.pem").read_bytes(), None)
    assert key.public_key().public_numbers() == cert.public_key().public_numbers()
    assert load_chain((folder / "fullchain.pem").read_bytes()) == httpd.store.chain(name())
    (folder / "cert.pem").unlink()
    httpd.graceful()
    wait_until(lambda: exported(folder) == cert, 10, "a start makes what is missing")
    httpd.configure(section.replace(name(), f"{name()} {name('more')}"), httpd.vhost(name()))
    httpd.graceful()
    second = tls.wait_for_cert(httpd.https_port, name(), unlike=cert)
    wait_until(lambda: exported(folder) == second, 30, "the copy follows the renewal", pause=0.1)


def test_a_folder_that_cannot_be_made_is_an_error_and_heals(ca, httpd, name):
    folder = httpd.root / "deep/down"
    httpd.configure(f"<MDomain {name()}>\nMDExport {folder}\n</MDomain>\n", httpd.vhost(name())).start()
    line = httpd.wait_for_log("copies of MDExport", 40)
    assert name() in line and str(folder) in line and "No such file" in line
    cert = tls.leaf(httpd.https_port, name())
    folder.parent.mkdir()
    wait_until(lambda: exported(folder) == cert, 30, "the next round makes them", pause=0.1)
    assert len(httpd.log_lines("copies of MDExport")) == 1, "said once"


def test_wrong_owners_and_modes_are_refused(new_httpd):
    httpd = new_httpd()
    for words, said in (("mail nobody-at-all", "MDExport: gives files to the user 'nobody-at-all'"),
                        ("mail root 0644", "MDExport: cannot give the private key the mode 0644")):
        httpd.configure(f"<MDomain a.test>\nMDExport {words}\n</MDomain>")
        accepted, output = httpd.configtest()
        assert not accepted and said in output and "line" in output, output
    accepted, output = httpd.configure("MDomain a.test\nMDExport mail").configtest()
    assert not accepted and "MDExport" in output and "<MDomain" in output, output
