"""What the checks look at: an estate, perhaps with gaps, and what was written even where it is broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from provisioner.estate.faults import Fault
from provisioner.estate.source import Step
from provisioner.estate.vocabulary import suggestion
from provisioner.model.estate import Estate
from provisioner.model.guest import Ct, Vm
from provisioner.model.site import Site

Trail: TypeAlias = tuple[Step, ...]
_LISTED = 8


@dataclass(frozen=True)
class View:
    """An estate under examination; `written` is the document before anything broken was left out."""

    estate: Estate
    written: Mapping[str, Any]
    wanting: frozenset[Trail]
    """Where something broken was left out, so that nothing can be concluded from an absence."""
    folder: Path
    now: datetime
    """Aware; decides what has expired."""

    def names(self, *path: str) -> frozenset[str]:
        """The keys written in a mapping of the document, the broken ones included."""
        if path not in self._names:
            here: Any = self.written
            for step in path:
                here = here.get(step) if isinstance(here, Mapping) else None
            self._names[path] = frozenset(here) if isinstance(here, Mapping) else frozenset()
        return self._names[path]

    @cached_property
    def _names(self) -> dict[Trail, frozenset[str]]:
        return {}

    def intact(self, *path: Step) -> bool:
        """Whether nothing was left out at a path, above it or below it."""
        return not any(gap[: len(path)] == path or path[: len(gap)] == gap for gap in self.wanting if gap)

    @cached_property
    def by_site(self) -> Mapping[str, Mapping[str, Vm | Ct]]:
        """The guests of each site by name, sites that nobody knows included."""
        found: dict[str, dict[str, Vm | Ct]] = {site: {} for site in self.estate.sites}
        for name, guest in self.estate.guests.items():
            found.setdefault(guest.site, {})[name] = guest
        return found

    def guests(self) -> Iterator[tuple[str, Vm | Ct, Site]]:
        """Every guest whose site is sound enough to compare it with."""
        for name, guest in self.estate.guests.items():
            site = self.estate.sites.get(guest.site)
            if site is not None:
                yield name, guest, site


def unknown(path: Trail, what: str, name: str, known: Iterable[str], *, add: str = "") -> Fault:
    """The fault of a name that nothing bears; `add` says how to make it known."""
    names = sorted(known)
    hint = suggestion(name, names)
    if not hint:
        listed = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
        hint = add or (f"known: {listed}" if names else "none is declared")
    return Fault(path, f"{what} `{name}` is unknown", hint)


def counted(number: int, noun: str) -> str:
    """`1 node`, `3 nodes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
