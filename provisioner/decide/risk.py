"""How much care a change can disturb."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.model.objects import Traits
from provisioner.model.plan import Action, AttributeChange, Effect, Risk

LOSES = frozenset({Effect.DESTROY, Effect.SHRINK})
"""Effects that take something away for good, or from under a running service."""

REMOVES = frozenset({Action.DELETE, Action.REPLACE})

CUTS_OFF: Mapping[str, tuple[str, ...]] = {
    "interface": ("*",),
    "node_network": ("*",),
    "cluster_firewall": ("enabled", "policy_*"),
    "node_firewall": ("enabled",),
}
"""Attributes by kind with which one mistake cuts a whole node off: its network, and a firewall that begins
to act or to drop by default."""


def risk_of(
    action: Action,
    attributes: tuple[AttributeChange, ...],
    traits: Traits,
    *,
    effects: frozenset[Effect] = frozenset(),
) -> Risk:
    """How much care one change can disturb.

    High: a loss, or what can cut off a node. Medium: a restart, a move, a value unset, a delicate kind.
    Low: what only adds.
    """
    cutting = CUTS_OFF.get(traits.kind, ())
    cuts = "*" in cutting or any(traits.matches(one.name, cutting) for one in attributes)
    if action in REMOVES or LOSES & effects or cuts:
        return Risk.HIGH
    if traits.delicate or {Effect.RESTART, Effect.STOP} & effects or any(map(_disturbs, attributes)):
        return Risk.MEDIUM
    return Risk.LOW


def _disturbs(change: AttributeChange) -> bool:
    """A disk that moves to another storage, or something that a running guest had and loses."""
    moved = change.name.endswith(".storage") and None not in {change.before, change.after}
    return moved or change.after is None
