"""Whether new guests find room when the largest node of their site is lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provisioner.model.base import format_size
from provisioner.model.estate import Estate
from provisioner.model.objects import Observed
from provisioner.model.observation import Observation
from provisioner.model.plan import Action, Blocker, Plan, Step

GIB = 1024**3


def no_room(plan: Plan, seen: Mapping[str, Observation], estate: Estate) -> Iterable[Blocker]:
    """A blocker for each site whose running and new guests need more memory than it keeps without a node."""
    for site in sorted(seen):
        created = [
            step for step in plan.steps if step.ref.site == site and step.change.action is Action.CREATE
        ]
        needed = {step.ref: _memory(step, estate) for step in created}
        asked = sum(needed.values())
        held = sum(map(_held, seen[site].objects.values()))
        kept = _kept(seen[site], estate)
        if asked and asked + held > kept:
            yield Blocker(
                f"{site} has no room: its new guests need {_size(asked)} of memory, those that run hold "
                f"{_size(held)}, and without its largest node it has {_size(kept)}",
                "make guests smaller, place some on the other site, or bring nodes back",
                refs=tuple(ref for ref, size_bytes in needed.items() if size_bytes),
            )


def _memory(step: Step, estate: Estate) -> int:
    """The memory that a new guest will take, in bytes; 0 if it is not to run, or is no guest."""
    if step.ref.kind not in {"vm", "ct"}:
        return 0
    guests = (guest for _, guest in estate.guests_of(step.ref.site) if str(guest.vmid) == step.ref.id)
    return sum(guest.memory_bytes for guest in guests if guest.started and not guest.template)


def _held(seen: Observed) -> int:
    memory = seen.active.get("memory", seen.attributes.get("memory"))
    return memory if seen.running and isinstance(memory, int) else 0


def _kept(seen: Observation, estate: Estate) -> int:
    """Memory of the nodes that are online without the largest, in bytes; a single node has no other."""
    declared = estate.sites[seen.site].nodes
    sizes = sorted(
        node.memory_bytes or (declared[node.name].memory_bytes if node.name in declared else 0)
        for node in seen.nodes
        if node.online
    )
    return sum(sizes[:-1]) if len(sizes) > 1 else sum(sizes)


def _size(size_bytes: int) -> str:
    """Gibibytes with one decimal where they are not whole."""
    return format_size(size_bytes) if size_bytes % GIB == 0 else f"{size_bytes / GIB:.1f}G"
