"""Proxmox VE's commands on the nodes: the same words, the same words back, and the real thing done."""

import json

import pytest
from hosts_lab import wait_for

NODE, OTHER, WITNESS = "10.84.0.11", "10.84.0.12", "10.99.0.2"
ADDRESS, VMID = "10.84.20.91", "191"
MADE = (
    f"qm clone 9000 {VMID} --name by-hand --full --storage local-btrfs",
    f"qm set {VMID} --memory 512 --ciupgrade 0 --net0 virtio,bridge=vmbr0,tag=20",
    f"qm set {VMID} --ipconfig0 ip={ADDRESS}/24,gw=10.84.20.1",
)


@pytest.fixture
def node(whole):
    """A shell on the first node: what a command prints."""
    return lambda *command: whole.ssh(NODE, *command)


@pytest.fixture
def guest(whole, node):
    """A running VM that was made and started by hand on the node."""
    node(" && ".join(MADE), "&&", "qm", "start", VMID)
    wait_for(lambda: whole.answers(ADDRESS))
    yield VMID
    at = NODE if VMID in whole.ssh(NODE, "qm", "list") else OTHER
    whole.try_ssh(at, "ha-manager", "remove", f"vm:{VMID}")
    whole.ssh(at, f"qm stop {VMID}; qm destroy {VMID}")


def test_a_guest_is_run_from_the_shell_of_its_node(whole, node, guest):
    assert node("qm", "status", guest) == "status: running"
    assert f"{guest} by-hand              running" in node("qm", "list")
    assert node("qm", "guest", "exec", guest, "--", "hostname", "|", "grep", "out-data").endswith(
        '"by-hand\\n"'
    )
    whole.ssh(ADDRESS, "echo before > /root/said; sync")
    node("qm", "snapshot", guest, "morning", "--description", "calm")
    assert "morning" in node("qm", "listsnapshot", guest)
    assert "calm" in node("qm", "listsnapshot", guest)
    again = whole.try_ssh(NODE, "qm", "start", guest)
    assert (again.returncode, again.stderr.strip()) == (255, f"VM {guest} already running")
    node("qm", "migrate", guest, "ventoux-2", "--online", "--with-local-disks")
    assert whole.ssh(ADDRESS, "cat", "/root/said") == "before"
    assert whole.ssh(OTHER, "qm", "status", guest) == "status: running"
    assert "morning" in whole.ssh(OTHER, "qm", "listsnapshot", guest)
    away = whole.try_ssh(NODE, "qm", "status", guest)
    assert away.returncode == 255
    assert "does not exist" in away.stderr


def test_the_disk_of_a_guest_is_where_pvesm_says_and_travels(whole, node, guest):
    volume = node(f"qm config {guest} | sed -n 's/^scsi0: \\([^,]*\\),.*/\\1/p'")
    path = node("pvesm", "path", volume)
    whole.ssh(ADDRESS, "echo here > /root/said; sync")
    node(f"btrfs -q subvolume snapshot -r {path} {path}@travels")
    assert node("cat", f"{path}@travels/root/said") == "here"
    assert int(node(f"btrfs -q send {path}@travels | wc -c")) > 1024**2
    node(f"btrfs -q subvolume delete {path}@travels")


def test_the_disk_of_a_running_guest_moves_under_it(whole, node, guest):
    whole.ssh(ADDRESS, "echo mine > /root/said; sync")
    first = whole.ssh(ADDRESS, "stat", "-c", "%i", "/proc/1/ns/pid")
    node("qm", "disk", "move", guest, "scsi0", "nas", "--delete")
    assert "scsi0: nas:" in node("qm", "config", guest)
    assert node("cat", f"/mnt/pve/nas/images/{guest}/vm-{guest}-disk-0/root/said") == "mine"
    assert node("ls", f"/srv/btrfs/images/{guest}") == ""
    assert whole.ssh(ADDRESS, "stat", "-c", "%i", "/proc/1/ns/pid") == first
    node("qm", "reboot", guest)
    wait_for(lambda: whole.answers(ADDRESS))
    assert whole.ssh(ADDRESS, "cat", "/root/said") == "mine"


def test_a_hookscript_is_run_on_the_node_in_every_phase(whole, node, guest):
    node("qm", "set", guest, "--hookscript", "local:snippets/bastide-hook.pl")
    node("qm", "stop", guest)
    node("qm", "start", guest)
    wait_for(lambda: whole.answers(ADDRESS))
    whole.try_ssh(ADDRESS, "poweroff")
    wait_for(lambda: node("qm", "status", guest) == "status: stopped")

    def phases():
        return [
            line.split()[2] for line in node("cat", "/var/log/bastide-hook.log").splitlines() if guest in line
        ]

    wait_for(lambda: phases() == ["pre-stop", "post-stop", "pre-start", "post-start", "post-stop"])


def test_a_hookscript_can_forbid_the_start(whole, node, guest):
    refuses = "/var/lib/vz/snippets/refuses.sh"
    node(f"printf '#!/bin/sh\n[ $2 != pre-start ]\n' > {refuses}; chmod +x {refuses}")
    node("qm", "set", guest, "--hookscript", "local:snippets/refuses.sh")
    node("qm", "stop", guest)
    refused = whole.try_ssh(NODE, "qm", "start", guest)
    assert refused.returncode == 255
    assert (
        f"hookscript error for {guest} on pre-start: command '{refuses} {guest} pre-start'" in refused.stderr
    )
    assert node("qm", "status", guest) == "status: stopped"
    assert "local:snippets/refuses.sh" in node("pvesm", "list", "local")
    node("rm", refuses)
    assert "does not exist" in whole.try_ssh(NODE, "qm", "start", guest).stderr
    assert "refuses.sh" not in node("pvesm", "list", "local")


def test_every_node_sees_the_configurations_of_its_cluster(whole, node, guest):
    conf = f"/etc/pve/nodes/ventoux-1/qemu-server/{guest}.conf"
    node("qm", "set", guest, "--description", "'né à 8:00'")
    lines = whole.ssh(OTHER, "cat", conf).splitlines()
    assert lines[0] == "#n%C3%A9 %C3%A0 8%3A00"
    assert "name: by-hand" in lines
    assert node("cat", f"/etc/pve/local/qemu-server/{guest}.conf").splitlines() == lines
    assert "Read-only" in whole.try_ssh(NODE, f"echo memory: 1 >> {conf}").stderr
    assert "btrfs: local-btrfs" in node("cat", "/etc/pve/storage.cfg")


def test_a_node_in_maintenance_is_left_and_come_back_to(whole, node, guest):
    node("ha-manager", "add", f"vm:{guest}", "--state", "started")
    wait_for(lambda: f"service vm:{guest} (ventoux-1, started)" in node("ha-manager", "status"))
    node("ha-manager", "crm-command", "node-maintenance", "enable", "ventoux-1")
    wait_for(lambda: f"service vm:{guest} (ventoux-2, started)" in node("ha-manager", "status"))
    assert "lrm ventoux-1 (maintenance mode" in node("ha-manager", "status")
    assert whole.answers(ADDRESS)
    node("ha-manager", "crm-command", "node-maintenance", "disable", "ventoux-1")
    wait_for(lambda: f"service vm:{guest} (ventoux-1, started)" in node("ha-manager", "status"))


def test_the_api_is_reached_from_the_shell(node):
    answer = json.loads(node("pvesh", "get", "/cluster/status", "--output-format", "json"))
    assert [row["name"] for row in answer] == ["ventoux", "ventoux-1", "ventoux-2"]
    assert node("pveversion").startswith("pve-manager/9.")
    assert "local-btrfs" in node("pvesm", "status")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("qm monitor 100", "the lab does not offer `qm monitor`"),
        ("pct enter 100", "the lab does not offer `pct enter`"),
        ("pveum user list", "the lab does not offer `pveum`"),
        ("pvecm expected 1", "the lab does not offer `pvecm expected`"),
        ("qm start", "not enough arguments"),
        ("qm start 5555", "Configuration file 'nodes/ventoux-1/qemu-server/5555.conf' does not exist"),
        ("qm set 9000 --cores many", "type check ('integer') failed"),
        ("runuser -u nobody qm list", "please run as root"),
    ],
)
def test_what_a_node_cannot_do_it_says_in_one_sentence(command, said, whole):
    refused = whole.try_ssh(NODE, command)
    assert refused.returncode != 0
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_vote_of_the_witness_goes_with_its_power(whole, node):
    def votes():
        told = dict(line.split(":", 1) for line in node("pvecm", "status").splitlines() if ":" in line)
        return told["Total votes"].strip(), told["Quorate"].strip()

    assert votes() == ("3", "Yes")
    whole.control.fault("node-down", "avignon", node="witness")
    assert not whole.answers(WITNESS)
    assert votes() == ("2", "Yes")
    whole.control.fault("node-down", "carpentras", node="ventoux-2")
    assert votes() == ("1", "No")
    refused = whole.try_ssh(NODE, "qm", "set", "9000", "--onboot", "1")
    assert "Permission denied" in refused.stderr
    whole.control.lift(site="avignon")
    assert votes() == ("2", "Yes")
    whole.control.lift()
    whole.control.fault("link-cut", "carpentras", match="avignon")
    assert votes() == ("2", "Yes")
