"""Files that are whole or as they were before: nobody reads half of one, also when the disk is full."""

from __future__ import annotations

import os
from pathlib import Path


def save(file: Path, content: bytes) -> None:
    """Write a file at once. Raises OSError, and then the file is as it was and nothing is left beside it."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
