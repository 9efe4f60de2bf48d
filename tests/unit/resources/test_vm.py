import pytest
from guest_cases import (
    BUILDING,
    DIGEST,
    MARK,
    SITE,
    TEMPLATE,
    answers,
    calls,
    changed,
    estate,
    scope,
    seen,
    wanted,
)
from pydantic import ValidationError

from provisioner.errors import Refused
from provisioner.model.base import GIB, MIB, SecretRef
from provisioner.model.guest import CT_WORDED, VM_WORDED
from provisioner.model.objects import Mark, Ref
from provisioner.resources import ct as ct_kind
from provisioner.resources import vm as vm_kind
from provisioner.resources.vm import KIND

CONFIG = {
    "name": "app",
    "memory": "2048",
    "cores": 2,
    "agent": "1",
    "onboot": 1,
    "ostype": "l26",
    "scsihw": "virtio-scsi-single",
    "scsi0": "vmdata:vm-120-disk-0,size=8G",
    "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=20",
    "meta": "creation-qemu=10.0.13,ctime=1795329263",
    "smbios1": "uuid=f7ba9bd9-1e86-4fec-999a-a76516819d2e",
    "vmgenid": "e53a4ea8-298f-4d44-833d-dd62417fbc49",
}
APP = {
    "vmid": 120,
    "node": "ventoux-1",
    "cores": 2,
    "memory": "2G",
    "storage": "vmdata",
    "disks": {"scsi0": "8G"},
    "nics": {"net0": {"network": "servers"}},
}
PATH = "/nodes/ventoux-1/qemu/120"


def app(**settings):
    return wanted(KIND, app={**APP, **settings})


def vm(pending=None, delete=(), **config):
    row = {"status": config.pop("status", "stopped"), "pool": config.pop("pool", None)}
    kept = {key: value for key, value in {**CONFIG, **config}.items() if value is not None}
    return seen(KIND, kept, pending=pending, delete=delete, **row)


def sent(made):
    return [(call.method, call.path.removeprefix(PATH), dict(call.params)) for call in made]


# ---------------------------------------------------------------- seeing


def test_a_guest_as_wanted_differs_in_nothing():
    assert changed(KIND, app(), vm()) == set()
    assert calls(KIND, app(), vm()) == ()


@pytest.mark.parametrize("said", [{}, {"machine": "q35"}])
def test_the_machine_version_that_proxmox_pins_for_windows_is_left_alone(said):
    desired = app(ostype="win11", **said)
    assert changed(KIND, desired, vm(ostype="win11", machine="pc-q35-10.0+pve1")) == set()
    (made,) = calls(KIND, desired, None)
    assert made.params.get("machine") == said.get("machine")


def test_a_machine_version_that_the_estate_says_is_compared():
    desired = app(ostype="win11", machine="pc-q35-9.2")
    assert changed(KIND, desired, vm(ostype="win11", machine="pc-q35-10.0+pve1")) == {"machine"}
    assert changed(KIND, app(machine="q35"), vm(machine="pc-q35-10.0")) == {"machine"}


def test_what_proxmox_omits_is_its_default():
    bare = seen(KIND, {"name": "old", "memory": "512"}).attributes
    expected = {
        "cores": 1,
        "sockets": 1,
        "bios": "seabios",
        "scsihw": "lsi",
        "ostype": "other",
        "onboot": False,
    }
    assert {key: bare[key] for key in expected} == expected
    assert bare["memory"] == 512 * MIB
    assert bare["agent.enabled"] is False


def test_the_mark_is_no_part_of_the_description():
    guest = vm(description=f"Portal\n\nAsk Camille. {MARK}\n")
    assert (guest.attributes["description"], guest.mark) == ("Portal\n\nAsk Camille.", Mark.OURS)
    assert vm(description=f"x {BUILDING}").mark is Mark.BUILDING


def test_a_copy_made_by_hand_is_not_ours_though_its_description_is_copied():
    copied = {"name": "app-restored", "description": f"Portal {MARK}\n"}
    (restored,) = KIND.parse(scope(), answers("qemu", copied, vmid=999))
    assert restored.mark is Mark.NONE
    assert restored.attributes["description"] == f"Portal {MARK}"
    assert vm(description="by hand").mark is Mark.NONE


def test_values_are_those_after_the_restart_and_the_active_ones_are_kept_apart():
    guest = vm(status="running", pending={"memory": "4096", "cores": 4}, delete=("net0",))
    assert guest.attributes["memory"] == 4 * GIB
    assert "net0.bridge" not in guest.attributes
    assert guest.active["memory"] == 2 * GIB
    assert guest.active["cores"] == 2
    assert guest.active["net0.bridge"] == "vmbr0"
    assert "name" not in guest.active


def test_a_nameless_guest_waits_for_its_memory_only():
    guest = vm(name=None, status="running", pending={"memory": "4096"})
    assert guest.active == {"memory": 2 * GIB}


def test_a_stopped_guest_waits_for_nothing():
    assert vm(pending={"memory": "4096"}).active == {}


def test_the_digest_the_node_and_the_lock_are_seen():
    guest = vm(lock="backup")
    assert (guest.digest, guest.node, guest.locked, guest.label) == (DIGEST, "ventoux-1", "backup", "app")


def test_a_clone_that_has_no_configuration_yet_has_no_name_either():
    assert seen(KIND, {"lock": "clone"}).attributes["name"] is None
    assert seen(KIND, {"memory": "512"}).attributes["name"] == "VM120"


def test_each_guest_is_one_path_and_containers_are_not_ours():
    rows = [
        {"type": "qemu", "vmid": 120, "node": "ventoux-1"},
        {"type": "lxc", "vmid": 121, "node": "ventoux-1"},
        {"type": "node", "node": "ventoux-1"},
    ]
    found = KIND.details(scope(), {"/cluster/resources": rows})
    assert found == {f"{PATH}/pending": Ref(SITE, "vm", "120")}


@pytest.mark.parametrize(
    ("pool", "estate_has_pools", "expected"),
    [("clinical", True, "/pools/clinical"), (None, True, "/cluster/resources"), (None, False, None)],
)
def test_a_guest_is_looked_at_again_by_the_fewest_paths(pool, estate_has_pools, expected):
    known = scope(*([Ref(SITE, "pool", "clinical")] if estate_has_pools else []))
    paths = KIND.refresh(known, Ref(SITE, "vm", "120"), vm(pool=pool))
    assert paths == (f"{PATH}/pending", f"{PATH}/status/current", *([expected] if expected else []))


def test_the_power_and_the_pool_of_a_single_look_are_seen():
    told = answers("qemu", CONFIG)
    del told["/cluster/resources"]
    told[f"{PATH}/status/current"] = {"status": "running", "vmid": 120, "name": "app"}
    told["/pools/clinical"] = {
        "members": [{"type": "qemu", "vmid": 120}, {"type": "storage", "storage": "x"}]
    }
    (guest,) = KIND.parse(scope(), told)
    assert guest.running
    assert (guest.attributes["pool"], guest.node) == ("clinical", "ventoux-1")


def test_a_guest_that_was_never_seen_is_looked_for_in_the_list():
    assert KIND.refresh(scope(), Ref(SITE, "vm", "120"), None) == ("/cluster/resources",)


# ---------------------------------------------------------------- wanting


def test_a_network_gives_bridge_and_vlan_and_a_fixed_address_its_gateway_and_name_servers():
    told = app(nics={"net0": {"network": "servers", "address": "10.84.20.21/24"}}, cloud_init={"user": "adm"})
    values = told.attributes
    assert (values["net0.bridge"], values["net0.tag"]) == ("vmbr0", 20)
    assert (values["ipconfig0.ip"], values["ipconfig0.gw"]) == ("10.84.20.21/24", "10.84.20.1")
    assert (values["nameserver"], values["searchdomain"]) == (("10.84.20.11",), "ventoux.example")


def test_dhcp_needs_no_gateway_and_a_vnet_is_a_bridge():
    told = app(nics={"net0": {"network": "portal", "address": "dhcp"}}, cloud_init={})
    assert told.attributes["net0.bridge"] == "vportal"
    assert told.attributes["ipconfig0.gw"] is None
    assert Ref(SITE, "sdn_vnet", "vportal") in told.requires


def test_a_mac_that_the_estate_leaves_open_is_not_managed():
    assert "net0.mac" not in app().attributes
    assert changed(KIND, app(nics={"net0": {"network": "servers", "mac": "bc:24:11:00:00:09"}}), vm()) == {
        "net0.mac"
    }


def test_a_clone_has_the_hardware_and_disks_of_its_template_unless_it_says_otherwise():
    clone = {"vmid": 120, "node": "ventoux-2", "memory": "2G", "clone": "tpl", "disks": {"scsi1": "32G"}}
    told = wanted(KIND, tpl=TEMPLATE, app=clone)
    assert (told.attributes["vga"], told.attributes["serial"]) == ("serial0", True)
    assert (told.attributes["scsi0.size"], told.attributes["scsi1.size"]) == (4 * GIB, 32 * GIB)
    assert told.attributes["scsi0.storage"] == "vmdata"
    assert Ref(SITE, "vm", "9000") in told.requires


# ---------------------------------------------------------------- making


def test_a_clone_is_made_where_its_template_is_and_carries_the_building_mark():
    clone = {**APP, "node": "ventoux-2", "clone": "tpl", "pool": "clinical", "description": "Portal"}
    template = seen(KIND, {"name": "tpl", "template": 1}, vmid=9000, node="ventoux-3")
    (call,) = calls(KIND, wanted(KIND, tpl=TEMPLATE, app=clone), None, seen=(template,))
    assert (call.method, call.path) == ("POST", "/nodes/ventoux-3/qemu/9000/clone")
    assert call.params == {
        "newid": "120",
        "name": "app",
        "full": 1,
        "storage": "vmdata",
        "pool": "clinical",
        "description": f"Portal {BUILDING}",
    }
    assert call.lanes == ("storage:vmdata",)


def test_a_clone_on_shared_storage_goes_to_its_node_at_once():
    template = {**TEMPLATE, "storage": "ceph"}
    clone = {**APP, "node": "ventoux-2", "clone": "tpl", "storage": "ceph"}
    (call,) = calls(KIND, wanted(KIND, tpl=template, app=clone), None)
    assert call.path == "/nodes/ventoux-1/qemu/9000/clone"
    assert call.params["target"] == "ventoux-2"


def test_a_linked_clone_names_no_storage():
    clone = {**APP, "clone": "tpl", "full": False}
    (call,) = calls(KIND, wanted(KIND, tpl=TEMPLATE, app=clone), None)
    assert call.params["full"] == 0
    assert "storage" not in call.params


def test_a_machine_from_an_image_imports_it_to_its_first_disk():
    told = app(
        image="local:import/debian-13.qcow2",
        bios="ovmf",
        machine="q35",
        disks={
            "efidisk0": "4M",
            "scsi0": {"size": "8G", "discard": True, "format": "qcow2"},
            "scsi1": "512M",
        },
        cloud_init={"user": "adm", "password": "env:CI", "ssh_keys": ["ssh-ed25519 AAAA me@x"]},
    )
    (call,) = calls(KIND, told, None)
    params = call.params
    assert (call.method, call.path) == ("POST", "/nodes/ventoux-1/qemu")
    assert params["scsi0"] == "vmdata:0,discard=on,import-from=local:import/debian-13.qcow2,format=qcow2"
    assert params["scsi1"] == "vmdata:0.5"
    assert params["efidisk0"] == "vmdata:1,efitype=4m,pre-enrolled-keys=0"
    assert params["ide2"] == "vmdata:cloudinit"
    assert params["net0"] == "virtio,bridge=vmbr0,tag=20"
    assert params["sshkeys"] == "ssh-ed25519%20AAAA%20me%40x"
    assert params["ciupgrade"] == "0"
    assert params["description"] == BUILDING
    assert call.secrets == {"cipassword": SecretRef("env:CI")}
    assert "pool" not in params
    assert "template" not in params


# ---------------------------------------------------------------- finishing


def test_a_fresh_clone_is_configured_grown_started_and_marked_in_one_round():
    clone = {
        **APP,
        "clone": "tpl",
        "description": "Portal",
        "cloud_init": {"user": "adm", "password": "env:CI"},
    }
    fresh = vm(
        description=f"Portal {BUILDING}",
        scsi0="vmdata:vm-120-disk-0,size=4G",
        cores=1,
        net0="virtio=BC:24:11:00:00:01,bridge=vmbr0",
        serial0="socket",
        vga="serial0",
        ide2="vmdata:vm-120-cloudinit,media=cdrom",
    )
    made = calls(KIND, wanted(KIND, tpl=TEMPLATE, app=clone), fresh)
    assert [(method, path) for method, path, _ in sent(made)] == [
        ("PUT", "/config"),
        ("PUT", "/resize"),
        ("POST", "/status/start"),
        ("PUT", "/config"),
    ]
    written = made[0].params
    assert written["digest"] == DIGEST
    assert written["net0"] == "virtio,bridge=vmbr0,macaddr=BC:24:11:00:00:01,tag=20"
    assert (written["cores"], written["ciuser"]) == ("2", "adm")
    assert "ide2" not in written
    assert made[0].secrets == {"cipassword": SecretRef("env:CI")}
    assert made[1].params == {"disk": "scsi0", "size": "8G"}
    assert made[3].params == {"description": f"Portal {MARK}"}


def test_a_clone_on_the_wrong_node_moves_before_anything_else():
    clone = {**APP, "node": "ventoux-2", "clone": "tpl"}
    made = calls(KIND, wanted(KIND, tpl=TEMPLATE, app=clone), vm(description=BUILDING, cores=1))
    assert sent(made) == [("POST", "/migrate", {"target": "ventoux-2"})]


def test_a_guest_that_runs_already_is_only_marked():
    made = calls(KIND, app(), vm(description=BUILDING, status="running"))
    assert sent(made) == [("PUT", "/config", {"description": MARK, "digest": DIGEST})]


def test_a_template_is_frozen_and_never_started():
    made = calls(KIND, app(template=True), vm(description=BUILDING))
    assert [path for _, path, _ in sent(made)] == ["/template", "/config"]


def test_a_guest_that_shall_not_run_is_not_started():
    made = calls(KIND, app(started=False), vm(description=BUILDING))
    assert [path for _, path, _ in sent(made)] == ["/config"]


def test_a_locked_guest_is_left_alone():
    assert calls(KIND, app(cores=8), vm(lock="clone", description=BUILDING)) == ()
    assert calls(KIND, None, vm(lock="backup", description=MARK)) == ()


def test_a_disk_smaller_than_its_template_is_refused_in_words():
    with pytest.raises(Refused, match="scsi0 is 16G and cannot shrink to 8G"):
        calls(KIND, app(), vm(scsi0="vmdata:vm-120-disk-0,size=16G"))


# ---------------------------------------------------------------- changing

UPDATES = {
    "cores": (
        {"cores": 4},
        {},
        [("PUT", "/config", {"cores": "4"})],
    ),
    "an unset value is deleted": (
        {},
        {"cpu": "host", "vga": "qxl", "serial0": "socket"},
        [("PUT", "/config", {"delete": "cpu,serial0,vga"})],
    ),
    "an adopted guest gets no mark": (
        {"description": "new"},
        {"description": "old"},
        [("PUT", "/config", {"description": "new"})],
    ),
    "a description goes": (
        {},
        {"description": "old"},
        [("PUT", "/config", {"delete": "description"})],
    ),
    "one of ours keeps its mark": (
        {"description": "new"},
        {"description": f"old {MARK}"},
        [("PUT", "/config", {"description": f"new {MARK}"})],
    ),
    "a card keeps its MAC and what we have no word for": (
        {"nics": {"net0": {"bridge": "vmbr1", "firewall": True}}},
        {"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=20,trunks=2;3"},
        [("PUT", "/config", {"net0": "virtio,bridge=vmbr1,firewall=1,macaddr=BC:24:11:00:00:01,trunks=2;3"})],
    ),
    "a card that is not wanted goes, with its address": (
        {},
        {"net1": "virtio=BC:24:11:00:00:02,bridge=vmbr0", "ipconfig1": "ip=dhcp"},
        [("PUT", "/config", {"delete": "ipconfig1,net1"})],
    ),
    "a disk that is not wanted is detached": (
        {},
        {"scsi1": "vmdata:vm-120-disk-1,size=4G"},
        [("PUT", "/config", {"delete": "scsi1"})],
    ),
    "a disk keeps its volume and what we have no word for": (
        {"disks": {"scsi0": {"size": "8G", "discard": True}}},
        {"scsi0": "vmdata:vm-120-disk-0,serial=A1,size=8G,mbps_rd=50"},
        [("PUT", "/config", {"scsi0": "vmdata:vm-120-disk-0,discard=on,mbps_rd=50,serial=A1,size=8G"})],
    ),
    "a disk grows to its size after its settings are written": (
        {"disks": {"scsi0": {"size": "10G", "ssd": True}}},
        {},
        [
            ("PUT", "/config", {"scsi0": "vmdata:vm-120-disk-0,size=8G,ssd=1"}),
            ("PUT", "/resize", {"disk": "scsi0", "size": "10G"}),
        ],
    ),
    "a disk moves": (
        {"disks": {"scsi0": {"size": "8G", "storage": "ceph"}}},
        {},
        [("POST", "/move_disk", {"disk": "scsi0", "storage": "ceph", "delete": 1})],
    ),
    "a new disk is made by a task": (
        {"disks": {"scsi0": "8G", "scsi1": {"size": "32G", "iothread": True}}},
        {},
        [("POST", "/config", {"scsi1": "vmdata:32,iothread=1"})],
    ),
    "a cloud-init drive changes its plug": (
        {"cloud_init": {"drive": "scsi30", "upgrade": True}},
        {
            "ide2": "vmdata:vm-120-cloudinit,media=cdrom",
            "nameserver": "10.84.20.11",
            "searchdomain": "ventoux.example",
        },
        [("POST", "/config", {"scsi30": "vmdata:cloudinit", "delete": "ide2"})],
    ),
    "the start order": (
        {"start": {"order": 2, "up": 30}},
        {"startup": "order=1"},
        [("PUT", "/config", {"startup": "2,up=30"})],
    ),
    "no start order": (
        {},
        {"startup": "order=1,down=60"},
        [("PUT", "/config", {"delete": "startup"})],
    ),
    "a raw option": (
        {"options": {"tablet": 0, "hotplug": "disk"}},
        {"hotplug": "disk"},
        [("PUT", "/config", {"tablet": "0"})],
    ),
    "the agent keeps what we have no word for": (
        {"agent": True},
        {"agent": "0,fstrim_cloned_disks=1"},
        [("PUT", "/config", {"agent": "1,fstrim_cloned_disks=1"})],
    ),
    "an undeclared CD-ROM stays": ({}, {"ide2": "local:iso/debian.iso,media=cdrom"}, []),
    "it joins a pool": (
        {"pool": "clinical"},
        {},
        [("PUT", "/pools", {"poolid": "clinical", "vms": "120"})],
    ),
    "it changes its pool": (
        {"pool": "clinical"},
        {"pool": "technical"},
        [("PUT", "/pools", {"poolid": "clinical", "vms": "120", "allow-move": 1})],
    ),
    "it leaves its pool": (
        {},
        {"pool": "technical"},
        [("PUT", "/pools", {"poolid": "technical", "vms": "120", "delete": 1})],
    ),
}


@pytest.mark.parametrize(("settings", "config", "expected"), UPDATES.values(), ids=UPDATES)
def test_a_change_is_the_fewest_calls(settings, config, expected):
    made = sent(calls(KIND, app(**settings), vm(**config)))
    if made and not made[0][1].startswith("/pools"):
        assert made[0][2].pop("digest") == DIGEST
    assert made == expected


def test_only_the_first_call_of_a_round_carries_the_digest():
    made = calls(KIND, app(cores=4, disks={"scsi0": "9G"}), vm())
    assert ["digest" in call.params for call in made] == [True, False]


def test_a_restart_happens_only_where_it_is_allowed_and_something_waits():
    waiting = vm(status="running", pending={"cores": 2}, cores=1)
    assert calls(KIND, app(), waiting) == ()
    assert sent(calls(KIND, app(), waiting, restart=True)) == [("POST", "/status/reboot", {})]
    assert calls(KIND, app(), vm(status="running"), restart=True) == ()


def test_a_template_does_not_become_a_machine_again():
    with pytest.raises(Refused, match="is a template, and stays one"):
        calls(KIND, app(), vm(template=1))


def test_a_running_machine_does_not_become_a_template():
    with pytest.raises(Refused, match="runs and cannot become a template"):
        calls(KIND, app(template=True), vm(status="running"))


# ---------------------------------------------------------------- removing


def test_a_running_guest_is_stopped_and_destroyed_with_its_disks():
    made = sent(calls(KIND, None, vm(status="running", description=MARK)))
    gone = {"purge": 1, "destroy-unreferenced-disks": 0}
    assert made == [("POST", "/status/stop", {}), ("DELETE", "", gone)]


def test_a_stopped_guest_is_destroyed_and_a_missing_one_is_nothing_to_do():
    assert [method for method, _, _ in sent(calls(KIND, None, vm()))] == ["DELETE"]
    assert calls(KIND, None, None) == ()


def test_a_protected_guest_is_not_removed():
    with pytest.raises(Refused, match="is protected from removal"):
        calls(KIND, None, vm(protection=1))


# ---------------------------------------------------------------- adopting

ADOPTED = {
    "plain": {},
    "all words": {
        "name": "DB.prod",
        "description": "Patient record\nwith two lines",
        "tags": "Tier0;dpi",
        "sockets": 2,
        "cpu": "cputype=host,flags=+aes",
        "balloon": 1024,
        "numa": 1,
        "ostype": "win11",
        "bios": "ovmf",
        "machine": "pc-q35-10.0",
        "vga": "type=virtio,memory=64",
        "serial0": "socket",
        "agent": "enabled=1,fstrim_cloned_disks=1",
        "onboot": 0,
        "protection": 1,
        "startup": "order=3,down=120",
        "boot": "order=scsi1;net0",
        "efidisk0": "ceph:vm-120-disk-2,efitype=4m,pre-enrolled-keys=1,size=528K",
        "tpmstate0": "vmdata:vm-120-disk-3,size=4M,version=v2.0",
        "scsi0": "vmdata:vm-120-disk-0,cache=writeback,discard=on,iothread=1,replicate=0,size=8G,ssd=1",
        "scsi1": "ceph:vm-120-disk-1,backup=0,size=32G",
        "scsi2": "local:iso/debian.iso,media=cdrom",
        "ide2": "vmdata:vm-120-cloudinit,media=cdrom",
        "ciuser": "adm",
        "sshkeys": "ssh-ed25519%20AAAA%20me%40x%0Assh-rsa%20BBBB",
        "nameserver": "10.84.20.11 10.84.20.12",
        "searchdomain": "ventoux.example",
        "cicustom": "user=local:snippets/base.yml",
        "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,mtu=1400,queues=4,rate=12.5,tag=20",
        "ipconfig0": "ip=10.84.20.21/24,gw=10.84.20.1,ip6=auto",
        "net1": "e1000=BC:24:11:00:00:02,bridge=vportal,link_down=1",
        "net2": "ne2k_pci=BC:24:11:00:00:03,bridge=vmbr0",
        "hotplug": "disk",
        "parent": "before",
        "unused0": "vmdata:vm-120-disk-9",
        "pool": "clinical",
    },
    "hardly anything": {
        "name": None,
        "cores": None,
        "net0": None,
        "scsi0": None,
        "ostype": None,
        "agent": None,
    },
    "cloud-init without a drive": {"ipconfig0": "ip=dhcp", "ciuser": "adm"},
    "no balloon and a template": {"balloon": 0, "template": 1},
    "a disk of unknown size": {"scsi0": "vmdata:vm-120-disk-0"},
    "a mark of ours": {"description": f"Portal {MARK}"},
}


@pytest.mark.parametrize("config", ADOPTED.values(), ids=ADOPTED)
def test_what_is_adopted_differs_in_nothing(config):
    guest = vm(**config)
    ((key, words),) = KIND.adopt(scope(), (guest,))["guests"].items()
    (told,) = KIND.desired(estate(**{key: words}), SITE)
    assert changed(KIND, told, guest) == set()


def test_an_adopted_guest_is_as_short_as_can_be():
    words = KIND.adopt(scope(), (vm(status="running"),))
    assert words == {
        "guests": {
            "app": {
                "vmid": 120,
                "node": "ventoux-1",
                "memory": "2G",
                "cores": 2,
                "storage": "vmdata",
                "disks": {"scsi0": "8G"},
                "nics": {"net0": {"bridge": "vmbr0", "vlan": 20}},
            }
        }
    }


def test_two_guests_of_one_name_and_odd_names_are_told_apart():
    guests = tuple(
        seen(KIND, {"name": name, "memory": "512"}, vmid=vmid)
        for vmid, name in ((101, "Web.prod"), (102, "web-prod"), (103, "7zip"))
    )
    found = KIND.adopt(scope(), guests)["guests"]
    assert {key: words.get("name") for key, words in found.items()} == {
        "web-prod": "Web.prod",
        "web-prod-102": "web-prod",
        "g-7zip": "7zip",
    }


@pytest.mark.parametrize(
    ("dialect", "forbidden"), [(vm_kind.DIALECT, VM_WORDED), (ct_kind.DIALECT, CT_WORDED)]
)
def test_what_has_a_word_cannot_be_an_option(dialect, forbidden):
    assert {field.name for field in dialect.fields} | set(dialect.always) <= forbidden


def test_an_option_with_a_word_is_refused_by_name():
    with pytest.raises(ValidationError, match="`options` cannot hold `memory`"):
        app(options={"memory": 512})
