"""Every fault strikes where the real thing would break, and is gone when it is lifted."""

import pytest
import requests
from lab_client import Api, session_for

from lab.errors import LabRefused

SITE = "carpentras"
TEMPLATE = "/nodes/ventoux-1/qemu/9000"


def test_without_quorum_the_cluster_is_read_and_not_written(lab, api):
    with lab.control.faulted("no-quorum", SITE):
        assert api("GET", "/cluster/resources").ok
        assert api.data("GET", "/cluster/status")[0]["quorate"] == 0
        refused = {
            "create": api("POST", "/nodes/ventoux-1/qemu", vmid=500),
            "pool": api("POST", "/pools", poolid="nq"),
            "config": api("PUT", "/nodes/ventoux-3/qemu/1001/config", cores=1),
        }
    assert refused["create"].reason == "cluster not ready - no quorum?"
    assert refused["pool"].reason == "create pool failed: cfs-lock 'file-user_cfg' error: no quorum!"
    assert refused["config"].reason.endswith("Permission denied")
    assert api("POST", "/pools", poolid="quorate").ok


def test_a_dead_node_refuses_connections_and_the_others_answer_595_for_it(lab, api, site):
    with lab.control.faulted("node-down", SITE, node="ventoux-2"):
        with session_for(site) as session, pytest.raises(requests.ConnectionError):
            session.get(site.nodes["ventoux-2"] + "/api2/json/version")
        answer = api("GET", "/nodes/ventoux-2/qemu")
        assert (answer.status_code, answer.reason, answer.content) == (595, "No route to host", b"")
        rows = {row["name"]: row for row in api.data("GET", "/cluster/status")}
        assert (rows["ventoux-2"]["online"], rows["ventoux"]["quorate"]) == (0, 1)
        states = {row["vmid"]: row["status"] for row in api.data("GET", "/cluster/resources", type="vm")}
        assert "unknown" in states.values()
    with session_for(site) as session:
        assert Api(site, session, 1)("GET", "/version").ok


def test_two_dead_nodes_of_three_take_the_quorum_with_them(lab, api):
    with lab.control.faulted("node-down", SITE, node="ventoux-2"), \
            lab.control.faulted("node-down", SITE, node="ventoux-3"):  # fmt: skip
        assert api.data("GET", "/cluster/status")[0]["quorate"] == 0


def test_a_connection_that_was_open_to_a_dying_node_breaks(lab, site):
    with session_for(site) as session:
        api = Api(site, session)
        assert api("GET", "/version").ok
        with (
            lab.control.faulted("node-down", SITE, node="ventoux-1"),
            pytest.raises(requests.ConnectionError),
        ):
            api("GET", "/version")


def test_a_dead_site_does_not_answer_and_the_other_does(lab, site):
    with lab.control.faulted("site-down", SITE):
        for node in range(3):
            with session_for(site) as session, pytest.raises(requests.ConnectionError):
                Api(site, session, node)("GET", "/version")
        other = lab.sites["cavaillon"]
        with session_for(other) as session:
            assert Api(other, session)("GET", "/version").ok


def test_an_answer_lost_after_the_write_leaves_it_done(lab, api):
    lab.control.fault("drop-connection", SITE, when="after")
    with pytest.raises(requests.ConnectionError):
        api("POST", "/pools", poolid="lost-answer")
    assert api("GET", "/pools", poolid="lost-answer").ok


def test_a_connection_dropped_before_the_write_leaves_it_undone(lab, api):
    lab.control.fault("drop-connection", SITE, when="before")
    with pytest.raises(requests.ConnectionError):
        api("POST", "/pools", poolid="never-arrived")
    assert api("GET", "/pools", poolid="never-arrived").status_code == 500


def test_the_write_of_a_number_is_dropped_and_no_other(lab, api):
    third = lab.control.write_count(SITE) + 3
    lab.control.fault("drop-connection", SITE, at_write=third)
    api.data("POST", "/pools", poolid="first")
    api.data("POST", "/pools", poolid="second")
    with pytest.raises(requests.ConnectionError):
        api("POST", "/pools", poolid="third")
    api.data("POST", "/pools", poolid="fourth")
    assert lab.control.write_count(SITE) == third + 1
    assert lab.control.faults() == []


def test_some_writes_pass_before_the_next_ones_are_dropped(lab, api):
    lab.control.fault("drop-connection", SITE, skip=1, times=1, match="PUT *")
    path = "/nodes/ventoux-3/qemu/1001/config"
    api.data("POST", "/pools", poolid="not-a-put")
    api.data("PUT", path, description="passes")
    with pytest.raises(requests.ConnectionError):
        api("PUT", path, description="is dropped")
    api.data("PUT", path, description="passes again")


def test_a_lock_time_out_is_a_500_for_a_change_and_fails_a_task(lab, api):
    lab.control.fault("lock", SITE, guest=1001)
    text = "can't lock file '/var/lock/qemu-server/lock-1001.conf' - got timeout"
    path = "/nodes/ventoux-3/qemu/1001"
    assert api("PUT", path + "/config", cores=1).reason == text
    assert api.ended(api.data("POST", path + "/status/stop")) == text
    assert api("PUT", "/nodes/ventoux-1/qemu/1002/config", cores=1).ok


def test_a_storage_lock_fails_the_clone_and_leaves_no_guest(lab, api):
    lab.control.fault("lock", SITE, match="vmdata", times=1)
    upid = api.data("POST", TEMPLATE + "/clone", newid=510, full=1, storage="vmdata")
    assert "pve-storage-vmdata' - got timeout" in api.ended(upid)
    assert api("GET", "/nodes/ventoux-1/qemu/510/config").status_code == 500
    assert api.ended(api.data("POST", TEMPLATE + "/clone", newid=510, full=1, storage="vmdata")) == "OK"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            ("qmcreate", "/nodes/ventoux-1/qemu", {"vmid": 520, "scsi0": "vmdata:1"}),
            "unable to create VM 520 - broken",
        ),
        (("qmclone", TEMPLATE + "/clone", {"newid": 520, "full": 1}), "clone failed: broken"),
    ],
)
def test_a_failed_creation_cleans_up_after_itself(lab, api, call, says):
    kind, path, options = call
    lab.control.fault("task-fail", SITE, match=kind, message="broken")
    assert api.ended(api.data("POST", path, **options)) == says
    assert api("GET", "/nodes/ventoux-1/qemu/520/config").status_code == 500
    rows = api.data("GET", "/nodes/ventoux-1/storage/vmdata/content", vmid=520)
    assert rows == []


def test_a_task_that_warns_did_its_work(lab, api):
    lab.control.fault("task-warn", SITE, match="qmclone")
    upid = api.data("POST", TEMPLATE + "/clone", newid=530, full=1)
    assert api.ended(upid) == "WARNINGS: 1"
    log = api.data("GET", f"/nodes/ventoux-1/tasks/{upid}/log")
    assert log[-1]["t"] == "TASK WARNINGS: 1"
    assert api("GET", "/nodes/ventoux-1/qemu/530/config").ok


def test_an_endless_task_answers_and_never_ends(lab, api):
    lab.control.fault("task-endless", SITE, match="qmcreate")
    upid = api.data("POST", "/nodes/ventoux-1/qemu", vmid=540)
    assert api.ended(upid) is None
    api.data("DELETE", f"/nodes/ventoux-1/tasks/{upid}")


def test_an_expired_ticket_is_refused_and_a_new_login_is_not(lab, site):
    with session_for(site, Accept="*/*") as session:
        api = Api(site, session)
        for refused in (False, True, False):
            login = api.data("POST", "/access/ticket", username=site.user, password=site.password)
            session.cookies.set("PVEAuthCookie", login["ticket"])
            if refused:
                lab.control.fault("ticket-expired", SITE)
            assert api("GET", "/nodes").status_code == (401 if refused else 200)


def test_a_revoked_token_is_refused_until_the_fault_is_lifted(lab, api):
    with lab.control.faulted("token-revoked", SITE):
        assert api("GET", "/version").status_code == 401
    assert api("GET", "/version").ok


def test_an_error_of_the_proxy_is_injected_where_it_is_asked_for(lab, api):
    lab.control.fault("error", SITE, status=596, message="Broken pipe", match="GET */qemu", times=2)
    answers = [api("GET", "/nodes/ventoux-1/qemu") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [596, 596, 200]
    assert answers[0].reason == "Broken pipe"


def test_faults_are_listed_and_lifted_by_kind(lab, api):
    lab.control.fault("slow", SITE, seconds=0.01)
    lab.control.fault("lock", SITE, guest=7)
    assert {fault["name"] for fault in lab.control.faults()} == {"slow", "lock"}
    assert lab.control.lift(name="slow") == 1
    assert [fault["name"] for fault in lab.control.faults()] == ["lock"]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"name": "earthquake", "site": SITE}, "no fault named earthquake"),
        ({"name": "slow", "site": "paris"}, "no site paris"),
        ({"name": "node-down", "site": SITE}, "which node"),
        ({"name": "node-down", "site": SITE, "node": "luberon-1"}, "no (node|host) luberon-1"),
        ({"name": "lock", "site": SITE}, "a guest or a storage"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_in_one_sentence(lab, fault, says):
    with pytest.raises(LabRefused, match=says):
        lab.control.fault(**fault)
