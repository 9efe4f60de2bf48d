"""Single records, the head that says which is the last, and what an append left behind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from provisioner.errors import BastideError, EvidenceCorrupt
from provisioner.evidence import layout, signature
from provisioner.evidence.record import NotARecord, decode, digest
from provisioner.evidence.signature import BadSignature, Signers
from provisioner.model.evidence import Flaw, Record


class NoLedger(BastideError):
    """There is no evidence where it was looked for."""

    @classmethod
    def at(cls, folder: Path) -> NoLedger:
        """The folder where none is."""
        return cls(f"there is no evidence in {folder} yet", "`bastide audit` writes the first record")


@dataclass(frozen=True, slots=True)
class Found:
    """A record by itself, as it lies there: what can be read of it, and what is wrong with it."""

    number: int
    content: bytes
    record: Record | None
    signer: str
    flaws: tuple[Flaw, ...]

    def follows(self, before: Found | None) -> bool:
        """Whether this is the record that was written after that one, or the first one after None."""
        previous = digest(before.content) if before else None
        number = before.number + 1 if before else 1
        return self.record is not None and (self.number, self.record.previous) == (number, previous)


def look(folder: Path, number: int, signers: Signers) -> Found:
    """The record of a number by itself: whether it can be read, has its own number, and is signed."""
    found = _look(folder, layout.record_folder(number), signers)
    flaws = [replace(flaw, record=number) for flaw in found.flaws]
    if found.record and found.record.number != number:
        what = f"it says that it is record {found.record.number}"
        flaws.append(Flaw(f"{layout.record_folder(number)}/{layout.RECORD}", what, number))
    return replace(found, number=number, flaws=tuple(flaws))


def pending(folder: Path, last: Found | None, signers: Signers) -> Found | None:
    """The record after the last one, if it was signed as the head and did not come to its place."""
    found = _look(folder, layout.DRAFT_RECORD, signers)
    if found.flaws or not found.follows(last) or head_flaw(folder, found, signers):
        return None
    return found


def last(folder: Path, signers: Signers) -> Found | None:
    """The record that the next one follows; None in an empty ledger.

    Raises EvidenceCorrupt if it does not hold.
    """
    numbers = layout.numbers(folder)
    found = look(folder, numbers[-1], signers) if numbers else None
    head = head_flaw(folder, found, signers)
    flaws = (*(found.flaws if found else ()), *((head,) if head else ()))
    if flaws:
        raise EvidenceCorrupt(
            f"the ledger {folder} does not hold, and nothing was added to it: {flaws[0]}",
            "see `bastide evidence verify`; put the ledger back from its copy, or move it away and keep it",
        )
    return found


def head_flaw(folder: Path, last: Found | None, signers: Signers) -> Flaw | None:
    """Why `head.sig` does not say that this record is the last one, or that there is none."""
    number = last.number if last else None
    try:
        signed = (folder / layout.HEAD).read_bytes()
    except FileNotFoundError:
        return Flaw(layout.HEAD, "it is missing", number) if last else None
    except OSError as error:
        return Flaw(layout.HEAD, f"it cannot be read: {error.strerror}", number)
    if last is None:
        return Flaw(layout.HEAD, "it signs a last record, and there is none: records were taken away")
    if last.record is None:
        return None  # the record's own flaw says enough
    try:
        signers.check(last.content, signed, signature.HEAD, last.record.time)
    except BadSignature as error:
        what = f"it does not sign this record as the last; was one taken away, or put back? ({error})"
        return Flaw(layout.HEAD, what, number)
    return None


def _look(folder: Path, place: str, signers: Signers) -> Found:
    """A record wherever it lies; its number is what it says, 0 if nothing can be read."""
    record, content = None, b""
    file = f"{place}/{layout.RECORD}"
    try:
        content = (folder / file).read_bytes()
        record = decode(content)
        file = f"{place}/{layout.SIGNATURE}"
        signed = (folder / file).read_bytes()
        signer = signers.check(content, signed, signature.RECORD, record.time)
    except OSError as error:
        flaw = Flaw(file, f"it cannot be read: {error.strerror}")
    except NotARecord as error:
        flaw = Flaw(file, str(error))
    except BadSignature as error:
        flaw = Flaw(file, f"the signature does not hold: {error}")
    else:
        return Found(record.number, content, record, signer, ())
    return Found(record.number if record else 0, content, record, "", (flaw,))
