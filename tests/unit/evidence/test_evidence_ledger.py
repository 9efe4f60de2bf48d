"""Records are added, signed and found again."""

import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from ledger_cases import NOON, checked, entry, filled, ledger_in

from provisioner.errors import EvidenceCorrupt
from provisioner.evidence.ledger import append, content, records
from provisioner.evidence.record import digest, encode
from provisioner.evidence.signature import CannotSign, make_key
from provisioner.evidence.tail import NoLedger


def test_records_are_numbered_and_bound_to_the_one_before(ledger):
    first, second = records(ledger)
    assert (first.number, first.previous) == (1, None)
    assert (second.number, second.previous) == (2, digest(encode(first)))
    assert checked(ledger).flaws == ()
    assert checked(ledger).notes == ()


def test_a_record_says_who_did_what_with_which_versions(ledger):
    record = append(ledger, entry(NOON.replace(microsecond=5), hosts=3), {})
    assert record.time == NOON
    assert record.about == {"hosts": 3}
    assert record.operator.endswith(f"@{os.uname().nodename}")
    assert set(record.versions) == {"bastide", "python", "ansible", "catalogue"}
    assert records(ledger)[-1] == record


def test_attached_files_are_found_again_and_kept_once(ledger):
    facts, rules = records(ledger)[1].files
    assert content(ledger, facts) == b"facts 1"
    assert content(ledger, rules) == b"the same"
    objects = [path for path in (ledger.folder / "objects").rglob("*") if path.is_file()]
    assert len(objects) == 3


def test_every_record_is_verified_by_ssh_keygen_alone(ledger):
    for folder in sorted((ledger.folder / "records").iterdir()):
        command = ("ssh-keygen", "-Y", "verify", "-f", ledger.signers, "-I", "bastide@synergia")
        signed = (*command, "-n", "bastide-ledger", "-s", folder / "record.json.sig")
        with (folder / "record.json").open("rb") as record:
            done = subprocess.run(signed, stdin=record, capture_output=True, check=True)
        assert done.stdout.startswith(b'Good "bastide-ledger" signature for bastide@synergia')


def test_others_read_neither_the_key_nor_the_ledger(ledger):
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (ledger.key, ledger.folder / "head.sig")]
    assert modes == [0o600, 0o400]
    fresh = filled(ledger.folder.parent / "more", 1)
    assert stat.S_IMODE(fresh.folder.stat().st_mode) == 0o700


def test_writers_at_the_same_moment_wait_for_each_other(ledger):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: append(ledger, entry(run=number), {}), range(6)))
    assert sorted(record.number for record in made) == [3, 4, 5, 6, 7, 8]
    assert checked(ledger).flaws == ()


def test_a_clock_that_went_back_is_told_and_stops_nothing(ledger):
    append(ledger, entry(NOON - timedelta(days=300)), {})
    found = checked(ledger)
    assert found.flaws == ()
    assert found.notes == (
        "record 3 is dated 2026-01-26 12:00:00 UTC, before the record that it follows: a clock was wrong",
    )


def test_an_empty_ledger_proves_nothing(tmp_path):
    with pytest.raises(NoLedger, match="no evidence"):
        checked(ledger_in(tmp_path))
    with pytest.raises(NoLedger, match="no evidence"):
        records(ledger_in(tmp_path))


def test_a_key_that_the_estate_names_is_never_made(tmp_path):
    with pytest.raises(CannotSign, match="cannot be read: No such file"):
        append(replace(ledger_in(tmp_path), own_key=False), entry(), {})
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.lock"] or not (tmp_path / "key").exists()


def test_a_key_that_others_can_read_does_not_sign(ledger):
    ledger.key.chmod(0o640)
    with pytest.raises(CannotSign, match="has mode 0640") as caught:
        append(ledger, entry(), {})
    assert "make a new key" in caught.value.hint
    assert len(checked(ledger).records) == 2


def test_a_key_that_nobody_allowed_does_not_sign(ledger, tmp_path):
    make_key(tmp_path / "other", "somebody else")
    with pytest.raises(CannotSign, match="may not sign for synergia") as caught:
        append(replace(ledger, key=tmp_path / "other"), entry(), {})
    assert (tmp_path / "other.pub").read_text().split()[1] in caught.value.hint
    assert checked(ledger).flaws == checked(ledger).notes == ()


def test_a_lost_key_is_replaced_only_by_a_person(ledger):
    ledger.key.unlink()
    with pytest.raises(CannotSign, match="may not sign"):
        append(ledger, entry(), {})
    assert len(checked(ledger).records) == 2


def test_a_second_key_signs_once_it_is_allowed(ledger, tmp_path):
    make_key(tmp_path / "other", "somebody else")
    kind, blob = (tmp_path / "other.pub").read_text().split()[:2]
    with ledger.signers.open("a") as file:
        file.write(f"# the new key of 2027\nclaire@synergia,claire@group {kind} {blob} Claire\n")
    append(replace(ledger, key=tmp_path / "other"), entry(), {})
    assert list(checked(ledger).signers.values()) == [
        "bastide@synergia",
        "bastide@synergia",
        "claire@synergia",
    ]


def test_an_expired_key_still_proves_what_it_signed_in_its_time(ledger):
    line = ledger.signers.read_text().replace("namespaces=", 'valid-before="20261122140000",namespaces=')
    ledger.signers.write_text(line)
    assert checked(ledger).flaws == ()
    with pytest.raises(CannotSign, match="may not sign"):
        append(ledger, entry(NOON + timedelta(hours=3)), {})


@pytest.fixture
def agent(ledger, monkeypatch):
    """An ssh-agent that holds the key, whose private half is then gone from the disk."""
    said = subprocess.run(("ssh-agent", "-s"), capture_output=True, text=True, check=True).stdout
    found = dict(part.split("=", 1) for part in said.replace("\n", ";").split(";") if "=" in part)
    monkeypatch.setenv("SSH_AUTH_SOCK", found["SSH_AUTH_SOCK"])
    subprocess.run(("ssh-add", "-q", ledger.key), check=True)
    ledger.key.unlink()
    yield
    os.kill(int(found["SSH_AGENT_PID"]), 15)


@pytest.mark.usefixtures("agent")
def test_a_key_may_live_in_an_agent(ledger):
    held = replace(ledger, key=ledger.key.with_name("key.pub"), own_key=False)
    append(held, entry(), {})
    assert len(checked(ledger).records) == 3


def test_without_ssh_keygen_nothing_is_recorded(ledger, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "")
        with pytest.raises(CannotSign, match="ssh-keygen is not installed"):
            append(ledger, entry(), {})
    assert checked(ledger).flaws == checked(ledger).notes == ()


def test_a_lost_list_of_signers_is_told(ledger):
    ledger.signers.unlink()
    with pytest.raises(CannotSign, match="cannot be read: No such file"):
        append(ledger, entry(), {})


def test_nothing_is_added_to_a_ledger_whose_end_does_not_hold(ledger):
    record = ledger.folder / "records/000002/record.json"
    record.chmod(0o600)
    record.write_bytes(record.read_bytes().replace(b'"lab"', b'"production"'))
    with pytest.raises(EvidenceCorrupt, match="record 2: "):
        append(ledger, entry(), {})


def test_content_that_was_changed_is_not_taken_for_what_it_was(ledger):
    facts = records(ledger)[1].files[0]
    file = ledger.folder / "objects" / facts.sha256[:2] / facts.sha256[2:]
    file.chmod(0o600)
    file.write_bytes(b"Facts 1")
    with pytest.raises(EvidenceCorrupt, match="was changed"):
        content(ledger, facts)
    with pytest.raises(EvidenceCorrupt, match="does not hold what its name says"):
        append(ledger, entry(), {"facts.json": b"facts 1"})
    assert len(records(ledger)) == 2
