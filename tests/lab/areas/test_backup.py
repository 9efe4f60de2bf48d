"""Backup jobs of the simulated API."""

import pytest

JOBS = "/cluster/backup"


@pytest.fixture
def guests(site, root):
    for vmid in (100, 101):
        root.ok(
            "POST", "/nodes/pve1/qemu", vmid=vmid, name=f"vm{vmid}", memory=64, scsi0="local:1,format=qcow2"
        )


def job(root, job_id="nightly", **options):
    return root("POST", JOBS, id=job_id, storage="local", schedule="daily", **options)


def test_retention_and_fleecing_come_back_as_objects(root):
    job(root, all=1, prune_backups="keep-last=3,keep-daily=7", fleecing="enabled=1,storage=local")

    shown = root.get(f"{JOBS}/nightly")

    assert shown["prune-backups"] == {"keep-last": "3", "keep-daily": "7"}
    assert shown["fleecing"] == {"enabled": 1, "storage": "local"}
    assert (shown["enabled"], shown["all"], shown["type"]) == (1, 1, "vzdump")


def test_the_old_way_to_say_when_becomes_a_schedule(root):
    root.ok("POST", JOBS, id="old", storage="local", all=1, starttime="02:00", dow="mon,tue")

    shown = root.get(f"{JOBS}/old")

    assert shown["schedule"] == "mon,tue 02:00"
    assert not {"starttime", "dow"} & shown.keys()


def test_an_exclusion_means_all_the_others(root, guests):
    job(root, exclude="100")

    assert root.get(f"{JOBS}/nightly")["all"] == 1
    included = root.get(f"{JOBS}/nightly/included_volumes")["children"]
    assert [guest["id"] for guest in included] == [101]


def test_another_selection_takes_the_place_of_the_old_one(root, guests):
    job(root, vmid="100,101")

    root.ok("PUT", f"{JOBS}/nightly", all=1)
    assert "vmid" not in root.get(f"{JOBS}/nightly")

    root.ok("PUT", f"{JOBS}/nightly", vmid="100")
    assert "all" not in root.get(f"{JOBS}/nightly")


def test_a_job_without_selection_is_refused_in_the_words_of_the_lock(root):
    refused = job(root)

    assert (refused.status, refused.reason) == (500, "400 Parameter verification failed.")
    assert refused.message == "400 Parameter verification failed.\nvmid: property is missing\n"


def test_volumes_that_are_left_out_are_named_with_the_reason(root, guests):
    root.ok("PUT", "/nodes/pve1/qemu/100/config", scsi1="local:1,format=qcow2,backup=0")
    job(root, vmid="100")

    volumes = root.get(f"{JOBS}/nightly/included_volumes")["children"][0]["children"]

    assert {volume["id"]: (volume["included"], volume["reason"]) for volume in volumes} == {
        "100:scsi0": (1, "backup=yes"),
        "100:scsi1": (0, "backup=no"),
    }


def test_guests_that_no_job_takes_are_listed(root, guests):
    job(root, vmid="100")

    assert [guest["vmid"] for guest in root.get("/cluster/backup-info/not-backed-up")] == [101]


def test_a_pool_is_backed_up_with_what_it_holds(root, guests):
    root.ok("POST", "/pools", poolid="prod")
    root.ok("PUT", "/pools", poolid="prod", vms="101")

    job(root, pool="prod")

    assert [guest["vmid"] for guest in root.get("/cluster/backup-info/not-backed-up")] == [100]


def test_a_purged_guest_leaves_the_jobs(root, guests):
    job(root, "both", vmid="100,101")
    job(root, "one", vmid="100")

    root.ok("DELETE", "/nodes/pve1/qemu/100", purge=1)

    assert [(row["id"], row["vmid"]) for row in root.get(JOBS)] == [("both", "101")]


def test_a_bad_schedule_is_refused_with_its_reason(root):
    refused = root("POST", JOBS, id="bad", storage="local", all=1, schedule="xx yy")

    assert "unable to parse weekday 'xx'" in refused.errors["schedule"]


def test_no_job_is_written_without_quorum(site, root):
    site.lose_quorum()

    assert job(root, all=1).reason == "cfs-lock 'file-jobs_cfg' error: no quorum!"
