"""SDN subnets (PVE::API2::Network::SDN::Subnets): `clinic1/10.84.8.0/24`. They take effect with `sdn`.

Proxmox VE calls one `zone-10.84.8.0-24`. A subnet has no comment; it is ours if its vnet is.
"""

from __future__ import annotations

from typing import Any

from provisioner.model.estate import Estate
from provisioner.model.network import SdnSubnet
from provisioner.model.objects import Call, Desired, Mark, Observed, Ref, Traits, Work
from provisioner.model.observation import EVERY
from provisioner.resources.fields import FLAG, Field, brief, read, wanted
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.sdn_pending import configured
from provisioner.resources.sdn_vnet import PATH, VNETS, rows_of
from provisioner.resources.sdn_zone import running
from provisioner.resources.section import Section, section_calls

TRAITS = Traits(
    kind="sdn_subnet",
    title="SDN subnet",
    rank=19,
    audit=(("/sdn/zones", "SDN.Audit"),),
    immutable=("zone",),
    delicate=True,
)
FIELDS = (
    Field("gateway", "gateway"),
    Field("snat", "snat", FLAG, default=False),
    Field("dns_zone_prefix", "dnszoneprefix"),
)


def subnets_path(vnet: str) -> str:
    """The subnets of a vnet."""
    return f"{PATH}/{vnet}/subnets?pending=1"


def reads(_scope: Scope) -> tuple[str, ...]:
    """The vnets; their subnets follow."""
    return (VNETS,)


def details(scope: Scope, answers: Answers) -> dict[str, Ref]:
    """The subnets of vnets that are wanted or ours."""
    every = Ref(scope.site, "sdn_subnet", EVERY)
    return {
        subnets_path(ref.id): every
        for _, ref, mark in rows_of(scope, answers)
        if scope.everything or ref in scope.wanted or mark is not Mark.NONE
    }


def refresh(_scope: Scope, ref: Ref, _observed: Observed | None) -> tuple[str, ...]:
    """The vnets, and the subnets of one."""
    return (VNETS, subnets_path(ref.id.partition("/")[0]))


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """Subnets as they are configured, of vnets that were asked for."""
    return tuple(
        _observed(scope, vnet.id, subnet, mark)
        for _, vnet, mark in rows_of(scope, answers)
        for row in answers.get(subnets_path(vnet.id), ())
        if (subnet := configured(row))
    )


def _observed(scope: Scope, vnet: str, row: dict[str, Any], mark: Mark) -> Observed:
    zone, network, length = row["subnet"].rsplit("-", 2)
    return Observed(
        ref=Ref(scope.site, "sdn_subnet", f"{vnet}/{network}/{length}"),
        label=f"{network}/{length} of {vnet}",
        attributes={"zone": zone, **read(FIELDS, row)},
        mark=mark if mark is Mark.NONE else Mark.OURS,
        digest=row.get("digest") or "",
        activation=running(scope.site),
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The subnets of a site, each after its vnet."""
    return tuple(
        Desired(
            ref=Ref(site, "sdn_subnet", f"{name}/{network}"),
            label=f"{network} of {name}",
            attributes={"zone": vnet.zone, **wanted(FIELDS, subnet)},
            requires=frozenset({Ref(site, "sdn_vnet", name)}),
            activation=running(site),
        )
        for name, vnet in estate.sites[site].sdn.vnets.items()
        for network, subnet in vnet.subnets.items()
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Make, change or remove a subnet; it is made by its network and then called by its id."""
    known = work.observed or work.desired
    if known is None:
        return ()
    vnet, _, network = known.ref.id.partition("/")
    section = Section(
        f"{PATH}/{vnet}/subnets", "subnet", FIELDS, lanes=("sdn",), made_with={"type": "subnet"}
    )
    name = f"{known.attributes['zone']}-{network.replace('/', '-')}"
    return section_calls(section, work, network if work.observed is None else name)


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `subnets` of `sdn.vnets`."""
    vnets: dict[str, Any] = {}
    for subnet in seen:
        vnet, _, network = subnet.ref.id.partition("/")
        subnets = vnets.setdefault(vnet, {"subnets": {}})["subnets"]
        subnets[network] = brief(FIELDS, SdnSubnet, subnet.attributes)
    return {"sdn": {"vnets": vnets}} if vnets else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    details=details,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=refresh,
)
