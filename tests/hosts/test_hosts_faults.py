"""Every fault of machines, seen from outside: by ping, ssh, the API, the disk."""

import subprocess
import time

import pytest
from hosts_lab import bastide_lab, listens, wait_for

from lab.hosts import host
from lab.hosts.guests import machine_name

CARPENTRAS, CAVAILLON, WITNESS = "10.84.0.11", "10.184.0.11", "10.99.0.2"


@pytest.fixture
def fault(whole):
    """`bastide lab fault WORDS`, which has to succeed."""

    def run(*words):
        done = bastide_lab("fault", *words, folder=whole.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_cut_link_drops_what_went_over_it_and_nothing_else(whole, fault):
    assert whole.pings(CARPENTRAS, CAVAILLON)
    fault("link-cut", "--site", "carpentras", "--match", "cavaillon")
    assert not whole.pings(CARPENTRAS, CAVAILLON)
    assert not whole.pings(CAVAILLON, CARPENTRAS)
    assert whole.pings(CARPENTRAS, WITNESS)
    assert "link to cavaillon is cut" in bastide_lab("status", folder=whole.folder).stdout
    fault("link-restore", "--site", "carpentras")
    assert whole.pings(CARPENTRAS, CAVAILLON)


def test_a_site_without_links_is_alone_but_reached_by_who_looks_on(whole, fault):
    fault("link-cut", "--site", "carpentras")
    assert not whole.pings(CARPENTRAS, CAVAILLON)
    assert not whole.pings(CARPENTRAS, WITNESS)
    assert whole.pings(CAVAILLON, WITNESS)
    assert whole.api("carpentras")("GET", "/version")["release"] == "9.2"


def test_a_dead_node_answers_neither_ssh_nor_api_and_comes_back_as_it_was(whole, fault):
    whole.ssh(CARPENTRAS, "echo kept > /root/before; sync")
    fault("node-down", "--site", "carpentras", "--node", "ventoux-1")
    assert not listens(CARPENTRAS, 22)
    assert not listens(CARPENTRAS, 8006)
    nodes = whole.api("carpentras", node=1)("GET", "/nodes")
    assert {node["node"]: node["status"] for node in nodes} == {"ventoux-1": "offline", "ventoux-2": "online"}
    fault("node-down", "--site", "carpentras", "--lift")
    wait_for(lambda: whole.answers(CARPENTRAS))
    assert whole.ssh(CARPENTRAS, "cat", "/root/before") == "kept"
    assert listens(CARPENTRAS, 8006)


def test_guests_of_a_dead_node_die_with_it_and_come_back_with_it(whole, fault):
    api, address = whole.api("carpentras", node=1), "10.84.20.81"
    node = "/nodes/ventoux-1"
    api("POST", node + "/qemu/9000/clone", newid=181, name="mortal", full=1, storage="local-btrfs")
    plug = {"net0": "virtio,bridge=vmbr0,tag=20", "ipconfig0": f"ip={address}/24,gw=10.84.20.1"}
    api("PUT", node + "/qemu/181/config", ciupgrade=0, **plug)
    api("POST", node + "/qemu/181/status/start")
    wait_for(lambda: whole.answers(address))
    fault("node-down", "--site", "carpentras", "--node", "ventoux-1")
    assert not listens(address, 22)
    fault("node-down", "--site", "carpentras", "--lift")
    wait_for(lambda: whole.answers(address))

    # Both at once, before anybody noticed that the node is gone: the guest did not go down by itself.
    host.kill("ventoux-1")
    host.kill(machine_name("carpentras", 181))
    wait_for(lambda: "node-down" in bastide_lab("fault", "--list", folder=whole.folder).stdout)
    fault("node-down", "--site", "carpentras", "--lift")
    wait_for(lambda: whole.answers(address))
    api = whole.api("carpentras", node=1)  # the API ended the old connection, for nobody spoke
    api("POST", node + "/qemu/181/status/stop")
    api("DELETE", node + "/qemu/181")


def test_a_dead_site_is_silent_and_the_other_is_not(whole, fault):
    fault("site-down", "--site", "cavaillon")
    assert not any(listens(f"10.184.0.{host}", 22) for host in (11, 12, 21))
    assert not listens(CAVAILLON, 8006)
    assert whole.answers(CARPENTRAS)
    fault("site-down", "--site", "cavaillon", "--lift")
    wait_for(lambda: all(whole.answers(f"10.184.0.{host}") for host in (11, 12, 21)))
    assert listens(CAVAILLON, 8006)


def test_a_node_that_powers_itself_off_is_down_for_the_cluster(whole, fault):
    whole.try_ssh("10.84.0.12", "poweroff")
    wait_for(lambda: "node-down" in bastide_lab("fault", "--list", folder=whole.folder).stdout)
    assert not listens("10.84.0.12", 8006)
    fault("node-down", "--site", "carpentras", "--lift")
    wait_for(lambda: whole.answers("10.84.0.12"))


def test_a_full_disk_takes_no_more_and_gives_its_room_back(whole, fault):
    write = ("dd", "if=/dev/urandom", "of=/srv/btrfs/probe", "bs=1M", "count=64", "conv=fsync")
    fault("disk-full", "--site", "carpentras")
    full = whole.try_ssh(CARPENTRAS, *write)
    assert "No space left on device" in full.stderr
    assert whole.try_ssh(CAVAILLON, *write).returncode == 0
    fault("disk-full", "--site", "carpentras", "--lift")
    assert whole.try_ssh(CARPENTRAS, *write).returncode == 0
    for node in (CARPENTRAS, CAVAILLON):
        whole.ssh(node, "rm", "/srv/btrfs/probe")


def test_a_rotten_bit_is_found_when_the_file_is_read(whole, fault):
    whole.ssh(CARPENTRAS, "dd if=/dev/urandom of=/root/precious bs=1M count=1 conv=fsync status=none")
    assert "struck" in fault(
        "bit-rot", "--site", "carpentras", "--node", "ventoux-1", "--match", "/root/precious"
    )
    read = whole.try_ssh(CARPENTRAS, "cat /root/precious > /dev/null")
    assert "Input/output error" in read.stderr
    whole.ssh(CARPENTRAS, "rm", "/root/precious")


def test_a_skewed_clock_is_wrong_for_one_machine(whole, fault):
    fault("clock-skew", "--site", "cavaillon", "--node", "luberon-1", "--seconds", "-600")
    behind = time.time() - int(whole.ssh(CAVAILLON, "date", "+%s"))
    assert 590 < behind < 630
    assert abs(time.time() - int(whole.ssh("10.184.0.12", "date", "+%s"))) < 30
    fault("clock-skew", "--site", "cavaillon", "--lift")
    assert abs(time.time() - int(whole.ssh(CAVAILLON, "date", "+%s"))) < 30


def test_a_killed_service_stays_dead_where_nothing_restarts_it(whole, fault):
    whole.ssh(CARPENTRAS, "systemd-run", "--unit=probe", "sleep", "600")
    fault("service-kill", "--site", "carpentras", "--node", "ventoux-1", "--match", "probe.service")
    state = whole.try_ssh(CARPENTRAS, "systemctl", "is-active", "probe.service").stdout.strip()
    assert state in ("failed", "inactive")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("link-cut", "--match", "mars"), "no link to mars"),
        (("bit-rot", "--node", "ventoux-1"), "which file"),
        (("bit-rot", "--node", "ventoux-1", "--match", "/none"), "no file /none"),
        (("bit-rot", "--node", "ventoux-1", "--match", "/etc/hostname"), "no extent"),
        (("service-kill", "--node", "ventoux-1", "--match", "none.service"), "none.service"),
        (("service-kill", "--match", "ssh.service"), "where"),
        (("clock-skew", "--guest", "999", "--seconds", "5"), "no machine"),
        (("node-down", "--node", "ventoux-9"), "no host ventoux-9"),
    ],
)
def test_a_fault_that_cannot_strike_says_why_and_is_not_in_force(words, said, whole):
    refused = bastide_lab("fault", *words, "--site", "carpentras", folder=whole.folder)
    assert refused.returncode == 5
    assert said in refused.stderr
    assert whole.control.faults() == []


def test_disks_travel_between_the_sites_as_differences(whole):
    """What Bastide does over SSH on a node works there: snapshot, send, receive."""
    here, there = whole.access.ssh(CARPENTRAS), whole.access.ssh(CAVAILLON)

    def send(*what):
        with subprocess.Popen((*here, "btrfs", "-q", "send", *what), stdout=subprocess.PIPE) as source:
            received = subprocess.run(
                (*there, "btrfs", "-q", "receive", "/srv/btrfs"), stdin=source.stdout, check=False
            )
        assert (source.returncode, received.returncode) == (0, 0)

    whole.ssh(CARPENTRAS, "btrfs -q subvolume create /srv/btrfs/disk && echo one > /srv/btrfs/disk/said")
    whole.ssh(CARPENTRAS, "btrfs -q subvolume snapshot -r /srv/btrfs/disk /srv/btrfs/disk@1")
    send("/srv/btrfs/disk@1")
    whole.ssh(CARPENTRAS, "echo two > /srv/btrfs/disk/said")
    whole.ssh(CARPENTRAS, "btrfs -q subvolume snapshot -r /srv/btrfs/disk /srv/btrfs/disk@2")
    send("-p", "/srv/btrfs/disk@1", "/srv/btrfs/disk@2")
    assert whole.ssh(CAVAILLON, "cat /srv/btrfs/disk@1/said /srv/btrfs/disk@2/said").split() == ["one", "two"]
    whole.ssh(CARPENTRAS, "btrfs -q subvolume delete /srv/btrfs/disk /srv/btrfs/disk@1 /srv/btrfs/disk@2")
    whole.ssh(CAVAILLON, "btrfs -q subvolume delete /srv/btrfs/disk@1 /srv/btrfs/disk@2")
