"""Tasks take time, hold locks, and end as Proxmox says they do."""

import time

import pytest
from lab_client import Api, session_for

from lab.running import running_lab
from lab.spec import LabSpec


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A lab whose tasks take a moment: a clone of five seconds is over in a quarter of one."""
    spec = LabSpec.sized(sites=1)
    slow = LabSpec(sites=spec.sites, time_scale=0.05, port=0)
    with running_lab(slow, tmp_path_factory.mktemp("lab")) as running:
        yield running


def wait(api, upid):
    for _ in range(400):
        ended = api.ended(upid)
        if ended is not None:
            return ended
        time.sleep(0.02)
    raise AssertionError(f"{upid} did not end")


def test_a_task_runs_and_then_ends_and_its_log_says_so(api):
    upid = api.data("POST", "/nodes/ventoux-1/qemu/9000/clone", newid=100, full=1)
    path = f"/nodes/ventoux-1/tasks/{upid}"
    running = api.data("GET", path + "/status")
    assert running["status"] == "running"
    assert (running["user"], running["tokenid"], running["type"]) == ("root@pam", "bastide", "qmclone")
    assert "exitstatus" not in running
    assert api.data("GET", "/nodes/ventoux-1/qemu/100/config")["lock"] == "clone"
    assert wait(api, upid) == "OK"
    log = api("GET", path + "/log").json()
    assert log["total"] == len(log["data"])
    assert log["data"][-1]["t"] == "TASK OK"
    assert "lock" not in api.data("GET", "/nodes/ventoux-1/qemu/100/config")


def test_the_third_clone_on_one_storage_waits_too_long_for_its_lock(api):
    upids = [
        api.data("POST", "/nodes/ventoux-1/qemu/9000/clone", newid=newid, full=1, storage="nas")
        for newid in (110, 111, 112)
    ]
    assert [wait(api, upid) for upid in upids] == [
        "OK",
        "OK",
        "clone failed: cfs-lock 'storage-nas' error: got lock request timeout",
    ]
    assert api("GET", "/nodes/ventoux-1/qemu/112/config").status_code == 500


def test_a_task_that_another_holds_the_lock_against_times_out(api):
    wait(api, api.data("POST", "/nodes/ventoux-1/qemu", vmid=120, memory=64))
    stuck = api.data("POST", "/nodes/ventoux-1/qemu/120/status/start")
    queued = api.data("POST", "/nodes/ventoux-1/qemu/120/status/stop")
    assert [wait(api, stuck), wait(api, queued)] == ["OK", "OK"]


def test_the_task_list_shows_finished_tasks_and_running_ones_only_when_asked(api):
    upid = api.data("POST", "/nodes/ventoux-1/qemu/9001/clone", newid=130, full=1, storage="local-btrfs")
    seen = {task["upid"] for task in api.data("GET", "/nodes/ventoux-1/tasks")}
    active = {task["upid"] for task in api.data("GET", "/nodes/ventoux-1/tasks", source="active")}
    assert upid in active - seen
    wait(api, upid)
    assert upid in {task["upid"] for task in api.data("GET", "/nodes/ventoux-1/tasks", vmid=9001)}


def test_an_unknown_task_and_a_broken_upid_are_told_apart(api):
    gone = "UPID:ventoux-1:00000001:00000001:6B000000:qmstart:100:root@pam:"
    assert api("GET", f"/nodes/ventoux-1/tasks/{gone}/status").json()["errors"] == {"upid": "no such task"}
    broken = api("GET", "/nodes/ventoux-1/tasks/UPID:bad/status").json()
    assert broken["errors"] == {"upid": "unable to parse worker upid"}


def test_a_task_that_is_stopped_is_interrupted(lab, api):
    lab.control.fault("task-endless", "carpentras")
    upid = api.data("POST", "/nodes/ventoux-1/qemu", vmid=140, memory=64)
    assert api("DELETE", f"/nodes/ventoux-1/tasks/{upid}").ok
    assert api.ended(upid) == "interrupted by signal"


def test_a_hung_task_is_lost_when_the_lab_restarts_and_its_guest_stays_locked(tmp_path):
    spec = LabSpec.sized(sites=1)
    with running_lab(spec, tmp_path) as lab, session_for(lab.sites["carpentras"]) as session:
        lab.control.fault("task-endless", "carpentras")
        api = Api(lab.sites["carpentras"], session)
        upid = api.data("POST", "/nodes/ventoux-1/qemu", vmid=150, memory=64)
    with running_lab(spec, tmp_path) as lab, session_for(lab.sites["carpentras"]) as session:
        api = Api(lab.sites["carpentras"], session)
        assert api.ended(upid) == "unexpected status"
        assert api.data("GET", "/nodes/ventoux-1/qemu/150/config")["lock"] == "create"
