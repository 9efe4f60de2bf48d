"""Several endpoints: the dead are passed over, and what went wrong with each is said."""

from __future__ import annotations

import re
import socket

import pytest
from odd_endpoint import VERSION, http, odd_endpoint

from provisioner.errors import AnswerLost, Unreachable
from tests.integration.conftest import of_the_dead

SITE = "carpentras"


def test_a_dead_first_endpoint_is_passed_over_and_then_left_alone(lab, site, session, caplog):
    with lab.control.faulted("node-down", SITE, node=next(iter(site.nodes))):
        assert session.get("/version")["version"] == site.version
        made = session.requests_made
        session.get("/version")
    assert made == 2
    assert session.requests_made == 3
    assert re.search(f"{site.urls[0]} is set aside: ({of_the_dead(lab)})", caplog.text)


def test_a_write_whose_connection_was_refused_goes_to_another_endpoint_once(lab, site, session):
    before = lab.control.write_count(SITE)
    with lab.control.faulted("node-down", SITE, node=next(iter(site.nodes))):
        session.write("POST", "/pools", {"poolid": "passed-over"})
    session.write("DELETE", "/pools", {"poolid": "passed-over"})
    assert lab.control.write_count(SITE) == before + 2


def test_no_endpoint_at_all_is_unreachable_and_names_each(lab, site, session):
    with lab.control.faulted("site-down", SITE), pytest.raises(Unreachable) as caught:
        session.get("/version")
    for url in site.urls:
        assert re.search(f"{url}: ({of_the_dead(lab)})", caught.value.what)
    assert caught.value.what.startswith("carpentras: no endpoint can be used")
    assert "check that the node runs" in caught.value.hint


def test_an_endpoint_that_comes_back_is_used_again(lab, open_session):
    session = open_session()
    with lab.control.faulted("site-down", SITE), pytest.raises(Unreachable):
        session.get("/version")
    assert session.get("/version")


def test_a_name_that_cannot_be_resolved_says_so(open_session, monkeypatch):
    def unknown(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match="its name cannot be resolved") as caught:
        open_session(endpoints=["https://pve1.clinic.example:8006"]).get("/version")
    assert "DNS" in caught.value.hint


def test_a_silent_endpoint_gives_way_to_the_next(lab, site, open_session):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        urls = [f"https://127.0.0.1:{silent.getsockname()[1]}", *site.urls]
        session = open_session(endpoints=urls, timeout="2s")
        assert session.get("/version")["version"] == site.version


@pytest.mark.parametrize("trust", [{}, {"ca": None, "fingerprint": ":".join(["AB"] * 32)}])
def test_a_port_without_tls_is_named_as_such_and_nothing_is_sent_there(open_session, tmp_path, trust):
    with odd_endpoint(tmp_path, http("400 Bad Request"), tls=False) as odd:
        session = open_session(endpoints=[odd.url], **trust)
        with pytest.raises(Unreachable, match="it does not speak TLS") as caught:
            session.write("POST", "/pools", {"poolid": "a"})
    assert "8006" in caught.value.hint
    assert not any(b"POST" in request for request in odd.seen)


def test_a_get_whose_answer_is_lost_is_sent_again(open_session, tmp_path):
    with odd_endpoint(tmp_path, None, http("200 OK", VERSION)) as odd:
        session = open_session(endpoints=[odd.url], ca=odd.cafile)
        assert session.get("/version")["release"] == "9.2"
        assert len(odd.seen) == 2


def test_a_get_that_is_never_answered_ends_and_says_where(open_session, tmp_path):
    with odd_endpoint(tmp_path, None) as odd:
        session = open_session(endpoints=[odd.url], ca=odd.cafile)
        with pytest.raises(AnswerLost, match=f"GET /version at {odd.url}: the connection broke"):
            session.get("/version")


def test_credentials_in_an_address_are_neither_sent_nor_told(open_session, tmp_path):
    with odd_endpoint(tmp_path, http("500 no such luck")) as odd:
        session = open_session(endpoints=[odd.url.replace("//", "//admin:hunter22@")], ca=odd.cafile)
        with pytest.raises(Exception, match="no such luck") as caught:
            session.get("/version")
        assert "hunter22" not in str(caught.value)
        assert b"Basic" not in odd.seen[0]
