"""Ledgers to try things on, and ways to look at them."""

import resource
import shutil
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from provisioner.evidence.ledger import Ledger, append
from provisioner.evidence.signature import Signers
from provisioner.evidence.verify import verify
from provisioner.model.evidence import Entry

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
EVENING = NOON + timedelta(hours=9)


def ledger_in(folder: Path) -> Ledger:
    """A ledger with a key of its own, where nothing is yet."""
    return Ledger(
        "synergia",
        folder / "ledger",
        folder / "ledger.lock",
        folder / "key",
        True,
        folder / "allowed_signers",
    )


def entry(at=EVENING, **about) -> Entry:
    return Entry(kind="audit", time=at, scope="lab", about=about, versions={"catalogue": "1"})


def filled(folder: Path, count: int) -> Ledger:
    """`count` records, an hour apart, each with a file of its own and one that all share."""
    ledger = ledger_in(folder)
    for number in range(count):
        files = {"hosts/db/facts.json": f"facts {number}".encode(), "rules.txt": b"the same"}
        append(ledger, entry(NOON + timedelta(hours=number)), files)
    return ledger


def copied(ledger: Ledger, folder: Path) -> Ledger:
    """The same ledger at another place, with the same key."""
    shutil.copytree(ledger.folder.parent, folder)
    return ledger_in(folder)


def checked(ledger: Ledger):
    return verify(ledger.folder, Signers(ledger.signers), ledger.estate)


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@contextmanager
def files_no_larger_than(size_bytes: int):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
