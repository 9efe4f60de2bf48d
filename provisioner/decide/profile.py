"""To which level of ANSSI-BP-028 a machine is hardened, and why to that one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provisioner.model.estate import Estate
from provisioner.model.hardening import Level, number
from provisioner.model.machine import Machine


@dataclass(frozen=True, slots=True)
class Profile:
    """A level, and what of the estate asks for it, such as `tier 0` or `site carpentras`."""

    level: Level
    because: str

    @property
    def number(self) -> int:
        """1 for minimal to 4 for high."""
        return number(self.level)


def profile(machine: Machine, estate: Estate) -> Profile:
    """What is nearest decides: the machine's own level, its services', its tier's, its site's, the estate's.

    Of several services the highest level counts.
    """
    return next(_asked(machine, estate))


def _asked(machine: Machine, estate: Estate) -> Iterator[Profile]:
    yield from _own(machine, estate)
    serving = {key: one for key, one in estate.services.items() if machine.name in one.guests}
    named = [
        Profile(estate.policies.hardening[one.hardening].level, f"service {key}")
        for key, one in serving.items()
        if one.hardening
    ]
    if named:
        yield max(named, key=lambda one: one.number)
    tiers = {one.tier for one in serving.values()} & estate.hardening.tiers.keys()
    if tiers:
        yield Profile(estate.hardening.tiers[min(tiers)], f"tier {min(tiers)}")
    if machine.site and (level := estate.sites[machine.site].hardening):
        yield Profile(level, f"site {machine.site}")
    yield Profile(estate.hardening.level, "the estate")


def _own(machine: Machine, estate: Estate) -> Iterator[Profile]:
    """The level that the machine's own settings name; a node goes by its own name, or by `node.site`."""
    level: Level | None = None
    if machine.kind == "node" and machine.site:
        level = estate.sites[machine.site].nodes[machine.name.removesuffix(f".{machine.site}")].hardening
    elif machine.kind == "witness" and estate.witness:
        level = estate.witness.hardening
    elif machine.name in estate.guests:
        level = estate.guests[machine.name].hardening
    if level:
        yield Profile(level, "its own")
