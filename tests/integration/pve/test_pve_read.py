"""Many reads at once: each path once, and a silent node costs little."""

from __future__ import annotations

import pytest
from odd_endpoint import VERSION, http, odd_endpoint

from provisioner.errors import ApiError, Unreachable
from provisioner.pve.permissions import missing
from provisioner.pve.read import read_all

SITE = "carpentras"


def guests(session):
    rows = session.get("/cluster/resources")
    return {row["vmid"]: row["node"] for row in rows if row["type"] == "qemu" and not row.get("template")}


def test_every_path_is_read_and_none_twice(session):
    paths = [f"/nodes/{node}/qemu/{vmid}/pending" for vmid, node in guests(session).items()]
    before = session.requests_made
    readings = read_all(session, [*paths, "/version", *paths])
    assert list(readings.or_raise().answers) == [*paths, "/version"]
    assert session.requests_made == before + len(paths) + 1
    assert all({"key": "cores", "value": 2} in readings.answers[path] for path in paths)


def test_what_stands_beside_a_list_is_read_with_it_by_one_request(session):
    network = "/nodes/ventoux-2/network"
    session.write("PUT", f"{network}/vmbr0", {"type": "bridge", "autostart": 1, "comments": "seen"})
    before = session.requests_made
    told = read_all(session, [network, f"{network}#changes"]).or_raise().answers
    assert session.requests_made == before + 1
    assert {row["iface"] for row in told[network]} >= {"vmbr0"}
    assert "+#seen" in told[f"{network}#changes"]
    session.write("DELETE", network, {})
    assert read_all(session, [f"{network}#changes"]).answers == {f"{network}#changes": None}


def test_nothing_to_read_is_no_request(session):
    assert read_all(session, ()).or_raise().answers == {}
    assert session.requests_made == 0


def test_what_cannot_be_read_has_its_reason_and_the_rest_is_read(session):
    readings = read_all(session, ["/version", "/nodes/ventoux-1/qemu/999/config", "/pools"])
    assert set(readings.answers) == {"/version", "/pools"}
    assert "qemu-server/999.conf' does not exist" in readings.failures["/nodes/ventoux-1/qemu/999/config"]
    with pytest.raises(ApiError, match="999"):
        readings.or_raise()


def test_a_silent_node_is_not_asked_again_and_again(lab, open_session):
    session, dead = open_session(), "ventoux-3"
    below = [f"/nodes/{dead}/qemu/{vmid}/pending" for vmid in range(5000, 5400)]
    with lab.control.faulted("node-down", SITE, node=dead):
        readings = read_all(session, [*below, "/version", "/nodes"])
    assert set(readings.answers) == {"/version", "/nodes"}
    assert list(readings.failures) == below
    assert all("595" in reason for reason in readings.failures.values())
    assert "node ventoux-3 does not answer" in readings.failures[below[-1]]
    assert session.requests_made < 60


def test_a_site_that_does_not_answer_is_unreachable_as_a_whole(lab, session):
    with lab.control.faulted("site-down", SITE), pytest.raises(Unreachable, match="carpentras: no endpoint"):
        read_all(session, [f"/nodes/ventoux-1/qemu/{vmid}/pending" for vmid in range(1000)])
    assert session.requests_made < 100


def test_a_refused_token_ends_the_reading_at_once(lab, session):
    with lab.control.faulted("token-revoked", SITE), pytest.raises(ApiError, match="was refused by"):
        read_all(session, [f"/nodes/ventoux-1/qemu/{vmid}/pending" for vmid in range(1000)])
    assert session.requests_made < 30


def test_a_path_that_is_never_answered_fails_alone(open_session, tmp_path):
    good = http("200 OK", VERSION, "application/json", "Connection: close")
    with odd_endpoint(tmp_path, good, None) as odd:
        session = open_session(endpoints=[odd.url], ca=odd.cafile)
        readings = read_all(session, ["/version", "/hangs"], workers=1)
    assert set(readings.answers) == {"/version"}
    assert "the connection broke" in readings.failures["/hangs"]


def test_the_permissions_of_an_administrator_lack_nothing(session):
    pairs = [
        ("/vms", "VM.Audit"),
        ("/storage", "Datastore.Audit"),
        ("/", "Sys.Audit"),
        ("/pool", "Pool.Audit"),
    ]
    assert missing(session.get("/access/permissions"), pairs) == ()
