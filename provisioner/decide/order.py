"""Changes in an order that can be run: what is needed first, what is freed before it goes.

Every step waits for the steps it requires. Activations put pending configuration in force: they wait for all
changes that they activate, and what needs one of those changes waits for the activation. A deletion waits for
whatever may still use the object: updates and deletions of higher rank on the same site.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from provisioner.decide.diff import Difference
from provisioner.decide.digest import plan_digest, step_digest
from provisioner.decide.withhold import withhold
from provisioner.errors import BastideError
from provisioner.model.objects import Ref, Traits
from provisioner.model.plan import Action, Blocker, Change, Plan, Step, Violation

Graph: TypeAlias = dict[Ref, set[Ref]]
"""Each step with the steps that it requires."""

FREES = frozenset({Action.UPDATE, Action.REPLACE, Action.DELETE})
"""Actions that may let go of an object of lower rank."""

UNRANKED = 1_000
"""Activations of a kind without traits come last."""


def make_plan(
    estate: str,
    differences: Iterable[Difference],
    traits: Mapping[str, Traits],
    *,
    created: datetime,
    violations: tuple[Violation, ...] = (),
) -> Plan:
    """The plan of all sites, by the estate's name; `created` is aware UTC.

    Raises BastideError if objects require each other.
    """
    found = tuple(differences)
    kept = withhold(found, traits)
    activations = {change.ref: change for one in found for change in one.activations}
    changes, postponed = _postpone(kept.changes, activations, traits)
    graph = _requirements(changes, traits)
    steps = tuple(
        Step(changes[ref], frozenset(graph[ref]), step_digest(changes[ref]))
        for ref in _sorted(graph, changes, traits)
    )
    blockers = (*(blocker for one in found for blocker in one.blockers), *kept.blockers, *postponed)
    return Plan(
        estate=estate,
        created=created,
        steps=steps,
        unknown=tuple(sorted({*(pair for one in found for pair in one.unknown), *kept.unknown})),
        violations=tuple(sorted(violations, key=lambda one: (one.ref, one.message))),
        waiting=tuple(
            sorted((one for d in found for one in d.waiting), key=lambda one: (one.ref, one.attribute))
        ),
        blockers=tuple(sorted(blockers, key=lambda one: (one.refs, one.reason))),
        digest=plan_digest(estate, (step.digest for step in steps)),
    )


def contained(fresh: Plan, approved: Mapping[Ref, str]) -> tuple[Ref, ...]:
    """Objects whose step is not the one that was approved, by its digest; empty means go."""
    return tuple(step.ref for step in fresh.steps if approved.get(step.ref) != step.digest)


def activation_of(change: Change) -> Ref | None:
    """The object that puts a change in force, if it does not take effect by itself."""
    for side in (change.desired, change.observed):
        if side is not None and side.activation is not None:
            return side.activation
    return None


def _with_activations(changes: Mapping[Ref, Change], activations: Mapping[Ref, Change]) -> dict[Ref, Change]:
    """The changes, with one activation for each object that some of them name."""
    named = {ref for change in changes.values() if (ref := activation_of(change))}
    return {ref: activations[ref] for ref in named} | dict(changes)


def _postpone(
    changes: Mapping[Ref, Change], activations: Mapping[Ref, Change], traits: Mapping[str, Traits]
) -> tuple[dict[Ref, Change], list[Blocker]]:
    """Add the activations, and put off deletions that they would bring into force too early.

    A guest moves from an old network to a new one and both belong to one activation: the new one must be
    active before the guest moves, and the old one must not go before. The next plan removes it.
    """
    whole = _with_activations(changes, activations)
    graph = _requirements(whole, traits, frees=False)
    late = {
        ref
        for ref, change in changes.items()
        if change.action is Action.DELETE
        and (activation := activation_of(change))
        and any(activation in _reach(graph, user) for user in _users(whole, ref, traits))
    }
    kept = {ref: change for ref, change in changes.items() if ref not in late}
    return _with_activations(kept, activations), [_postponed(changes[ref]) for ref in sorted(late)]


def _postponed(change: Change) -> Blocker:
    return Blocker(
        f"{change.ref} goes only when the objects that may use it have been changed",
        "apply this plan, then plan again",
        refs=(change.ref,),
        kind="later",
    )


def _reach(graph: Graph, start: Ref) -> set[Ref]:
    """All steps that have to be done before `start`."""
    found: set[Ref] = set()
    ahead = [start]
    while ahead:
        new = graph[ahead.pop()] - found
        found |= new
        ahead.extend(new)
    return found


def _requirements(
    changes: Mapping[Ref, Change], traits: Mapping[str, Traits], *, frees: bool = True
) -> Graph:
    activations = {
        ref: activation for ref, change in changes.items() if (activation := activation_of(change))
    }
    graph: Graph = {ref: set() for ref in changes}
    for ref, change in changes.items():
        wanted = change.desired.requires & changes.keys() if change.desired else frozenset()
        graph[ref] |= wanted | {activations[one] for one in wanted if one in activations}
        if frees and change.action is Action.DELETE:
            graph[ref] |= _users(changes, ref, traits)
    for ref, activation in activations.items():
        graph[ref].discard(activation)
        graph[activation].add(ref)
    return graph


def _users(changes: Mapping[Ref, Change], ref: Ref, traits: Mapping[str, Traits]) -> set[Ref]:
    """Steps that may free an object that is to be removed."""
    rank = _rank(ref, traits)
    return {
        other
        for other, change in changes.items()
        if other.site == ref.site and change.action in FREES and _rank(other, traits) > rank
    }


def _rank(ref: Ref, traits: Mapping[str, Traits]) -> int:
    return traits[ref.kind].rank if ref.kind in traits else UNRANKED


def _sorted(graph: Graph, changes: Mapping[Ref, Change], traits: Mapping[str, Traits]) -> list[Ref]:
    """Steps so that each comes after what it requires, otherwise by site, rank and id; deletions last."""
    left = {ref: len(required) for ref, required in graph.items()}
    followers: dict[Ref, list[Ref]] = {ref: [] for ref in graph}
    for ref, required in graph.items():
        for one in required:
            followers[one].append(ref)
    ready = [(_place(changes[ref], traits), ref) for ref, count in left.items() if not count]
    heapq.heapify(ready)
    order = []
    while ready:
        _, ref = heapq.heappop(ready)
        order.append(ref)
        for follower in followers[ref]:
            left[follower] -= 1
            if not left[follower]:
                heapq.heappush(ready, (_place(changes[follower], traits), follower))
    if len(order) < len(graph):
        raise _cycle(graph, set(graph) - set(order))
    return order


def _place(change: Change, traits: Mapping[str, Traits]) -> tuple[str, bool, int, str, int, str]:
    """Where a step stands if nothing else decides; numbers sort as numbers."""
    ref, rank = change.ref, _rank(change.ref, traits)
    deleted = change.action is Action.DELETE
    number = int(ref.id) if ref.id.isdecimal() else 0
    return (ref.site, deleted, -rank if deleted else rank, ref.kind, number, ref.id)


def _cycle(graph: Graph, stuck: set[Ref]) -> BastideError:
    """Follow requirements among the steps that never became ready, until one comes again."""
    path = [min(stuck)]
    while path[-1] not in path[:-1]:
        path.append(min(graph[path[-1]] & stuck))
    circle = path[path.index(path[-1]) :]
    return BastideError(
        f"these objects require each other: {' → '.join(map(str, circle))}",
        "let one of them go without the other in the estate",
    )
