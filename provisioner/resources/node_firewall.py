"""The options of a node's firewall (PVE::API2::Firewall::Host). They always exist."""

from __future__ import annotations

from provisioner.model.estate import Estate
from provisioner.model.firewall import NodeFirewall
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Work
from provisioner.resources.fields import FLAG, Field, brief, read, wanted
from provisioner.resources.kind import Answers, Fragment, Kind, Scope
from provisioner.resources.section import Section, changes

TRAITS = Traits(kind="node_firewall", title="node firewall", rank=64, markable=False, delicate=True)
FIELDS = (
    Field("enabled", "enable", FLAG, default=True),
    Field("log_level_in", "log_level_in", default="nolog"),
    Field("log_level_out", "log_level_out", default="nolog"),
    Field("nosmurfs", "nosmurfs", FLAG, default=True),
    Field("tcpflags", "tcpflags", FLAG, default=False),
)


def _path(node: str) -> str:
    return f"/nodes/{node}/firewall/options"


def reads(scope: Scope) -> tuple[str, ...]:
    """The options of nodes that declare a firewall."""
    return tuple(
        _path(node)
        for node in scope.nodes
        if scope.everything or Ref(scope.site, "node_firewall", node) in scope.wanted
    )


def refresh(_scope: Scope, ref: Ref, _observed: Observed | None) -> tuple[str, ...]:
    """The options of one node."""
    return (_path(ref.id),)


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """The options of each node that was read."""
    return tuple(
        Observed(
            ref=Ref(scope.site, "node_firewall", node),
            label=f"firewall of {node}",
            attributes=read(FIELDS, answers[_path(node)]),
            digest=answers[_path(node)].get("digest") or "",
        )
        for node in scope.nodes
        if _path(node) in answers
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """The options of the nodes of a site: switched on after its rules stand, switched off before they go."""
    return tuple(
        Desired(
            ref=Ref(site, "node_firewall", name),
            label=f"firewall of {name}",
            attributes=wanted(FIELDS, node.firewall),
            requires=frozenset(
                {Ref(site, "firewall_rules", f"node/{name}")} if node.firewall.enabled else ()
            ),
        )
        for name, node in estate.sites[site].nodes.items()
        if node.firewall
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Change options; there is nothing to make or remove."""
    if work.desired is None:
        return ()
    path = _path(work.desired.ref.id)
    params = changes(Section(path, "", FIELDS), work)
    return (Call("PUT", path, params, lanes=(path,)),) if params else ()


def adopt(_scope: Scope, seen: tuple[Observed, ...]) -> Fragment:
    """The `firewall` of `nodes`, where it is not Proxmox VE's own."""
    told = {node.ref.id: brief(FIELDS, NodeFirewall, node.attributes) for node in seen}
    nodes = {name: {"firewall": options} for name, options in told.items() if options}
    return {"nodes": nodes} if nodes else {}


KIND = Kind(
    traits=TRAITS,
    reads=reads,
    parse=parse,
    desired=desired,
    calls=calls,
    adopt=adopt,
    refresh=refresh,
)
