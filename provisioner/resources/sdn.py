"""The SDN of a site as it runs: one object, `running`, that puts the configuration of all others in force."""

from __future__ import annotations

from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Work
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.sdn_pending import is_pending
from provisioner.resources.sdn_subnet import subnets_path
from provisioner.resources.sdn_vnet import VNETS
from provisioner.resources.sdn_zone import ZONES, running

TRAITS = Traits(
    kind="sdn",
    title="running SDN",
    rank=20,
    audit=(("/sdn/zones", "SDN.Audit"),),
    markable=False,
    delicate=True,
)


def reads(scope: Scope) -> tuple[str, ...]:
    """The lists that say what is pending; subnets are told by their own kind."""
    return (ZONES, VNETS) if scope.wants("sdn") else ()


def refresh(scope: Scope, _ref: Ref, _observed: Observed | None) -> tuple[str, ...]:
    """All lists that may hold something pending."""
    vnets = sorted(ref.id for ref in scope.wanted if ref.kind == "sdn_vnet")
    return (ZONES, VNETS, *map(subnets_path, vnets))


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """The one object; unless the estate wants it, it is only there while something is pending."""
    lists = [path for path in answers if path.startswith("/cluster/sdn/")]
    pending = any(is_pending(row) for path in lists for row in answers[path])
    ref = running(scope.site)
    if not lists or not (pending or ref in scope.wanted):
        return ()
    return (Observed(ref, "SDN configuration", {"pending": pending}),)


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """Nothing pending, where the estate has an SDN."""
    sdn = estate.sites[site].sdn
    if not (sdn.zones or sdn.vnets):
        return ()
    return (Desired(running(site), "SDN configuration", {"pending": False}),)


def calls(work: Work) -> tuple[Call, ...]:
    """Reload the network of all nodes, if anything is pending."""
    if work.observed is None or not work.observed.attributes["pending"]:
        return ()
    return (Call("PUT", "/cluster/sdn", lanes=("sdn",)),)


def adopt(_scope: Scope, _seen: tuple[Observed, ...]) -> Fragment:
    """Nothing: what runs is what zones, vnets and subnets say."""
    return {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=refresh,
)
