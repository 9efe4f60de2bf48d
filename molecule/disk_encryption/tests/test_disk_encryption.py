"""What the role says to ZFS and when, and what is left of keys on both sides."""

import hashlib
import os
from pathlib import Path

import pytest

OURS = ["tank/secure", "tank/secure-too"]
KEYS = "/etc/cryptsetup-keys.d"


def kept(host, dataset):
    """The key of a dataset, on the controller."""
    folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "disks" / host.check_output("hostname")
    return folder / f"{dataset.replace('/', '+')}.key"


def test_each_new_dataset_was_created_once_with_its_own_key(host):
    asked = host.file("/var/lib/zfs/asked").content_string.splitlines()
    created = [line for line in asked if line.startswith("create ")]
    wanted = "create -o encryption=aes-256-gcm -o keyformat=raw -o keylocation=file://{}/{}.key {}"
    first, *rest = [wanted.format(KEYS, name.replace("/", "+"), name) for name in OURS]
    assert created == [first, first, *rest]  # the first time there was no room


@pytest.mark.parametrize("dataset", OURS)
def test_the_controller_has_the_same_key_and_nobody_else_reads_either(host, dataset):
    there, here = host.file(f"{KEYS}/{dataset.replace('/', '+')}.key"), kept(host, dataset)
    assert hashlib.sha256(here.read_bytes()).hexdigest() == there.sha256sum
    assert here.stat().st_mode & 0o077 == 0
    assert here.parent.stat().st_mode & 0o077 == 0
    assert host.run(f"runuser -u nobody -- cat {KEYS}/*.key").failed
    assert host.run(f"runuser -u nobody -- ls {KEYS}").failed


def test_what_was_interrupted_went_on_with_the_key_that_the_controller_had(host):
    first = host.file("/var/lib/zfs/first-key").content_string.split()[0]
    assert host.file(f"{KEYS}/tank+secure.key").sha256sum == first
    assert len(kept(host, "tank/secure").read_bytes()) == 32


def test_two_datasets_have_two_keys(host):
    first, second = (kept(host, dataset).read_bytes() for dataset in OURS)
    assert first != second


def test_a_start_loads_the_keys_of_this_role_and_no_others_before_anything_is_mounted(host):
    host.check_output("rm /var/lib/zfs/loaded-*; systemctl restart bastide-zfs-keys")
    assert set(host.check_output("ls /var/lib/zfs | grep ^loaded").split()) == {
        "loaded-tank+secure",
        "loaded-tank+secure-too",
    }
    before = host.check_output("systemctl show --property Before --value bastide-zfs-keys")
    assert "zfs-mount.service" in before.split()
    assert host.service("bastide-zfs-keys").is_enabled


def test_one_dataset_that_is_gone_keeps_no_other_from_its_key_but_is_noticed(host):
    host.check_output(
        "cd /var/lib/zfs && rm loaded-* && cp datasets all && sed -i '\\|^tank/secure\t|d' datasets"
    )
    tried = host.run("systemctl restart bastide-zfs-keys")
    host.check_output("cd /var/lib/zfs && mv all datasets && systemctl restart bastide-zfs-keys")
    assert tried.failed
    assert host.file("/var/lib/zfs/loaded-tank+secure-too").exists


def test_a_container_is_left_alone(host):
    assert host.file("/var/lib/letters").content_string == "letters\n"
    assert host.file("/etc/crypttab").content_string == "old /dev/sdx none luks\n"
    assert "tank/never" not in host.file("/var/lib/zfs/datasets").content_string


def test_no_key_is_in_a_log(host):
    said = host.check_output("journalctl --output=cat")
    for dataset in OURS:
        encoded = host.check_output(f"base64 --wrap 0 {KEYS}/{dataset.replace('/', '+')}.key")
        assert encoded not in said
