"""What a copy of the ledger at another place has to have, and whether it is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provisioner.errors import EvidenceCorrupt
from provisioner.evidence import layout
from provisioner.evidence.ledger import Ledger, alone, settle
from provisioner.evidence.signature import Signers
from provisioner.evidence.tail import NoLedger


@dataclass(frozen=True, slots=True)
class End:
    """Where a ledger ends at a moment: its last record, and the bytes of `head.sig` that signs it."""

    number: int
    head: bytes


def end(ledger: Ledger) -> End:
    """The end of a ledger to which nobody writes now. Raises NoLedger, EvidenceCorrupt, Locked."""
    with alone(ledger):
        found = settle(ledger.folder, Signers(ledger.signers))
        if found is None:
            raise NoLedger.at(ledger.folder)
        return End(found.number, (ledger.folder / layout.HEAD).read_bytes())


def last_of(ledger: Ledger, names: Sequence[str], until: int) -> int:
    """The last record of a copy with these names in its `records`; 0 if it has none.

    Raises EvidenceCorrupt if the copy is not what this ledger was once, as far as names tell.
    """
    there = sorted(int(name) for name in names if name.isdecimal())
    if there != list(range(1, len(there) + 1)):
        missing = min(set(range(1, len(there) + 1)) - set(there))
        raise _parted(ledger, f"it lacks record {missing}, which was there")
    if len(there) > until:
        raise _parted(ledger, f"it has {len(there)} records, and here there are {until}")
    return len(there)


def compare_last(ledger: Ledger, number: int, content: bytes | None) -> None:
    """Compare the last record of a copy with ours. Raises EvidenceCorrupt.

    Each record holds the hash of the one before, so that with it all before it are meant.
    """
    ours = (ledger.folder / layout.record_folder(number) / layout.RECORD).read_bytes()
    if content != ours:
        raise _parted(ledger, f"its record {number} is not ours")


def _parted(ledger: Ledger, why: str) -> EvidenceCorrupt:
    return EvidenceCorrupt(
        f"the copy tells something else than {ledger.folder}: {why}; nothing was written to it",
        "see `bastide evidence verify --copies`; keep both as they are until it is known which was changed",
    )
