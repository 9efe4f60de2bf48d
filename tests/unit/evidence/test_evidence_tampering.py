"""Whatever is done to a ledger afterwards is found and named."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_cases import EVENING, checked, copied, entry, filled, ledger_in

from provisioner.evidence.ledger import append, records
from provisioner.evidence.record import encode
from provisioner.evidence.signature import RECORD, CannotSign, Signers, make_key, sign
from provisioner.evidence.verify import compare, verify


def overwrite(file: Path, content: bytes):
    file.chmod(0o600)
    file.write_bytes(content)


def flaws_of(ledger) -> list[str]:
    return [str(flaw) for flaw in checked(ledger).flaws]


def test_every_single_byte_counts(tmp_path):
    small = filled(tmp_path / "small", 1)
    signers = Signers(small.signers)  # what is untouched is asked of ssh-keygen only once
    for file in sorted(path for path in small.folder.rglob("*") if path.is_file()):
        content = file.read_bytes()
        name = file.relative_to(small.folder).as_posix()
        for place, byte in enumerate(content):
            overwrite(file, content[:place] + bytes([byte ^ 1]) + content[place + 1 :])
            found = verify(small.folder, signers)
            assert any(flaw.file == name or flaw.record == 1 for flaw in found.flaws), (name, place)
        overwrite(file, content)
    assert verify(small.folder, signers).flaws == ()


BLANKS = [
    (b"\n", b"\x0b"),
    (b"-----END SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----"),
    (b"AAAAAQ", b"AAAAAA"),
]


@pytest.mark.parametrize(("was", "becomes"), BLANKS)
def test_a_signature_is_written_in_one_way_only(ledger, was, becomes):
    file = ledger.folder / "records/000001/record.json.sig"
    overwrite(file, file.read_bytes().replace(was, becomes, 1))
    (flaw,) = flaws_of(ledger)
    assert flaw.endswith(
        "record.json.sig: the signature does not hold: it is no signature as ssh-keygen writes it"
    )


def test_a_last_record_that_was_taken_away_is_missed(ledger):
    shutil.rmtree(ledger.folder / "records/000002")
    (flaw,) = flaws_of(ledger)
    assert flaw.startswith("record 1: head.sig: it does not sign this record as the last")
    assert checked(ledger).notes[0].startswith("1 objects are named by no record")


def test_records_and_head_taken_away_together_are_missed(ledger):
    shutil.rmtree(ledger.folder / "records/000002")
    (ledger.folder / "head.sig").unlink()
    assert flaws_of(ledger) == ["record 1: head.sig: it is missing"]


def test_a_ledger_without_its_records_is_not_an_empty_one(ledger):
    shutil.rmtree(ledger.folder / "records")
    assert flaws_of(ledger) == [
        "head.sig: it signs a last record, and there is none: records were taken away"
    ]


def test_a_record_taken_from_the_middle_is_named(ledger):
    append(ledger, entry(), {})
    shutil.rmtree(ledger.folder / "records/000002")
    assert flaws_of(ledger) == ["record 2: records/000002: the record is missing"]


def test_a_record_that_is_hidden_in_the_draft_does_not_bridge_a_gap(ledger):
    append(ledger, entry(), {})
    (ledger.folder / "draft").mkdir()
    (ledger.folder / "records/000003").rename(ledger.folder / "draft/record")
    assert flaws_of(ledger) == []  # the next append puts it back
    shutil.rmtree(ledger.folder / "records/000002")
    assert flaws_of(ledger)[0].startswith("record 1: head.sig: it does not sign this record as the last")


def test_records_that_changed_places_are_named(ledger):
    append(ledger, entry(), {})
    places = [ledger.folder / "records" / name for name in ("000002", "000003", "other")]
    places[0].rename(places[2])
    places[1].rename(places[0])
    places[2].rename(places[1])
    found = flaws_of(ledger)
    assert "record 2: records/000002/record.json: it says that it is record 3" in found
    assert "record 3: records/000003/record.json: it says that it is record 2" in found


def test_an_end_that_was_written_anew_by_another_key_is_named(ledger, tmp_path):
    shutil.copy(ledger.signers, tmp_path / "kept")
    shutil.rmtree(ledger.folder / "records/000002")
    first = records(ledger)[0]
    make_key(tmp_path / "other", "somebody else")
    forged = encode(first.model_copy(update={"number": 2, "about": {"fail": 0}}))
    (ledger.folder / "records/000002").mkdir()
    (ledger.folder / "records/000002/record.json").write_bytes(forged)
    (ledger.folder / "records/000002/record.json.sig").write_bytes(sign(forged, tmp_path / "other", RECORD))
    found = "\n".join(flaws_of(ledger))
    assert (
        "record 2: records/000002/record.json.sig: the signature does not hold: allowed_signers does not"
        in found
    )
    assert "record 2: records/000002/record.json: it was not written after the record" in found
    assert "record 2: head.sig" in found


def test_a_signature_for_another_purpose_signs_no_record(ledger):
    record = ledger.folder / "records/000002/record.json"
    overwrite(record.with_name("record.json.sig"), sign(record, ledger.key, "file"))
    assert flaws_of(ledger)[0].startswith(
        "record 2: records/000002/record.json.sig: the signature does not hold"
    )


def test_a_ledger_of_another_estate_is_not_ours(ledger):
    found = verify(ledger.folder, Signers(ledger.signers), "elsewhere")
    assert [flaw.what for flaw in found.flaws] == ["it is of the estate synergia, not of elsewhere"] * 2


def test_files_that_are_missing_or_too_many_are_named(ledger):
    facts = records(ledger)[1].files[0].sha256
    (ledger.folder / "objects" / facts[:2] / facts[2:]).unlink()
    (ledger.folder / "records/000001/more.txt").write_text("more")
    (ledger.folder / "notes.txt").write_text("notes")
    found = flaws_of(ledger)
    gone = f"record 2: objects/{facts[:2]}/{facts[2:]}: it cannot be read: No such file or directory"
    assert f"{gone} (hosts/db/facts.json)" in found
    assert "notes.txt: it does not belong in a ledger" in found
    assert "records/000001/more.txt: it does not belong in a ledger" in found


def test_no_list_of_signers_is_no_verdict(ledger):
    ledger.signers.unlink()
    with pytest.raises(CannotSign, match="cannot be read"):
        checked(ledger)


def test_a_copy_that_lacks_records_is_only_behind(ledger, tmp_path):
    copy = copied(ledger, tmp_path / "copy")
    append(ledger, entry(), {})
    assert compare(checked(ledger), checked(copy)) == ((), ("the copy lacks 1 records",))


def test_a_ledger_that_was_put_back_from_the_past_holds_until_its_copy_is_asked(ledger, tmp_path):
    copy = copied(ledger, tmp_path / "copy")
    append(copy, entry(), {})
    assert flaws_of(ledger) == []
    ((flaw,), _) = compare(checked(ledger), checked(copy))
    assert str(flaw) == "record 3: records/000003: the copy has this record, and it is gone here"


def test_two_histories_differ_from_where_they_part(ledger, tmp_path):
    copy = copied(ledger, tmp_path / "copy")
    append(ledger, entry(EVENING, fail=3), {})
    append(copy, entry(EVENING, fail=0), {})
    append(copy, entry(EVENING), {})
    ((flaw,), _) = compare(checked(ledger), checked(copy))
    assert (flaw.record, flaw.what) == (3, "from this record on, the copy tells something else")


def test_another_ledger_of_the_same_key_is_no_copy(ledger, tmp_path):
    other = replace(ledger_in(tmp_path / "other"), key=ledger.key, signers=ledger.signers)
    append(other, entry(), {})
    ((flaw,), _) = compare(checked(ledger), checked(other))
    assert flaw.record == 1
