"""Changes that are dangerous, impossible or not Bastide's to make; and differences that are none."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.bad_days.scenes import SITE, Scene, told

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def service_closed_until(day: datetime) -> str:
    """A service of the record whose only window opens at 03:00 of a weekday."""
    return f"""
services:
  records: {{title: Record, tier: 1, rpo: 1d, rto: 1d, guests: [record], window: late, degraded: on paper}}
windows:
  late: {{days: [{DAYS[day.weekday()]}], start: "03:00", end: "04:00"}}
"""


@pytest.fixture
def waiting(applied: Scene) -> Scene:
    """The record waits for a restart with its new memory, and its service may not be disturbed now."""
    with (applied.bastide.folder / "estate.yml").open("a") as estate:
        estate.write(service_closed_until(datetime.now(UTC) + timedelta(days=3)))
    applied.bastide.edit("estate.yml", "memory: 4G", "memory: 6G")
    ran = applied.bastide("apply", "--yes")
    assert ran.code == 0, ran.err
    return applied


def test_a_change_that_needs_a_restart_waits_for_it_and_the_plan_says_so(waiting: Scene):
    ran = waiting.bastide("plan")
    assert ran.code == 0, ran.out
    assert "Waits for a restart of the guest" in ran.out
    assert "memory 4G → 6G" in ran.out
    assert uptime_restarted(waiting) is False


def test_a_restart_outside_the_window_is_refused_with_the_next_opening(waiting: Scene):
    before = waiting.writes()
    opens = datetime.now(UTC) + timedelta(days=3)
    ran = waiting.bastide("apply", "--yes", "--allow", "restart=record")
    told(
        ran,
        5,
        "record (carpentras/vm/110) would be interrupted",
        "the window late of the service records is closed",
    )
    told(ran, 5, f"wait until {opens:%a}", "03:00 (Europe/Paris)", "--break-glass REASON")
    assert waiting.writes() == before


def test_break_glass_restarts_outside_the_window_and_is_in_the_journal(waiting: Scene):
    ran = waiting.bastide(
        "apply", "--yes", "--allow", "restart=record", "--break-glass", "the ward is evacuated"
    )
    assert ran.code == 0, ran.err
    assert uptime_restarted(waiting)
    assert '"break-glass", "reason": "the ward is evacuated"' in waiting.journal()
    plan = waiting.bastide("plan")
    assert plan.code == 0
    assert "Waits for a restart" not in plan.out


def uptime_restarted(scene: Scene) -> bool:
    """Whether the record runs with all that is written for it."""
    node = scene.operator.guest(110)["node"]
    pending = scene.operator("GET", f"/nodes/{node}/qemu/110/pending")
    return not any("pending" in row or row.get("delete") for row in pending)


def test_a_place_that_a_foreign_guest_has_taken_is_a_conflict_and_the_rest_is_applied(fresh: Scene):
    fresh.operator("POST", "/nodes/ventoux-3/qemu", vmid=110, name="somebody-elses", memory=512)
    before = fresh.operator.guest(110)
    ran = fresh.bastide("apply", "--yes")
    told(ran, 5, "VMID 110 on carpentras is 'somebody-elses'", "choose another VMID for record")
    assert fresh.operator.guest(110) == before
    assert fresh.operator.guest(111)["name"] == "laboratory"


def test_a_guest_that_was_moved_or_stopped_is_no_drift(applied: Scene):
    applied.operator(
        "POST", "/nodes/ventoux-3/qemu/112/migrate", target="ventoux-1", online=1, **{"with-local-disks": 1}
    )
    applied.operator("POST", "/nodes/ventoux-1/qemu/112/status/stop")
    guest = applied.operator.guest(112)
    assert (guest["node"], guest["status"]) == ("ventoux-1", "stopped")
    ran = applied.bastide("drift")
    assert ran.code == 0, ran.out
    assert ran.json["steps"] == []


def test_guests_that_must_be_apart_and_run_together_are_drift(applied: Scene):
    applied.operator("PUT", "/cluster/ha/rules/apart", type="resource-affinity", disable=1)
    applied.operator(
        "POST", "/nodes/ventoux-2/qemu/111/migrate", target="ventoux-1", online=1, **{"with-local-disks": 1}
    )
    for sid in ("vm:110", "vm:111"):
        applied.operator("PUT", f"/cluster/ha/resources/{sid}", state="ignored")
    applied.operator("PUT", "/cluster/ha/rules/apart", type="resource-affinity", delete="disable")
    applied.bastide.edit("estate.yml", "ha: {}", "ha: {state: ignored}")
    applied.bastide.edit("estate.yml", "ha: {}", "ha: {state: ignored}")
    ran = applied.bastide("drift")
    assert ran.code == 4, ran.out
    assert ran.json["steps"] == []
    (broken,) = ran.json["violations"]
    assert broken["ref"] == f"{SITE}/ha_rule/apart"
    assert "laboratory and record run on the same node ventoux-1" in broken["message"]


def test_less_memory_has_to_be_allowed_by_name(applied: Scene):
    applied.bastide.edit("estate.yml", "memory: 4G", "memory: 3G")
    before = applied.writes()
    told(
        applied.bastide("apply", "--yes"),
        5,
        "record (carpentras/vm/110) would shrink",
        "--allow shrink=carpentras/vm/110",
    )
    told(applied.bastide("apply", "--yes", "--allow", "shrink=laboratory"), 5, "would shrink")
    assert applied.writes() == before
    assert applied.bastide("apply", "--yes", "--allow", "shrink=record").code == 0
    assert applied.operator.guest(110)["memory"] == "3072"


def test_taking_a_disk_away_has_to_be_allowed_by_name(applied: Scene):
    applied.bastide.edit("estate.yml", "{scsi0: 8G, scsi1: 16G}", "{scsi0: 8G}")
    before = applied.writes()
    told(
        applied.bastide("apply", "--yes"),
        5,
        "record (carpentras/vm/110)",
        "scsi1",
        "--allow destroy=carpentras/vm/110",
    )
    assert applied.writes() == before
    assert applied.bastide("apply", "--yes", "--allow", "destroy=record").code == 0
    assert "scsi1" not in applied.operator.guest(110)


def test_a_disk_grows_and_does_not_shrink(applied: Scene):
    applied.bastide.edit("estate.yml", "scsi0: 8G, scsi1: 16G", "scsi0: 12G, scsi1: 12G")
    ran = applied.bastide("apply", "--yes")
    told(ran, 5, "Proxmox VE cannot shrink a disk: scsi1.size of record", "is 16G and the estate says 12G")
    assert "size=12G" in applied.operator.guest(110)["scsi0"]
    assert "size=16G" in applied.operator.guest(110)["scsi1"]


def test_what_bears_the_mark_and_left_the_estate_goes_and_nothing_else_does(applied: Scene):
    applied.operator("POST", "/pools", poolid="foreign", comment="of somebody else [bastide:other]")
    applied.operator("POST", "/access/groups", groupid="foreigners")
    applied.operator("POST", "/nodes/ventoux-3/qemu", vmid=500, name="foreign", memory=512)
    before = applied.operator.guest(500)
    applied.bastide.edit(
        "estate.yml", "    access:\n      groups:\n        astreinte: {comment: On call}\n", ""
    )
    applied.bastide.edit("estate.yml", "      acl:\n", "    access:\n      acl:\n")
    applied.bastide.edit("estate.yml", "groups: [astreinte]", "users: [root@pam]")
    text = (applied.bastide.folder / "estate.yml").read_text()
    (applied.bastide.folder / "estate.yml").write_text(text[: text.index("  archive:")])
    ran = applied.bastide("apply", "--yes", "--allow", "destroy=*")
    assert ran.code == 0, ran.err
    assert applied.operator.guest(112) == {}
    assert [one["groupid"] for one in applied.operator("GET", "/access/groups")] == ["foreigners"]
    assert {one["poolid"] for one in applied.operator("GET", "/pools")} == {"clinic", "foreign"}
    assert applied.operator.guest(500) == before
