"""The network of a node as it runs: one object for each node, that puts its interfaces in force.

Proxmox VE tells what is pending beside the interfaces, as the difference between two files: `changes`.
"""

from __future__ import annotations

from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Observed, Ref, Traits, Work
from provisioner.resources.interface import network_of, network_path
from provisioner.resources.kind import Answers, Fragment, Kind, Scope

TRAITS = Traits(kind="node_network", title="running network", rank=16, markable=False, delicate=True)


def changes_path(node: str) -> str:
    """The `changes` beside the list of interfaces."""
    return f"{network_path(node)}#changes"


def reads(scope: Scope) -> tuple[str, ...]:
    """What is pending on nodes that declare interfaces."""
    return tuple(changes_path(node) for node in scope.nodes if network_of(scope.site, node) in scope.wanted)


def refresh(_scope: Scope, ref: Ref, _observed: Observed | None) -> tuple[str, ...]:
    """What is pending on one node."""
    return (changes_path(ref.id),)


def parse(scope: Scope, answers: Answers) -> tuple[Observed, ...]:
    """The network of each node that was read; unless it is wanted, only while something is pending."""
    refs = ((node, network_of(scope.site, node)) for node in scope.nodes if changes_path(node) in answers)
    return tuple(
        Observed(ref, f"network of {node}", {"pending": bool(answers[changes_path(node)])})
        for node, ref in refs
        if answers[changes_path(node)] or ref in scope.wanted
    )


def desired(estate: Estate, site: str) -> tuple[Desired, ...]:
    """Nothing pending, on nodes that declare interfaces.

    One node after another: a mistake that cuts off the first must not reach the others, or the cluster loses
    its quorum and high availability fences what is left.
    """
    names = [name for name, node in estate.sites[site].nodes.items() if node.interfaces]
    return tuple(
        Desired(
            network_of(site, name),
            f"network of {name}",
            {"pending": False},
            requires=frozenset(network_of(site, before) for before in names[:number]),
        )
        for number, name in enumerate(names)
    )


def calls(work: Work) -> tuple[Call, ...]:
    """Reload the network of the node, if anything is pending."""
    if work.observed is None or not work.observed.attributes["pending"]:
        return ()
    node = work.observed.ref.id
    return (Call("PUT", network_path(node), lanes=(f"network:{node}",)),)


def adopt(_scope: Scope, _seen: tuple[Observed, ...]) -> Fragment:
    """Nothing: what runs is what the interfaces say."""
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
