"""Hosts at the level high: what worked before works after, as the same tests say of both."""

import json
from fnmatch import filter as matching

import pytest
from hosts_lab import HARDENED, bastide_lab, harden, listens, wait_for

NODES = {"ventoux-1": "10.84.0.11", "ventoux-2": "10.84.0.12", "luberon-1": "10.184.0.11"}
NODE, OTHER, WITNESS = "10.84.0.11", "10.84.0.12", "10.99.0.2"
DATABASE, APPLICATION, PROXIES = "10.84.20.21", "10.84.20.22", ("10.84.20.61", "10.184.20.61")
FILES, METRICS, NAMES = "10.84.20.31", "10.84.20.63", "10.184.20.62"
MOVED = "115"
EACH_KIND = {*NODES, "ca-dpi-db", "ca-files", "witness"}


@pytest.fixture(scope="module", params=["as it was", "hardened"])
def lab(request, serving):
    """The lab with its platform, before and after hosts of each kind were hardened."""
    lab, _ = serving
    if request.param == "hardened":
        request.getfixturevalue("hardened")
    return lab


def test_every_node_answers_for_its_cluster(lab):
    for number, site in enumerate(("carpentras", "carpentras", "cavaillon", "cavaillon")):
        status = lab.api(site, number % 2)("GET", "/cluster/status")
        assert all(row["online"] for row in status if row["type"] == "node")
        assert next(row for row in status if row["type"] == "cluster")["quorate"]


def test_everybody_gets_in_who_did(lab):
    for address in (*NODES.values(), WITNESS, DATABASE, APPLICATION, *PROXIES, FILES, METRICS, NAMES):
        assert lab.answers(address), address


def test_nodes_log_in_to_each_other(lab):
    for source, target in ((NODE, OTHER), (OTHER, NODE)):
        name = lab.ssh(source, f"ssh -o BatchMode=yes {target} hostname")
        assert NODES[name] == target


def test_a_disk_is_replicated_over_ssh(lab):
    lab.ssh(NODE, "mkdir -p /srv/btrfs/away && btrfs -q subvolume create /srv/btrfs/away/disk")
    lab.ssh(NODE, "head -c 1M /dev/urandom > /srv/btrfs/away/disk/file")
    lab.ssh(NODE, "btrfs -q subvolume snapshot -r /srv/btrfs/away/disk /srv/btrfs/away/sent")
    lab.ssh(OTHER, "mkdir -p /srv/btrfs/come")
    lab.ssh(
        NODE,
        f"btrfs send -q /srv/btrfs/away/sent | ssh -o BatchMode=yes {OTHER} btrfs -q receive /srv/btrfs/come",
    )
    assert lab.ssh(NODE, "sha256sum < /srv/btrfs/away/sent/file") == lab.ssh(
        OTHER, "sha256sum < /srv/btrfs/come/sent/file"
    )
    lab.ssh(
        NODE, "btrfs -q subvolume delete /srv/btrfs/away/sent /srv/btrfs/away/disk && rmdir /srv/btrfs/away"
    )
    lab.ssh(OTHER, "btrfs -q subvolume delete /srv/btrfs/come/sent && rmdir /srv/btrfs/come")


def test_a_guest_migrates_there_and_back(lab):
    for source, target, name in ((OTHER, NODE, "ventoux-1"), (NODE, OTHER, "ventoux-2")):
        lab.ssh(source, f"qm migrate {MOVED} {name} --online --with-local-disks")
        assert lab.ssh(target, f"qm status {MOVED}") == "status: running"
        wait_for(lambda: listens(FILES, 445))


def test_the_task_of_a_backup_ends_well(lab):
    lab.ssh(OTHER, f"vzdump {MOVED} --storage nas")
    (last, *_) = lab.api("carpentras")("GET", "/nodes/ventoux-2/tasks", typefilter="vzdump")
    assert (last["id"], last["status"]) == (MOVED, "OK")


def test_the_patient_record_takes_and_keeps_writes(lab, tmp_path):
    for proxy in PROXIES:
        journal = str(tmp_path / f"{proxy}.jsonl")
        load = ("load", "--url", f"https://{proxy}", "--rate", "10", "--seconds", "3", "--journal", journal)
        written = bastide_lab(*load, folder=lab.folder)
        assert written.returncode == 0, written.stdout + written.stderr
        checked = bastide_lab("load", "--verify", journal, folder=lab.folder)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_names_and_files_are_served(lab):
    for address, port in ((NAMES, 53), (FILES, 445)):
        assert listens(address, port), address


def test_hardening_again_changes_nothing(hardened):
    lab, estate = hardened
    assert lab.ssh(NODE, "tail -n 1 /etc/bastide/level") == "4"
    again = harden(estate)
    told = json.loads(again.stdout)
    assert again.returncode == 0, again.stderr
    assert {host["host"]: host["changes"] for host in told["hosts"] if host["changes"]} == {}
    names = {host["host"] for host in told["hosts"]}
    assert all(matching(names, pattern) for pattern in HARDENED)
    assert names >= {name for pattern in HARDENED for name in matching(EACH_KIND, pattern)}
