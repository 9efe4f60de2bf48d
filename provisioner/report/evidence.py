"""The ledger as people read it: its records, and what a verification found."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from provisioner.model.evidence import Record, Verified
from provisioner.report.console import prose
from provisioner.report.values import printable


def show_records(records: Iterable[Record], console: Console | None = None) -> None:
    """One line per record, to stdout."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("record", "time (UTC)", "kind", "scope", "operator", "files", "about"):
        table.add_column(title, justify="right" if title in {"record", "files"} else "left")
    for record in records:
        table.add_row(
            str(record.number),
            f"{record.time:%Y-%m-%d %H:%M:%S}",
            record.kind,
            record.scope,
            printable(record.operator),
            str(len(record.files)),
            printable(about(record)),
        )
    (console or prose(to_stderr=False)).print(table)


def show_record(record: Record, console: Console | None = None) -> None:
    """One record with its files, to stdout."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("record", f"{record.number} of {record.estate}")
    table.add_row("time", f"{record.time:%Y-%m-%d %H:%M:%S} UTC")
    table.add_row("kind", f"{record.kind}, {record.scope}")
    table.add_row("operator", printable(record.operator))
    table.add_row("versions", printable(", ".join(f"{name} {one}" for name, one in record.versions.items())))
    table.add_row("about", printable(about(record)))
    table.add_row("previous", record.previous or "none: it is the first")
    for attached in record.files:
        table.add_row("file", f"{attached.name}  {attached.size_bytes} bytes  {attached.sha256}")
    (console or prose(to_stderr=False)).print(table)


def about(record: Record) -> str:
    """The summary of a record in one line."""
    return ", ".join(f"{key} {value}" for key, value in record.about.items())


def show_verified(what: str, found: Verified, console: Console | None = None) -> None:
    """Every flaw and note, then the sum, to stderr. Lines are not wrapped, so that they can be searched."""
    out = console or prose()
    for flaw in found.flaws:
        out.print(Text(printable(str(flaw)), style="red"), soft_wrap=True)
    for note in found.notes:
        out.print(Text(printable(f"note: {note}"), style="yellow"), soft_wrap=True)
    if found.flaws:
        return
    last = found.records[-1]
    by = ", ".join(sorted(set(found.signers.values())))
    count = f"{len(found.records)} record{'s' if len(found.records) != 1 else ''}"
    text = f"{what} holds: {count}, signed by {by}, the last of {last.time:%Y-%m-%d %H:%M:%S} UTC"
    out.print(Text(printable(f"{text} ({found.digests[last.number]})"), style="green"), soft_wrap=True)
