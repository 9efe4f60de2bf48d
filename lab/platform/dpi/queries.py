"""What the application asks of the database: one function a question, rows as named tuples."""

from __future__ import annotations

from typing import Any

from .database import Cursor

PAGE = 25


def figures(cursor: Cursor) -> Any:
    """How many patients, stays in course, results to validate and numbered writes there are."""
    return cursor.execute("""
        SELECT (SELECT count(*) FROM patients) AS patients,
               (SELECT count(*) FROM stays WHERE left_at IS NULL) AS present,
               (SELECT count(*) FROM results WHERE validated_at IS NULL) AS waiting,
               (SELECT count(*) FROM writes) AS writes
    """).fetchone()


def occupation(cursor: Cursor) -> list[Any]:
    """Each unit with its beds and how many are taken."""
    return cursor.execute("""
        SELECT units.name, beds, count(stays.number) AS taken FROM units
        LEFT JOIN stays ON stays.unit = units.name AND left_at IS NULL GROUP BY units.name ORDER BY units.name
    """).fetchall()


def admissions(cursor: Cursor, limit: int = 8) -> list[Any]:
    """The latest stays in course, newest first."""
    return cursor.execute(
        """
        SELECT admitted_at, unit, reason, ipp, family_name, first_name FROM stays JOIN patients USING (ipp)
        WHERE left_at IS NULL ORDER BY admitted_at DESC, number LIMIT %s
        """,
        (limit,),
    ).fetchall()


def patients(cursor: Cursor, sought: str, page: int) -> list[Any]:
    """A page of patients whose name or IPP begins with `sought`, and one more if another page follows."""
    begins = sought.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    return cursor.execute(
        """
        SELECT ipp, family_name, first_name, sex, born, town,
               (SELECT unit FROM stays WHERE stays.ipp = patients.ipp AND left_at IS NULL) AS unit
        FROM patients
        WHERE family_name ILIKE %(begins)s OR first_name ILIKE %(begins)s OR ipp ILIKE %(begins)s
              OR family_name || ' ' || first_name ILIKE %(begins)s
        ORDER BY family_name COLLATE "fr-x-icu", first_name COLLATE "fr-x-icu", ipp
        LIMIT %(limit)s OFFSET %(offset)s
        """,
        {"begins": begins, "limit": PAGE + 1, "offset": (page - 1) * PAGE},
    ).fetchall()


def patient(cursor: Cursor, ipp: str) -> Any:
    """One patient, None if there is none of that IPP."""
    return cursor.execute(
        "SELECT ipp, family_name, first_name, sex, born, town FROM patients WHERE ipp = %s", (ipp,)
    ).fetchone()


def stays(cursor: Cursor, ipp: str) -> list[Any]:
    """A patient's stays, newest first."""
    return cursor.execute(
        """
        SELECT number, unit, reason, admitted_at, left_at FROM stays WHERE ipp = %s ORDER BY admitted_at DESC
        """,
        (ipp,),
    ).fetchall()


def results(cursor: Cursor, ipp: str) -> list[Any]:
    """A patient's results with what is normal, newest first."""
    return cursor.execute(
        """
        SELECT number, code, label, value, analyses.unit, low, high,
               value NOT BETWEEN low AND high AS abnormal, taken_at, validated_at
        FROM results JOIN analyses USING (code) WHERE ipp = %s ORDER BY taken_at DESC, number DESC
        """,
        (ipp,),
    ).fetchall()


def analyses(cursor: Cursor) -> list[Any]:
    """All analyses, by label."""
    return cursor.execute("SELECT code, label, unit, low, high FROM analyses ORDER BY label").fetchall()


def work_list(cursor: Cursor) -> list[Any]:
    """Results that wait to be validated, oldest first."""
    return cursor.execute(
        """
        SELECT results.number, ipp, family_name, first_name, label, value, analyses.unit, low, high,
               value NOT BETWEEN low AND high AS abnormal, taken_at
        FROM results JOIN analyses USING (code) JOIN patients USING (ipp)
        WHERE validated_at IS NULL ORDER BY taken_at, results.number LIMIT 200
        """
    ).fetchall()


def add_result(cursor: Cursor, ipp: str, code: str, value: float) -> int | None:
    """Write a result of now; its number, or None if there is no such patient or analysis."""
    row = cursor.execute(
        """
        INSERT INTO results (ipp, code, value, taken_at)
        SELECT ipp, code, %s, now() FROM patients, analyses WHERE ipp = %s AND code = %s RETURNING number
        """,
        (value, ipp, code),
    ).fetchone()
    return row.number if row else None


def validate(cursor: Cursor, number: int) -> bool:
    """Take a result off the work list. False if there is no such result; twice does no harm."""
    done = cursor.execute(
        "UPDATE results SET validated_at = coalesce(validated_at, now()) WHERE number = %s", (number,)
    )
    return done.rowcount == 1


def write(cursor: Cursor, run: str, number: int) -> bool:
    """Write one numbered record of a load run. False if it was there already."""
    done = cursor.execute(
        "INSERT INTO writes (run, number) VALUES (%s, %s) ON CONFLICT DO NOTHING", (run, number)
    )
    return done.rowcount == 1


def writes(cursor: Cursor, run: str, after: int, limit: int) -> list[Any]:
    """Numbered records of a run above `after`, in order."""
    return cursor.execute(
        "SELECT number, written_at FROM writes WHERE run = %s AND number > %s ORDER BY number LIMIT %s",
        (run, after, limit),
    ).fetchall()


def server(cursor: Cursor) -> Any:
    """The server's version, its clock, and whether it only follows another one."""
    return cursor.execute("""
        SELECT current_setting('server_version') AS version, now() AS clock, pg_is_in_recovery() AS standby,
               current_database() AS name, (SELECT max(written_at) FROM writes) AS last_write
    """).fetchone()
