"""XLSX workbooks in which every word is text: what hosts said may look like a formula, and never is one."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font

from provisioner.model.finding import Audit
from provisioner.report.values import cut, printable

Row = tuple[str | int, ...]
LONGEST = 32_000
"""Characters of a cell: spreadsheets take 32,767."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table under its titles."""

    title: str
    columns: tuple[str, ...]
    rows: Iterable[Row]


def workbook(audit: Audit, *sheets: Sheet) -> bytes:
    """The sheets as an XLSX file that bears the time of the audit."""
    book = Workbook(write_only=True)
    book.properties.creator = "Bastide"
    book.properties.title = f"{printable(audit.estate)} {audit.at.date()}"
    book.properties.created = book.properties.modified = audit.at.astimezone(UTC).replace(tzinfo=None)
    for sheet in sheets:
        _write(book, sheet)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _write(book: Workbook, sheet: Sheet) -> None:
    page = book.create_sheet(sheet.title)
    page.freeze_panes = "A2"
    for number, told in enumerate(sheet.columns):
        page.column_dimensions[chr(ord("A") + number)].width = max(12, min(60, 3 * len(told)))
    page.append([_cell(page, told, bold=True) for told in sheet.columns])
    for row in sheet.rows:
        page.append([_cell(page, value) for value in row])


def _cell(page: Any, value: str | int, *, bold: bool = False) -> Any:
    text = "\n".join(printable(line) for line in cut(str(value), LONGEST).split("\n"))
    cell = WriteOnlyCell(page, value if isinstance(value, int) else text)
    if isinstance(value, str):
        cell.data_type = "s"  # text, even where it begins with an equals sign
    cell.font = Font(bold=bold)
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    return cell
