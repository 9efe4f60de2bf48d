"""Tasks: OK and WARNINGS are good, everything else is told with what to look at."""

from __future__ import annotations

import pytest

from provisioner.errors import LockTimeout, TaskFailed, TaskTimeout
from provisioner.pve import tasks
from provisioner.pve.tasks import Upid, wait

SITE = "carpentras"


@pytest.fixture
def start(lab, session):
    """Starts a task that may run again and again: a snapshot of guest 1001."""

    def started() -> Upid:
        node = next(row["node"] for row in session.get("/cluster/resources") if row.get("vmid") == 1001)
        name = f"s{lab.control.write_count(SITE)}"
        return Upid.parse(session.write("POST", f"/nodes/{node}/qemu/1001/snapshot", {"snapname": name}))

    return started


def test_a_task_that_ends_well_has_no_warnings(session, start):
    upid = start()
    assert wait(session, upid, 10) == ()
    assert (upid.type, upid.id) == ("qmsnapshot", "1001")


def test_a_task_with_warnings_is_good_and_its_warnings_are_returned(lab, session, start):
    lab.control.fault("task-warn", SITE, match="qmsnapshot", message="disk is slow")
    assert wait(session, start(), 10) == ("WARN: disk is slow",)


def test_a_failed_task_is_told_with_its_status_and_the_end_of_its_log(lab, session, start):
    lab.control.fault("task-fail", SITE, match="qmsnapshot", message="no space left on device")
    with pytest.raises(
        TaskFailed, match=r"the task qmsnapshot 1001 on ventoux-. failed: no space left"
    ) as caught:
        wait(session, start(), 10)
    assert "TASK ERROR: no space left on device" in caught.value.hint
    assert "UPID:ventoux-" in caught.value.hint


def test_a_task_that_waited_for_a_lock_in_vain_may_be_tried_again(lab, session, start):
    text = "can't lock file '/var/lock/qemu-server/lock-1001.conf' - got timeout"
    lab.control.fault("task-fail", SITE, match="qmsnapshot", message=text)
    with pytest.raises(LockTimeout, match="got timeout"):
        wait(session, start(), 10)


def test_an_endless_task_is_a_timeout_that_says_what_to_look_at(lab, session, start):
    lab.control.fault("task-endless", SITE, match="qmsnapshot")
    upid = start()
    with pytest.raises(TaskTimeout, match=f"qmsnapshot 1001 on {upid.node} had not ended") as caught:
        wait(session, upid, 0.5)
    assert upid.text in caught.value.what
    assert f"pvenode task log {upid.text}" in caught.value.hint


def test_who_waits_is_told_how_long_and_may_leave(lab, session, start):
    waited = []

    def tell(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 3:
            raise InterruptedError

    lab.control.fault("task-endless", SITE, match="qmsnapshot")
    with pytest.raises(InterruptedError):
        wait(session, start(), 3600, on_progress=tell)
    assert waited == sorted(waited)


def test_an_endpoint_that_dies_meanwhile_is_replaced(lab, session, start):
    lab.control.fault("task-endless", SITE, match="qmsnapshot")
    upid = start()
    other = next(node for node in lab.sites[SITE].nodes if node != upid.node)
    session._endpoints.answered(lab.sites[SITE].nodes[other])
    with (
        lab.control.faulted("node-down", SITE, node=other),
        pytest.raises(TaskTimeout, match="had not ended"),
    ):
        wait(session, upid, 0.3)


def test_a_task_whose_node_is_silent_says_so(lab, session, start):
    lab.control.fault("task-endless", SITE, match="qmsnapshot")
    upid = start()
    with (
        lab.control.faulted("node-down", SITE, node=upid.node),
        pytest.raises(TaskTimeout, match=r"nothing can be learned of it: .* 595 No route to host"),
    ):
        wait(session, upid, 0.5)


def test_a_node_that_stays_silent_is_given_up_before_the_time_is_up(lab, session, start, monkeypatch):
    monkeypatch.setattr(tasks, "NODE_SILENT_SECONDS", 0.2)
    lab.control.fault("task-endless", SITE, match="qmsnapshot")
    upid = start()
    with lab.control.faulted("node-down", SITE, node=upid.node), pytest.raises(TaskTimeout, match="595"):
        wait(session, upid, 3600)


def test_a_task_that_the_node_does_not_know_has_failed(session):
    lost = Upid.parse("UPID:ventoux-1:0000ABCD:00001234:66000000:qmstart:1001:root@pam:")
    with pytest.raises(TaskFailed, match="ventoux-1 does not know the task qmstart 1001"):
        wait(session, lost, 10)
