"""An audit whose catalogue has a flaw, and whose copies cannot be made: all else is done, and it says so."""

import shutil
from pathlib import Path

import pytest

from provisioner.errors import Unreachable
from provisioner.estate.load import load
from provisioner.workflows import audit as room
from provisioner.workflows.audit import Choice, audit, last_audit

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """An audit of a host that nobody pinned a key of, and what it told."""
    folder = tmp_path_factory.mktemp("audit")
    controls = shutil.copytree(ROOT / "controls", folder / "controls")
    broken = controls / "checks" / "logs.yml"
    broken.write_text(broken.read_text().replace("expect: { equals: none }", "expect: { equal: none }"))
    estate = shutil.copytree(ROOT / "inventory/lab", folder / "a/b/estate")
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "share", lambda _name: controls)
        return audit(load(estate), Choice(limit=("witness",)), lines.append), lines, estate


def test_a_broken_check_is_named_and_the_others_run(done):
    made, _, _ = done
    told = [(problem.file.rpartition("controls/")[2], problem.message) for problem in made.problems]
    assert told[0][0] == "checks/logs.yml"
    assert "bastide-rollback-quiet: `expect`: there is no operator 'equal'" in told[0][1]
    assert made.audit.broken == tuple(str(problem) for problem in made.problems)
    asked = {finding.check for finding in made.audit.findings}
    assert "bastide-rollback-quiet" not in asked
    assert "journal-on-disk" in asked


def test_copies_that_cannot_be_made_cost_a_sentence_and_not_the_record(done):
    made, lines, _ = done
    assert made.record.number == 1
    assert [(one.name, type(one.trouble)) for one in made.copies] == [
        ("ventoux-backup", Unreachable),
        ("luberon-backup", Unreachable),
    ]
    told = "the copy of the ledger in /srv/evidence was not reached: no host key is pinned"
    assert [line.split(":")[0] for line in lines if told in line] == ["ventoux-backup", "luberon-backup"]


def test_what_was_recorded_says_who_looked_with_what(done):
    made, _, estate = done
    loaded = load(estate)
    found = last_audit(room.evidence.ledger_of(loaded.estate, loaded.folder))
    assert (found.operator, found.versions) == (made.audit.operator, made.audit.versions)
    assert set(found.findings) == set(made.audit.findings)
    assert "@" in found.operator
    assert {"bastide", "python", "ansible"} <= set(found.versions)
