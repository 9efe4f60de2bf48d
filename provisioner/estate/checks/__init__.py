"""What must hold between the parts of an estate, each check a pure function from a view to faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from provisioner.estate.checks.view import View
from provisioner.estate.faults import Fault

CHECKS: tuple[Callable[[View], Iterator[Fault]], ...] = ()


def meaning_of(view: View) -> Iterator[Fault]:
    """The faults that every check finds."""
    for check in CHECKS:
        yield from check(view)
