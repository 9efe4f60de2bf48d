"""Which HA rules can hold together (pve-ha-manager, PVE/HA/Rules.pm and PVE/HA/Rules/*.pm). Pure functions.

A rule is plain JSON as the API shows it: `rule`, `type`, `resources` ("vm:100,vm:101"), and for
`node-affinity` `nodes` ("pve1:2,pve2") and `strict`, for `resource-affinity` `affinity`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from fakepve.routing import split_list

Rule = Mapping[str, Any]
NODE, RESOURCE = "node-affinity", "resource-affinity"
IN_BOND_WITH_PRIORITIES = (
    "resources are in a resource affinity rule and cannot be in a node affinity rule with multiple priorities"
)
TOGETHER_ELSEWHERE = (
    "at least one resource is in a positive resource affinity rule and there are other resources"
    " in at least one other node affinity rule already"
)
TOO_NARROW = (
    "at least one resource is in a negative resource affinity rule and this rule would restrict these"
    " to less nodes than available to the resources"
)
# Rule id and what is wrong with its resources.
Problem = tuple[str, str]


def members(rule: Rule) -> frozenset[str]:
    """The resource ids of a rule."""
    return frozenset(split_list(rule["resources"]))


def node_priorities(nodes: str) -> dict[str, int]:
    """The nodes of a node list with their priorities, 0 where none is said."""
    pairs = (item.partition(":") for item in split_list(nodes))
    return {node: int(priority or 0) for node, _, priority in pairs}


def print_nodes(nodes: str) -> str:
    """A node list as Proxmox writes it: sorted, without priorities of 0."""
    sorted_nodes = sorted(node_priorities(nodes).items())
    return ",".join(f"{node}:{priority}" if priority else node for node, priority in sorted_nodes)


def problems_of(rule_id: str, rules: Sequence[Rule], nodes: Collection[str]) -> list[str]:
    """What makes the rule infeasible among all `rules` on the available `nodes`, in Proxmox's words."""
    active = [rule for rule in rules if not rule.get("disable")]
    homes = [rule for rule in active if rule["type"] == NODE]
    bonds = [rule for rule in active if rule["type"] == RESOURCE]
    checks = (
        *_shared_between_homes(homes),
        *_too_few_resources(bonds),
        *_too_few_nodes(bonds, nodes),
        *_contradicting_bonds(bonds),
        *_priorities_and_bonds(homes, bonds),
        *_together_in_two_homes(homes, bonds),
        *_apart_on_too_few_nodes(homes, bonds),
    )
    return list(dict.fromkeys(text for where, text in checks if where == rule_id))


def _shared_between_homes(homes: Sequence[Rule]) -> Iterator[Problem]:
    for rule in homes:
        for sid in sorted(members(rule)):
            if any(sid in members(other) for other in homes if other is not rule):
                yield rule["rule"], f"resource '{sid}' is already used in another node affinity rule"


def _too_few_resources(bonds: Sequence[Rule]) -> Iterator[Problem]:
    for rule in bonds:
        if len(members(rule)) < 2:  # noqa: PLR2004  # it takes two to be together or apart
            yield rule["rule"], "rule is ineffective as there are less than two resources"


def _too_few_nodes(bonds: Sequence[Rule], nodes: Collection[str]) -> Iterator[Problem]:
    for rule in _kind(bonds, "negative"):
        if len(members(rule)) > len(nodes):
            yield rule["rule"], "rule defines more resources than available nodes"


def _kind(bonds: Sequence[Rule], affinity: str) -> list[Rule]:
    return [rule for rule in bonds if rule["affinity"] == affinity]


def _contradicting_bonds(bonds: Sequence[Rule]) -> Iterator[Problem]:
    text = "rule shares two or more resources with a {} resource affinity rule"
    for together in _kind(bonds, "positive"):
        for apart in _kind(bonds, "negative"):
            if len(members(together) & members(apart)) > 1:
                yield together["rule"], text.format("negative")
                yield apart["rule"], text.format("positive")


def _touching(rule: Rule, homes: Sequence[Rule]) -> list[Rule]:
    return [home for home in homes if members(home) & members(rule)]


def _priorities_and_bonds(homes: Sequence[Rule], bonds: Sequence[Rule]) -> Iterator[Problem]:
    for bond in bonds:
        touching = _touching(bond, homes)
        if not any(len(set(node_priorities(home["nodes"]).values())) > 1 for home in touching):
            continue
        yield bond["rule"], "resources are in node affinity rules with multiple priorities"
        for home in touching:
            yield home["rule"], IN_BOND_WITH_PRIORITIES


def _together_in_two_homes(homes: Sequence[Rule], bonds: Sequence[Rule]) -> Iterator[Problem]:
    for bond in _kind(bonds, "positive"):
        touching = _touching(bond, homes)
        if len(touching) < 2:  # noqa: PLR2004  # one home holds all of them
            continue
        yield bond["rule"], "resources are in multiple node affinity rules"
        for home in touching:
            yield home["rule"], TOGETHER_ELSEWHERE


def _apart_on_too_few_nodes(homes: Sequence[Rule], bonds: Sequence[Rule]) -> Iterator[Problem]:
    for bond in _kind(bonds, "negative"):
        touching = _touching(bond, homes)
        located = {sid for home in touching for sid in members(home) & members(bond)}
        allowed = {node for home in touching for node in node_priorities(home["nodes"])}
        if len(allowed) >= len(located):
            continue
        text = "two or more resources are restricted to less nodes than available to the resources"
        yield bond["rule"], text
        for home in touching:
            yield home["rule"], TOO_NARROW
