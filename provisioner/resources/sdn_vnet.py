"""SDN vnets (PVE::API2::Network::SDN::Vnets); the mark is in `alias`. They take effect with `sdn`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.network import SdnVnet
from provisioner.model.objects import Call, Desired, Mark, Observed, Ref, Traits, Work, read_mark
from provisioner.resources.fields import FLAG, INTEGER, Field, brief, read, wanted
from provisioner.resources.kind import Answers, Fragment, Kind, Scope, whole_list
from provisioner.resources.sdn_pending import configured
from provisioner.resources.sdn_zone import running
from provisioner.resources.section import Section, section_calls

TRAITS = Traits(
    kind="sdn_vnet", title="SDN vnet", rank=18, audit=(("/sdn/zones", "SDN.Audit"),), delicate=True
)
PATH = "/cluster/sdn/vnets"
VNETS = f"{PATH}?pending=1"
FIELDS = (
    Field("zone", "zone"),
    Field("tag", "tag", INTEGER),
    Field("alias", "alias", default=""),
    Field("vlan_aware", "vlanaware", FLAG, default=False),
    Field("isolate_ports", "isolate-ports", FLAG, default=False),
)
SECTION = Section(PATH, "vnet", FIELDS, lanes=("sdn",), comment="alias")


def reads(_scope: Scope) -> tuple[str, ...]:
    """One list tells all."""
    return (VNETS,)


def rows_of(scope: Scope, answers: Answers) -> Iterator[tuple[dict[str, Any], Ref, Mark]]:
    """The vnets as they are configured, each with whether it is ours."""
    for row in answers.get(VNETS, ()):
        if vnet := configured(row):
            alias, mark = read_mark(vnet.get("alias"), scope.mark)
            yield {**vnet, "alias": alias}, Ref(scope.site, "sdn_vnet", vnet["vnet"]), mark


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """Vnets as they are configured."""
    return tuple(
        Observed(
            ref=ref,
            label=ref.id,
            attributes=read(FIELDS, row),
            mark=mark,
            digest=row.get("digest") or "",
            activation=running(scope.site),
        )
        for row, ref, mark in rows_of(scope, answers)
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The vnets of a site, each after its zone."""
    return tuple(
        Desired(
            ref=Ref(site, "sdn_vnet", name),
            label=name,
            attributes=wanted(FIELDS, vnet),
            requires=frozenset({Ref(site, "sdn_zone", vnet.zone)}),
            activation=running(site),
        )
        for name, vnet in estate.sites[site].sdn.vnets.items()
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a vnet."""
    return section_calls(SECTION, work)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `sdn.vnets` of a site, without their subnets."""
    vnets = {vnet.ref.id: brief(FIELDS, SdnVnet, vnet.attributes) for vnet in seen}
    return {"sdn": {"vnets": vnets}} if vnets else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=whole_list(reads),
)
