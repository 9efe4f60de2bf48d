"""Write the estate of clusters that already run: what is seen becomes YAML; a plan after it is empty."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioner.errors import Refused, Unreachable
from provisioner.estate.load import Loaded
from provisioner.model.base import format_size
from provisioner.model.objects import Observed
from provisioner.model.observation import Observation
from provisioner.resources.catalogue import KINDS
from provisioner.resources.kind import Fragment
from provisioner.workflows.lock import POOL
from provisioner.workflows.sites import OpenSite
from provisioner.workflows.survey import Survey, survey_all


def adopt(loaded: Loaded, sites: Iterable[OpenSite]) -> Fragment:
    """The document of an estate whose sites are as they are seen now.

    What Proxmox VE knows nothing of is kept from the estate that tells how to reach the sites: policies,
    windows, contacts, and services whose guests all exist. Raises Unreachable if a site does not answer,
    Refused if a part of it could not be observed: a partial adoption would mislead.
    """
    current = loaded.estate.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    document = {key: value for key, value in current.items() if key not in {"sites", "guests", "services"}}
    document["sites"], document["guests"] = {}, {}
    for name, seen in survey_all(sites, {}, everything=True).items():
        document["sites"][name], guests = _site(name, seen, current["sites"][name])
        _add_guests(document["guests"], guests, name)
    services = current.get("services", {})
    kept = {name: one for name, one in services.items() if set(one["guests"]) <= set(document["guests"])}
    return {**document, "services": kept} if kept else document


def _site(name: str, seen: Survey, current: Fragment) -> tuple[Fragment, Fragment]:
    if seen.scope is None:
        raise Unreachable(name, next(iter(seen.observation.unknown.values()), "no answer"))
    if unknown := seen.observation.unknown:
        parts = "; ".join(f"{ref.kind}/{ref.id}: {why}" for ref, why in sorted(unknown.items()))
        raise Refused(f"{name} could not be observed wholly: {parts}", "adopt when all of it can be read")
    merged: Fragment = {}
    for kind in KINDS:
        objects = tuple(
            one for one in _sorted(seen) if one.ref.kind == kind.traits.kind and one.ref.id != POOL
        )
        _merge(merged, _apart(kind.adopt(seen.scope, objects), merged.get("guests", {})))
    guests: dict[str, Any] = merged.pop("guests", {})
    names = {str(guest["vmid"]): name for name, guest in guests.items() if "vmid" in guest}
    whole = _frame(current, seen.observation)
    _merge(whole, _named(merged, names))
    return whole, _joined(guests, names)


def _apart(part: Fragment, known: Fragment) -> Fragment:
    """A container that has the name of a virtual machine gets its VMID behind its key."""
    guests: Fragment = {}
    for name, guest in part.get("guests", {}).items():
        twin = "vmid" in guest and name in known
        guests[f"{name}-{guest['vmid']}" if twin else name] = {"name": name, **guest} if twin else guest
    return {**part, "guests": guests} if guests else part


def _sorted(seen: Survey) -> list[Observed]:
    return [seen.observation.objects[ref] for ref in sorted(seen.observation.objects)]


def _frame(current: Fragment, observation: Observation) -> Fragment:
    """What a site needs besides its objects: how it is reached, and its nodes with what they carry."""
    kept: Fragment = {key: current[key] for key in ("title", "cluster", "version", "api") if key in current}
    declared = current.get("nodes", {})
    nodes: Fragment = {}
    for node in observation.nodes:
        capacity = {"memory": format_size(node.memory_bytes), "cores": node.cores} if node.online else {}
        address = declared.get(node.name, {}).get("address")
        nodes[node.name] = {**({"address": address} if address else {}), **capacity}
    return {**kept, "nodes": nodes}


def _merge(into: Fragment, part: Fragment) -> None:
    for key, value in part.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _joined(guests: dict[str, Any], names: dict[str, str]) -> Fragment:
    """What other kinds say of a guest stands under its VMID; bring it under its name."""
    joined = {name: guest for name, guest in guests.items() if "vmid" in guest}
    for vmid, part in guests.items():
        if vmid in names:
            _merge(joined[names[vmid]], part)
    return joined


def _named(site: Fragment, names: dict[str, str]) -> Fragment:
    """Replace VMIDs by names in high-availability rules and backup jobs."""
    for group in (site.get("ha", {}).get("rules", {}), site.get("backups", {})):
        for one in group.values():
            for key in ("guests", "exclude"):
                if key in one:
                    one[key] = [names.get(str(vmid), str(vmid)) for vmid in one[key]]
    return site


def _add_guests(guests: Fragment, found: Fragment, site: str) -> None:
    """Guests of both sites share one list of names; a name that is taken gets its VMID or site behind it."""
    for name, guest in found.items():
        candidates = (name, f"{name}-{guest['vmid']}", f"{name}-{site}")
        free = next(one for one in candidates if one not in guests)
        named = {"name": name} if free != name else {}
        guests[free] = {"vmid": guest["vmid"], "site": site, **named, **guest}
