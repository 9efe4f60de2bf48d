"""Whether a ledger is as it was written: every byte belongs to a hash, and every hash to a signature."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, pairwise
from pathlib import Path

from provisioner.evidence import layout
from provisioner.evidence.record import digest
from provisioner.evidence.signature import Signers
from provisioner.evidence.tail import Found, NoLedger, head_flaw, look, pending
from provisioner.model.evidence import Attached, Flaw, Record, Verified


def verify(folder: Path, signers: Signers, estate: str | None = None, *, partial: bool = False) -> Verified:
    """Look at everything in a ledger, and name all that is wrong. Nothing is changed.

    Without an `estate` all records must be of one. In a `partial` copy the content of attached files may be
    left out, and that is noted.

    Raises NoLedger if nothing was ever recorded, CannotSign if signatures cannot be looked at.
    """
    numbers = layout.numbers(folder)
    if not (numbers or (folder / layout.HEAD).exists()):
        raise NoLedger.at(folder)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # ssh-keygen and hashing run beside each other
        found = tuple(pool.map(lambda number: look(folder, number, signers), numbers))
        records = tuple(one.record for one in found if one.record)
        kept, left_out = _attached(folder, records, partial=partial)
        objects = tuple(pool.map(lambda one: _object_flaw(folder, *one), kept))
    unnamed = _unnamed(folder, records)
    end_flaws, end_notes = _end(folder, found, signers)
    return Verified(
        records,
        {one.number: digest(one.content) for one in found},
        {one.number: one.signer for one in found},
        (
            *chain.from_iterable(one.flaws for one in found),
            *_chain_flaws(found, estate),
            *filter(None, objects),
            *(Flaw(name, "it does not belong in a ledger") for name in layout.strays(folder)),
            *filter(None, (_name_flaw(folder, file) for file in unnamed)),
            *end_flaws,
        ),
        (*_clock_notes(records), *_object_notes(left_out, len(unnamed)), *end_notes),
    )


def compare(ledger: Verified, copy: Verified) -> tuple[tuple[Flaw, ...], tuple[str, ...]]:
    """What a copy at another place says against a ledger, and how far it is behind."""
    for number in sorted(set(ledger.digests) & set(copy.digests)):
        if ledger.digests[number] != copy.digests[number]:
            file = layout.record_folder(number)
            return (Flaw(file, "from this record on, the copy tells something else", number),), ()
    ahead = sorted(set(copy.digests) - set(ledger.digests))
    flaws = tuple(
        Flaw(layout.record_folder(number), "the copy has this record, and it is gone here", number)
        for number in ahead
    )
    behind = len(set(ledger.digests) - set(copy.digests))
    return flaws, ((f"the copy lacks {behind} records",) if behind else ())


def _chain_flaws(found: Sequence[Found], estate: str | None) -> Iterator[Flaw]:
    """Records that are missing, of another estate, or not written after the one before them."""
    there = {one.number: one for one in found}
    estate = estate or next((one.record.estate for one in found if one.record), None)
    for number in range(1, max(there, default=0) + 1):
        one, file = there.get(number), f"{layout.record_folder(number)}/{layout.RECORD}"
        if one is None:
            yield Flaw(layout.record_folder(number), "the record is missing", number)
        elif one.record and one.record.estate != estate:
            yield Flaw(file, f"it is of the estate {one.record.estate}, not of {estate}", number)
        elif one.record and (number == 1 or number - 1 in there) and not one.follows(there.get(number - 1)):
            yield Flaw(file, "it was not written after the record that stands before it", number)


def _end(folder: Path, found: Sequence[Found], signers: Signers) -> tuple[tuple[Flaw, ...], tuple[str, ...]]:
    """Whether the last record is the last, also when an append was cut short."""
    last = found[-1] if found else None
    drafted = (folder / layout.DRAFT).exists()
    waiting = pending(folder, last, signers) if drafted else None
    if waiting:
        return (), (f"record {waiting.number} is signed and not in its place: the next append ends that",)
    flaw = head_flaw(folder, last, signers)
    notes = ("an append is under way, or was cut short before it recorded anything",) if drafted else ()
    return ((flaw,) if flaw else ()), notes


def _attached(
    folder: Path, records: Iterable[Record], *, partial: bool
) -> tuple[Sequence[tuple[int, Attached]], int]:
    """Every content that records name, once, with the first record that does; and how many are left out."""
    first: dict[str, tuple[int, Attached]] = {}
    for record in records:
        for attached in record.files:
            first.setdefault(attached.sha256, (record.number, attached))
    kept = [
        one for one in first.values() if not partial or (folder / layout.object_file(one[1].sha256)).exists()
    ]
    return kept, len(first) - len(kept)


def _object_flaw(folder: Path, number: int, attached: Attached) -> Flaw | None:
    """What is wrong with the content of a file that a record names."""
    file, what = layout.object_file(attached.sha256), ""
    try:
        with (folder / file).open("rb") as content:
            if os.fstat(content.fileno()).st_size != attached.size_bytes:
                what = f"its size is not the {attached.size_bytes} bytes that were recorded"
            elif hashlib.file_digest(content, "sha256").hexdigest() != attached.sha256:
                what = "its content was changed"
    except OSError as error:
        what = f"it cannot be read: {error.strerror}"
    return Flaw(file, f"{what} ({attached.name})", number) if what else None


def _unnamed(folder: Path, records: Iterable[Record]) -> tuple[str, ...]:
    named = {layout.object_file(attached.sha256) for record in records for attached in record.files}
    return tuple(file for file in layout.objects(folder) if file not in named)


def _object_notes(left_out: int, unnamed: int) -> Iterator[str]:
    if left_out:
        yield f"the content of {left_out} attached files is not part of this copy"
    if unnamed:
        yield f"{unnamed} objects are named by no record: an append was cut short, or records were taken away"


def _name_flaw(folder: Path, file: str) -> Flaw | None:
    """What is wrong with an object that no record names."""
    try:
        with (folder / file).open("rb") as content:
            found = layout.object_file(hashlib.file_digest(content, "sha256").hexdigest())
    except OSError as error:
        return Flaw(file, f"it cannot be read: {error.strerror}")
    return Flaw(file, "its name is not the hash of its content") if found != file else None


def _clock_notes(records: Sequence[Record]) -> tuple[str, ...]:
    return tuple(
        f"record {after.number} is dated {after.time:%Y-%m-%d %H:%M:%S} UTC, before the record that it "
        "follows: a clock was wrong"
        for before, after in pairwise(records)
        if after.time < before.time
    )
