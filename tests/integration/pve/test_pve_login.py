"""Tokens, tickets and privileges: what is refused is told with the way out."""

from __future__ import annotations

import pytest

from provisioner.errors import ApiError
from provisioner.pve import login

SITE = "carpentras"


@pytest.fixture
def guest_reader(session, open_session):
    """A session as a token that may see nothing but one guest."""
    session.write("POST", "/access/users", {"userid": "reader@pve"})
    made = session.write("POST", "/access/users/reader@pve/token/probe", {"privsep": False})
    session.write("PUT", "/access/acl", {"path": "/vms/1001", "roles": "PVEAuditor", "users": "reader@pve"})
    yield open_session(token="reader@pve!probe", secret=made["value"])
    session.write("DELETE", "/access/users/reader@pve", {})


def test_a_revoked_token_is_named_and_the_way_to_renew_it(lab, site, session):
    with lab.control.faulted("token-revoked", SITE), pytest.raises(ApiError) as caught:
        session.get("/version")
    assert caught.value.status == 401
    assert f"{site.tokenid} was refused by {site.urls[0]}" in caught.value.what
    assert "pveum user token add root@pam bastide" in caught.value.hint


def test_a_token_that_is_refused_for_a_moment_is_tried_again(lab, session):
    lab.control.fault("token-revoked", SITE, times=1)
    assert session.get("/version")


def test_a_missing_privilege_is_named_with_its_path(guest_reader):
    with pytest.raises(ApiError) as caught:
        guest_reader.write("PUT", "/nodes/ventoux-1/qemu/1001/config", {"cores": 4})
    assert caught.value.status == 403
    assert "reader@pve!probe needs VM.Config" in caught.value.what
    assert "on /vms/1001" in caught.value.what
    assert "pveum acl modify /vms/1001 --tokens 'reader@pve!probe'" in caught.value.hint


def test_a_user_logs_in_once_and_writes_with_the_ticket(site, open_session):
    session = open_session(user="root@pam", secret=site.password)
    session.get("/version")
    session.write("POST", "/pools", {"poolid": "by-ticket"})
    session.write("DELETE", "/pools", {"poolid": "by-ticket"})
    assert session.requests_made == 4


def test_an_expired_ticket_is_renewed_and_the_write_is_made_once(lab, site, open_session):
    session = open_session(user="root@pam", secret=site.password)
    session.get("/version")
    before = lab.control.write_count(SITE)
    lab.control.fault("ticket-expired", SITE)
    session.write("POST", "/pools", {"poolid": "renewed"})
    session.write("DELETE", "/pools", {"poolid": "renewed"})
    assert lab.control.write_count(SITE) == before + 2


def test_a_ticket_is_renewed_before_it_ends(site, open_session, monkeypatch):
    session = open_session(user="root@pam", secret=site.password)
    session.get("/version")
    monkeypatch.setattr(login, "RENEW_AFTER_SECONDS", 0)
    session.get("/version")
    assert session.requests_made == 4


def test_a_wrong_password_is_tried_once_only(lab, site, open_session):
    session = open_session(user="root@pam", secret="not-the-password")
    for _ in range(2):
        with pytest.raises(ApiError, match="root@pam was refused") as caught:
            session.get("/version")
    assert session.requests_made == 1
    assert "check the password" in caught.value.hint
