"""Hosts that are worked on, and what is seen of them meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "changed", "failed", "unreachable", "skipped"]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one task did, or would do, on one host; `diff` is unified, `message` what it said for itself."""

    host: str
    role: str
    task: str
    state: State
    diff: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Hosts that are worked on together, and what they are, such as `carpentras, tier 0`."""

    title: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HostOutcome:
    """What became of one host: what was changed, and what went wrong if anything did.

    `came_back` tells that the host took changes of its access back by itself.
    """

    host: str
    title: str
    changes: tuple[Seen, ...] = ()
    trouble: Seen | None = None
    came_back: bool = False

    @property
    def word(self) -> str:
        """How it stands, in a word."""
        if self.came_back:
            return "rolled back"
        if self.trouble:
            return "unreachable" if self.trouble.state == "unreachable" else "failed"
        return "changed" if self.changes else "unchanged"
