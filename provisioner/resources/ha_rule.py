"""HA rules of Proxmox VE 9 (PVE::API2::HA::Rules): where guests run, and which stay together or apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Value, Work
from provisioner.model.site import NodeAffinity, ResourceAffinity
from provisioner.resources.fields import ENABLED, FLAG, LIST, Field, Fields, brief, wanted
from provisioner.resources.guest_place import planned
from provisioner.resources.ha_nodes import HA_NODES
from provisioner.resources.ha_resource import RULES_SINCE, sid
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.section import Section, section_calls, section_seen

TRAITS = Traits(kind="ha_rule", title="HA rule", rank=75, immutable=("type",))
PATH = "/cluster/ha/rules"
NODE, RESOURCE = "node-affinity", "resource-affinity"
COMMON: Fields = (
    Field("type", "type"),
    Field("enabled", "disable", ENABLED, default=True),
    Field("comment", "comment", default=""),
)
NO_NODES_YET = "rule defines more resources than available nodes"
"""Until its manager has looked round for the first time, high availability knows of no node (observed)."""
RESOURCES = Field("guests", "resources", LIST, ())
OWN: Mapping[str, Fields] = {
    NODE: (Field("nodes", "nodes", HA_NODES), Field("strict", "strict", FLAG, default=False)),
    RESOURCE: (Field("affinity", "affinity"),),
}
MODELS: Mapping[str, type[NodeAffinity | ResourceAffinity]] = {NODE: NodeAffinity, RESOURCE: ResourceAffinity}


def reads(scope: Scope) -> tuple[str, ...]:
    """The list of rules, where there are any."""
    return (PATH,) if scope.version >= RULES_SINCE else ()


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """Rules of both types; the resources are in `guests`."""
    return tuple(
        section_seen(scope, row, kind="ha_rule", key="rule", fields=_fields(row["type"]))
        for row in answers.get(PATH, ())
    )


def _fields(kind: str) -> Fields:
    return (*COMMON, *OWN.get(kind, ()), RESOURCES)


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The rules of a site that runs Proxmox VE 9; their guests must be under high availability first."""
    here = estate.sites[site]
    sids = _sids(estate, site)
    return tuple(
        Desired(
            ref=Ref(site, "ha_rule", name),
            label=name,
            attributes={
                **wanted((*COMMON, *OWN[rule.type]), rule),
                "guests": (guests := _resources(rule.guests, sids)),
            },
            requires=frozenset(Ref(site, "ha_resource", str(guest)) for guest in guests),
        )
        for name, rule in here.ha.rules.items()
        if here.version >= RULES_SINCE
    )


def _sids(estate: Estate, site: str) -> dict[str, str]:
    numbers = {place.vmid: sid(ref) for _, ref, place in planned(estate, site)}
    return {name: numbers[str(guest.vmid)] for name, guest in estate.guests_of(site)}


def _resources(names: tuple[str, ...], sids: Mapping[str, str]) -> tuple[Value, ...]:
    return tuple(sorted(sids[name] for name in names if name in sids))


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a rule; every PUT says the type."""
    known = work.desired or work.observed
    if known is None:
        return ()
    fields = _fields(str(known.attributes["type"]))
    section = Section(PATH, "rule", fields, lanes=("domain-ha",), repeated=("type",), passing=(NO_NODES_YET,))
    return section_calls(section, work)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `ha.rules` of a site, with VMIDs for names of guests."""
    rules = {one.ref.id: _described(one) for one in seen if one.attributes["type"] in MODELS}
    return {"ha": {"rules": rules}} if rules else {}


def _described(rule: Observed) -> dict[str, Any]:
    kind, guests = str(rule.attributes["type"]), rule.attributes["guests"]
    told = brief((*COMMON, *OWN[kind]), MODELS[kind], rule.attributes)
    listed = guests if isinstance(guests, tuple) else ()
    return {**told, "guests": [str(guest).partition(":")[2] for guest in listed]}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=lambda _scope, _ref, _observed: (PATH,),
)
