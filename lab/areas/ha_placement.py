"""Where the HA stack wants a resource to run (pve-ha-manager, PVE/HA/Manager.pm). Pure functions."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from lab.areas.ha_rules import NODE, Rule, members, node_priorities


@dataclass(frozen=True, slots=True)
class Situation:
    """The rules in force, the nodes that are online, and the node of every HA resource."""

    rules: Sequence[Rule]
    online: Collection[str]
    homes: Mapping[str, str]


def node_choices(sid: str, seen: Situation) -> tuple[frozenset[str], frozenset[str]]:
    """Nodes on which node affinity and separation allow the resource, and those of them that it prefers."""
    online = frozenset(seen.online)
    rule = next((rule for rule in _rules_of(sid, seen) if rule["type"] == NODE), None)
    priorities = dict.fromkeys(online, 0)
    if rule and rule.get("affinity", "positive") == "negative":
        priorities = {node: -(node in node_priorities(rule["nodes"])) for node in online}
    elif rule:
        wanted = node_priorities(rule["nodes"])
        priorities = {node: wanted.get(node, -1) for node in online}
    if rule and rule.get("strict"):
        priorities = {node: priority for node, priority in priorities.items() if priority >= 0}
    priorities = {node: each for node, each in priorities.items() if node not in _kept_apart_from(sid, seen)}
    together = _tied_to(sid, seen) & priorities.keys()
    if together:
        priorities = {node: priorities[node] for node in together}
    best = max(priorities.values(), default=0)
    return frozenset(priorities), frozenset(node for node, each in priorities.items() if each == best)


def choose_node(sid: str, seen: Situation, *, failback: bool) -> str | None:
    """The node on which the resource shall run: where it is if that will do, None if there is no node."""
    current = seen.homes[sid]
    allowed, preferred = node_choices(sid, seen)
    if current in preferred or (current in allowed and not failback):
        return current
    load = list(seen.homes.values())
    return min(preferred, key=lambda node: (load.count(node), node), default=None)


def _rules_of(sid: str, seen: Situation) -> list[Rule]:
    return [rule for rule in seen.rules if not rule.get("disable") and sid in members(rule)]


def _others(sid: str, seen: Situation, affinity: str) -> set[str]:
    """Nodes of the resources that are bound to this one by a resource affinity rule of this kind."""
    bonds = [rule for rule in _rules_of(sid, seen) if rule["type"] != NODE and rule["affinity"] == affinity]
    return {seen.homes[other] for rule in bonds for other in members(rule) - {sid} if other in seen.homes}


def _kept_apart_from(sid: str, seen: Situation) -> set[str]:
    return _others(sid, seen, "negative")


def _tied_to(sid: str, seen: Situation) -> set[str]:
    """The node where the resources are that must be together with this one: the first of them leads."""
    nodes = _others(sid, seen, "positive")
    return {min(nodes)} if nodes else set()
