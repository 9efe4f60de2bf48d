"""Virtual machines and containers on the lab's API: made, changed, moved by others, adopted and removed."""

import pytest
import requests
import yaml

from lab.running import running_lab
from lab.spec import LabSpec
from tests.integration.conftest import Bastide, site_api

SITE = "carpentras"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHJhbmRvbWtleWZvcnRoZXRlc3RzMTIzNDU2Nzg5MDEy admin"
IMAGE = "local:import/debian-13-generic-amd64.qcow2"
ARCHIVE = "local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst"
CARD = {"bridge": "vmbr0", "vlan": 20, "address": "10.84.20.21/24", "gateway": "10.84.20.1"}
DNS = {
    "kind": "ct",
    "node": "ventoux-2",
    "memory": "512M",
    "image": ARCHIVE,
    "features": ["nesting=1"],
    "disks": {"rootfs": "2G", "mp0": {"size": "1G", "mount": "/srv"}},
    "nics": {"net0": {"bridge": "vmbr0", "address": "dhcp"}},
}
GUESTS = {
    "tpl": {
        "vmid": 9100,
        "node": "ventoux-1",
        "image": IMAGE,
        "template": True,
        "serial": True,
        "disks": {"scsi0": "4G"},
    },
    "app": {
        "vmid": 110,
        "node": "ventoux-2",
        "clone": "tpl",
        "cores": 2,
        "pool": "clinical",
        "disks": {"scsi0": "8G", "scsi1": {"size": "16G", "discard": True}},
        "nics": {"net0": CARD},
        "cloud_init": {"user": "adm", "ssh_keys": [KEY], "password": "env:CI_PASSWORD"},
    },
    "blank": {
        "vmid": 111,
        "node": "ventoux-3",
        "started": False,
        "bios": "ovmf",
        "disks": {"efidisk0": "4M", "scsi0": "1G"},
    },
    "dns": {"vmid": 120, **DNS},
    "dns-tpl": {"vmid": 9200, **DNS, "template": True},
    "dns-2": {"kind": "ct", "vmid": 121, "node": "ventoux-2", "clone": "dns-tpl", "memory": "256M"},
}


class Cluster:
    """The site's API, seen by somebody else than Bastide."""

    def __init__(self, lab):
        self.site = lab.sites[SITE]

    def __call__(self, method, path, **params):
        how = {"params" if method in {"GET", "DELETE"} else "data": params}
        url = f"{self.site.urls[0]}/api2/json{path}"
        answer = requests.request(
            method, url, headers=self.site.token_header, verify=self.site.cafile, timeout=30, **how
        )
        assert answer.ok, (path, answer.reason, answer.text)
        return answer.json()["data"]

    def guests(self):
        """VMID to row, of the guests that the estate declares."""
        ours = {guest["vmid"] for guest in GUESTS.values()}
        return {
            row["vmid"]: row for row in self("GET", "/cluster/resources", type="vm") if row["vmid"] in ours
        }

    def config(self, path):
        return self("GET", f"{path}/config")


NODES = {
    f"ventoux-{n}": {
        "address": f"10.84.0.1{n}",
        "memory": "64G",
        "cores": 16,
        "interfaces": {
            "vmbr0": {
                "type": "bridge",
                "ports": ["nic0"],
                "address": f"192.0.2.1{n}/24",
                "gateway": "192.0.2.1",
            }
        },
    }
    for n in (1, 2, 3)
}
STORAGES = {
    "local": {
        "type": "dir",
        "path": "/var/lib/vz",
        "content": ["backup", "import", "iso", "snippets", "vztmpl"],
    },
    "vmdata": {"type": "zfspool", "pool": "rpool/data", "sparse": True, "content": ["images", "rootdir"]},
    "local-btrfs": {"type": "btrfs", "path": "/srv/btrfs", "content": ["images", "rootdir"]},
}


class Home:
    """An estate of guests only, and the command line on it."""

    def __init__(self, lab, folder):
        folder.mkdir()
        self.folder, self.guests = folder, {}
        self.bastide = Bastide(folder, {"LAB_TOKEN": lab.sites[SITE].secret, "CI_PASSWORD": "s3cret-ci"})
        self.site = {
            "cluster": "ventoux",
            "api": site_api(lab, SITE, "LAB_TOKEN"),
            "nodes": NODES,
            "storages": STORAGES,
            "pools": {"clinical": {}},
        }

    def write(self, guests):
        self.guests = guests
        named = {
            name: {"site": SITE, "memory": "1G", "storage": "vmdata", **one} for name, one in guests.items()
        }
        document = {"estate": "proof", "sites": {SITE: self.site}, "guests": named}
        (self.folder / "estate.yml").write_text(yaml.safe_dump(document, sort_keys=False))

    def change(self, name, **settings):
        self.write({**self.guests, name: {**self.guests[name], **settings}})

    def apply(self, *allow):
        ran = self.bastide("apply", "--yes", *(part for one in allow for part in ("--allow", one)))
        assert ran.code == 0, ran.out + ran.err

    def refused(self):
        ran = self.bastide("apply", "--yes")
        assert ran.code == 5, ran.out + ran.err
        return ran.err

    def assert_settled(self, *args):
        ran = self.bastide("plan", *args)
        assert ran.code == 0, ran.out + ran.err


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory):
    with running_lab(LabSpec.sized(sites=1), tmp_path_factory.mktemp("lab")) as running:
        yield running
        assert running.control.illegal() == []


@pytest.fixture
def cluster(shared_lab):
    return Cluster(shared_lab)


@pytest.fixture(scope="module")
def home(shared_lab, tmp_path_factory):
    """The guests, applied once; each test changes a guest of its own."""
    home = Home(shared_lab, tmp_path_factory.mktemp("estate") / "home")
    home.write(GUESTS)
    home.apply()
    home.assert_settled()
    return home


def test_guests_of_every_origin_come_to_life_on_their_nodes(home, cluster):
    rows = cluster.guests()
    assert {vmid: (row["node"], row["status"]) for vmid, row in rows.items()} == {
        110: ("ventoux-2", "running"),
        111: ("ventoux-3", "stopped"),
        120: ("ventoux-2", "running"),
        121: ("ventoux-2", "running"),
        9100: ("ventoux-1", "stopped"),
        9200: ("ventoux-2", "stopped"),
    }
    assert {vmid for vmid, row in rows.items() if row.get("template")} == {9100, 9200}
    assert rows[110]["pool"] == "clinical"
    app = cluster.config("/nodes/ventoux-2/qemu/110")
    assert app["description"] == "[bastide:proof/110]"
    assert app["scsi0"].endswith("size=8G")
    assert app["serial0"] == "socket"
    assert app["ipconfig0"] == "gw=10.84.20.1,ip=10.84.20.21/24"


def test_a_running_machine_is_changed_and_restarts_only_when_that_is_allowed(home, cluster):
    before = cluster.config("/nodes/ventoux-2/qemu/110")
    cards = {"net0": {**CARD, "vlan": 30}, "net1": {"bridge": "vmbr0"}}
    disks = {"scsi0": "10G", "scsi2": "1G"}
    home.change("app", cores=4, tags=["dpi"], nics=cards, disks=disks)
    assert "destroy" in home.refused()
    home.apply("destroy=app", "restart=app")
    home.assert_settled()
    after = cluster.config("/nodes/ventoux-2/qemu/110")
    assert (after["cores"], after["tags"]) == (4, "dpi")
    assert "tag=30" in after["net0"]
    assert before["net0"].split(",")[0].split("=")[1] in after["net0"]
    assert "bridge=vmbr0" in after["net1"]
    assert after["scsi0"].endswith("size=10G")
    assert "vm-110-disk" in after["unused0"]
    assert "scsi1" not in after
    pending = cluster("GET", "/nodes/ventoux-2/qemu/110/pending")
    assert not [row for row in pending if "pending" in row or "delete" in row]


def test_a_container_is_changed(home, cluster):
    mounts = {"rootfs": "3G", "mp0": {"size": "2G", "mount": "/srv"}, "mp1": {"size": "1G", "mount": "/data"}}
    home.change("dns", memory="768M", cores=2, disks=mounts, pool="clinical")
    home.apply()
    home.assert_settled()
    after = cluster.config("/nodes/ventoux-2/lxc/120")
    assert (int(after["memory"]), int(after["cores"])) == (768, 2)
    assert after["rootfs"].endswith("size=3G")
    assert "mp=/data" in after["mp1"]
    assert cluster.guests()[120]["pool"] == "clinical"


def test_a_disk_moves_to_another_storage(home, cluster):
    home.change("blank", disks={"efidisk0": "4M", "scsi0": {"size": "1G", "storage": "local-btrfs"}})
    home.apply()
    assert cluster.config("/nodes/ventoux-3/qemu/111")["scsi0"].startswith("local-btrfs:")


def test_a_guest_that_somebody_moved_is_not_drift_and_is_changed_where_it_is(home, cluster):
    cluster("POST", "/nodes/ventoux-2/lxc/121/status/stop")
    cluster("POST", "/nodes/ventoux-2/lxc/121/migrate", target="ventoux-3")
    home.assert_settled()
    home.change("dns-2", memory="384M")
    home.apply()
    assert int(cluster.config("/nodes/ventoux-3/lxc/121")["memory"]) == 384


def test_guests_that_others_made_are_adopted_as_they_are(home, cluster):
    cluster(
        "POST",
        "/nodes/ventoux-1/qemu",
        vmid=300,
        name="Old.PACS",
        memory=1536,
        sockets=2,
        scsi0="vmdata:1,cache=writeback,ssd=1",
        virtio1="local-btrfs:2,backup=0",
        ide2="local:iso/debian-13.2.0-amd64-netinst.iso,media=cdrom",
        net0="e1000,bridge=vmbr0,tag=7,firewall=1",
        net1="ne2k_pci,bridge=vmbr0",
        tags="B;a",
        description="made by hand\n\nin 2019",
        startup="order=3,up=5",
        tablet=0,
    )
    cluster(
        "POST",
        "/nodes/ventoux-1/lxc",
        vmid=301,
        hostname="old-pacs",
        ostemplate=ARCHIVE,
        rootfs="vmdata:1",
        unprivileged=1,
        swap=0,
        net0="name=wan,bridge=vmbr0,ip6=auto",
    )
    adopted = home.folder / "adopted.yml"
    ran = home.bastide("adopt", "-o", str(adopted))
    assert ran.code == 0, ran.err
    guests = yaml.safe_load(adopted.read_text())["guests"]
    assert guests["old-pacs"]["name"] == "Old.PACS"
    assert guests["old-pacs-301"]["name"] == "old-pacs"
    home.assert_settled("-e", str(adopted))


def test_guests_that_leave_the_estate_go_with_their_disks(home, cluster):
    home.write({name: home.guests[name] for name in ("tpl", "dns-tpl")})
    assert "destroy" in home.refused()
    home.apply("destroy=app", "destroy=blank", "destroy=dns", "destroy=dns-2")
    home.assert_settled()
    assert set(cluster.guests()) == {9100, 9200}
    held = cluster("GET", "/nodes/ventoux-2/storage/vmdata/content")
    assert not {volume["vmid"] for volume in held} & {110, 111, 120, 121}
