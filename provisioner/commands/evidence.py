"""`bastide evidence verify`, `show` and `export`."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from provisioner.commands.options import common, loaded, print_json
from provisioner.errors import BastideError, EvidenceCorrupt, Unreachable
from provisioner.evidence.ledger import Ledger, alone, content, ledger_of, records
from provisioner.evidence.pack import pack
from provisioner.evidence.signature import Signers
from provisioner.evidence.unpack import verify_pack
from provisioner.evidence.verify import compare
from provisioner.evidence.verify import verify as verify_ledger
from provisioner.model.evidence import Record, Verified
from provisioner.report.evidence import show_record, show_records, show_verified
from provisioner.workflows.copies import verified as verified_copies

EXISTING = click.Path(exists=True, path_type=Path)


@click.group()
def evidence() -> None:
    """The signed ledger of what was seen and done: verify it, read it, hand it on."""


@evidence.command()
@common
@click.argument("path", required=False, type=EXISTING)
@click.option("--against", metavar="COPY", type=EXISTING, help="Compare with a copy of the ledger.")
@click.option("--copies", is_flag=True, help="Also look at the copies that the estate names, over SSH.")
@click.option(
    "--signers",
    metavar="FILE",
    type=EXISTING,
    help="The keys that may sign (allowed_signers). Default: those of the estate.",
)
def verify(
    *, as_json: bool, path: Path | None, against: Path | None, copies: bool, signers: Path | None
) -> None:
    """Find every change in the ledger, or in PATH: a copy of it, or a pack.

    Exit 1 if a byte was changed, a record taken away or put elsewhere, or a signature does not hold; 6 if
    a copy cannot be reached. With PATH and --signers no estate is needed.
    """
    own = None if path and signers else _ledger()
    keys = Signers(signers or (own.signers if own else Path()))
    estate = own.estate if own else None
    what = path or (own.folder if own else Path())
    with alone(own) if own and not path and os.access(own.folder, os.W_OK) else nullcontext():
        found = _look(what, keys, estate)
    if against:
        found = _joined(found, _look(against, keys, estate), against)
    unreached: list[Unreachable] = []
    if copies:
        found, unreached = _with_copies(found)
    if as_json:
        print_json(_verified(what, found))
    show_verified(str(what), found)
    if found.flaws:
        count = f"{len(found.flaws)} flaw{'s' if len(found.flaws) != 1 else ''}"
        raise EvidenceCorrupt(
            f"{what} does not hold: {count}",
            "keep it as it is for whoever asks, and compare it with its copy",
        )
    if unreached:
        raise unreached[0]


@evidence.command()
@common
@click.argument("number", required=False, type=click.IntRange(min=1))
@click.argument("file", required=False)
def show(*, as_json: bool, number: int | None, file: str | None) -> None:
    """List the records; or show record NUMBER; or print a FILE of it as it was recorded.

    `bastide evidence verify` says whether they hold.
    """
    ledger = _ledger()
    found = records(ledger)
    if number is None:
        if as_json:
            print_json([record.model_dump(mode="json") for record in found])
        else:
            show_records(found)
        return
    record = _numbered(found, number)
    if file is not None:
        click.echo(_content(ledger, record, file), nl=False)
    elif as_json:
        print_json(record.model_dump(mode="json"))
    else:
        show_record(record)


@evidence.command()
@common
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--since",
    metavar="DAY",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Raw files of records since this day (UTC) only. All records are always in.",
)
def export(*, as_json: bool, file: Path, since: datetime | None) -> None:
    """Write a pack, FILE (a zip archive) and FILE.sig, that anybody can verify with stock tools."""
    found = pack(_ledger(), {}, file, since=since.replace(tzinfo=UTC) if since else None)
    if as_json:
        print_json({"file": str(file), "signature": f"{file}.sig", "records": len(found.records)})
    else:
        click.echo(f"Wrote {file} and {file}.sig: {len(found.records)} records.", err=True)


def _ledger() -> Ledger:
    estate = loaded()
    return ledger_of(estate.estate, estate.folder)


def _look(path: Path, keys: Signers, estate: str | None) -> Verified:
    return verify_pack(path, keys, estate) if path.is_file() else verify_ledger(path, keys, estate)


def _joined(found: Verified, copy: Verified, where: Path) -> Verified:
    flaws, notes = compare(found, copy)
    flaws += tuple(replace(flaw, file=f"{where}/{flaw.file}") for flaw in copy.flaws)
    return replace(found, flaws=(*found.flaws, *flaws), notes=(*found.notes, *notes))


def _with_copies(found: Verified) -> tuple[Verified, list[Unreachable]]:
    """With what is wrong at the copies that the estate names, and which of them cannot be reached."""
    there = tuple(verified_copies(loaded(), found))
    seen = [one for one in there if isinstance(one, Verified)]
    unreached = [one for one in there if isinstance(one, Unreachable)]
    flaws = tuple(flaw for one in seen for flaw in one.flaws)
    notes = (*(note for one in seen for note in one.notes), *(one.what for one in unreached))
    return replace(found, flaws=(*found.flaws, *flaws), notes=(*found.notes, *notes)), unreached


def _verified(what: Path, found: Verified) -> dict[str, object]:
    return {
        "path": str(what),
        "holds": not found.flaws,
        "records": [
            {"number": one.number, "sha256": found.digests[one.number], "signer": found.signers[one.number]}
            for one in found.records
        ],
        "flaws": [asdict(flaw) for flaw in found.flaws],
        "notes": list(found.notes),
    }


def _numbered(found: tuple[Record, ...], number: int) -> Record:
    for record in found:
        if record.number == number:
            return record
    raise BastideError(f"there is no record {number}: the last is {found[-1].number}")


def _content(ledger: Ledger, record: Record, name: str) -> bytes:
    for attached in record.files:
        if attached.name == name:
            return content(ledger, attached)
    raise BastideError(
        f"record {record.number} has no file {name}", f"see `bastide evidence show {record.number}`"
    )
