"""A guest of the API is a machine: what is done to the one is seen in the other."""

import json

import pytest
from hosts_lab import wait_for

ADDRESS = "10.84.20.71"
NODE = "/nodes/ventoux-1"
GUEST = NODE + "/qemu/171"
CARD = {"net0": "virtio,bridge=vmbr0,tag=20", "ipconfig0": f"ip={ADDRESS}/24,gw=10.84.20.1"}


@pytest.fixture
def api(whole):
    return whole.api("carpentras")


@pytest.fixture
def guest(whole, api):
    """A VM cloned from the template of Debian 13, running, with an address."""
    api("POST", NODE + "/qemu/9000/clone", newid=171, name="probe", full=1, storage="local-btrfs")
    key = whole.access.public_key.replace(" ", "%20").replace("+", "%2B").replace("/", "%2F")
    api("PUT", GUEST + "/config", memory=512, ciuser="soignant", sshkeys=key, ciupgrade=0, **CARD)
    api("POST", GUEST + "/status/start")
    wait_for(lambda: whole.answers(ADDRESS))
    yield ADDRESS
    remove(api, 171)


def remove(api, vmid):
    rows = api("GET", "/cluster/resources", type="vm")
    row = next((row for row in rows if row["vmid"] == vmid), None)
    if row:
        path = f"/nodes/{row['node']}/{row['type']}/{vmid}"
        if row["status"] == "running":
            api("POST", path + "/status/stop")
        api("DELETE", path)


def test_a_clone_boots_as_cloud_init_was_told(whole, guest):
    assert whole.ssh(guest, "hostname") == "probe"
    assert whole.ssh(guest, "sudo", "id", "-u", user="soignant") == "0"
    whole.try_ssh(guest, "cloud-init", "status", "--wait")
    assert whole.ssh(guest, "cloud-init", "query", "platform") == "nocloud"
    card = json.loads(whole.ssh(guest, "ip", "-j", "address", "show", "eth0"))[0]
    config = whole.api("carpentras")("GET", GUEST + "/config")
    assert card["address"].upper() in config["net0"]
    assert whole.pings(guest, "10.184.0.11")
    assert whole.ssh(guest, "getent", "hosts", "witness").startswith("10.99.0.2")


def test_memory_and_disk_of_a_guest_are_limited(whole, api, guest):
    api("PUT", GUEST + "/resize", disk="scsi0", size="+1G")
    config = api("GET", GUEST + "/config")
    assert "size=5G" in config["scsi0"]
    wrote = whole.try_ssh(guest, "fallocate", "-l", "6G", "/root/big")
    assert wrote.returncode != 0
    assert "quota" in wrote.stderr.lower()
    assert whole.try_ssh(guest, "fallocate", "-l", "3G", "/root/big").returncode == 0
    ate = whole.try_ssh(guest, "python3", "-c", "'b\"x\" * 2**30'")
    assert ate.returncode != 0


def test_a_snapshot_is_gone_back_to(whole, api, guest):
    whole.ssh(guest, "echo before > /root/said; sync")
    api("POST", GUEST + "/snapshot", snapname="morning")
    whole.ssh(guest, "echo after > /root/said")
    api("POST", GUEST + "/snapshot/morning/rollback", start=1)
    wait_for(lambda: whole.answers(guest))
    assert whole.ssh(guest, "cat", "/root/said") == "before"
    on_node = whole.ssh("10.84.0.11", "ls", "/srv/btrfs/images/171")
    assert "vm-171-disk-0@morning" in on_node.split()
    api("DELETE", GUEST + "/snapshot/morning")
    assert "@" not in whole.ssh("10.84.0.11", "ls", "/srv/btrfs/images/171")


def test_a_running_guest_migrates_without_a_reboot(whole, api, guest):
    boot = whole.ssh(
        guest, "cat", "/proc/sys/kernel/random/boot_id", ";", "stat", "-c", "%i", "/proc/1/ns/pid"
    )
    api("POST", GUEST + "/migrate", target="ventoux-2", online=1, **{"with-local-disks": 1})
    assert (
        whole.ssh(guest, "cat", "/proc/sys/kernel/random/boot_id", ";", "stat", "-c", "%i", "/proc/1/ns/pid")
        == boot
    )
    assert "vm-171-disk-0" in whole.ssh("10.84.0.12", "ls", "/srv/btrfs/images/171")
    assert whole.try_ssh("10.84.0.11", "ls", "/srv/btrfs/images/171").returncode != 0


def test_stop_cuts_the_power_and_shutdown_does_not(whole, api, guest):
    clean = "journalctl --no-pager -b -1 | grep -c 'Reached target.*Shutdown\\|Journal stopped' || true"
    api("POST", GUEST + "/status/stop")
    assert not whole.answers(guest)
    api("POST", GUEST + "/status/start")
    wait_for(lambda: whole.answers(guest))
    assert whole.ssh(guest, clean) == "0"
    api("POST", GUEST + "/status/shutdown")
    api("POST", GUEST + "/status/start")
    wait_for(lambda: whole.answers(guest))
    assert whole.ssh(guest, clean) != "0"


def test_a_guest_that_powers_itself_off_is_stopped_for_the_api(whole, api, guest):
    whole.try_ssh(guest, "poweroff")
    wait_for(lambda: api("GET", GUEST + "/status/current")["status"] == "stopped")
    assert not whole.answers(guest)


def test_the_agent_answers_from_inside(whole, api, guest):
    assert api("GET", GUEST + "/agent/get-host-name")["result"] == {"host-name": "probe"}
    cards = api("GET", GUEST + "/agent/network-get-interfaces")["result"]
    assert ADDRESS in {one["ip-address"] for card in cards for one in card["ip-addresses"]}
    pid = api("POST", GUEST + "/agent/exec", command=["hostname", "-I"])["pid"]
    ended = wait_for(lambda: _ended(api("GET", GUEST + "/agent/exec-status", pid=pid)))
    assert ended["out-data"].split() == [ADDRESS]


def _ended(status):
    return status if status["exited"] else None


def test_a_container_of_an_image_is_a_machine_and_leaves_nothing(whole, api):
    address = "10.84.20.72"
    card = f"name=eth0,bridge=vmbr0,tag=20,ip={address}/24,gw=10.84.20.1"
    template = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"
    volumes = {"rootfs": "local-btrfs:4", "mp0": "local-btrfs:1,mp=/srv/store"}
    api("POST", NODE + "/lxc", vmid=172, hostname="box", ostemplate=template, start=1, net0=card, **volumes)
    wait_for(lambda: whole.answers(address))
    assert 'VERSION_ID="12"' in whole.ssh(address, "cat", "/etc/os-release")
    assert whole.ssh(address, "findmnt", "-no", "FSTYPE", "/srv/store") == "btrfs"
    api("POST", NODE + "/lxc/172/status/stop")
    api("DELETE", NODE + "/lxc/172")
    assert not whole.answers(address)
    assert whole.try_ssh("10.84.0.11", "ls", "/srv/btrfs/images/172").returncode != 0


def test_a_vm_made_from_an_image_boots(whole, api):
    address = "10.84.20.73"
    disks = {"scsi0": "local-btrfs:0,import-from=local:import/debian-13-generic-amd64.qcow2"}
    plug = {"net0": "virtio,bridge=vmbr0,tag=20", "ipconfig0": f"ip={address}/24,gw=10.84.20.1"}
    api("POST", NODE + "/qemu", vmid=173, name="made", ide2="local-btrfs:cloudinit", memory=512,
        boot="order=scsi0", ciupgrade=0, **disks, **plug)  # fmt: skip
    api("POST", NODE + "/qemu/173/status/start")
    wait_for(lambda: whole.answers(address))
    assert whole.ssh(address, "hostname") == "made"
    remove(api, 173)


def test_guests_on_the_drill_bridge_reach_each_other_and_nobody_else(whole, api):
    for vmid, last in ((174, 74), (175, 75)):
        api(
            "POST", NODE + "/qemu/9000/clone", newid=vmid, name=f"drill-{last}", full=1, storage="local-btrfs"
        )
        api("PUT", f"{NODE}/qemu/{vmid}/config", net0="virtio,bridge=drill", ciupgrade=0, agent=1,
            ipconfig0=f"ip=10.84.20.{last}/24")  # fmt: skip
        api("POST", f"{NODE}/qemu/{vmid}/status/start")
    one = f"{NODE}/qemu/174/agent"

    def reaches(target):
        pid = api("POST", one + "/exec", command=["ping", "-c1", "-W1", target])["pid"]
        return wait_for(lambda: _ended(api("GET", one + "/exec-status", pid=pid)))["exitcode"] == 0

    wait_for(lambda: reaches("10.84.20.75"))
    assert not reaches("10.84.20.1")
    assert not whole.answers("10.84.20.74")
    for vmid in (174, 175):
        remove(api, vmid)
