# SPDX-License-Identifier: Apache-2.0
"""From staging to domains: by the parent while it runs, at restarts, and the classic way."""

import os

from kit import pki, places, tls
from kit.checks import every_child_shows, promoted
from kit.proc import wait_until


def test_the_parent_moves_a_live_set_into_domains(ca, httpd, name):
    httpd.managing(name(), name("alias")).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    promoted(httpd, name(), cert)
    for file in ("privkey.pem", "pubcert.pem", "md.json"):
        info = httpd.store.file("domains", name(), file).stat()
        assert info.st_mode & 0o777 == 0o600
        assert info.st_uid == os.geteuid()
    assert b"ENCRYPTED" not in httpd.store.file("domains", name(), "privkey.pem").read_bytes()
    assert httpd.store.key(name()).public_key() .public_numbers() == cert.public_key().public_numbers()
    assert httpd.store.json("domains", name(), "md.json")["domains"] == [name(), name("alias")]
    every_child_shows(httpd, name(), cert)


def test_restarts_keep_what_went_live(ca, httpd, name):
    httpd.managing(name()).start()
    cert = tls.wait_for_cert(httpd.https_port, name())
    httpd.graceful()                                    # most likely before the parent moved it
    every_child_shows(httpd, name(), cert)
    assert httpd.store.cert(name()) == cert
    httpd.graceful()
    every_child_shows(httpd, name(), cert)
    httpd.restart()
    every_child_shows(httpd, name(), cert)
    assert tls.get(httpd.https_port, name(), roots=ca.root())[0] == 200


def test_the_old_set_is_archived(ca, httpd, name):
    httpd.managing(name()).start()
    first = tls.wait_for_cert(httpd.https_port, name())
    promoted(httpd, name(), first)
    httpd.managing(name(), name("more"))
    httpd.graceful()
    second = tls.wait_for_cert(httpd.https_port, name(), unlike=first)
    promoted(httpd, name(), second)
    archived = [httpd.store.cert(folder, "archive") for folder in httpd.store.names("archive")]
    assert first in archived


def staged(httpd, md):
    job = httpd.store.json("staging", md, "job.json")
    return bool(job and job.get("finished")) and httpd.store.cert(md, "staging")


def test_live_activation_off_waits_for_the_restart(ca, httpd, name):
    httpd.managing(name(), extra="" if places.is_stock() else "MDLiveActivation off").start()
    cert = wait_until(lambda: staged(httpd, name()), 30, "a set is staged")
    wait_until(lambda: httpd.log_lines("AH10059"), 10, "the restart is asked for")
    assert tls.is_placeholder(tls.leaf(httpd.https_port, name()))
    assert tls.get(httpd.https_port, name())[0] == 503
    assert httpd.store.cert(name()) is None
    httpd.graceful()
    every_child_shows(httpd, name(), cert)
    assert tls.get(httpd.https_port, name(), roots=ca.root())[0] == 200
    assert httpd.store.cert(name()) == cert


def test_a_staged_set_that_does_not_fit_is_never_served(ca, httpd, name):
    """The unprivileged user owns staging; what lies there is verified by root before it is used."""
    from kit import pki
    httpd.managing(name(), extra="" if places.is_stock() else "MDLiveActivation off").start()
    cert = wait_until(lambda: staged(httpd, name()), 30, "a set is staged")
    httpd.stop()
    other = pki.new_cert([name()], pki.new_key("rsa"))
    httpd.store.file("staging", name(), "pubcert.pem").write_bytes(pki.cert_pem(other))
    httpd.start()
    shown = tls.leaf(httpd.https_port, name())
    assert shown not in (cert, other)
    httpd.wait_for_log("AH10069")
    assert httpd.store.cert(name()) not in (cert, other)
    wait_until(lambda: staged(httpd, name()), 30, "the job begins again")


def test_links_in_staging_are_not_followed(ca, httpd, name):
    httpd.managing(name(), extra="" if places.is_stock() else "MDLiveActivation off").start()
    cert = wait_until(lambda: staged(httpd, name()), 30, "a set is staged")
    httpd.stop()
    secret = httpd.root / "secret"
    chain = httpd.store.file("staging", name(), "pubcert.pem")
    secret.write_bytes(chain.read_bytes())
    chain.unlink()
    chain.symlink_to(secret)
    httpd.start()
    assert tls.leaf(httpd.https_port, name()) != cert
    assert httpd.store.cert(name()) != cert


def nearly_expired(httpd, md):
    """Leave a certificate that is valid and due in the folder of a stopped server; returns it."""
    key = pki.new_key("rsa")
    cert = pki.new_cert([md], key, pki.new_ca(), starts=-29, days=30)
    httpd.store.file("domains", md, "privkey.pem").write_bytes(pki.key_pem(key))
    httpd.store.file("domains", md, "pubcert.pem").write_bytes(pki.cert_pem(cert))
    return cert


def test_a_renewal_waits_for_the_activation_delay_also_over_a_restart(ca, httpd, name):
    httpd.managing(name()).start()
    tls.wait_for_cert(httpd.https_port, name())
    httpd.restart()
    httpd.stop()
    first = nearly_expired(httpd, name())
    httpd.managing(name(), extra="MDActivationDelay 6s").start()
    wait_until(lambda: staged(httpd, name()), 30, "the renewal is staged")
    second = httpd.store.cert(name(), "staging")
    ready = httpd.store.json("staging", name(), "job.json")["ready-at"]
    httpd.restart()                                     # which activates nothing early
    assert tls.leaf(httpd.https_port, name()) == first == httpd.store.cert(name())
    assert httpd.store.json("staging", name(), "job.json")["ready-at"] == ready, "the time does not move"
    assert tls.wait_for_cert(httpd.https_port, name(), unlike=first) == second


def test_a_first_certificate_does_not_wait_for_the_activation_delay(ca, httpd, name):
    httpd.managing(name(), extra="MDActivationDelay 1d").start()
    tls.wait_for_cert(httpd.https_port, name())


def test_taking_the_delay_away_activates_at_the_next_start(ca, httpd, name):
    httpd.managing(name()).start()
    tls.wait_for_cert(httpd.https_port, name())
    httpd.restart()
    httpd.stop()
    first = nearly_expired(httpd, name())
    httpd.managing(name(), extra="MDActivationDelay 1d").start()
    wait_until(lambda: staged(httpd, name()), 30, "the renewal is staged")
    assert tls.leaf(httpd.https_port, name()) == first
    httpd.managing(name())
    httpd.restart()
    assert tls.leaf(httpd.https_port, name()) == httpd.store.cert(name()) != first
