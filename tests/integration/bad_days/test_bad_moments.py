"""What goes wrong between a plan and the end of its apply: in the cluster, and by somebody else's hand."""

import pytest

from tests.integration.bad_days.scenes import SITE, Scene, held, told

MEMORY = ("estate.yml", "memory: 4G", "memory: 6G")


def test_without_quorum_nothing_is_written(untouched: Scene):
    untouched.lab.control.fault("no-quorum", SITE)
    told(untouched.bastide("apply", "--yes"), 5, f"the cluster of {SITE} has no quorum", "--site")


def test_a_quorum_that_is_lost_in_the_middle_ends_the_apply_and_the_next_one_finishes_it(fresh: Scene):
    with held(fresh, "POST", "/nodes/ventoux-1/qemu/9000/clone", "--yes") as apply:
        fresh.lab.control.fault("no-quorum", SITE)
    assert apply.returncode == 1
    assert "has no quorum" in apply.stderr
    assert "The lock of carpentras stays behind" in apply.stderr
    assert "Not begun" in apply.stderr
    fresh.lab.control.lift()
    assert fresh.bastide("apply", "--yes").code == 0
    assert fresh.bastide("plan").code == 0


def test_a_change_by_somebody_else_since_the_plan_was_saved_is_refused(applied: Scene):
    plan = applied.bastide.folder / "plan.json"
    applied.bastide.edit(*MEMORY)
    assert applied.bastide("plan", "-o", str(plan)).code == 4
    applied.operator("PUT", "/nodes/ventoux-1/qemu/110/config", memory=8192)
    before = applied.writes()
    told(applied.bastide("apply", str(plan)), 5, "the world moved since the plan was made", f"{SITE}/vm/110")
    assert applied.writes() == before


def test_a_change_by_somebody_else_in_the_middle_of_an_apply_stops_that_step(applied: Scene):
    applied.bastide.edit(*MEMORY)
    applied.bastide.edit("estate.yml", "comment: Clinic", "comment: The clinic")
    with held(applied, "PUT", "/pools", "--yes") as apply:
        applied.operator("PUT", "/nodes/ventoux-1/qemu/110/config", memory=8192)
    assert apply.returncode == 1
    assert "vm/110 record: carpentras/vm/110 (record): memory was changed by somebody else" in apply.stderr
    assert applied.operator.guest(110)["memory"] == "8192"
    assert "The clinic" in str(applied.operator("GET", "/pools"))


def test_clones_that_wait_for_a_storage_in_vain_are_tried_again(fresh: Scene):
    fresh.lab.control.fault("lock", SITE, match="vmdata", times=2)
    ran = fresh.bastide("apply", "--yes")
    assert ran.code == 0, ran.err
    assert fresh.lab.control.faults() == []
    failed = [task for task in fresh.operator("GET", "/cluster/tasks") if task["type"] == "qmclone"]
    assert len(failed) == 3


def test_a_task_that_warns_is_good_and_its_warning_is_shown(fresh: Scene):
    fresh.lab.control.fault("task-warn", SITE, match="qmclone", message="the image is old")
    ran = fresh.bastide("apply", "--yes")
    assert ran.code == 0, ran.err
    assert "Warning carpentras/vm/110 record: WARN: the image is old" in ran.err


def test_a_task_that_fails_stops_what_needs_it_and_the_next_apply_finishes(fresh: Scene):
    fresh.lab.control.fault("task-fail", SITE, match="qmclone", message="disk is broken")
    ran = fresh.bastide("apply", "--yes")
    told(
        ran,
        1,
        "the task qmclone 9000 on ventoux-1 failed: clone failed: disk is broken",
        "1 step failed, 2 not begun",
    )
    assert fresh.operator.guest(110) == {}
    assert fresh.operator.guest(111)["status"] == "running"
    assert fresh.operator("GET", "/cluster/ha/rules") == []
    assert fresh.bastide("apply", "--yes").code == 0
    assert fresh.bastide("plan").code == 0


def test_a_task_that_never_ends_is_named_with_where_to_look(fresh: Scene):
    fresh.api(task_timeout="1s")
    fresh.lab.control.fault("task-endless", SITE, match="qmstart")
    ran = fresh.bastide("apply", "--yes")
    told(
        ran,
        1,
        "the task qmstart",
        "had not ended after",
        "read its log on node ventoux-",
        "pvenode task log UPID:",
    )
    (task,) = [
        one
        for one in fresh.operator("GET", "/cluster/tasks")
        if one["type"] == "qmstart" and "status" not in one
    ]
    fresh.operator("DELETE", f"/nodes/{task['node']}/tasks/{task['upid']}")
    assert fresh.bastide("apply", "--yes").code == 0
    assert fresh.bastide("plan").code == 0


def test_a_second_apply_is_refused_and_told_who_runs_the_first(applied: Scene):
    applied.bastide.edit(*MEMORY)
    with held(applied, "PUT", "/nodes/ventoux-1/qemu/110/config", "--yes") as first:
        before = applied.writes()
        told(
            applied.bastide("apply", "--yes"),
            5,
            "another apply is running",
            f"pid {first.pid}",
            "--take-lock",
        )
        assert applied.operator.guest(110)["memory"] == "4096"
        assert applied.writes() == before + 1  # it tried to make the lock
    assert first.returncode == 0, first.stderr
    assert "bastide-lock" not in str(applied.operator("GET", "/pools"))


LOCKED_ELSEWHERE = (
    "carol@another-host pid 4711 boot 00000000-0000-4000-8000-000000000000 since 2026-01-01T00:00:00Z"
)


def test_a_lock_of_another_machine_is_taken_over_only_if_asked(applied: Scene):
    applied.operator("POST", "/pools", poolid="bastide-lock", comment=LOCKED_ELSEWHERE)
    applied.bastide.edit(*MEMORY)
    told(applied.bastide("apply", "--yes"), 5, "another apply is running, by carol@another-host pid 4711")
    assert applied.operator.guest(110)["memory"] == "4096"
    assert applied.bastide("apply", "--yes", "--take-lock").code == 0
    assert applied.operator.guest(110)["memory"] == "6144"
    assert "bastide-lock" not in str(applied.operator("GET", "/pools"))


def test_a_lock_that_somebody_took_over_is_left_to_them(applied: Scene):
    applied.bastide.edit(*MEMORY)
    with held(applied, "PUT", "/nodes/ventoux-1/qemu/110/config", "--yes") as first:
        applied.operator("PUT", "/pools", poolid="bastide-lock", comment=LOCKED_ELSEWHERE)
    assert first.returncode == 0, first.stderr
    assert LOCKED_ELSEWHERE in str(applied.operator("GET", "/pools"))


def test_the_lock_of_a_killed_run_of_this_machine_is_taken_over_silently(applied: Scene):
    applied.bastide.edit(*MEMORY)
    with held(applied, "PUT", "/nodes/ventoux-1/qemu/110/config", "--yes") as first:
        first.kill()
    assert f"pid {first.pid}" in str(applied.operator("GET", "/pools"))
    ran = applied.bastide("apply", "--yes")
    assert ran.code == 0, ran.err
    assert "another apply" not in ran.err


def test_ctrl_c_lets_the_step_under_way_end_and_begins_no_other(fresh: Scene):
    with held(fresh, "POST", "/nodes/ventoux-1/qemu/9000/clone", "--yes") as apply:
        apply.interrupt()
    assert apply.returncode == 130
    assert "no step is begun any more" in apply.stderr
    assert "done      carpentras: create vm/110 record" in apply.stderr
    assert fresh.operator.guest(110)["status"] == "running"
    assert fresh.operator("GET", "/cluster/ha/rules") == []
    assert "bastide-lock" not in str(fresh.operator("GET", "/pools"))


@pytest.mark.parametrize("obstacle", ["a file", "a full disk"])
def test_without_a_journal_nothing_is_written(untouched: Scene, obstacle):
    if obstacle == "a file":
        (untouched.bastide.folder / ".bastide").write_text("")
    ran = untouched.bastide("apply", "--yes", blocks=0 if obstacle == "a full disk" else None)
    told(ran, 5, "the journal", "cannot be written, and nothing was sent", "make room")


def test_a_disk_that_fills_up_in_the_middle_ends_the_apply_and_the_next_one_finishes_it(fresh: Scene):
    ran = fresh.bastide("apply", "--yes", blocks=2)
    told(ran, 1, "the journal", "takes no more, and nothing more is sent: File too large", "make room")
    assert "bastide-lock" not in str(fresh.operator("GET", "/pools"))
    assert fresh.bastide("apply", "--yes").code == 0
    assert fresh.bastide("plan").code == 0


def test_a_plan_file_with_one_changed_byte_is_refused(untouched: Scene):
    plan = untouched.bastide.folder / "plan.json"
    assert untouched.bastide("plan", "-o", str(plan)).code == 4
    good = plan.read_bytes()
    at = good.index(b"4294967296")
    for wrong in (good[:at] + b"8" + good[at + 1 :], good[:at] + b"\xff" + good[at + 1 :], good[:-9], b""):
        plan.write_bytes(wrong)
        told(
            untouched.bastide("apply", str(plan)), 5, "not a plan that can be applied", "bastide plan -o FILE"
        )


def test_a_plan_of_another_estate_is_refused(untouched: Scene):
    plan = untouched.bastide.folder / "plan.json"
    assert untouched.bastide("plan", "-o", str(plan)).code == 4
    untouched.bastide.edit("estate.yml", "estate: small", "estate: large")
    told(untouched.bastide("apply", str(plan)), 5, "for the estate 'small', not for 'large'", "plan again")
