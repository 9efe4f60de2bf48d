"""Which hosts a run hardens, in which order, where it stops, and what it leaves in the journal.

What Ansible says of each host is told by the tests; Ansible itself is run in `tests/integration`.
"""

import json
from pathlib import Path

import pytest
from filelock import FileLock

from provisioner.errors import Locked, Refused
from provisioner.estate.load import load
from provisioner.hosts import ansible
from provisioner.model.hosts import Seen
from provisioner.report.hosts import host_progress
from provisioner.workflows.harden import LOCK, Wish, chosen, harden, look

ESTATE = """
estate: small
witness: { address: 192.0.2.250 }
sites:
  north:
    cluster: north
    api: { endpoints: ["https://192.0.2.11:8006"], token: root@pam!bastide, secret: env:SECRET }
    spare_nodes: 0
    nodes:
      north-1: { address: 192.0.2.11, memory: 64G, cores: 8 }
      north-2: { address: 192.0.2.12, memory: 64G, cores: 8 }
    networks: { servers: { bridge: vmbr0, cidr: 192.0.2.128/26 } }
    storages: { local: { type: dir, path: /var/lib/vz, content: [images, import, iso] } }
  south:
    cluster: south
    api: { endpoints: ["https://198.51.100.11:8006"], token: root@pam!bastide, secret: env:SECRET }
    spare_nodes: 0
    nodes: { south-1: { address: 198.51.100.11, memory: 64G, cores: 8 } }
defaults:
  guest: { site: north, node: north-1, storage: local, image: "local:import/debian.qcow2" }
guests:
  records: { vmid: 100, memory: 4G, disks: { scsi0: 32G } }
  archive: { vmid: 101, memory: 4G, disks: { scsi0: 32G } }
services:
  care: { title: Care, tier: 0, rpo: 1h, rto: 1h, guests: [records] }
  papers: { title: Papers, tier: 3, rpo: 24h, rto: 24h, guests: [archive] }
"""
"""Care has no window and bears no disturbance at any time; papers bear it always."""


@pytest.fixture
def small(tmp_path):
    (tmp_path / "estate.yml").write_text(ESTATE, encoding="utf-8")
    return load(tmp_path, strict=False)


@pytest.fixture
def shown():
    with host_progress() as shown:
        yield shown


class Said:
    """What Ansible says of hosts, and what it was asked to play."""

    def __init__(self):
        self.plays = []
        self.of = {}

    def run(self, play, tell):
        self.plays.append(play)
        for host in play.hosts:
            for state in self.of.get((play.playbook, host), ["ok"]):
                tell(Seen(host, "ssh", "Let in by key only", state))
        return 0

    def hardened(self):
        return [host for play in self.plays if play.playbook == "harden" for host in play.hosts]


@pytest.fixture
def said(monkeypatch):
    said = Said()
    monkeypatch.setattr(ansible, "run", said.run)
    return said


def hosts(order):
    return [list(batch.hosts) for batch in order]


def became(done):
    return {one.host: one.word for one in done.outcomes}


def journal(loaded):
    (file,) = (loaded.folder / ".bastide" / "journal").iterdir()
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_without_a_choice_all_are_meant_from_what_can_wait_to_what_must_not(small):
    order = hosts(chosen(small, Wish()))
    assert order == [["archive"], ["records"], ["north-1"], ["north-2"], ["south-1"], ["witness"]]


@pytest.mark.parametrize(
    ("wish", "meant"),
    [
        (Wish(sites=("south",)), [["south-1"]]),
        (Wish(limit=("north-*", "witness")), [["north-1"], ["north-2"], ["witness"]]),
        (Wish(sites=("north",), limit=("*-1",)), [["north-1"]]),
    ],
)
def test_a_choice_of_sites_and_of_names(small, wish, meant):
    assert hosts(chosen(small, wish)) == meant


@pytest.mark.parametrize("wish", [Wish(limit=("recods",)), Wish(sites=("south",), limit=("north-1",))])
def test_a_choice_of_nothing_is_refused_and_names_the_hosts(small, wish):
    with pytest.raises(Refused, match="nothing was looked at") as refused:
        chosen(small, wish)
    assert "archive" in refused.value.hint


def test_every_host_is_hardened_in_its_order_and_stands_in_the_journal(small, shown, said):
    said.of["harden", "archive"] = ["ok", "changed", "changed"]
    done = harden(small, chosen(small, Wish()), Wish(), shown)
    assert said.hardened() == ["archive", "records", "north-1", "north-2", "south-1", "witness"]
    assert became(done) == dict.fromkeys(said.hardened(), "unchanged") | {"archive": "changed"}
    told = [
        (line["host"], line["became"], line["changes"]) for line in journal(small) if line["event"] == "host"
    ]
    assert told[:2] == [("archive", "changed", 2), ("records", "unchanged", 0)]
    assert len(told) == 6


def test_the_first_host_that_is_worse_off_ends_the_run_and_the_rest_is_not_begun(small, shown, said):
    said.of["harden", "north-1"] = ["changed", "failed"]
    done = harden(small, chosen(small, Wish()), Wish(), shown)
    assert said.hardened() == ["archive", "records", "north-1"]
    assert became(done)["north-1"] == "failed"
    assert done.not_begun == ("north-2", "south-1", "witness")
    assert [line["became"] for line in journal(small) if line.get("host") == "north-1"] == ["failed"]


def test_a_host_that_put_its_access_back_is_said_to_have(small, shown, said):
    said.of["harden", "records"] = ["changed", "unreachable"]
    said.of["returned", "records"] = ["ok", "changed"]
    done = harden(small, chosen(small, Wish()), Wish(), shown)
    assert became(done)["records"] == "rolled back"
    assert [play.hosts for play in said.plays if play.playbook == "returned"] == [("records",)]


def test_a_host_that_never_answered_has_nothing_to_put_back_and_is_not_waited_for(small, shown, said):
    said.of["harden", "archive"] = ["unreachable"]
    done = harden(small, chosen(small, Wish()), Wish(), shown)
    assert became(done) == {"archive": "unreachable"}
    assert [play.playbook for play in said.plays] == ["harden"]


def test_of_whom_ansible_said_nothing_is_not_taken_for_hardened(small, shown, said):
    said.of["harden", "archive"] = []
    assert became(harden(small, chosen(small, Wish()), Wish(), shown)) == {"archive": "failed"}


def test_a_look_goes_on_past_trouble_changes_nothing_and_leaves_no_journal(small, shown, said):
    said.of["harden", "archive"] = ["failed"]
    seen = look(small, chosen(small, Wish()), Wish(), shown)
    assert said.hardened()[-1] == "witness"
    assert {play.check for play in said.plays} == {True}
    assert {play.playbook for play in said.plays} == {"harden"}
    assert became(seen)["archive"] == "failed"
    assert not (small.folder / ".bastide" / "journal").exists()


def told_of_restarts(said):
    return {
        host: about["bastide_restarts"]
        for play in said.plays
        for host, about in (play.of_hosts or {}).items()
    }


def test_what_must_not_be_disturbed_now_is_hardened_without_restarts_and_waits(small, shown, said):
    done = harden(small, chosen(small, Wish()), Wish(), shown)
    assert {host for host, may in told_of_restarts(said).items() if not may} == {"records"}
    assert list(done.waiting) == ["records"]
    assert "care" in done.waiting["records"][0]


def test_breaking_the_glass_restarts_and_is_written_down_before_anything_is_done(small, shown, said):
    wish = Wish(break_glass="the tunnel is on fire")
    done = harden(small, chosen(small, wish), wish, shown)
    assert all(told_of_restarts(said).values())
    assert not done.waiting
    assert [line.get("reason") for line in journal(small)][:2] == [None, "the tunnel is on fire"]


def test_a_level_for_this_run_outweighs_what_the_estate_says_and_roles_can_be_chosen(small, shown, said):
    wish = Wish(limit=("archive",), level="enhanced", tags=("ssh", "time"))
    harden(small, chosen(small, wish), wish, shown)
    (play,) = said.plays
    assert play.variables == {"bastide_level": 3}
    assert play.tags == ("ssh", "time")


def test_two_runs_from_one_folder_do_not_meet(small, shown, said):
    order = chosen(small, Wish())
    harden(small, order, Wish(), shown)
    before = len(said.plays)
    with FileLock(small.folder / LOCK):
        for run in (harden, look):
            with pytest.raises(Locked, match="another run"):
                run(small, order, Wish(), shown)
    assert len(said.plays) == before


def test_where_no_journal_can_be_written_nothing_is_done(small, shown, said):
    (small.folder / ".bastide").mkdir()
    Path(small.folder / ".bastide" / "journal").write_text("not a folder", encoding="utf-8")
    with pytest.raises(Refused, match="journal"):
        harden(small, chosen(small, Wish()), Wish(), shown)
    assert said.plays == []


def test_a_tag_that_no_task_has_is_refused_and_so_is_a_name_beside_others_that_are_right(small):
    with pytest.raises(Refused, match="no task has the tag ssg: nothing was looked at"):
        chosen(small, Wish(tags=("ssh", "ssg")))
    with pytest.raises(Refused, match="no host is meant by recrods: nothing was looked at"):
        chosen(small, Wish(limit=("arch*", "recrods")))
    assert chosen(small, Wish(limit=("arch*",), tags=("ssh", "r79")))
