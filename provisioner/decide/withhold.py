"""Changes that have to wait, because what they depend on could not be observed or is not ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.decide.diff import Difference
from provisioner.model.objects import Ref, Traits
from provisioner.model.observation import EVERY
from provisioner.model.plan import Action, Blocker, Change

HINT = "plan again once that guest is in its place"


@dataclass(frozen=True, slots=True)
class Kept:
    """The changes that can be made, and why the others cannot."""

    changes: Mapping[Ref, Change]
    unknown: tuple[tuple[Ref, str], ...]
    blockers: tuple[Blocker, ...]


def withhold(differences: tuple[Difference, ...], traits: Mapping[str, Traits]) -> Kept:
    """Leave out what depends on unknown objects or on places that others hold, and what depends on that.

    A removal depends on all objects of higher rank on its site: one of them may still use what goes.
    """
    changes = {change.ref: change for one in differences for change in one.changes}
    unseen = _dependent(changes, {ref for one in differences for ref, _ in one.unknown}, traits)
    seen = {ref: change for ref, change in changes.items() if ref not in unseen}
    clashing = _dependent(seen, {ref for one in differences for ref in one.taken}, traits)
    return Kept(
        changes={ref: change for ref, change in seen.items() if ref not in clashing},
        unknown=tuple(
            (ref, f"waits for {cause}, which {'has to wait' if cause in unseen else 'could not be observed'}")
            for ref, cause in unseen.items()
        ),
        blockers=tuple(
            Blocker(
                f"{seen[ref].label} ({ref}) waits for {cause}, whose VMID is taken",
                HINT,
                refs=(ref,),
                kind="later",
            )
            for ref, cause in clashing.items()
        ),
    )


def _dependent(
    changes: Mapping[Ref, Change], missing: set[Ref], traits: Mapping[str, Traits]
) -> dict[Ref, Ref]:
    """Changes that depend on something missing, each with what it waits for, however long the chain."""
    found: dict[Ref, Ref] = {}
    while True:
        gone = missing | found.keys()
        more = {
            ref: cause
            for ref, change in changes.items()
            if ref not in found and (cause := _cause(change, gone, traits))
        }
        if not more:
            return found
        found |= more


def _cause(change: Change, missing: set[Ref], traits: Mapping[str, Traits]) -> Ref | None:
    if change.action is Action.DELETE:
        rank = _rank(change.ref, traits)
        users = (ref for ref in missing if ref.site == change.ref.site and _rank(ref, traits) > rank)
        return min(users, default=None)
    required = change.desired.requires if change.desired else frozenset()
    kinds = {Ref(ref.site, ref.kind, EVERY) for ref in required}
    return min((required | kinds) & missing, default=None)


def _rank(ref: Ref, traits: Mapping[str, Traits]) -> int:
    return traits[ref.kind].rank if ref.kind in traits else 0
