"""What the checks look at: an estate, perhaps with gaps, and what was written even where it is broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from provisioner.estate.source import Step
from provisioner.model.estate import Estate
from provisioner.model.guest import Ct, Vm
from provisioner.model.site import Site


@dataclass(frozen=True)
class View:
    """An estate under examination; `written` is the document before anything broken was left out."""

    estate: Estate
    written: Mapping[str, Any]
    wanting: frozenset[tuple[Step, ...]]
    folder: Path
    now: datetime
    """Aware; decides what has expired."""

    def names(self, *path: str) -> frozenset[str]:
        """The keys written in a mapping of the document, the broken ones included."""
        here: Any = self.written
        for step in path:
            here = here.get(step) if isinstance(here, Mapping) else None
        return frozenset(here) if isinstance(here, Mapping) else frozenset()

    def intact(self, *path: Step) -> bool:
        """Whether nothing was left out at a path, above it or below it."""
        return not any(gap[: len(path)] == path or path[: len(gap)] == gap for gap in self.wanting if gap)

    @cached_property
    def guests_by_site(self) -> Mapping[str, Mapping[str, Vm | Ct]]:
        """The guests of each site that was written."""
        found: dict[str, dict[str, Vm | Ct]] = {site: {} for site in self.estate.sites}
        for name, guest in self.estate.guests.items():
            found.setdefault(guest.site, {})[name] = guest
        return found

    def guests(self) -> Iterator[tuple[str, Vm | Ct, Site]]:
        """Every guest whose site is known and whole enough to compare it with."""
        for name, guest in self.estate.guests.items():
            site = self.estate.sites.get(guest.site)
            if site is not None:
                yield name, guest, site
