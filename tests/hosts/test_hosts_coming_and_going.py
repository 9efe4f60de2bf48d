"""Up and down, and the bad days in between: nothing is left, and nothing of others is touched."""

import signal
import subprocess
import sys
import time

import pytest
from hosts_lab import ROOT, UpLab, bastide_lab, footprint, listens, wait_for

from lab.hosts import cleanup, lifecycle, names

pytestmark = pytest.mark.usefixtures("bare")

# Seconds after the start of an `up`: in the networks, the disks, the boots, the API.
MOMENTS = (0.9, 3.4, 7.7, 15.2)


def names_of_mounts():
    return cleanup.mounts(names.folder())


def test_down_leaves_the_machine_as_it_was(tmp_path):
    before = footprint()
    started = bastide_lab("up", folder=tmp_path)
    assert started.returncode == 0, started.stderr
    lab = UpLab(tmp_path)
    hosts = (
        "10.84.0.11",
        "10.84.0.12",
        "10.84.0.21",
        "10.184.0.11",
        "10.184.0.12",
        "10.184.0.21",
        "10.99.0.2",
    )
    told = [lab.ssh(address, "hostname") for address in hosts]
    assert told == ["ventoux-1", "ventoux-2", "ventoux-backup", "luberon-1", "luberon-2", "luberon-backup",
                     "witness"]  # fmt: skip
    again = bastide_lab("up", folder=tmp_path)
    assert again.returncode == 5
    assert "already" in again.stderr
    assert "bastide lab down" in again.stderr
    assert lab.answers("10.84.0.11")
    in_use = names_of_mounts()[0]
    with subprocess.Popen(("sleep", "600"), cwd=in_use) as user:
        refused = bastide_lab("down", folder=tmp_path)
        user.kill()
    assert refused.returncode == 1
    assert f"{in_use} is still in use" in refused.stderr
    assert "fuser" in refused.stderr
    assert bastide_lab("down", folder=tmp_path).returncode == 0
    assert footprint() == before
    assert bastide_lab("down", folder=tmp_path).returncode == 5


@pytest.mark.parametrize("moment", MOMENTS, ids=[f"{moment}s" for moment in MOMENTS])
def test_after_a_kill_in_the_middle_of_up_down_leaves_nothing(moment, tmp_path):
    before = footprint()
    command = (sys.executable, "cli.py", "lab", "up", "--dir", str(tmp_path))
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(moment)
        process.kill()
    if lifecycle.is_there():
        assert bastide_lab("down", folder=tmp_path).returncode == 0
    assert footprint() == before


def test_nodes_of_proxmox_ve_8_are_debian_12_and_answer_as_it_does(tmp_path):
    assert bastide_lab("up", "--pve", "8", folder=tmp_path).returncode == 0
    lab = UpLab(tmp_path)
    for node in ("10.84.0.11", "10.184.0.12"):
        assert 'VERSION_ID="12"' in lab.ssh(node, "cat", "/etc/os-release")
        assert lab.ssh(node, "pveversion").startswith("pve-manager/8.4")
        assert "/cluster/ha/rules' not implemented" in lab.try_ssh(node, "ha-manager rules config").stderr
    assert lab.api("cavaillon")("GET", "/version")["release"] == "8.4"
    assert bastide_lab("down", folder=tmp_path).returncode == 0


def test_an_interrupted_up_takes_itself_down(tmp_path):
    before = footprint()
    command = (sys.executable, "cli.py", "lab", "up", "--dir", str(tmp_path))
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as up:
        while not cleanup.leftovers(names.folder()):
            time.sleep(0.05)
        time.sleep(2)
        up.send_signal(signal.SIGINT)
        said = up.communicate(timeout=60)[0]
    assert up.returncode != 0
    assert "Traceback" not in said
    assert footprint() == before


def test_what_a_crash_left_is_named_and_cleaned(tmp_path):
    before = footprint()
    assert bastide_lab("up", folder=tmp_path).returncode == 0
    running = UpLab(tmp_path).running
    subprocess.run(("kill", "-KILL", str(running.pid)), check=True)
    wait_for(lambda: not listens("10.84.0.11", 8006))  # what is killed takes a moment to go
    assert listens("10.84.0.11", 22), "the machines outlive the API's process"
    refused = bastide_lab("up", folder=tmp_path)
    assert refused.returncode == 5
    assert "bastide lab clean" in refused.stderr
    cleaned = bastide_lab("clean", folder=tmp_path)
    assert cleaned.returncode == 0
    assert "removing machine ventoux-1" in cleaned.stdout
    assert footprint() == before


def test_networks_that_are_in_use_are_named_and_left_alone(tmp_path):
    subprocess.run(("ip", "route", "add", "blackhole", "10.84.7.0/24"), check=True)
    try:
        refused = bastide_lab("up", folder=tmp_path)
    finally:
        subprocess.run(("ip", "route", "del", "blackhole", "10.84.7.0/24"), check=True)
    assert refused.returncode == 5
    assert "10.84.7.0/24" in refused.stderr
    assert "--api-only" in refused.stderr


def test_without_root_up_says_so_and_offers_the_api_alone(run_as_nobody, tmp_path):
    refused = run_as_nobody(sys.executable, "cli.py", "lab", "up", "--dir", "/tmp/nobody")  # noqa: S108  # never made
    assert refused.returncode == 5, refused.stderr
    assert "needs root" in refused.stderr
    assert "--api-only" in refused.stderr
