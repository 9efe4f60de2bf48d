"""The ledger's copies on the backup servers of both sites: over real SSH, to real disks."""

import json
from pathlib import Path

import pytest
from hosts_lab import bastide, estate_for

NEAR, FAR = "10.84.0.21", "10.184.0.21"
FOLDER = "/srv/evidence"
AUDIT = ("audit", "--limit", "witness", "--fail-on", "nothing")


@pytest.fixture
def estate(whole, tmp_path):
    """An estate with no record yet, and no copy anywhere."""
    for address in (NEAR, FAR):
        whole.ssh(address, f"rm -rf {FOLDER}")
    return estate_for(whole.folder, tmp_path)


def audited(estate):
    done = bastide("-e", str(estate), *AUDIT)
    assert "Traceback" not in done.stderr
    return done


def verified(estate):
    done = bastide("-e", str(estate), "evidence", "verify", "--copies", "--json")
    assert "Traceback" not in done.stderr
    return done, json.loads(done.stdout)


def last_file(folder: Path):
    """The newest record."""
    return max((folder / ".bastide/ledger/records").iterdir())


def test_each_record_goes_to_both_sites_and_the_copies_are_as_the_ledger(whole, estate):
    audited(estate)
    done = audited(estate)
    assert "ventoux-backup: 1 record copied" in done.stderr
    assert "luberon-backup: 1 record copied" in done.stderr
    done, told = verified(estate)
    assert (done.returncode, told["holds"], told["notes"]) == (0, True, []), done.stderr
    command = f"cd {FOLDER} && find . -type f -printf '%P %m\\n' -exec sha256sum {{}} + | sort"
    there = whole.ssh(NEAR, command)
    assert there == whole.ssh(FAR, command)
    ours = sum(1 for path in (estate / ".bastide/ledger").rglob("*") if path.is_file())
    assert sum(line.endswith(" 400") for line in there.splitlines()) == ours


def test_a_copy_that_is_not_reached_gets_everything_the_next_time(whole, estate):
    whole.ssh(FAR, f"touch {FOLDER}")  # no folder can be made there
    done = audited(estate)
    assert "luberon-backup: the copy of the ledger in /srv/evidence was not reached" in done.stderr
    assert "ventoux-backup: 1 record copied" in done.stderr
    assert done.returncode in {0, 6}
    whole.ssh(FAR, f"rm {FOLDER}")
    assert "luberon-backup: 2 records copied" in audited(estate).stderr
    assert verified(estate)[1]["holds"]


def test_a_run_that_was_cut_leaves_nothing_that_stands_in_the_way(whole, estate):
    audited(estate)
    whole.ssh(FAR, f"mkdir -p {FOLDER}/draft/folder && echo half > {FOLDER}/draft/folder/record.json")
    whole.ssh(FAR, f"echo half > {FOLDER}/draft/file && chmod 400 {FOLDER}/draft/file")
    assert "luberon-backup: 1 record copied" in audited(estate).stderr
    done, told = verified(estate)
    assert (done.returncode, told["notes"]) == (0, [])


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (f"echo >> {FOLDER}/records/000001/record.json", "its record 1 is not ours"),
        (f"cp -r {FOLDER}/records/000001 {FOLDER}/records/000002", "it has 3 records, and here there are 2"),
        (f"mv {FOLDER}/records/000001 {FOLDER}/records/000002", "it lacks record 1"),
    ],
)
def test_a_copy_that_tells_something_else_is_reported_and_not_written_over(whole, estate, harm, said):
    audited(estate)
    more = f"cp -r {FOLDER}/records/000001 {FOLDER}/records/000003; " if "cp -r" in harm else ""
    whole.ssh(FAR, more + harm)
    state = f"cd {FOLDER} && find . -type f -exec sha256sum {{}} + | sort"
    before = whole.ssh(FAR, state)
    done = audited(estate)
    assert done.returncode == 1
    assert (
        f"luberon-backup: the copy tells something else than {estate}/.bastide/ledger: {said}" in done.stderr
    )
    assert "ventoux-backup: 1 record copied" in done.stderr
    assert whole.ssh(FAR, state) == before
    assert last_file(estate).name == "000002"
    done, told = verified(estate)
    assert done.returncode == 1
    assert all(flaw["file"].startswith(f"luberon-backup:{FOLDER}/") for flaw in told["flaws"])


def test_a_file_that_was_changed_there_is_named(whole, estate):
    audited(estate)
    whole.ssh(FAR, f"f=$(find {FOLDER}/objects -type f | head -1); echo >> $f; echo $f")
    done, told = verified(estate)
    assert done.returncode == 1
    assert told["flaws"][0]["what"].startswith("its size is not")


def test_a_copy_that_was_taken_away_or_cannot_be_reached_is_not_said_to_hold(whole, estate):
    audited(estate)
    whole.ssh(FAR, f"rm -r {FOLDER}")
    done, told = verified(estate)
    assert (done.returncode, told["flaws"][0]["what"][:22]) == (1, "there is no copy: none")
    audited(estate)
    pins = estate.parent / "known_hosts"
    pins.write_text("")
    file = estate / "estate.yml"
    file.write_text(file.read_text().replace(f"{whole.folder}/known_hosts", str(pins)))
    done, told = verified(estate)
    assert done.returncode == 6
    assert any("no host key is pinned for luberon-backup" in note for note in told["notes"])
