"""The journal of an apply: one JSON line per event, on disk before the next event begins."""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from provisioner.errors import BastideError

FOLDER = ".bastide/journal"


class Journal:
    """An append-only record of what was sent and what came of it; it never holds a secret.

    Every line has `at` (ISO 8601, UTC) and `event`; the file is of mode 0600 and is synced line by line.
    Raises BastideError if the file cannot be written, before anything was sent.
    """

    def __init__(self, estate_folder: Path, digest: str) -> None:
        started = datetime.now(UTC)
        self.path = estate_folder / FOLDER / f"{started:%Y%m%dT%H%M%S}-{digest[:8]}-{os.getpid()}.jsonl"
        self._lock = threading.Lock()
        self._file = _open(self.path)

    def write(self, event: str, **fields: object) -> None:
        """Append one event. Raises BastideError if the disk does not take it."""
        line = json.dumps({"at": datetime.now(UTC).isoformat(), "event": event, **fields}, default=str)
        with self._lock:
            try:
                self._file.write(line + "\n")
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                raise BastideError(
                    f"the journal {self.path} cannot be written: {error.strerror}",
                    "make room on that disk; what was sent so far is in the journal and stays",
                ) from error

    def close(self) -> None:
        """Close the file; the journal stays."""
        self._file.close()


def _open(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")
    except OSError as error:
        raise BastideError(
            f"the journal {path} cannot be written: {error.strerror}",
            "nothing was sent; make the estate's folder writable",
        ) from error
