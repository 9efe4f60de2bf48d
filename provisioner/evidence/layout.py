"""Where the parts of a ledger stand. Only `head.sig` is ever written again, so copying files copies it.

- `records/000001/record.json`: the record, one line of canonical JSON
- `records/000001/record.json.sig`: its signature (namespace `bastide-ledger`)
- `objects/ab/cdef…`: the content of an attached file, named by its SHA-256
- `head.sig`: the last record signed once more, as the last (namespace `bastide-ledger-head`)
- `draft/`: what is being written; moved into `records` by one rename
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

RECORDS, OBJECTS, HEAD, DRAFT = "records", "objects", "head.sig", "draft"
RECORD, SIGNATURE = "record.json", "record.json.sig"
DRAFT_RECORD = f"{DRAFT}/record"


def record_folder(number: int) -> str:
    """The folder of a record, relative to the ledger."""
    return f"{RECORDS}/{number:06}"


def object_file(sha256: str) -> str:
    """The file with this content, relative to the ledger."""
    return f"{OBJECTS}/{sha256[:2]}/{sha256[2:]}"


def numbers(folder: Path) -> tuple[int, ...]:
    """The numbers of the records that are there, in their order; other names are not looked at."""
    records = folder / RECORDS
    names = [path.name for path in records.iterdir()] if records.is_dir() else []
    return tuple(sorted(int(name) for name in names if _is_number(name)))


def strays(folder: Path) -> Iterator[str]:
    """What does not belong into a ledger, relative to it; the draft is not looked into."""
    known = {RECORDS, OBJECTS, HEAD, DRAFT}
    yield from sorted(path.name for path in folder.iterdir() if path.name not in known)
    for path in sorted((folder / RECORDS).glob("*")):
        inside = {one.name for one in path.iterdir()} if path.is_dir() else {""}
        if not _is_number(path.name):
            yield f"{RECORDS}/{path.name}"
        for name in sorted(inside - {RECORD, SIGNATURE}):
            yield f"{RECORDS}/{path.name}/{name}".rstrip("/")


def objects(folder: Path) -> Iterator[str]:
    """Everything below `objects`, relative to the ledger."""
    for path in sorted((folder / OBJECTS).rglob("*")):
        if not path.is_dir():
            yield path.relative_to(folder).as_posix()


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdigit() and int(name) > 0 and name == f"{int(name):06}"
