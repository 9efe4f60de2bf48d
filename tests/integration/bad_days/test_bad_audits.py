"""Audits on bad days: what was not seen is unknown, what was recorded stays, and nothing is half-written."""

import json

import pytest

from tests.integration.bad_days.scenes import SITE, Scene, interrupted_while_it_looks, told

AUDIT = ("audit", "--fail-on", "nothing")
MAX_SECONDS = 15


def records(scene: Scene) -> list[dict[str, object]]:
    """What the ledger holds, after it was verified."""
    verified = scene.bastide("evidence", "verify", "--json")
    assert verified.code == 0, verified.err
    assert verified.json["notes"] == []
    return json.loads(scene.bastide("evidence", "show", "--json").out)


def unknown_of_the_site(scene: Scene) -> dict[str, str]:
    """What could not be judged of the site, and why."""
    findings = scene.bastide(*AUDIT, "--json").json["findings"]
    return {
        one["check"]: one["reason"]
        for one in findings
        if one["subject"] == SITE and one["verdict"] == "unknown"
    }


def test_a_token_that_may_only_look_can_audit_all_but_backups_and_updates(applied: Scene):
    applied.as_token(applied.operator.token("auditor", ("/", "PVEAuditor")))
    reasons = unknown_of_the_site(applied)
    assert reasons.pop("pve-updates").endswith("needs Sys.Modify on /nodes/ventoux-3")
    assert reasons
    why = "backups could not be looked at: root@pam!auditor lacks Datastore.AllocateSpace on /storage"
    assert all(one.startswith(why) for one in reasons.values())


def test_the_rights_that_the_manual_asks_for_let_an_auditor_see_backups_too(applied: Scene):
    applied.operator(
        "POST", "/access/roles", roleid="BastideAudit", privs="Datastore.AllocateSpace,VM.Backup"
    )
    applied.as_token(applied.operator.token("auditor", ("/", "PVEAuditor"), ("/", "BastideAudit")))
    before = applied.writes()
    assert list(unknown_of_the_site(applied)) == ["pve-updates"]
    assert applied.writes() == before


def test_a_cluster_that_does_not_answer_is_unknown_and_ends_with_exit_6(untouched: Scene):
    untouched.lab.control.fault("site-down", SITE)
    ran = untouched.bastide(*AUDIT, "--json")
    assert ran.code == 6
    assert {one["verdict"] for one in ran.json["findings"] if one["subject"] == SITE} == {"unknown"}
    assert f"{SITE}: " in ran.err
    assert len(records(untouched)) == 1


@pytest.mark.parametrize("blocks", [0, 4, 60])
def test_a_full_disk_loses_no_earlier_audit_and_keeps_no_half_of_this_one(untouched: Scene, blocks):
    assert untouched.bastide(*AUDIT).code == 6
    told(untouched.bastide(*AUDIT, blocks=blocks), 1, "could not be written", "make room on that disk")
    assert untouched.bastide(*AUDIT).code == 6
    assert len(records(untouched)) == 2


def test_a_full_disk_leaves_no_half_report(untouched: Scene):
    untouched.bastide(*AUDIT)
    folder = untouched.bastide.folder / "out"
    told(untouched.bastide("report", "-o", str(folder), blocks=8), 1, "could not be written", "make room")
    assert [path.name for path in folder.iterdir()] == []


def test_ctrl_c_while_it_looks_records_nothing_and_breaks_nothing(untouched: Scene):
    untouched.bastide(*AUDIT)
    code, out, err = interrupted_while_it_looks(untouched, *AUDIT, seconds=MAX_SECONDS)
    assert (code, out) == (130, "")
    assert "Traceback" not in err
    assert len(records(untouched)) == 1
    untouched.bastide(*AUDIT)
    assert len(records(untouched)) == 2


def test_two_audits_at_once_are_two_records(untouched: Scene):
    both = [untouched.bastide.start(*AUDIT) for _ in range(2)]
    for one in both:
        _, err = one.communicate(timeout=240)
        assert one.returncode == 6, err
    assert [record["number"] for record in records(untouched)] == [1, 2]


def test_one_flipped_byte_in_the_ledger_is_named_and_nothing_is_added_to_it(untouched: Scene):
    untouched.bastide(*AUDIT)
    file = untouched.bastide.folder / ".bastide/ledger/records/000001/record.json"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(content)
    told(untouched.bastide("evidence", "verify"), 1, "does not hold", "record 1: ")
    told(untouched.bastide(*AUDIT), 1, "000001/record.json cannot be read", "see `bastide evidence verify`")
    assert file.read_bytes() == content
    assert [path.name for path in file.parent.parent.iterdir()] == ["000001"]


def test_a_waiver_without_its_last_day_makes_the_estate_invalid(untouched: Scene):
    estate = untouched.bastide.folder / "estate.yml"
    waiver = "{ checks: [pve-*], owner: RSSI, reason: bought so, measure: a bastion }"
    estate.write_text(f"{estate.read_text()}\naudit: {{ waivers: [{waiver}] }}\n")
    ran = untouched.bastide("audit")
    assert ran.code == 3
    assert "`expires` is missing" in ran.err
    assert not (untouched.bastide.folder / ".bastide").exists()
