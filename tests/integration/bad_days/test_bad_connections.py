"""Endpoints that do not answer, or are not who they should be: said at once, and the rest is planned."""

import socket

import pytest

from lab.pki import Authority
from lab.spec import LabSpec
from tests.integration.bad_days.scenes import OTHER, SITE, Scene, interrupted_while_it_looks, scene, told

MAX_SECONDS = 60


def unknown(ran, *pieces: str) -> None:
    """All of the site is unknown, with a reason that names these; nothing is planned for it."""
    assert ran.code == 6, ran.out + ran.err
    assert f"{SITE}: all of it" in ran.out
    assert "0 to change" not in ran.out
    said = " ".join(ran.out.split())
    for piece in pieces:
        assert piece in said, said


def closed_port() -> str:
    """An address at which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"https://127.0.0.1:{sock.getsockname()[1]}"


def test_one_endpoint_that_is_down_does_not_matter(untouched: Scene):
    dead = closed_port()
    untouched.api(endpoints=[dead, *untouched.lab.sites[SITE].urls[1:]])
    ran = untouched.bastide("plan")
    assert ran.code == 4
    assert f"{dead} is set aside: connection refused" in ran.err


def test_a_site_without_a_living_endpoint_is_unknown(untouched: Scene):
    untouched.api(endpoints=[closed_port(), closed_port()])
    unknown(
        untouched.bastide("plan"), "no endpoint can be used", "connection refused", "check that the node runs"
    )


def test_an_apply_on_a_site_that_does_not_answer_ends_with_exit_6(untouched: Scene):
    untouched.lab.control.fault("site-down", SITE)
    ran = untouched.bastide("apply", "--yes")
    assert ran.code == 6
    assert f"{SITE}: all of it" in ran.err


def test_a_wrong_fingerprint_is_shown_beside_the_right_one(untouched: Scene):
    pinned = ":".join(["AB"] * 32)
    untouched.api(ca=None, fingerprint=pinned)
    shown = untouched.lab.sites[SITE].fingerprint
    unknown(
        untouched.bastide("plan"), f"shows the certificate {shown}", f"pins {pinned}", "pvenode cert info"
    )


def test_an_expired_certificate_is_named_with_its_day(fresh: Scene):
    fresh.lab.control.expire_certificate(SITE)
    unknown(fresh.bastide("plan"), "its certificate has expired on", "pvecm updatecerts")
    assert fresh.writes() == 0


def test_the_certificate_of_another_authority_is_not_trusted(untouched: Scene, tmp_path):
    other = Authority.in_directory(tmp_path)
    untouched.api(ca=str(other.cafile))
    unknown(untouched.bastide("plan"), "signed by an authority that is not trusted here", "api.ca")


def test_a_revoked_token_is_named_and_how_to_renew_it(untouched: Scene):
    untouched.lab.control.fault("token-revoked", SITE)
    unknown(
        untouched.bastide("plan"),
        "root@pam!bastide was refused",
        "401",
        "pveum user token add root@pam bastide",
    )


def test_a_ticket_that_expires_in_the_middle_of_an_apply_is_renewed(fresh: Scene):
    fresh.api(token=None, user="root@pam", secret="env:ROOT_PASSWORD")
    fresh.bastide.secrets["ROOT_PASSWORD"] = fresh.lab.sites[SITE].password
    fresh.lab.control.fault("ticket-expired", SITE, skip=20, times=1)
    ran = fresh.bastide("apply", "--yes")
    assert ran.code == 0, ran.err
    assert fresh.lab.control.faults() == []
    assert fresh.bastide("plan").code == 0


def test_a_wrong_password_is_named_and_not_tried_again(untouched: Scene):
    untouched.api(token=None, user="root@pam", secret="env:ROOT_PASSWORD")
    untouched.bastide.secrets["ROOT_PASSWORD"] = "not the password"
    unknown(untouched.bastide("plan"), "root@pam was refused", "check the password")


def test_a_site_that_is_down_is_unknown_and_the_other_is_planned(untouched: Scene):
    untouched.with_other_site()
    untouched.lab.control.fault("site-down", SITE)
    ran = untouched.bastide("plan", "--json")
    assert ran.code == 4
    assert {step["ref"].split("/")[0] for step in ran.json["steps"]} == {OTHER}
    assert [one["ref"] for one in ran.json["unknown"]] == [f"{SITE}/*/*"]


def test_what_can_be_applied_is_applied_while_a_site_is_down(fresh: Scene):
    fresh.with_other_site()
    fresh.lab.control.fault("site-down", SITE)
    assert fresh.bastide("apply", "--yes").code == 6
    fresh.lab.control.lift()
    ran = fresh.bastide("plan", "--json")
    assert {step["ref"].split("/")[0] for step in ran.json["steps"]} == {SITE}


def test_what_lies_on_a_dead_node_is_unknown_and_the_rest_is_planned(applied: Scene):
    applied.bastide.edit("estate.yml", "memory: 1G", "memory: 3G")
    applied.bastide.edit("estate.yml", "memory: 4G", "memory: 6G")
    applied.lab.control.fault("node-down", SITE, node="ventoux-3")
    ran = applied.bastide("plan", "--json")
    assert ran.code == 4
    assert [step["ref"] for step in ran.json["steps"]] == [f"{SITE}/vm/110"]
    (gap,) = ran.json["unknown"]
    assert gap["ref"] == f"{SITE}/vm/112"
    assert "ventoux-3" in gap["reason"]
    assert applied.bastide("apply", "--yes").code == 6
    assert applied.operator.guest(110)["memory"] == "6144"


def test_the_wrong_cluster_behind_the_endpoints_is_refused(untouched: Scene):
    untouched.bastide.edit("estate.yml", "cluster: ventoux", "cluster: garrigue")
    ran = untouched.bastide("apply", "--yes")
    told(ran, 5, "the endpoints lead to 'ventoux', and the estate says 'garrigue'", f"sites.{SITE}.cluster")


def test_another_release_than_the_estate_says_is_refused(tmp_path):
    with scene(tmp_path, LabSpec.sized(sites=2, pve_major=8)) as old:
        ran = old.bastide("apply", "--yes")
        told(ran, 5, "runs Proxmox VE 8.4", "the estate says 9", f"sites.{SITE}.version")
        assert old.writes() == 0


@pytest.mark.parametrize("command", [("plan",), ("drift",), ("adopt",)])
def test_ctrl_c_while_it_looks_does_not_wait_for_a_slow_answer(untouched: Scene, command):
    code, out, err = interrupted_while_it_looks(untouched, *command, seconds=MAX_SECONDS)
    assert code == 130
    assert "Interrupted" in err
    assert "Traceback" not in err
    assert out == ""
