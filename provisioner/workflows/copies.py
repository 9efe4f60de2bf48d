"""Copies of the ledger on other machines: brought up to date after each record, and verified from here."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from provisioner.errors import BastideError, Unreachable
from provisioner.estate.load import Loaded
from provisioner.evidence import copies, layout
from provisioner.evidence.ledger import Ledger, content, ledger_of
from provisioner.evidence.record import decode
from provisioner.evidence.signature import Signers
from provisioner.evidence.tail import NoLedger
from provisioner.evidence.verify import compare, verify
from provisioner.hosts.connection import Trouble
from provisioner.hosts.far import FarFolder, far_folder
from provisioner.model.evidence import Copy, Flaw, Verified
from provisioner.model.machine import Machine

LOCK = ".bastide/copies.lock"
_LOCK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of a copy: how many records it got, or why it has not all."""

    name: str
    records: int
    trouble: BastideError | None = None


def copy(loaded: Loaded, tell: Callable[[str], None]) -> tuple[Copied, ...]:
    """Bring every copy up to the end of the ledger; one that cannot be stops no other.

    What is at a copy is never written over. What is missing at one that was not reached goes there the next
    time. `tell` is told a line of each.
    """
    done = []
    for name, place in loaded.estate.evidence.copies.items():
        done.append(one := _copied(loaded, name, place))
        many = f"{one.records} record{'' if one.records == 1 else 's'} copied"
        why = one.trouble.told.removeprefix(f"{name}: ") if one.trouble else ""
        tell(f"{name}: {why or many}")
    return tuple(done)


def _copied(loaded: Loaded, name: str, place: Copy) -> Copied:
    ledger = ledger_of(loaded.estate, loaded.folder)
    try:
        found = copies.end(ledger)
        with _far(loaded, name, place) as far:
            return Copied(name, _send(ledger, found, far))
    except Trouble as trouble:
        return Copied(name, 0, _not_reached(name, place, trouble))
    except OSError as error:
        return Copied(name, 0, BastideError(f"the ledger cannot be read: {error.strerror}"))
    except BastideError as error:
        return Copied(name, 0, error)


def _send(ledger: Ledger, found: copies.End, far: FarFolder) -> int:
    """Add what a copy lacks, record by record, the head last; how many. Raises Trouble, EvidenceCorrupt."""
    last = copies.last_of(ledger, far.names(layout.RECORDS), found.number)
    if last:
        record = f"{layout.record_folder(last)}/{layout.RECORD}"
        copies.compare_last(ledger, last, far.read(record))
    for number in range(last + 1, found.number + 1):
        _send_record(ledger, number, far)
    if far.read(layout.HEAD) != found.head:
        far.replace(layout.HEAD, found.head)
    far.tidy()
    return found.number - last


def _send_record(ledger: Ledger, number: int, far: FarFolder) -> None:
    folder = layout.record_folder(number)
    parts = {name: (ledger.folder / folder / name).read_bytes() for name in (layout.SIGNATURE, layout.RECORD)}
    for attached in decode(parts[layout.RECORD]).files:
        name = layout.object_file(attached.sha256)
        if not far.there(name):
            far.add(name, content(ledger, attached))
    far.add_folder(folder, parts)


def verified(loaded: Loaded, found: Verified) -> Iterator[Verified | Unreachable]:
    """Each copy, fetched and verified, and compared with what was found of the ledger itself.

    Flaws name the copy. A copy that could not be looked at is Unreachable, and proves nothing.
    """
    for name, place in loaded.estate.evidence.copies.items():
        try:
            yield _named(name, place, found, _fetched(loaded, name, place))
        except Trouble as trouble:
            yield _not_reached(name, place, trouble)
        except OSError as error:
            yield _not_reached(name, place, Trouble(f"it cannot be kept here: {error.strerror}"))


def _fetched(loaded: Loaded, name: str, place: Copy) -> Verified:
    ledger = ledger_of(loaded.estate, loaded.folder)
    with tempfile.TemporaryDirectory(prefix="copy-", dir=ledger.folder.parent) as folder:
        with _far(loaded, name, place) as far:
            far.fetch(Path(folder))
        try:
            return verify(Path(folder), Signers(ledger.signers), ledger.estate)
        except NoLedger:
            gone = Flaw("", "there is no copy: none was ever made, or it was taken away")
            return Verified((), {}, {}, (gone,), ())


def _named(name: str, place: Copy, found: Verified, there: Verified) -> Verified:
    flaws, notes = compare(found, there)
    where = f"{name}:{place.folder}"
    told = tuple(replace(flaw, file=f"{where}/{flaw.file}") for flaw in (*flaws, *there.flaws))
    return replace(there, flaws=told, notes=tuple(f"{where}: {note}" for note in (*notes, *there.notes)))


@contextmanager
def _far(loaded: Loaded, name: str, place: Copy) -> Iterator[FarFolder]:
    """The folder of a copy, which no other run from here uses meanwhile. Raises Trouble, OSError."""
    machine = Machine(name, "host", None, str(place.address), place.user or loaded.estate.ssh.user)
    lock = FileLock(loaded.folder / LOCK)
    try:
        lock.acquire(timeout=_LOCK_SECONDS)
    except Timeout:
        raise Trouble(f"another run from here is at the copies, and holds {lock.lock_file}") from None
    try:
        with far_folder(machine, place.folder, loaded.estate.ssh, loaded.folder) as far:
            yield far
    finally:
        lock.release()


def _not_reached(name: str, place: Copy, trouble: Trouble) -> Unreachable:
    return Unreachable(
        name,
        f"the copy of the ledger in {place.folder} was not reached: {trouble}",
        "the ledger here is whole; what is missing there goes there with the next audit",
    )
