"""What the role `disk_encryption` made of new disks, and what opens them when their host is lost."""

import hashlib
import json
import os
import re
from pathlib import Path

import pytest

DISK = "/dev/disk/by-loop-ref/fresh"
KEY = "/etc/cryptsetup-keys.d/patients.key"
KEPT = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "disks" / "kernel"


def passphrase():
    return (KEPT / "patients.passphrase").read_text(encoding="utf-8").strip()


def test_the_volume_is_luks2_with_a_long_key_and_two_ways_to_it(host):
    header = json.loads(host.check_output("cryptsetup luksDump --dump-json-metadata %s", DISK))
    assert [one["encryption"] for one in header["segments"].values()] == ["aes-xts-plain64"]
    assert [one["key_size"] * 8 for one in header["keyslots"].values()] == [512, 512]


def test_it_is_open_and_the_audit_sees_it_and_swap_as_encrypted(host):
    status = host.check_output("cryptsetup status patients")
    assert re.search(r"cipher: +aes-xts-plain64\n +keysize: +512 bits", status)
    assert re.search(r"flags: +discards", status)
    uuids = host.check_output("dmsetup info --columns --noheadings --options uuid patients swap").split()
    assert [uuid.split("-")[:2] for uuid in uuids] == [["CRYPT", "LUKS2"], ["CRYPT", "PLAIN"]]
    assert host.check_output("realpath /dev/mapper/swap") in host.check_output("cat /proc/swaps")


def test_a_start_opens_it_again_and_the_disk_alone_says_nothing(host):
    text = "Dossier de Giono, Jean"
    host.check_output(
        f"echo {text!r} | dd of=/dev/mapper/patients conv=fsync"
        " && systemctl restart systemd-cryptsetup@patients.service"
    )
    assert host.check_output("head -1 /dev/mapper/patients") == text
    assert host.run("grep --quiet --fixed-strings --text %s /var/fresh.disk", text).rc == 1


def test_every_start_gives_swap_another_key(host):
    seen = host.check_output(
        "dmsetup table --showkeys swap && systemctl stop dev-mapper-swap.swap systemd-cryptsetup@swap.service"
        " && systemctl start dev-mapper-swap.swap && dmsetup table --showkeys swap"
    )
    before, after = (line.split()[4] for line in seen.splitlines())
    assert before != after
    assert host.check_output("realpath /dev/mapper/swap") in host.check_output("cat /proc/swaps")


def test_no_secret_is_in_a_log(host):
    said = host.check_output("journalctl --output=cat")
    assert passphrase() not in said
    assert host.check_output("base64 --wrap 0 %s", KEY) not in said


def test_the_passphrase_of_the_controller_opens_it_without_the_host_s_key_and_no_other_does(host):
    opens = "printf %s {} | cryptsetup open --test-passphrase --key-slot 1 " + DISK
    assert host.run(opens.format(passphrase())).rc == 0
    assert host.run(opens.format("x" + passphrase())).rc != 0


def test_the_header_of_the_controller_is_that_of_the_disk(host):
    header = (KEPT / "patients.header").read_bytes()
    there = host.check_output(f"head --bytes {len(header)} {DISK} | sha256sum").split()[0]
    assert hashlib.sha256(header).hexdigest() == there


@pytest.mark.parametrize("name", ["patients.passphrase", "patients.header"])
def test_nobody_else_reads_what_the_controller_keeps(name):
    assert (KEPT / name).stat().st_mode & 0o077 == 0
    assert KEPT.stat().st_mode & 0o077 == 0


def test_nobody_else_reads_the_key_and_no_header_is_left_beside_it(host):
    assert host.run("setpriv --reuid nobody --clear-groups cat %s", KEY).rc != 0
    assert host.check_output("ls /etc/cryptsetup-keys.d") == "patients.key"


def test_the_disk_with_files_that_was_refused_is_as_it_was(host):
    assert host.run("grep full /var/disks.sums | sha256sum --check").rc == 0


def test_what_encrypts_is_loaded_at_every_start(host):
    host.check_output("systemctl restart systemd-modules-load.service")
    loaded = {line.split()[0] for line in host.check_output("cat /proc/modules").splitlines()}
    assert {"dm_crypt", "xts", "algif_skcipher"} <= loaded
