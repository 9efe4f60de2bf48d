"""`bastide evidence` as people and scripts use it."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from ledger_cases import NOON, entry

from provisioner.commands.evidence import evidence
from provisioner.errors import BastideError, EvidenceCorrupt, Exit
from provisioner.estate.load import load
from provisioner.evidence.ledger import append, ledger_of

SOUND = Path(__file__).parents[1] / "estate" / "sound" / "estate.yml"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "estate"
    folder.mkdir()
    shutil.copy(SOUND, folder)
    ledger = ledger_of(load(folder, strict=False).estate, folder)
    for number in (1, 2):
        append(ledger, entry(NOON, hosts=number), {"hosts/db/facts.json": b'{"number": %d}' % number})
    return folder


@pytest.fixture
def estate(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "estate"))


def run(estate: Path | None, *words: str):
    found = CliRunner().invoke(
        evidence, [*words], obj={"estate": str(estate) if estate else None}, standalone_mode=False
    )
    if isinstance(found.exception, BastideError):
        raise found.exception
    assert found.exception is None
    return found


def test_the_first_record_makes_a_key_and_names_it_beside_the_estate(estate):
    assert (estate / ".bastide/keys/evidence").stat().st_mode & 0o777 == 0o600
    assert (estate / "allowed_signers").read_text().startswith("bastide@sound namespaces=")


def test_verify_says_that_the_ledger_holds(estate):
    found = run(estate, "verify", "--json")
    document = json.loads(found.stdout)
    assert document["holds"] is True
    assert [record["signer"] for record in document["records"]] == ["bastide@sound"] * 2
    assert "holds: 2 records, signed by bastide@sound" in found.stderr


def test_verify_names_the_flaw_and_fails(estate):
    shutil.rmtree(estate / ".bastide/ledger/records/000001")
    with pytest.raises(EvidenceCorrupt, match="does not hold: 1 flaw") as caught:
        run(estate, "verify")
    assert caught.value.exit_code == Exit.FAILED


def test_verify_compares_with_a_copy(estate, tmp_path):
    copy = shutil.copytree(estate / ".bastide/ledger", tmp_path / "copy")
    assert "holds: 2 records" in run(estate, "verify", "--against", str(copy)).stderr
    ledger = ledger_of(load(estate, strict=False).estate, estate)
    append(ledger, entry(NOON), {})
    assert "note: the copy lacks 1 records" in run(estate, "verify", "--against", str(copy)).stderr
    shutil.rmtree(copy / "records/000002")
    with pytest.raises(EvidenceCorrupt):
        run(estate, "verify", "--against", str(copy))


def test_an_auditor_verifies_a_pack_without_the_estate(estate, tmp_path, monkeypatch):
    pack = tmp_path / "audit.zip"
    assert json.loads(run(estate, "export", str(pack), "--json").stdout)["records"] == 2
    signers = shutil.copy(estate / "allowed_signers", tmp_path)
    shutil.rmtree(estate)
    monkeypatch.chdir(tmp_path)
    assert "holds: 2 records" in run(None, "verify", str(pack), "--signers", str(signers)).stderr


def test_show_lists_records_one_record_and_a_file(estate):
    lines = run(estate, "show").stdout.splitlines()
    assert lines[0].split()[:2] == ["record", "time"]
    assert [line.split()[0] for line in lines[1:]] == ["1", "2"]
    assert "hosts/db/facts.json" in run(estate, "show", "2").stdout
    assert run(estate, "show", "2", "hosts/db/facts.json").stdout == '{"number": 2}'
    assert json.loads(run(estate, "show", "2", "--json").stdout)["about"] == {"hosts": 2}
    assert len(json.loads(run(estate, "show", "--json").stdout)) == 2


@pytest.mark.parametrize(
    ("words", "said"), [(("3",), "no record 3"), (("1", "none.txt"), "has no file none.txt")]
)
def test_show_says_what_there_is_not(estate, words, said):
    with pytest.raises(BastideError, match=said):
        run(estate, "show", *words)


def test_before_the_first_record_there_is_nothing_to_verify(estate):
    shutil.rmtree(estate / ".bastide")
    with pytest.raises(BastideError, match="there is no evidence in"):
        run(estate, "verify")
    assert not (estate / ".bastide").exists()
