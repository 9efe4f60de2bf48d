"""TLS is always verified: by a CA file, by one exact certificate, or by the system's store."""

from __future__ import annotations

from pathlib import Path

import pytest
from odd_endpoint import VERSION, http, odd_endpoint

from provisioner.errors import Unreachable

SITE = "carpentras"
OTHER = ":".join(["AB"] * 32)


def test_a_pinned_certificate_is_accepted_without_its_authority(lab, site, open_session):
    session = open_session(ca=None, fingerprint=lab.control.status()[SITE]["fingerprint"].lower())
    assert session.get("/version")["version"] == site.version
    assert session.write("PUT", "/cluster/options", {"description": "pinned"}) is None


def test_another_certificate_than_the_pinned_one_is_refused_and_both_are_shown(lab, open_session):
    shown = lab.control.status()[SITE]["fingerprint"]
    session = open_session(ca=None, fingerprint=OTHER)
    with pytest.raises(Unreachable) as caught:
        session.get("/version")
    assert f"shows the certificate {shown}, and the estate pins {OTHER}" in caught.value.what
    assert session.requests_made == 0


def test_a_certificate_that_changes_after_it_was_pinned_is_refused(lab, site, open_session):
    pinned = lab.control.status()[SITE]["fingerprint"]
    session = open_session(ca=None, fingerprint=pinned)
    session.get("/version")
    session.close()  # and with it the connections that were verified
    lab.control.expire_certificate(SITE, expired=False)
    with pytest.raises(Unreachable, match=f"and the estate pins {pinned}"):
        session.get("/version")


def test_without_ca_and_fingerprint_the_system_decides_and_the_hint_tells_how_to_trust(site, open_session):
    with pytest.raises(Unreachable, match="signed by an authority that is not trusted here") as caught:
        open_session(ca=None).get("/version")
    assert "/etc/pve/pve-root-ca.pem" in caught.value.hint
    assert "`api.fingerprint` to " in caught.value.hint


def test_the_environment_cannot_replace_the_authority(site, open_session, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", site.cafile)
    monkeypatch.setenv("CURL_CA_BUNDLE", site.cafile)
    with pytest.raises(Unreachable, match="not trusted here"):
        open_session(ca=None).get("/version")


def test_an_expired_certificate_is_refused_with_its_date(lab, site, open_session):
    lab.control.expire_certificate(SITE)
    try:
        with pytest.raises(
            Unreachable, match=r"its certificate has expired on \w+ +\d+ [\d:]+ \d{4} GMT"
        ) as caught:
            open_session().get("/version")
    finally:
        lab.control.expire_certificate(SITE, expired=False)
    assert "pvecm updatecerts" in caught.value.hint


def test_an_expired_certificate_is_refused_even_if_it_is_the_pinned_one(lab, open_session):
    lab.control.expire_certificate(SITE)
    try:
        shown = lab.control.status()[SITE]["fingerprint"]
        with pytest.raises(Unreachable, match="its certificate has expired on"):
            open_session(ca=None, fingerprint=shown).get("/version")
    finally:
        lab.control.expire_certificate(SITE, expired=False)


def test_a_certificate_for_another_name_is_refused(open_session, tmp_path):
    with odd_endpoint(tmp_path, http("200 OK", VERSION), hosts=("pve1.clinic.example",)) as odd:
        session = open_session(endpoints=[odd.url], ca=odd.cafile)
        with pytest.raises(Unreachable, match=r"its certificate is not for 127\.0\.0\.1"):
            session.get("/version")
        assert odd.seen == []


def test_a_pinned_certificate_may_have_another_name(open_session, tmp_path):
    with odd_endpoint(tmp_path, http("200 OK", VERSION), hosts=("pve1.clinic.example",)) as odd:
        session = open_session(endpoints=[odd.url], ca=None, fingerprint=odd.fingerprint)
        assert session.get("/version")["release"] == "9.2"


def test_a_ca_file_is_looked_for_beside_the_estate(open_session, site, tmp_path):
    (tmp_path / "ca.pem").write_bytes(Path(site.cafile).read_bytes())
    assert open_session(ca="ca.pem").get("/version")


@pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), ("not a certificate", "no PEM")])
def test_a_ca_file_that_cannot_be_used_is_named(open_session, tmp_path, content, reason):
    if content:
        (tmp_path / "ca.pem").write_text(content)
    with pytest.raises(Unreachable, match=reason) as caught:
        open_session(ca="ca.pem").get("/version")
    assert "ca.pem" in caught.value.what
    assert "pve-root-ca.pem" in caught.value.hint
