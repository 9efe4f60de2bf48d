"""The ledger of an estate: records are added at its end and never changed.

An append is cut short anywhere without harm. Everything is written into `draft` first; `head.sig` is replaced
by one rename, and from that moment the record counts; a second rename puts it into its place. The next append
ends the second step if it is missing, and clears a draft that never came to the first.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from provisioner.errors import BastideError, EvidenceCorrupt, Locked
from provisioner.evidence import layout, signature
from provisioner.evidence.durable import replace, sync, write
from provisioner.evidence.record import NotARecord, decode, digest, encode, following
from provisioner.evidence.signature import BadSignature, CannotSign, Signers, allowed, make_key, sign
from provisioner.evidence.tail import Found, NoLedger, last, look, pending
from provisioner.model.estate import Estate
from provisioner.model.evidence import Attached, Entry, Record

FOLDER, LOCK, OWN_KEY = ".bastide/ledger", ".bastide/ledger.lock", ".bastide/keys/evidence"
_LOCK_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where the evidence of an estate is, the key that signs it, and the file of those who may.

    Without a key in the estate Bastide makes one for itself (`own_key`), not in the ledger: that is copied.
    """

    estate: str
    folder: Path
    lock: Path
    key: Path
    own_key: bool
    signers: Path


def ledger_of(estate: Estate, folder: Path) -> Ledger:
    """The ledger of the estate in a folder; nothing is made yet."""
    wanted = estate.evidence
    return Ledger(
        estate.estate,
        folder / FOLDER,
        folder / LOCK,
        folder / (wanted.key or OWN_KEY),
        wanted.key is None,
        folder / wanted.allowed_signers,
    )


def append(ledger: Ledger, entry: Entry, files: Mapping[str, bytes]) -> Record:
    """Add one record with its files (name to content); it is returned when it is on disk and signed.

    Raises Locked if another writes for a minute, EvidenceCorrupt if the last record does not hold,
    CannotSign, BastideError if the disk takes no more. Then no earlier record is lost.
    """
    try:
        with alone(ledger):
            signers = _signers(ledger)
            before = settle(ledger.folder, signers)
            attached = tuple(_attached(name, content) for name, content in sorted(files.items()))
            record = following(before.content if before else None, entry, ledger.estate, attached)
            _draft(ledger, signers, record, tuple(files.values()))
            _place(ledger.folder, record.number)
    except OSError as error:
        raise BastideError(
            f"the record of this {entry.kind} could not be written to {ledger.folder}: {error.strerror}",
            "make room on that disk and run the same command again; earlier records are as they were",
        ) from error
    return record


def records(ledger: Ledger) -> tuple[Record, ...]:
    """The records, from the first; `verify` says whether they hold. Raises NoLedger, EvidenceCorrupt."""
    found = []
    for number in layout.numbers(ledger.folder):
        file = ledger.folder / layout.record_folder(number) / layout.RECORD
        try:
            found.append(decode(file.read_bytes()))
        except (OSError, NotARecord) as error:
            raise EvidenceCorrupt(
                f"{file} cannot be read: {error}", "see `bastide evidence verify`"
            ) from None
    if not found:
        raise NoLedger.at(ledger.folder)
    return tuple(found)


def content(ledger: Ledger, attached: Attached) -> bytes:
    """The content of an attached file, compared with its hash. Raises EvidenceCorrupt."""
    file = ledger.folder / layout.object_file(attached.sha256)
    try:
        found = file.read_bytes()
    except OSError as error:
        raise EvidenceCorrupt(f"{file} ({attached.name}) cannot be read: {error.strerror}") from None
    if digest(found) != attached.sha256:
        raise EvidenceCorrupt(f"{file} ({attached.name}) was changed", "see `bastide evidence verify`")
    return found


@contextmanager
def alone(ledger: Ledger) -> Iterator[None]:
    """Nobody else writes meanwhile. Raises Locked, OSError."""
    ledger.lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(ledger.lock, timeout=_LOCK_SECONDS):
            yield
    except Timeout:
        raise Locked(
            f"another run writes to the ledger {ledger.folder}, and holds {ledger.lock}",
            "wait for it to end and run the same command again",
        ) from None


def _signers(ledger: Ledger) -> Signers:
    """Those who may sign; the first key of Bastide's own names itself. Raises CannotSign."""
    if ledger.own_key and not ledger.key.exists():
        make_key(ledger.key, f"bastide evidence of {ledger.estate}")
    if ledger.own_key and not ledger.signers.exists() and not layout.numbers(ledger.folder):
        ledger.signers.parent.mkdir(parents=True, exist_ok=True)
        replace(ledger.signers, allowed(ledger.key, _name(ledger)).encode(), mode=0o644)
    return Signers(ledger.signers)


def _draft(ledger: Ledger, signers: Signers, record: Record, contents: Iterable[bytes]) -> None:
    """Write and sign everything; the record counts when this is over. Raises OSError, CannotSign."""
    folder, line = ledger.folder, encode(record)
    draft, place = folder / layout.DRAFT, folder / layout.DRAFT_RECORD
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        place.mkdir(mode=0o700, parents=True)
        (folder / layout.RECORDS).mkdir(mode=0o700, exist_ok=True)
        kept = {_keep(folder, one) for one in contents}
        sync(*kept, *{one.parent for one in kept})
        write(place / layout.RECORD, line)
        write(place / layout.SIGNATURE, signed(ledger, line, signature.RECORD, record.time))
        write(draft / layout.HEAD, signed(ledger, line, signature.HEAD, record.time))
        sync(place, draft, folder)
        (draft / layout.HEAD).rename(folder / layout.HEAD)
    except BaseException:
        with suppress(OSError, BastideError):  # what cannot be cleared now, the next append clears
            settle(folder, signers)
        raise


def _place(folder: Path, number: int) -> None:
    """Put the record that counts into its place."""
    sync(folder)
    (folder / layout.DRAFT_RECORD).rename(folder / layout.record_folder(number))
    sync(folder / layout.RECORDS)
    shutil.rmtree(folder / layout.DRAFT)


def settle(folder: Path, signers: Signers) -> Found | None:
    """End or clear what a cut append left; the last record, None if there is none. Raises EvidenceCorrupt."""
    drafted = (folder / layout.DRAFT).exists()
    numbers = layout.numbers(folder)
    if drafted:
        waiting = pending(folder, look(folder, numbers[-1], signers) if numbers else None, signers)
        if waiting:
            _place(folder, waiting.number)
            drafted = False
    found = last(folder, signers)
    if drafted:
        shutil.rmtree(folder / layout.DRAFT)
    return found


def _keep(folder: Path, content: bytes) -> Path:
    """Put one content in its place, and return the folder that is to be synced.

    Raises OSError; EvidenceCorrupt if something else lies there.
    """
    target = folder / layout.object_file(digest(content))
    if target.exists():
        if target.read_bytes() != content:
            raise EvidenceCorrupt(
                f"{target} does not hold what its name says, and nothing was recorded",
                "see `bastide evidence verify`; keep that file elsewhere, and run this again",
            )
    else:
        new = folder / layout.DRAFT / "object"
        write(new, content)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.rename(target)
    return target.parent


def signed(ledger: Ledger, content: bytes | Path, namespace: str, at: datetime | None = None) -> bytes:
    """A signature with the ledger's key, found good by those who will check it. Raises CannotSign."""
    made = sign(content, ledger.key, namespace)
    try:
        Signers(ledger.signers).check(content, made, namespace, at)
    except BadSignature as error:
        line = allowed(ledger.key, _name(ledger)).strip()
        raise CannotSign(
            f"the key {ledger.key} may not sign for {ledger.estate}: {error}",
            f"if it may, add this line to {ledger.signers}: {line}",
        ) from None
    return made


def _name(ledger: Ledger) -> str:
    return f"bastide@{ledger.estate}"


def _attached(name: str, content: bytes) -> Attached:
    return Attached(name=name, sha256=digest(content), size_bytes=len(content))
