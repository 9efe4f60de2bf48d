"""Whether a pack is as it was made: the archive, every file in it, and the ledger that it holds."""

from __future__ import annotations

import hashlib
import re
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

from provisioner.evidence import signature
from provisioner.evidence.pack import LEDGER, MANIFEST, MANIFEST_SIGNATURE, is_plain
from provisioner.evidence.signature import BadSignature, Signers
from provisioner.evidence.verify import verify
from provisioner.model.evidence import Flaw, Verified

_LINE = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<name>[^\n]+)")
_BROKEN = (
    BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
)
"""What zipfile raises at archives that were damaged."""


def verify_pack(file: Path, signers: Signers, estate: str | None = None) -> Verified:
    """Look at everything in a pack; its signature is `FILE.sig` beside it.

    The ledger within is only looked at when all else holds: what is not signed is not unpacked. Raises
    OSError, CannotSign.
    """
    flaws = list(_seal_flaws(file, signers))
    try:
        with ZipFile(file) as archive:
            flaws += _file_flaws(archive, signers)
            if not flaws:
                return _within(archive, signers, estate)
    except _BROKEN as error:
        flaws.append(Flaw(file.name, f"it cannot be unpacked: {error}"))
    return Verified((), {}, {}, tuple(flaws), ())


def _seal_flaws(file: Path, signers: Signers) -> Iterator[Flaw]:
    """What is wrong with the signature of the whole archive."""
    seal = file.with_name(f"{file.name}.sig")
    try:
        signers.check(file, seal.read_bytes(), signature.PACK)
    except FileNotFoundError:
        yield Flaw(seal.name, "it is missing, and only it signs the whole archive: put it beside the archive")
    except BadSignature as error:
        yield Flaw(seal.name, f"it does not sign this archive: {error}")


def _file_flaws(archive: ZipFile, signers: Signers) -> Iterator[Flaw]:
    """What differs between the signed list and the files."""
    root = PurePosixPath(archive.namelist()[0]).parts[0]
    manifest = archive.read(f"{root}/{MANIFEST}")
    try:
        signers.check(manifest, archive.read(f"{root}/{MANIFEST_SIGNATURE}"), signature.PACK)
    except BadSignature as error:
        yield Flaw(MANIFEST_SIGNATURE, f"it does not sign {MANIFEST}: {error}")
    listed = {f"{root}/{one['name']}": one["digest"] for one in _LINE.finditer(manifest.decode())}
    there = archive.namelist()
    for name in sorted({*there, *listed}):
        short = name.removeprefix(f"{root}/")
        if name not in there:
            yield Flaw(short, "it is missing")
        elif name in listed and _digest(archive, name) != listed[name]:
            yield Flaw(short, "its content was changed")
        elif name not in listed and short not in {MANIFEST, MANIFEST_SIGNATURE}:
            yield Flaw(short, f"it is not in {MANIFEST}")
        elif there.count(name) > 1 or not is_plain(name):
            yield Flaw(short, "it cannot be unpacked safely under this name")


def _digest(archive: ZipFile, name: str) -> str:
    """Empty if the content is so damaged that it cannot be read."""
    try:
        with archive.open(name) as content:
            found = hashlib.sha256()
            while part := content.read(1 << 20):
                found.update(part)
    except _BROKEN:
        return ""
    return found.hexdigest()


def _within(archive: ZipFile, signers: Signers, estate: str | None) -> Verified:
    """The ledger in the archive, unpacked for as long as it takes."""
    with tempfile.TemporaryDirectory(prefix="bastide-") as folder:
        for name in archive.namelist():
            target = Path(folder, *PurePosixPath(name).parts[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(name) as content, target.open("wb") as out:
                shutil.copyfileobj(content, out)
        return verify(Path(folder, LEDGER), signers, estate, partial=True)
