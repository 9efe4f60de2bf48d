"""Whether something at another place is a copy of a ledger."""

import pytest
from ledger_cases import copied, entry

from provisioner.errors import EvidenceCorrupt
from provisioner.evidence import copies
from provisioner.evidence.ledger import append

RECORD = "records/000002/record.json"


def test_a_copy_that_is_not_there_lacks_every_record(ledger):
    assert copies.last_of(ledger, (), 2) == 0


def test_a_copy_goes_as_far_as_its_names_go(ledger):
    assert copies.last_of(ledger, ("000002", "000001", "lost+found"), 2) == 2
    copies.compare_last(ledger, 2, (ledger.folder / RECORD).read_bytes())


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("000001", "000003"), "it lacks record 2, which was there"),
        (("000001", "000002", "000003"), "it has 3 records, and here there are 2"),
    ],
)
def test_what_has_other_records_is_no_copy(ledger, names, said):
    with pytest.raises(EvidenceCorrupt, match=f"{said}; nothing was written to it"):
        copies.last_of(ledger, names, 2)


@pytest.mark.parametrize("content", [None, b"", b"something else"])
def test_what_tells_something_else_is_no_copy(ledger, content):
    with pytest.raises(EvidenceCorrupt, match="its record 2 is not ours"):
        copies.compare_last(ledger, 2, content)


def test_another_history_of_the_same_key_is_no_copy(ledger, tmp_path):
    other = copied(ledger, tmp_path / "other")
    append(ledger, entry(is_this="ours"), {})
    append(other, entry(is_this="theirs"), {})
    with pytest.raises(EvidenceCorrupt, match="its record 3 is not ours"):
        copies.compare_last(ledger, 3, (other.folder / "records/000003/record.json").read_bytes())


def test_the_end_of_a_ledger_is_its_last_record_with_the_head_that_signs_it(ledger):
    head = (ledger.folder / "head.sig").read_bytes()
    assert copies.end(ledger) == copies.End(2, head)
    append(ledger, entry(), {})
    assert copies.end(ledger).number == 3
    assert copies.end(ledger).head != head
