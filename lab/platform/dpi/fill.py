"""`python3 -m dpi.fill CA`: give a clinic's database its tables and, if it has no patients yet, its rows.

One transaction: a database is whole or untouched. The connection is the environment's DPI_DATABASE.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import psycopg

from .catalogue import ANALYSES, UNITS
from .invent import clinic

SCHEMA = Path(__file__).with_name("schema.sql")
LOCK = 1431  # any number: two fillings at once wait for each other


def fill(connection: psycopg.Connection[Any], prefix: str, patients: int = 3000) -> int:
    """Make tables and rows; how many patients were added, 0 if some were there already."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        cursor.execute(SCHEMA.read_bytes())
        if cursor.execute("SELECT 1 FROM patients LIMIT 1").fetchone():
            return 0
        born = clinic(prefix, patients)
        _copy(cursor, "units (name, beds)", [(unit.name, unit.beds) for unit in UNITS])
        _copy(cursor, "analyses (code, label, unit, low, high)", [test[:5] for test in ANALYSES])
        _copy(cursor, "patients (ipp, family_name, first_name, sex, born, town)", born.patients)
        _copy(cursor, "stays (number, ipp, unit, reason, admitted_at, left_at)", born.stays)
        _copy(cursor, "results (ipp, code, value, taken_at, validated_at)", born.results)
    return len(born.patients)


def _copy(cursor: psycopg.Cursor[Any], into: str, rows: Any) -> None:
    with cursor.copy(f"COPY {into} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)


def main(words: list[str]) -> None:
    """Fill the database that DPI_DATABASE names."""
    if len(words) != 1 or not words[0].isalpha():
        sys.exit("usage: python3 -m dpi.fill PREFIX   (the letters that each IPP of the clinic begins with)")
    with psycopg.connect(os.environ.get("DPI_DATABASE", "dbname=dpi")) as connection:
        added = fill(connection, words[0].upper())
    print(f"{added} patients added")  # noqa: T201 - the journal of the first start


if __name__ == "__main__":
    main(sys.argv[1:])
