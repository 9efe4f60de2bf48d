import pytest
from guest_cases import DIGEST, SITE, calls, changed, estate, scope, seen, wanted

from provisioner.errors import BastideError, Refused
from provisioner.model.base import MIB, SecretRef
from provisioner.resources.ct import KIND

CONFIG = {
    "hostname": "dns",
    "memory": 512,
    "swap": 512,
    "cores": 1,
    "arch": "amd64",
    "ostype": "debian",
    "unprivileged": 1,
    "onboot": 1,
    "nameserver": "10.84.20.11",
    "searchdomain": "ventoux.example",
    "rootfs": "vmdata:subvol-130-disk-0,size=4G",
    "net0": "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:81:0C:17,ip=dhcp,tag=20,type=veth",
}
MARK, BUILDING = "[bastide:synergia/130]", "[bastide:synergia/130+building]"
DNS = {
    "vmid": 130,
    "kind": "ct",
    "node": "ventoux-1",
    "memory": "512M",
    "image": "local:vztmpl/debian-13.tar.zst",
    "storage": "vmdata",
    "disks": {"rootfs": "4G"},
    "nics": {"net0": {"network": "servers", "address": "dhcp"}},
}
PATH = "/nodes/ventoux-1/lxc/130"


def dns(**settings):
    return wanted(KIND, 130, dns={**DNS, **settings})


def ct(pending=None, **config):
    row = {"status": config.pop("status", "stopped"), "pool": config.pop("pool", None)}
    kept = {key: value for key, value in {**CONFIG, **config}.items() if value is not None}
    return seen(KIND, kept, vmid=130, pending=pending, **row)


def sent(made):
    return [(call.method, call.path.removeprefix(PATH), dict(call.params)) for call in made]


def test_a_container_as_wanted_differs_in_nothing():
    assert changed(KIND, dns(), ct()) == set()
    assert calls(KIND, dns(), ct()) == ()


def test_what_proxmox_omits_is_its_default():
    values = seen(KIND, {"hostname": "x", "rootfs": "local:x,size=1G"}).attributes
    assert (values["memory"], values["swap"], values["cores"]) == (512 * MIB, 512 * MIB, None)
    assert values["unprivileged"] is False


def test_a_container_is_made_whole_by_one_call():
    told = dns(
        description="Resolver",
        features=["nesting=1"],
        pool="technical",
        ssh_keys=["ssh-ed25519 AAAA me@x"],
        password="env:CT",
        disks={"rootfs": "4G", "mp0": {"size": "1G", "mount": "/srv", "backup": True}},
    )
    (call,) = calls(KIND, told, None)
    assert (call.method, call.path) == ("POST", "/nodes/ventoux-1/lxc")
    assert call.params == {
        "vmid": "130",
        "hostname": "dns",
        "ostemplate": "local:vztmpl/debian-13.tar.zst",
        "ssh-public-keys": "ssh-ed25519 AAAA me@x",
        "description": f"Resolver {BUILDING}",
        "pool": "technical",
        "memory": "512",
        "swap": "512",
        "cores": "1",
        "onboot": "1",
        "protection": "0",
        "unprivileged": "1",
        "features": "nesting=1",
        "nameserver": "10.84.20.11",
        "searchdomain": "ventoux.example",
        "net0": "bridge=vmbr0,ip=dhcp,name=eth0,tag=20",
        "rootfs": "vmdata:4",
        "mp0": "vmdata:1,backup=1,mp=/srv",
    }
    assert call.secrets == {"password": SecretRef("env:CT")}


def test_a_container_from_nowhere_is_refused_in_words():
    with pytest.raises(BastideError, match="a container comes from somewhere"):
        calls(KIND, dns(image=None), None)


def test_a_clone_has_what_its_template_has():
    template = {**DNS, "vmid": 9100, "template": True, "unprivileged": False, "features": ["nesting=1"]}
    clone = {"vmid": 130, "kind": "ct", "node": "ventoux-1", "memory": "512M", "clone": "tpl"}
    told = wanted(KIND, 130, tpl=template, dns=clone)
    assert told.attributes["unprivileged"] is False
    assert told.attributes["features"] == ("nesting=1",)
    (call,) = calls(KIND, told, None)
    assert call.path == "/nodes/ventoux-1/lxc/9100/clone"
    assert call.params == {
        "newid": "130",
        "hostname": "dns",
        "full": 1,
        "storage": "vmdata",
        "description": BUILDING,
    }


def test_a_fresh_container_is_started_and_marked():
    made = calls(KIND, dns(), ct(description=BUILDING))
    assert sent(made) == [("POST", "/status/start", {}), ("PUT", "/config", {"description": MARK})]


UPDATES = {
    "cores and memory": (
        {"cores": 2, "memory": "1G", "swap": 0},
        {},
        [("PUT", "/config", {"cores": "2", "memory": "1024", "swap": "0"})],
    ),
    "as many cores as the node has": (
        {"cores": 0},
        {},
        [("PUT", "/config", {"delete": "cores"})],
    ),
    "a card keeps its MAC": (
        {"nics": {"net0": {"bridge": "vmbr1", "address": "10.84.20.53/24", "gateway": "10.84.20.1"}}},
        {},
        [
            (
                "PUT",
                "/config",
                {
                    "net0": "bridge=vmbr1,gw=10.84.20.1,hwaddr=BC:24:11:81:0C:17,ip=10.84.20.53/24,name=eth0",
                    "delete": "nameserver,searchdomain",
                },
            )
        ],
    ),
    "a mount point that is not wanted is detached": (
        {},
        {"mp1": "vmdata:subvol-130-disk-1,mp=/srv,size=1G"},
        [("PUT", "/config", {"delete": "mp1"})],
    ),
    "a bind mount stays": ({}, {"mp1": "/srv/share,mp=/srv"}, []),
    "a new mount point": (
        {"disks": {"rootfs": "4G", "mp0": {"size": "2G", "mount": "/srv"}}},
        {},
        [("PUT", "/config", {"mp0": "vmdata:2,mp=/srv"})],
    ),
    "the root grows": (
        {"disks": {"rootfs": "8G"}},
        {},
        [("PUT", "/resize", {"disk": "rootfs", "size": "8G"})],
    ),
    "the root moves": (
        {"disks": {"rootfs": {"size": "4G", "storage": "ceph"}}},
        {},
        [("POST", "/move_volume", {"volume": "rootfs", "storage": "ceph", "delete": 1})],
    ),
    "no features": (
        {},
        {"features": "nesting=1,keyctl=0"},
        [("PUT", "/config", {"delete": "features"})],
    ),
}


@pytest.mark.parametrize(("settings", "config", "expected"), UPDATES.values(), ids=UPDATES)
def test_a_change_is_the_fewest_calls(settings, config, expected):
    made = sent(calls(KIND, dns(**settings), ct(**config)))
    if made:
        assert made[0][2].pop("digest") == DIGEST
    assert made == expected


def test_a_volume_does_not_move_under_a_running_container():
    with pytest.raises(Refused, match="rootfs can only move to ceph while it does not"):
        calls(KIND, dns(disks={"rootfs": {"size": "4G", "storage": "ceph"}}), ct(status="running"))


def test_whether_a_container_is_privileged_is_decided_when_it_is_made():
    assert changed(KIND, dns(unprivileged=False), ct()) == {"unprivileged"}
    assert KIND.traits.matches("unprivileged", KIND.traits.immutable)


def test_a_running_container_is_stopped_and_destroyed():
    made = sent(calls(KIND, None, ct(status="running", description=MARK)))
    assert [(method, path) for method, path, _ in made] == [("POST", "/status/stop"), ("DELETE", "")]


ADOPTED = {
    "plain": {},
    "all words": {
        "description": "Résolveur",
        "tags": "b;a",
        "cores": None,
        "cpulimit": "1.5",
        "swap": 0,
        "unprivileged": 0,
        "features": "keyctl=1,nesting=1",
        "ostype": "alpine",
        "nameserver": "10.84.20.11 2001:db8::53",
        "searchdomain": "a.example b.example",
        "startup": "order=1,up=5,down=6",
        "hookscript": "local:snippets/hook.pl",
        "protection": 1,
        "onboot": 0,
        "rootfs": "vmdata:subvol-130-disk-0,acl=1,replicate=0,size=4G",
        "mp0": "ceph:vm-130-disk-1,mp=/srv/data,backup=1,quota=1,ro=1,size=8G,mountoptions=noatime",
        "mp1": "/srv/share,mp=/share",
        "net0": "name=eth0,bridge=vmbr0,firewall=1,hwaddr=BC:24:11:81:0C:17,ip=10.84.20.53/24,gw=10.84.20.1",
        "net1": "name=wan,bridge=vportal,hwaddr=BC:24:11:81:0C:18,ip6=auto,mtu=1400,rate=5,type=veth",
        "timezone": "host",
        "tty": 1,
        "pool": "clinical",
    },
    "a template": {"template": 1},
}


@pytest.mark.parametrize("config", ADOPTED.values(), ids=ADOPTED)
def test_what_is_adopted_differs_in_nothing(config):
    guest = ct(**config)
    ((key, words),) = KIND.adopt(scope(), (guest,))["guests"].items()
    (told,) = KIND.desired(estate(**{key: words}), SITE)
    assert changed(KIND, told, guest) == set()
