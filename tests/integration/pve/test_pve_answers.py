"""A refusal becomes one clear sentence; a write is repeated only if it was surely not executed."""

from __future__ import annotations

import pytest
from odd_endpoint import http, odd_endpoint

from provisioner.errors import AnswerLost, ApiError, NoQuorum, Unreachable

SITE = "carpentras"
LOCKED = "can't lock file '/var/lock/qemu-server/lock-1001.conf' - got timeout"


@pytest.fixture
def pool(session):
    """The name of a pool that a test may make; gone after it."""
    yield "answered"
    if any(row["poolid"] == "answered" for row in session.get("/pools")):
        session.write("DELETE", "/pools", {"poolid": "answered"})


def test_without_quorum_a_write_is_refused_as_such(lab, session, pool):
    with (
        lab.control.faulted("no-quorum", SITE),
        pytest.raises(NoQuorum, match="the cluster has no quorum") as caught,
    ):
        session.write("POST", "/pools", {"poolid": pool})
    assert "pvecm status" in caught.value.hint


def test_wrong_parameters_are_listed(session):
    with pytest.raises(ApiError) as caught:
        session.write("PUT", "/nodes/ventoux-1/qemu/1001/config", {"cores": "many", "colour": "blue"})
    assert caught.value.status == 400
    assert set(caught.value.fields) == {"cores", "colour"}
    assert "cores: type check ('integer') failed" in caught.value.what
    assert caught.value.hint in {"correct cores, colour", "correct colour, cores"}


def test_what_does_not_exist_is_told_in_the_words_of_proxmox(session):
    with pytest.raises(
        ApiError, match=r"PUT /pools was refused by https://.*: 500 .*pool 'none' does not exist"
    ):
        session.write("PUT", "/pools", {"poolid": "none", "comment": "x"})


def test_a_lock_timeout_is_waited_out(lab, session, pool):
    lab.control.fault("error", SITE, match="POST */pools", status=500, message=LOCKED, times=2)
    before = lab.control.write_count(SITE)
    session.write("POST", "/pools", {"poolid": pool})
    assert lab.control.write_count(SITE) == before + 3


def test_a_lock_that_is_never_free_is_told_in_the_end(lab, session, pool):
    with (
        lab.control.faulted("error", SITE, match="POST */pools", status=500, message=LOCKED, times=99),
        pytest.raises(ApiError, match="got timeout") as caught,
    ):
        session.write("POST", "/pools", {"poolid": pool})
    assert "another task holds the lock" in caught.value.hint


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_write_whose_answer_is_lost_is_not_repeated(lab, session, pool, when):
    before = lab.control.write_count(SITE)
    lab.control.fault("drop-connection", SITE, match="POST */pools", when=when)
    with pytest.raises(AnswerLost, match=r"POST /pools at .* may have been executed"):
        session.write("POST", "/pools", {"poolid": pool})
    assert lab.control.write_count(SITE) == before + 1
    assert any(row["poolid"] == pool for row in session.get("/pools")) == (when == "after")


def test_a_write_that_is_answered_too_late_is_not_repeated(lab, open_session, pool):
    before = lab.control.write_count(SITE)
    with (
        lab.control.faulted("slow", SITE, match="POST */pools", seconds=1.5),
        pytest.raises(AnswerLost, match="no answer within 1 s"),
    ):
        open_session(timeout="1s").write("POST", "/pools", {"poolid": pool})
    assert lab.control.write_count(SITE) <= before + 1


def test_a_write_that_did_not_get_to_its_node_is_repeated(lab, session, pool):
    lab.control.fault("error", SITE, match="POST */pools", status=595, message="No route to host", times=1)
    session.write("POST", "/pools", {"poolid": pool})
    assert any(row["poolid"] == pool for row in session.get("/pools"))


@pytest.mark.parametrize("status", [596, 599])
def test_a_write_that_was_lost_between_the_nodes_is_not_repeated(lab, session, pool, status):
    before = lab.control.write_count(SITE)
    lab.control.fault("error", SITE, match="POST */pools", status=status, times=1)
    with pytest.raises(AnswerLost, match=f"{status} Connection timed out"):
        session.write("POST", "/pools", {"poolid": pool})
    assert lab.control.write_count(SITE) == before + 1


@pytest.mark.parametrize("status", [595, 596, 599])
def test_a_read_that_was_lost_between_the_nodes_is_repeated(lab, session, status):
    lab.control.fault("error", SITE, match="GET */version", status=status, times=2)
    assert session.get("/version")


def test_a_login_page_of_a_proxy_is_no_answer(open_session, tmp_path):
    with (
        odd_endpoint(tmp_path, http("200 OK", b"<html>Log in</html>", "text/html; charset=utf-8")) as odd,
        pytest.raises(ApiError, match="answered 200 with text/html, not as Proxmox VE does") as caught,
    ):
        open_session(endpoints=[odd.url], ca=odd.cafile).get("/version")
    assert "api.endpoints" in caught.value.hint


def test_a_redirect_is_not_followed(open_session, tmp_path):
    redirect = http("302 Found", b"", "text/html", "Location: https://elsewhere.example/")
    with odd_endpoint(tmp_path, redirect) as odd, pytest.raises(ApiError, match="answered 302"):
        open_session(endpoints=[odd.url], ca=odd.cafile).get("/version")


@pytest.mark.parametrize("body", [b'["data"]', b'{"result": 1}', b'{"data": '])
def test_json_of_another_shape_is_no_answer(open_session, tmp_path, body):
    odd_json = http("200 OK", body)
    with odd_endpoint(tmp_path, odd_json) as odd, pytest.raises(ApiError, match="not as Proxmox VE does"):
        open_session(endpoints=[odd.url], ca=odd.cafile).get("/version")


def test_a_reason_in_another_script_is_readable(open_session, tmp_path):
    reason = "500 stockage « données » inconnu"
    with (
        odd_endpoint(tmp_path, http(reason)) as odd,
        pytest.raises(ApiError, match="stockage « données » inconnu"),
    ):
        open_session(endpoints=[odd.url], ca=odd.cafile).get("/version")


def test_a_write_is_not_sent_to_an_endpoint_that_is_not_trusted(lab, open_session, pool):
    before = lab.control.write_count(SITE)
    with pytest.raises(Unreachable):
        open_session(ca=None).write("POST", "/pools", {"poolid": pool})
    assert lab.control.write_count(SITE) == before
