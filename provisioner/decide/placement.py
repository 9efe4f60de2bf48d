"""Rules on where guests run that are broken at the moment, though no setting differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provisioner.model.objects import Desired, Value
from provisioner.model.observation import Observation
from provisioner.model.plan import Violation

RULE = "ha_rule"


def violations(desired: Iterable[Desired], seen: Observation) -> tuple[Violation, ...]:
    """The HA rules of a site that are broken now; a guest that HA moved within its rules is none.

    Guests that are stopped, on a node that is offline, or not observed break nothing.
    """
    placed = _placed(seen)
    return tuple(
        Violation(rule.ref, rule.label, message)
        for rule in desired
        if rule.ref.kind == RULE
        and rule.ref.site == seen.site
        and rule.attributes.get("enabled") is not False
        for message in _broken(rule.attributes, placed)
    )


def _placed(seen: Observation) -> dict[str, tuple[str, str]]:
    """Label and node of each running guest, by its HA id (`vm:110`)."""
    online = {node.name for node in seen.nodes if node.online}
    return {
        f"{ref.kind}:{ref.id}": (guest.label, guest.node)
        for ref, guest in seen.objects.items()
        if guest.running and guest.node and guest.node in online and seen.why_unknown(ref) is None
    }


def _broken(rule: Mapping[str, Value], placed: Mapping[str, tuple[str, str]]) -> Iterable[str]:
    here = {name: placed[name] for name in _texts(rule.get("guests")) if name in placed}
    if rule.get("type") == "node-affinity":
        return _off_their_nodes(rule, here) if rule.get("strict") else ()
    return _apart(here) if rule.get("affinity") == "positive" else _together(here)


def _off_their_nodes(rule: Mapping[str, Value], here: Mapping[str, tuple[str, str]]) -> Iterable[str]:
    nodes = sorted(text.partition(":")[0] for text in _texts(rule.get("nodes")))
    return (
        f"{label} runs on {node}, and must run on {' or '.join(nodes)}"
        for label, node in here.values()
        if node not in nodes
    )


def _apart(here: Mapping[str, tuple[str, str]]) -> Iterable[str]:
    nodes = {node for _, node in here.values()}
    if len(nodes) > 1:
        yield f"{_where(here.values())}: they must run on one node"


def _together(here: Mapping[str, tuple[str, str]]) -> Iterable[str]:
    for node in sorted({node for _, node in here.values()}):
        guests = [(label, where) for label, where in here.values() if where == node]
        if len(guests) > 1:
            names = " and ".join(sorted(label for label, _ in guests))
            yield f"{names} run on the same node {node}, and must run on different ones"


def _where(guests: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{label} runs on {node}" for label, node in sorted(guests))


def _texts(value: Value) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()
