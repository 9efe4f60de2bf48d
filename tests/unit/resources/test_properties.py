import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.resources.disks import CT_DISK, STATE_DISK, VM_DISK
from provisioner.resources.nics import CT_NIC, IPCONFIG, VM_NIC
from provisioner.resources.properties import Group, join, split

word = st.from_regex(r"[a-zA-Z0-9._:/-]{1,12}", fullmatch=True)
name = st.from_regex(r"[a-z][a-z0-9_-]{0,8}", fullmatch=True).filter(lambda text: text != "first")
flag = st.sampled_from(["0", "1"])
mac = st.from_regex(r"([0-9A-F]{2}:){5}[0-9A-F]{2}", fullmatch=True)
volume = st.builds("{}:{}".format, st.sampled_from(["local", "ceph-vm"]), word.filter(lambda w: ":" not in w))
size = st.builds("{}{}".format, st.integers(1, 999), st.sampled_from("KMGT"))


def optional(**parts):
    return st.fixed_dictionaries({}, optional={key.replace("_", "-"): value for key, value in parts.items()})


vm_nic = st.builds(
    lambda model, address, rest: ",".join([f"{model}={address}", "bridge=vmbr0", *rest]),
    st.sampled_from(["virtio", "e1000", "e1000e", "rtl8139", "vmxnet3"]),
    mac,
    optional(tag=st.integers(1, 4094), firewall=flag, queues=st.integers(1, 16), trunks=st.just("2;3")).map(
        lambda parts: [f"{key}={value}" for key, value in parts.items()]
    ),
)
vm_disk = st.builds(
    lambda disk, rest: ",".join([disk, *(f"{key}={value}" for key, value in rest.items())]),
    volume,
    optional(
        size=size,
        discard=st.sampled_from(["on", "ignore"]),
        ssd=flag,
        iothread=flag,
        backup=flag,
        replicate=flag,
        serial=word,
        mbps_rd=st.integers(1, 500),
        cache=st.sampled_from(["none", "writeback"]),
    ),
)
ct_disk = st.builds(
    lambda disk, rest: ",".join([disk, *(f"{key}={value}" for key, value in rest.items())]),
    volume,
    optional(size=size, mp=st.just("/srv"), acl=flag, ro=flag, shared=flag, mountoptions=st.just("noatime")),
)


@given(st.dictionaries(name, word, max_size=5), st.none() | word)
def test_splitting_undoes_joining(parts, bare):
    whole = {**parts, **({"first": bare} if bare else {})}
    assert split(join(whole, "first"), "first") == whole


def again(group: Group, text: str):
    plain = group.spell(text)
    assert plain is not None
    values = group.read(plain)
    return values, group.read(group.spell(group.write(values)) or "")


@given(vm_nic)
def test_a_card_that_is_read_and_written_stays_the_same(text):
    values, written = again(VM_NIC, text)
    assert written == values


@given(vm_disk)
def test_a_disk_that_is_read_and_written_stays_the_same(text):
    values, written = again(VM_DISK, text)
    assert written == values


@given(ct_disk)
def test_a_volume_that_is_read_and_written_stays_the_same(text):
    values, written = again(CT_DISK, text)
    assert written == values


@pytest.mark.parametrize(
    ("group", "text", "expected"),
    [
        (VM_NIC, "virtio,bridge=vmbr0", {"model": "virtio", "mac": None, "bridge": "vmbr0"}),
        (VM_NIC, "model=e1000,macaddr=bc:24:11:00:00:01,bridge=v", {"mac": "BC:24:11:00:00:01"}),
        (VM_NIC, "virtio=BC:24:11:00:00:01,bridge=v,rate=12.5", {"rate": 12.5, "firewall": False}),
        (CT_NIC, "name=eth0,bridge=v,type=veth,ip=dhcp,ip6=manual", {"ip": "dhcp", "ip6": None}),
        (IPCONFIG, "ip6=2001:DB8::1/64,gw6=fe80::1", {"ip": None, "ip6": "2001:db8::1/64"}),
        (VM_DISK, "file=local:1/a.qcow2,size=40G", {"storage": "local", "size": 40 * 1024**3}),
        (VM_DISK, "volume=local:a,size=1G", {"volume": "local:a"}),
        (STATE_DISK, "local:a,efitype=4m,pre-enrolled-keys=1,size=528K", {"pre_enrolled_keys": True}),
    ],
)
def test_every_spelling_is_understood(group, text, expected):
    values = group.read(group.spell(text))
    assert {key: values[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("group", "text"),
    [
        (VM_NIC, "ne2k_pci=BC:24:11:00:00:01,bridge=vmbr0"),
        (VM_NIC, "virtio=BC:24:11:00:00:01"),
        (VM_DISK, "local:iso/debian.iso,media=cdrom,size=600M"),
        (VM_DISK, "none,media=cdrom"),
        (VM_DISK, "/dev/disk/by-id/ata-SSD,size=1T"),
        (CT_DISK, "/srv/share,mp=/share"),
    ],
)
def test_what_has_no_word_is_left_as_it_is(group, text):
    assert group.spell(text) is None
