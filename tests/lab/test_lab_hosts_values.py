"""What the lab of real hosts reads and writes, as far as no machine is needed."""

import asyncio
import json
from dataclasses import replace
from xml.etree import ElementTree as ET

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from lab.cluster import cluster_of
from lab.errors import LabRefused
from lab.faults import Fault
from lab.hosts import cloudinit, network, redfish
from lab.hosts.guest import guest_of, place_of
from lab.hosts.picture import picture
from lab.hosts.topology import api_site, drawn_from, on_machines, standard
from lab.spec import LabSpec


@pytest.fixture
def cluster():
    topology = standard()
    made = cluster_of(api_site(topology.site("carpentras"), 9), time_scale=0)
    made.storages = {
        name: dict(one) for name, one in api_site(topology.site("carpentras"), 9).storages.items()
    }
    return made


def vm(cluster, **config):
    base = {
        "boot": "order=scsi1;net0",
        "memory": "1024",
        "cores": 2,
        "ide2": "local-btrfs:vm-112-cloudinit,media=cdrom",
        "scsi0": "local-btrfs:112/vm-112-disk-1.raw,size=2G",
        "scsi1": "nas:112/vm-112-disk-0.qcow2,size=8G",
        "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=20",
        "ipconfig0": "ip=10.84.20.21/24,gw=10.84.20.1",
        "sshkeys": "ssh-ed25519%20AAAA%20me",
        "ciuser": "bastide",
    }
    cluster.add_vm(112, "db", node="ventoux-1", status="running", config=base | config)
    return guest_of(cluster, 112)


def test_the_disk_first_in_the_boot_order_is_the_system(cluster):
    guest = vm(cluster)
    assert (guest.system.key, guest.system.shared, guest.system.size_bytes) == ("scsi1", True, 8 * 1024**3)
    assert {disk.key: disk.mount for disk in guest.disks} == {"scsi0": "/mnt/scsi0", "scsi1": "/"}


def test_a_card_has_the_address_and_vlan_of_the_configuration(cluster):
    (card,) = vm(cluster).cards
    assert (card.name, card.bridge, card.vlan, card.mac) == ("eth0", "vmbr0", 20, "BC:24:11:00:00:01")
    assert vm_address(cluster) == "10.84.20.21"


KEY = "ssh-ed25519 AAAA the-lab"


def vm_address(cluster):
    return guest_of(cluster, 112).address


@pytest.mark.parametrize(
    ("volume", "place"),
    [
        ("112/vm-112-disk-0.raw", "images/112/vm-112-disk-0"),
        ("9000/base-9000-disk-0.qcow2", "images/9000/base-9000-disk-0"),
        ("vm-112-disk-0", "images/112/vm-112-disk-0"),
        ("160/subvol-160-disk-0.subvol", "images/160/subvol-160-disk-0.subvol"),
    ],
)
def test_a_volume_lies_where_the_btrfs_storage_has_it(volume, place):
    assert str(place_of(volume)) == place


def test_cloud_init_is_told_what_proxmox_tells(cluster, tmp_path):
    (tmp_path / "etc").mkdir()
    cloudinit.write_seed(vm(cluster), tmp_path, "10.84.0.1", {}, key=KEY)
    seed = tmp_path / cloudinit.SEED
    user = json.loads((seed / "user-data").read_text().removeprefix("#cloud-config\n"))
    assert (user["hostname"], user["user"], user["package_upgrade"]) == ("db", "bastide", True)
    assert user["ssh_authorized_keys"] == ["ssh-ed25519 AAAA me", KEY]
    card, names = json.loads((seed / "network-config").read_text())["config"]
    assert card["mac_address"] == "bc:24:11:00:00:01"
    assert card["subnets"] == [
        {"type": "static", "address": "10.84.20.21", "netmask": "255.255.255.0", "gateway": "10.84.20.1"}
    ]
    assert names["address"] == ["10.84.0.1"]


def test_cloud_init_acts_again_only_when_it_is_told_something_new(cluster, tmp_path):
    (tmp_path / "etc").mkdir()
    meta = tmp_path / cloudinit.SEED / "meta-data"
    guest = vm(cluster)
    said = []
    for custom in ({}, {}, {"user": "#cloud-config\n{}"}):
        cloudinit.write_seed(guest, tmp_path, "10.84.0.1", custom, key=KEY)
        said.append(json.loads(meta.read_text())["instance-id"])
    assert said[0] == said[1] != said[2]


def test_names_of_links_fit_the_kernel_and_differ_within_a_site():
    topology = standard()
    for site in topology.sites:
        ports = [network.port(host.name) for host in site.hosts] + [network.port("g999999999-" + site.name)]
        ends = [network.wan(other.name) for other in topology.sites]
        assert len(set(ports)) == len(ports)
        assert len(set(ends)) == len(ends)
        assert all(len(name) <= 15 for name in (*ports, *ends, network.uplink(site.name)))


def test_the_picture_is_svg_and_names_every_host():
    topology = standard()
    root = ET.fromstring(picture(topology))  # noqa: S314  # our own document
    words = " ".join(text.text or "" for text in root.iter("{http://www.w3.org/2000/svg}text"))
    for site, host in topology.places():
        assert f"{host.name}  {site.address(host)}" in words


async def press(kind, login=("fence", "secret")):
    pressed = []

    async def reset(how):
        pressed.append(how)

    app = redfish.Controller("n1", ("fence", "secret"), lambda: not pressed, reset).application()
    async with TestClient(TestServer(app)) as client:
        answer = await client.post(
            redfish.RESET,
            json={"ResetType": kind},
            headers={"Authorization": aiohttp.encode_basic_auth(*login)},
        )
        return answer.status, pressed


@pytest.mark.parametrize(
    ("kind", "login", "status", "pressed"),
    [
        ("ForceOff", ("fence", "secret"), 204, ["ForceOff"]),
        ("ForceOff", ("fence", "wrong"), 401, []),
        ("Nmi", ("fence", "secret"), 400, []),
    ],
)
def test_a_power_switch_is_pressed_by_who_knows_the_password(kind, login, status, pressed):
    assert asyncio.run(press(kind, login)) == (status, pressed)


@pytest.mark.api_only("it is about labs without machines")
def test_faults_of_machines_are_refused_where_there_are_none(lab, site):
    for name in ("link-cut", "disk-full", "clock-skew", "bit-rot", "service-kill"):
        with pytest.raises(LabRefused, match="needs the lab of real hosts"):
            lab.control.fault(name, site.name)
    assert lab.control.faults() == []


def test_only_a_clock_can_be_wrong_by_less_than_nothing():
    assert Fault("clock-skew", "carpentras", node="n1", seconds=-5).seconds == -5
    with pytest.raises(LabRefused, match="no negative seconds"):
        Fault("slow", "carpentras", seconds=-5)


def test_labs_of_two_places_have_no_address_in_common():
    spec = LabSpec.sized(sites=2)
    places = [on_machines(spec, drawn_from(spec, place)) for place in range(4)]
    addresses = [address for lab in places for site in lab.sites for address in site.addresses.values()]
    assert len(set(addresses)) == len(addresses) == 4 * 6
    assert places[0].sites[0].addresses["ventoux-1"] == "10.84.0.11"


def test_a_lab_of_more_sites_than_there_are_addresses_for_is_refused():
    spec = LabSpec.sized(sites=2)
    third = LabSpec(sites=(replace(spec.sites[0], ordinal=2),))
    with pytest.raises(LabRefused, match="no addresses"):
        drawn_from(third)
