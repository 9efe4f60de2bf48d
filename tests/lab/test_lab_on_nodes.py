"""Proxmox VE's commands of the lab's nodes: how their words are read, and how answers are written."""

from types import SimpleNamespace

import pytest

from lab.hosts.etc_pve import guest_text, storages_text
from lab.on_nodes import show
from lab.on_nodes.errors import CommandFailed
from lab.on_nodes.main import main
from lab.on_nodes.words import in_places, read


def test_words_are_read_as_proxmox_ve_reads_them():
    words = read(["100", "--full", "--name=a b", "-storage", "nas", "--delete", "net0", "--", "ls", "-l"])
    assert words.places == ("100",)
    assert words.options == {"full": "1", "name": "a b", "storage": "nas", "delete": "net0"}
    assert words.rest == ("ls", "-l")
    assert read(["--command", "a", "--command", "b"]).options == {"command": ["a", "b"]}


def test_places_are_counted():
    assert in_places(read(["100", "nas"]), ("vmid", "disk", "[storage]"), "usage") == {
        "vmid": "100",
        "disk": "nas",
    }
    for given in ([], ["100", "scsi0", "nas", "more"]):
        with pytest.raises(CommandFailed, match="arguments"):
            in_places(read(given), ("vmid", "disk", "[storage]"), "usage")


def test_what_is_not_offered_is_said_without_asking_the_api(capsys):
    assert main("pct", ["enter", "100"]) == 255
    assert capsys.readouterr().err.count("\n") == 1


def test_snapshots_are_a_tree():
    rows = [
        {"name": "current", "parent": "noon", "description": "You are here!"},
        {"name": "noon", "parent": "dawn", "snaptime": 1795300000},
        {"name": "dawn", "snaptime": 1795200000, "description": "calm\nvery"},
    ]
    lines = show.snapshots(rows, {}).splitlines()
    assert [line.split()[1] for line in lines] == ["dawn", "noon", "current"]
    assert lines[0].endswith(" calm")
    assert lines[1].startswith("    `-> noon")
    assert lines[1].endswith("no-description")


def test_a_configuration_is_written_as_its_file_has_it():
    guest = SimpleNamespace(
        config={"name": "db", "description": "a: 1\né", "cores": 2},
        lock="backup",
        pending={"memory": "1024", "net1": None},
        snapshots={"dawn": {"name": "db", "snaptime": 1}},
    )
    assert guest_text(guest) == (
        "#a%3A 1\n#%C3%A9\ncores: 2\nlock: backup\nname: db\n"
        "\n[PENDING]\ndelete: net1\nmemory: 1024\n"
        "\n[dawn]\nname: db\nsnaptime: 1\n"
    )


def test_storages_are_written_without_what_only_the_lab_knows():
    nas = {"type": "nfs", "path": "/mnt/pve/nas", "active": 1, "files": set(), "volumes": {}}
    local = {"type": "dir", "path": "/var/lib/vz"}
    assert storages_text({"local": local, "nas": nas}) == (
        "dir: local\n\tpath /var/lib/vz\n\nnfs: nas\n\tpath /mnt/pve/nas\n"
    )
