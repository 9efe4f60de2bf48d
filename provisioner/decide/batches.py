"""In which order hosts are worked on, so that what goes wrong goes wrong where it matters least.

Site by site; in a site the guests of services first, from the tier that can wait longest to the one without
which care stops, then the nodes one at a time; the witness last. The very first host goes alone: what is
wrong everywhere is seen on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provisioner.model.estate import Estate
from provisioner.model.hosts import Batch
from provisioner.model.machine import Machine

NO_SERVICE = 4
"""The tier of guests that serve nobody yet: after tier 3, so before it in the order."""


def batches(chosen: Iterable[Machine], estate: Estate) -> tuple[Batch, ...]:
    """The machines in their order; every machine is in one batch."""
    machines = tuple(chosen)
    found = (*_sites(machines, estate), *_witnesses(machines))
    return (*_first_alone(found[0]), *found[1:]) if found else ()


def _first_alone(batch: Batch) -> Iterator[Batch]:
    yield Batch(batch.title, batch.hosts[:1])
    if len(batch.hosts) > 1:
        yield Batch(batch.title, batch.hosts[1:])


def _sites(machines: tuple[Machine, ...], estate: Estate) -> Iterator[Batch]:
    for site in estate.sites:
        here = [machine for machine in machines if machine.site == site]
        tiers: dict[int, list[str]] = {}
        for machine in here:
            if machine.kind != "node":
                tiers.setdefault(_tier(machine, estate), []).append(machine.name)
        for tier in sorted(tiers, reverse=True):
            what = "guests without a service" if tier == NO_SERVICE else f"tier {tier}"
            yield Batch(f"{site}, {what}", tuple(tiers[tier]))
        yield from (Batch(f"{site}, node {one.name}", (one.name,)) for one in here if one.kind == "node")


def _witnesses(machines: tuple[Machine, ...]) -> Iterator[Batch]:
    names = tuple(machine.name for machine in machines if machine.site is None)
    if names:
        yield Batch("witness", names)


def _tier(machine: Machine, estate: Estate) -> int:
    tiers = (service.tier for service in estate.services.values() if machine.name in service.guests)
    return min(tiers, default=NO_SERVICE)
