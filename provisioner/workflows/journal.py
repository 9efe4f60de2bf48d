"""The journal of an apply: one JSON line per event, on disk before the next event begins."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from provisioner.errors import BastideError, Refused

FOLDER = ".bastide/journal"


class Journal:
    """An append-only record of what was sent and what came of it; it never holds a secret.

    Every line has `at` (ISO 8601, UTC) and `event`; the file is of mode 0600. A line is on disk when `write`
    returns; threads that write at the same moment share one sync.
    The first line is `begin`, with the digest of the plan and `about`.

    Raises Refused if that cannot be written: then nothing was sent.
    """

    def __init__(self, estate_folder: Path, digest: str, **about: object) -> None:
        started = datetime.now(UTC)
        self.path = estate_folder / FOLDER / f"{started:%Y%m%dT%H%M%S}-{digest[:8]}-{os.getpid()}.jsonl"
        self._writing, self._syncing = threading.Lock(), threading.Lock()
        self._written = self._synced = 0
        try:
            self._file = _open(self.path)
            self._append("begin", {"digest": digest, **about})
        except OSError as error:
            raise Refused(
                f"the journal {self.path} cannot be written, and nothing was sent: {error.strerror}",
                "every apply leaves a record: make room, or let the estate's folder be written to",
            ) from error

    def write(self, event: str, **fields: object) -> None:
        """Append one event. Raises BastideError if the disk does not take it."""
        try:
            self._append(event, fields)
        except OSError as error:
            raise BastideError(
                f"the journal {self.path} takes no more, and nothing more is sent: {error.strerror}",
                "make room on that disk and run the same command again: it goes on from where it stands",
            ) from error

    def close(self) -> None:
        """Close the file; the journal stays."""
        os.close(self._file)

    def _append(self, event: str, fields: Mapping[str, object]) -> None:
        """One line in one write: a buffer would try again, at the end, what the disk refused."""
        entry = {"at": datetime.now(UTC).isoformat(), "event": event, **fields}
        line = f"{json.dumps(entry, default=str)}\n".encode()
        with self._writing:
            while line:
                line = line[os.write(self._file, line) :]
            self._written += 1
            mine = self._written
        with self._syncing:
            if self._synced < mine:
                covered = self._written
                os.fsync(self._file)
                self._synced = covered


def _open(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
