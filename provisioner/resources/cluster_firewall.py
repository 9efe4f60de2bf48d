"""The options of a cluster's firewall (PVE::API2::Firewall::Cluster): one object that always exists.

It is switched on when all its rules stand, and switched off before any of them goes.
"""

from __future__ import annotations

from provisioner.model.estate import Estate
from provisioner.model.firewall import ClusterFirewall
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Work
from provisioner.resources.fields import FLAG, Field, brief, read, wanted
from provisioner.resources.firewall_names import names_of
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.section import Section, changes

TRAITS = Traits(kind="cluster_firewall", title="cluster firewall", rank=66, markable=False, delicate=True)
PATH = "/cluster/firewall/options"
FIELDS = (
    Field("enabled", "enable", FLAG, default=False),
    Field("policy_in", "policy_in", default="DROP"),
    Field("policy_out", "policy_out", default="ACCEPT"),
    Field("policy_forward", "policy_forward", default="ACCEPT"),
    Field("ebtables", "ebtables", FLAG, default=True),
)
SECTION = Section(PATH, "", FIELDS)


def reads(scope: Scope) -> tuple[str, ...]:
    """The options, if the estate has a firewall."""
    return (PATH,) if scope.wants("cluster_firewall") else ()


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """The one object."""
    if (row := answers.get(PATH)) is None:
        return ()
    ref = Ref(scope.site, "cluster_firewall", "options")
    return (Observed(ref, "firewall options", read(FIELDS, row), digest=row.get("digest") or ""),)


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The options of a site that declares a firewall."""
    here = estate.sites[site]
    if here.firewall is None:
        return ()
    lists = {Ref(site, "firewall_rules", "cluster")} | {
        Ref(site, "firewall_rules", f"node/{name}") for name, node in here.nodes.items() if node.firewall
    }
    return (
        Desired(
            ref=Ref(site, "cluster_firewall", "options"),
            label="firewall options",
            attributes=wanted(FIELDS, here.firewall),
            requires=names_of(site, here.firewall) | lists if here.firewall.enabled else frozenset(),
        ),
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Change options; there is nothing to make or remove."""
    params = changes(SECTION, work)
    return (Call("PUT", PATH, params, lanes=("firewall-cluster",)),) if params else ()


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The options under `firewall` of a site, if they are not Proxmox VE's own."""
    told = [brief(FIELDS, ClusterFirewall, one.attributes) for one in seen]
    return {"firewall": told[0]} if told and told[0] else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=lambda _scope, _ref, _observed: (PATH,),
)
