"""What must hold between the parts of an estate, each check a function from a view to faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from provisioner.estate.checks import (
    access,
    addresses,
    calendar,
    capacity,
    firewall,
    high_availability,
    identity,
    jobs,
    networks,
    placement,
    removals,
    secret_files,
    services,
    storages,
)
from provisioner.estate.checks.view import View
from provisioner.estate.faults import Fault

CHECKS: tuple[Callable[[View], Iterator[Fault]], ...] = (
    *identity.CHECKS,
    *addresses.CHECKS,
    *placement.CHECKS,
    *networks.CHECKS,
    *storages.CHECKS,
    *high_availability.CHECKS,
    *services.CHECKS,
    *capacity.CHECKS,
    *jobs.CHECKS,
    *access.CHECKS,
    *firewall.CHECKS,
    *calendar.CHECKS,
    *removals.CHECKS,
    *secret_files.CHECKS,
)


ADVICE = frozenset(
    {
        identity.host_names,
        addresses.one_gateway,
        access.root_only,
        firewall.lockout,
        firewall.unfiltered,
        services.tiers,
        services.losses,
        services.unprotected,
        *capacity.CHECKS,
    }
)
"""What they find is unwise, and yet an estate can be meant so: a cluster that was adopted is as it is."""


def meaning_of(view: View) -> Iterator[tuple[Fault, bool]]:
    """The faults that every check finds, and whether they are advice only."""
    for check in CHECKS:
        for fault in check(view):
            yield fault, fault.advice or check in ADVICE
