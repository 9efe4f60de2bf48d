"""Files that are wholly on disk or not at all, also when power fails in the middle."""

from __future__ import annotations

import os
from pathlib import Path

READ_ONLY = 0o400
"""Evidence is not edited; the folder's mode keeps others out."""


def write(path: Path, content: bytes, *, mode: int = READ_ONLY) -> None:
    """A new file with its content on disk; its name is, once `sync` was called for its folder.

    Raises OSError; what was written of the file is left for the caller to remove.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, content: bytes, *, mode: int) -> None:
    """A file that has its old content, or none, until it has the new one. Raises OSError."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    write(draft, content, mode=mode)
    draft.rename(path)
    sync(path.parent)


def sync(*folders: Path) -> None:
    """Let the names in these folders be on disk."""
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
