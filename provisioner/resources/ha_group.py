"""HA groups of Proxmox VE 8 (PVE::API2::HA::Groups); on 9 they have become rules and are not asked for."""

from __future__ import annotations

from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Work
from provisioner.model.site import HaGroup
from provisioner.resources.fields import FLAG, Field, brief, wanted
from provisioner.resources.ha_nodes import HA_NODES
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.section import Section, section_calls, section_seen

TRAITS = Traits(kind="ha_group", title="HA group", rank=58)
LAST_VERSION = 8
PATH = "/cluster/ha/groups"
FIELDS = (
    Field("nodes", "nodes", HA_NODES),
    Field("restricted", "restricted", FLAG, default=False),
    Field("nofailback", "nofailback", FLAG, default=False),
    Field("comment", "comment", default=""),
)
SECTION = Section(PATH, "group", FIELDS, lanes=("domain-ha",))


def reads(scope: Scope) -> tuple[str, ...]:
    """The list of groups, where there are any."""
    return (PATH,) if scope.version <= LAST_VERSION else ()


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """Groups with their nodes."""
    return tuple(
        section_seen(scope, row, kind="ha_group", key="group", fields=FIELDS) for row in answers.get(PATH, ())
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The groups of a site that runs Proxmox VE 8."""
    here = estate.sites[site]
    return tuple(
        Desired(Ref(site, "ha_group", name), name, wanted(FIELDS, group))
        for name, group in here.ha.groups.items()
        if here.version <= LAST_VERSION
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a group."""
    return section_calls(SECTION, work)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `ha.groups` of a site."""
    groups = {group.ref.id: brief(FIELDS, HaGroup, group.attributes) for group in seen}
    return {"ha": {"groups": groups}} if groups else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=lambda _scope, _ref, _observed: (PATH,),
)
