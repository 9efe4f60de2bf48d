"""Whatever a guest is like: adopted, it is wanted as it is."""

import pytest
from guest_cases import MARK, SITE, calls, changed, estate, scope, seen
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.resources import ct, vm
from provisioner.resources.guest_adopt import key_of

flag = st.sampled_from(["0", "1"])
number = st.integers(1, 64).map(str)
host = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9.-]{0,20}[a-zA-Z0-9])?", fullmatch=True)
mac = st.from_regex(r"([0-9A-F]{2}:){5}[0-9A-F]{2}", fullmatch=True)
storage = st.sampled_from(["vmdata", "ceph", "elsewhere"])
size = st.builds("{}{}".format, st.integers(1, 999), st.sampled_from("KMGT"))
address = st.sampled_from(
    ["ip=dhcp", "ip=10.84.20.9/24,gw=10.84.20.1", "ip6=auto", "ip=dhcp,ip6=2001:db8::9/64"]
)
text = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=30).map(str.strip)


def parts(first, /, **optional):
    """A property string: its first part, then any of the others."""
    return st.builds(
        lambda begin, rest: ",".join([begin, *(f"{key}={value}" for key, value in rest.items())]),
        first,
        st.fixed_dictionaries({}, optional=optional),
    )


common = {
    "description": text | text.map(lambda words: f"{words} {MARK}"),
    "tags": st.sampled_from(["a", "b;A", "x y", "prod,dpi"]),
    "onboot": flag,
    "protection": flag,
    "template": st.just("1"),
    "startup": st.sampled_from(["1", "order=2,up=5", "down=60"]),
    "hookscript": st.just("local:snippets/hook.pl"),
}
disk = parts(
    storage.map("{}:vm-120-disk-0".format),
    size=size,
    cache=st.sampled_from(["none", "writeback"]),
    backup=flag,
    replicate=flag,
    discard=st.sampled_from(["on", "ignore"]),
    ssd=flag,
    iothread=flag,
    serial=st.just("A1"),
)
card = parts(
    st.builds("{}={},bridge=vmbr0".format, st.sampled_from(["virtio", "e1000", "vmxnet3", "pcnet"]), mac),
    tag=number,
    firewall=flag,
    link_down=flag,
    mtu=st.just("1400"),
    rate=st.sampled_from(["5", "0.5"]),
    queues=number,
    trunks=st.just("2;3"),
)
machines = st.fixed_dictionaries(
    {"memory": st.integers(16, 99999).map(str)},
    optional={
        **common,
        "name": host,
        "cores": number,
        "sockets": st.integers(1, 8).map(str),
        "cpu": st.sampled_from(["host", "cputype=x86-64-v3,flags=+aes"]),
        "balloon": st.sampled_from(["0", "512"]),
        "numa": flag,
        "ostype": st.sampled_from(["l26", "win11", "other"]),
        "bios": st.sampled_from(["seabios", "ovmf"]),
        "machine": st.sampled_from(["q35", "type=pc-q35-10.0"]),
        "scsihw": st.sampled_from(["lsi", "virtio-scsi-single"]),
        "vga": st.sampled_from(["qxl", "type=virtio,memory=64", "serial0"]),
        "serial0": st.just("socket"),
        "agent": st.sampled_from(["0", "1", "enabled=1,type=isa"]),
        "boot": st.sampled_from(["order=scsi0", "order=net0;scsi0", "cdn"]),
        "scsi0": disk,
        "virtio3": disk,
        "efidisk0": parts(storage.map("{}:vm-120-disk-8".format), efitype=st.just("4m"), size=size),
        "ide2": st.sampled_from(["none", "local:iso/a.iso", "vmdata:vm-120-cloudinit"]).map(
            "{},media=cdrom".format
        ),
        "net0": card,
        "net7": card,
        "ipconfig0": address,
        "ciuser": st.just("adm"),
        "ciupgrade": flag,
        "nameserver": st.just("10.0.0.1 10.0.0.2"),
        "tablet": flag,
        "hostpci0": st.just("0000:01:00.0,pcie=1"),
    },
)
containers = st.fixed_dictionaries(
    {"hostname": host, "memory": st.integers(16, 99999).map(str)},
    optional={
        **common,
        "cores": number,
        "cpulimit": st.sampled_from(["0", "1.5", "2"]),
        "swap": st.sampled_from(["0", "256", "512"]),
        "unprivileged": flag,
        "features": st.sampled_from(["nesting=1", "nesting=0", "keyctl=1,nesting=1", "mount=nfs;cifs"]),
        "ostype": st.sampled_from(["debian", "alpine"]),
        "arch": st.just("amd64"),
        "nameserver": st.just("10.0.0.1 2001:db8::1"),
        "searchdomain": st.just("a.example b.example"),
        "rootfs": parts(
            storage.map("{}:vm-120-disk-0".format), size=size, acl=flag, quota=flag, replicate=flag
        ),
        "mp3": parts(
            st.sampled_from(["vmdata:subvol-120-disk-1", "/srv/share"]),
            mp=st.just("/srv"),
            size=size,
            backup=flag,
            ro=flag,
        ),
        "net0": parts(
            mac.map("name=eth0,bridge=vmbr0,type=veth,hwaddr={}".format),
            tag=number,
            firewall=flag,
            ip=st.just("dhcp"),
        ),
        "net1": address.map("name=wan,bridge=vmbr1,{}".format),
        "timezone": st.just("host"),
    },
)


@settings(max_examples=150)
@given(machines)
def test_an_adopted_machine_is_wanted_as_it_is(config):
    assert_wanted_as_it_is(vm.KIND, config)


@settings(max_examples=100)
@given(containers)
def test_an_adopted_container_is_wanted_as_it_is(config):
    assert_wanted_as_it_is(ct.KIND, config)


def assert_wanted_as_it_is(kind, config):
    guest = seen(kind, config)
    ((key, words),) = kind.adopt(scope(), (guest,))["guests"].items()
    (told,) = kind.desired(estate(**{key: words}), SITE)
    assert changed(kind, told, guest) == set()
    assert guest.mark != "none" or calls(kind, told, guest) == ()


@pytest.mark.parametrize(
    ("name", "key"),
    [("DB.example", "db-example"), ("7zip", "g-7zip"), ("a--b", "a-b"), ("-", "g"), ("x" * 63, "x" * 50)],
)
def test_a_name_becomes_a_key(name, key):
    assert key_of(name) == key
