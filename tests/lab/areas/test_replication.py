"""Replication jobs of the simulated API."""

import time

import pytest

JOBS = "/cluster/replication"


@pytest.fixture
def replicable(site, root):
    """VM 100 on pve1 with a disk on ZFS."""
    root.ok("POST", "/storage", storage="tank", type="zfspool", pool="tank/vm")
    root.ok("POST", "/nodes/pve1/qemu", vmid=100, name="db", memory=64, scsi0="tank:1")


def test_a_job_shows_its_guest_number_and_source(root, replicable):
    root.ok("POST", JOBS, id="100-0", type="local", target="pve2")

    assert root.get(JOBS) == [
        {"id": "100-0", "guest": 100, "jobnum": 0, "type": "local", "source": "pve1", "target": "pve2"}
    ]


def test_a_directory_cannot_replicate(root):
    root.ok("POST", "/nodes/pve1/qemu", vmid=100, memory=64, scsi0="local:1,format=qcow2")

    refused = root("POST", JOBS, id="100-0", type="local", target="pve2")

    assert refused.reason.startswith("missing replicate feature on volume 'local:100/vm-100-disk-0.qcow2'")


def test_a_disk_that_is_left_out_is_no_obstacle(root, replicable):
    root.ok("PUT", "/nodes/pve1/qemu/100/config", scsi1="local:1,replicate=0")

    root.ok("POST", JOBS, id="100-0", type="local", target="pve2")


def test_a_guest_has_one_job_per_target(root, replicable):
    root.ok("POST", JOBS, id="100-0", type="local", target="pve2")

    same = root("POST", JOBS, id="100-1", type="local", target="pve2")
    root.ok("POST", JOBS, id="100-1", type="local", target="pve3")

    assert same.reason == "replication job for guest '100' to target 'local/pve2' already exists"


def test_a_deleted_job_is_only_marked_until_the_scheduler_ran(site, root, replicable):
    root.ok("POST", JOBS, id="100-0", type="local", target="pve2")

    root.ok("DELETE", f"{JOBS}/100-0")
    assert root.get(f"{JOBS}/100-0")["remove_job"] == "full"

    assert site.eventually(lambda: root.get(JOBS) == [])


def test_a_forced_deletion_is_at_once(root, replicable):
    root.ok("POST", JOBS, id="100-0", type="local", target="pve2")

    root.ok("DELETE", f"{JOBS}/100-0", force=1)

    assert root.get(JOBS) == []


def test_asking_for_a_run_syncs_and_leaves_a_log(root, replicable):
    root.ok("POST", JOBS, id="100-0", type="local", target="pve2")
    before = root.get("/nodes/pve1/replication/100-0/status")
    assert before["last_sync"] == 0

    root.ok("POST", "/nodes/pve1/replication/100-0/schedule_now")

    after = root.get("/nodes/pve1/replication/100-0/status")
    assert after["last_sync"] >= int(time.time()) - 60
    assert "end replication job" in root.get("/nodes/pve1/replication/100-0/log")[-1]["t"]


def test_a_job_to_a_dead_node_does_not_sync(site, root, replicable):
    root.ok("POST", JOBS, id="100-0", type="local", target="pve2")
    site.lose_node("pve2")

    root.ok("POST", "/nodes/pve1/replication/100-0/schedule_now")

    assert root.get("/nodes/pve1/replication/100-0/status")["last_sync"] == 0


def test_a_guest_with_jobs_is_destroyed_only_with_purge(root, replicable):
    root.ok("POST", JOBS, id="100-0", type="local", target="pve2")

    refused = root("DELETE", "/nodes/pve1/qemu/100")
    root.ok("DELETE", "/nodes/pve1/qemu/100", purge=1)

    assert refused.reason == "There is a replication job '100-0' for guest '100' - Please remove that first."
    assert root.get(JOBS) == []


def test_no_job_is_written_without_quorum(site, root, replicable):
    site.lose_quorum()

    refused = root("POST", JOBS, id="100-0", type="local", target="pve2")

    assert refused.reason == "cfs-lock 'file-replication_cfg' error: no quorum!"
