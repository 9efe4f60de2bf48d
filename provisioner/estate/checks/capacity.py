"""Memory: what a site has left without its largest nodes, and what it can take over from the other."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.estate.checks.services import CRITICAL
from provisioner.estate.checks.view import Trail, View, counted
from provisioner.estate.faults import Fault
from provisioner.model.base import GIB
from provisioner.model.guest import Ct, Vm
from provisioner.model.service import Service


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / GIB:.4g} GiB"


def _runs(guest: Vm | Ct) -> bool:
    """Whether a guest takes memory in ordinary life."""
    return not guest.template and (guest.started or guest.onboot)


def spare_nodes(view: View) -> Iterator[Fault]:
    """Sites whose guests need more memory than is left after losing as many nodes as they should bear."""
    for key, site in view.estate.sites.items():
        spare = min(site.spare_nodes, len(site.nodes) - 1)
        if not spare or not view.intact("sites", key, "nodes"):
            continue
        memory = sorted(node.memory_bytes for node in site.nodes.values())
        left = sum(memory[: len(memory) - spare])
        needed = sum(guest.memory_bytes for guest in view.by_site[key].values() if _runs(guest))
        if needed > left:
            message = (
                f"the guests of {key} need {_gib(needed)} of memory, and {_gib(left)} is left "
                f"after losing {'its largest node' if spare == 1 else f'its {spare} largest nodes'}"
            )
            path: Trail = ("sites", key, "nodes")
            yield Fault(
                path, message, "move or shrink guests, add memory, or accept it with `spare_nodes: 0`"
            )


def takeover(view: View) -> Iterator[Fault]:
    """Sites that could not carry tiers 0 and 1 of the other together with their own."""
    for key, site in view.estate.sites.items():
        coming = _coming(view, key)
        if not coming or not view.intact("sites", key, "nodes"):
            continue
        own = {name for service in _critical(view) for name in service.guests} & set(view.by_site[key])
        total = sum(node.memory_bytes for node in site.nodes.values())
        needed = sum(view.estate.guests[name].memory_bytes for name in own | coming)
        if needed > total:
            message = (
                f"tiers 0 and 1 do not fit at {key} when it takes over: with {counted(len(coming), 'guest')} "
                f"of the other site they need {_gib(needed)} of memory, and its nodes have {_gib(total)}"
            )
            yield Fault(("sites", key, "nodes"), message, "add memory, or take services out of these tiers")


def _critical(view: View) -> Iterator[Service]:
    return (service for service in view.estate.services.values() if service.tier <= CRITICAL)


def _coming(view: View, site: str) -> set[str]:
    """The guests of tiers 0 and 1 that come to a site when the other is lost."""
    found: set[str] = set()
    for service in _critical(view):
        guests = {name for name in service.guests if name in view.estate.guests}
        away = {name for name in guests if view.estate.guests[name].site != site}
        only_other = service.recovers_at is None and away == guests and len(view.estate.sites) == 2  # noqa: PLR2004 - the other site is plain
        if service.recovers_at == site or only_other:
            found |= away
    return found


CHECKS = (spare_nodes, takeover)
