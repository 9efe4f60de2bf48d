"""Transactions: one connection a thread, made anew when the server has gone and come back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

Cursor = psycopg.Cursor[Any]
"""A cursor whose rows are named tuples."""

PATIENCE_MS = 5000


class Unavailable(Exception):
    """The database cannot be reached, or does not take writes now. Says why, in one line."""


class Unfit(Exception):
    """A text that no database holds, such as one with a zero byte."""


class Database:
    """The clinic's database, for several threads. `conninfo` is libpq's."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._of_thread = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """A cursor in a transaction, committed at the end: only then may a write be acknowledged.

        Raises Unfit, and Unavailable. Whether a write whose commit got no answer exists is then unknown.
        """
        try:
            connection = self._connection()
            with connection.transaction(), connection.cursor() as cursor:
                yield cursor
        except (psycopg.DataError, UnicodeEncodeError) as problem:
            raise Unfit from problem
        except psycopg.errors.ReadOnlySqlTransaction as standby:
            raise Unavailable("la base est en lecture seule") from standby
        except psycopg.OperationalError as problem:
            self._drop()
            raise Unavailable(str(problem).strip().splitlines()[0]) from problem

    def _connection(self) -> psycopg.Connection[Any]:
        """The thread's connection, if its server still answers, else a new one."""
        known: psycopg.Connection[Any] | None = getattr(self._of_thread, "connection", None)
        if known is not None:
            try:
                known.execute("SELECT 1")
            except psycopg.OperationalError:
                self._drop()
            else:
                return known
        self._of_thread.connection = psycopg.connect(
            self._conninfo,
            autocommit=True,
            connect_timeout=PATIENCE_MS // 1000,
            options=f"-c statement_timeout={PATIENCE_MS} -c timezone=Europe/Paris",
            row_factory=namedtuple_row,
        )
        made: psycopg.Connection[Any] = self._of_thread.connection
        return made

    def _drop(self) -> None:
        known = self._of_thread.__dict__.pop("connection", None)
        if known is not None:
            known.close()
