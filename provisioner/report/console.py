"""Where prose is printed; rich obeys `NO_COLOR` and the width of the terminal."""

from __future__ import annotations

from rich.console import Console


def prose(*, to_stderr: bool = True) -> Console:
    """A console that adds no colours of its own to numbers and paths, and reads no markup in names."""
    return Console(stderr=to_stderr, highlight=False, markup=False, emoji=False)
