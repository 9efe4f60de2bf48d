"""An evidence pack: one archive that an auditor verifies with unzip, ssh-keygen and sha256sum.

The same records and files make the same archive, byte for byte, if zlib is the same and the key's signatures
are deterministic, as those of Ed25519 are. `FILE.sig` beside it signs the whole archive.
"""

from __future__ import annotations

import hashlib
import html
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from string import Template
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pydantic import TypeAdapter, ValidationError

from provisioner.errors import BastideError, EvidenceCorrupt, Refused
from provisioner.evidence import layout, signature
from provisioner.evidence.durable import sync
from provisioner.evidence.ledger import Ledger, alone, settle, signed
from provisioner.evidence.record import digest
from provisioner.evidence.signature import Signers
from provisioner.evidence.verify import verify
from provisioner.model.evidence import FileName, Record, Signer, Verified
from provisioner.share import share

MANIFEST, MANIFEST_SIGNATURE = "MANIFEST.sha256", "MANIFEST.sha256.sig"
LEDGER, FILES, ALLOWED_SIGNERS, PAGE = "ledger", "reports", "allowed_signers", "VERIFY.html"

_NAMES: TypeAdapter[str] = TypeAdapter(FileName)
_UNIX = 3  # what made the archive: modes count

Members = dict[str, bytes | Path]
"""The content of an archive, or where it is, by name."""


def pack(
    ledger: Ledger, files: Mapping[str, bytes], target: Path, *, since: datetime | None = None
) -> Verified:
    """Write `target` and `target.sig`: all records, what is attached to those `since` then, and reports.

    `files` are names (relative, with `/`) and contents. Raises Refused if there is such a file already,
    EvidenceCorrupt if the ledger does not hold, NoLedger, CannotSign, Locked, BastideError if the disk takes
    no more; then there is no target.
    """
    if not is_plain(target.name):
        what = f"{target.name!r} is no name that every tool understands, and nothing was written"
        raise Refused(what, "use letters, digits, hyphens and dots, such as audit-2026-11.zip")
    seal = target.with_name(f"{target.name}.sig")
    for file in (target, seal):
        if file.exists():
            raise Refused(f"{file} exists already, and nothing was written", "choose another name")
    draft, seal_draft = (file.with_name(f".{file.name}.part") for file in (target, seal))
    try:
        with alone(ledger):
            found = _whole(ledger)
            members = _members(ledger, found.records, since)
            members |= {f"{FILES}/{_NAMES.validate_python(name)}": content for name, content in files.items()}
            _write(draft, _sealed(ledger, found.records, members, target.name), found.records[-1].time)
        seal_draft.write_bytes(signed(ledger, draft, signature.PACK))
        seal_draft.rename(seal)
        draft.rename(target)
        sync(target.parent)
    except OSError as error:
        what = f"{target} cannot be written: {error.strerror} ({error.filename or target})"
        raise BastideError(what, "look at that disk") from error
    finally:
        for left in (draft, seal_draft):
            with suppress(OSError):
                left.unlink(missing_ok=True)
    return found


def is_plain(name: str) -> bool:
    """Whether a name can stand in an archive, in a list of hashes and in a shell's quotes."""
    try:
        _NAMES.validate_python(name)
    except ValidationError:
        return False
    return True


def _whole(ledger: Ledger) -> Verified:
    """The ledger, with nothing in a draft and nothing wrong. Raises NoLedger, EvidenceCorrupt."""
    signers = Signers(ledger.signers)
    settle(ledger.folder, signers)
    found = verify(ledger.folder, signers, ledger.estate)
    if found.flaws:
        raise EvidenceCorrupt(
            f"the ledger {ledger.folder} does not hold, and nothing was packed: {found.flaws[0]}",
            "see `bastide evidence verify`",
        )
    return found


def _members(ledger: Ledger, records: Iterable[Record], since: datetime | None) -> Members:
    """The files of the ledger itself, by their names in the archive."""
    names = [layout.HEAD]
    for record in records:
        place = layout.record_folder(record.number)
        names += [f"{place}/{layout.RECORD}", f"{place}/{layout.SIGNATURE}"]
        if since is None or record.time >= since:
            names += [layout.object_file(attached.sha256) for attached in record.files]
    return {f"{LEDGER}/{name}": ledger.folder / name for name in names}


def _sealed(ledger: Ledger, records: Sequence[Record], members: Members, archive: str) -> Members:
    """Everything under one folder, with the page, the signers, the list of hashes and its signature."""
    signers = Signers(ledger.signers)
    page = _page(records, signers.listed(), archive).encode()
    members = {**members, ALLOWED_SIGNERS: ledger.signers.read_bytes(), PAGE: page}
    manifest = "".join(f"{_digest(content)}  {name}\n" for name, content in sorted(members.items())).encode()
    members[MANIFEST] = manifest
    members[MANIFEST_SIGNATURE] = signed(ledger, manifest, signature.PACK)
    root = f"{ledger.estate}-{records[-1].number:06}"
    return {f"{root}/{name}": content for name, content in sorted(members.items())}


def _write(archive: Path, members: Members, at: datetime) -> None:
    """The archive, synced. Every file in it has the time of the last record."""
    with archive.open("wb") as out:
        with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=6) as file:
            for name, content in members.items():
                _add(file, ZipInfo(name, at.timetuple()[:6]), content)
        out.flush()
        os.fsync(out.fileno())


def _add(file: ZipFile, member: ZipInfo, content: bytes | Path) -> None:
    member.compress_type, member.create_system, member.external_attr = ZIP_DEFLATED, _UNIX, 0o644 << 16
    if isinstance(content, bytes):
        file.writestr(member, content)
        return
    member.file_size = content.stat().st_size
    with content.open("rb") as source, file.open(member, "w") as target:
        shutil.copyfileobj(source, target)


def _digest(content: bytes | Path) -> str:
    if isinstance(content, bytes):
        return digest(content)
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _page(records: Sequence[Record], signers: Iterable[Signer], archive: str) -> str:
    """The page that tells, in French and English, how to verify the pack."""
    keys = "<br>".join(html.escape(f"{one.name}: {one.fingerprint}") for one in signers)
    template = Template((share("templates") / "evidence" / "verify.html").read_text(encoding="utf-8"))
    return template.substitute(
        estate=html.escape(records[-1].estate),
        archive=html.escape(archive),
        records=len(records),
        first=f"{records[0].time:%Y-%m-%d %H:%M:%S}",
        last=f"{records[-1].time:%Y-%m-%d %H:%M:%S}",
        scopes=", ".join(sorted({record.scope for record in records})),
        signers=keys,
    )
