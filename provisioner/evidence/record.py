"""A record and its bytes: the same record is always the same bytes, so that hashes and signatures mean it."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import socket
import sys
from importlib.metadata import PackageNotFoundError, version

from pydantic import ValidationError

from provisioner.model.evidence import Attached, Entry, Record


class NotARecord(ValueError):
    """Bytes that are no record as `encode` writes it; the text says why."""


def encode(record: Record) -> bytes:
    """One line of JSON: keys sorted, no blanks, ASCII, with its newline."""
    found = record.model_dump(mode="json")
    return f"{json.dumps(found, sort_keys=True, separators=(',', ':'))}\n".encode()


def decode(content: bytes) -> Record:
    """The record of these bytes. Raises NotARecord, also when another writing means the same."""
    try:
        record = Record.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise NotARecord(f"it is no record: {place or 'JSON'}: {first['msg']}") from None
    if encode(record) != content:
        raise NotARecord("it is not written as records are: sorted keys, no blanks")
    return record


def following(last: bytes | None, entry: Entry, estate: str, files: tuple[Attached, ...]) -> Record:
    """The record of an entry after the record with the bytes `last`; the first of a ledger after None."""
    given = entry.model_dump()
    given["versions"] = versions() | entry.versions
    return Record(
        **given,
        number=decode(last).number + 1 if last else 1,
        estate=estate,
        operator=operator(),
        files=files,
        previous=digest(last) if last else None,
    )


def digest(content: bytes) -> str:
    """The SHA-256 of bytes, in lower-case hexadecimal digits as `sha256sum` prints it."""
    return hashlib.sha256(content).hexdigest()


def operator() -> str:
    """Who runs this: the user, also behind sudo, and the machine. A statement, not a proof."""
    user = os.environ.get("SUDO_USER") if os.geteuid() == 0 else None
    return f"{user or _user_name()}@{socket.gethostname()}"


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container may run under a number without a name
        return str(os.geteuid())


def versions() -> dict[str, str]:
    """The versions of Bastide and of what it rests on; `unknown` for what is not installed as a package."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name, package in {"bastide": "bastide", "ansible": "ansible-core"}.items():
        try:
            found[name] = version(package)
        except PackageNotFoundError:
            found[name] = "unknown"  # a checkout that is not installed has no version
    return found
