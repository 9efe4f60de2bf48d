"""What has to happen to bring what is seen to what is wanted.

Only attributes that the estate names are compared, and those that its lists own. An object is touched only
if the estate declares it or if it carries the estate's mark; what could not be observed is never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from provisioner.decide.conflict import cannot_shrink, keeps_less, less, not_ours, place_taken, still_needed
from provisioner.decide.risk import risk_of
from provisioner.decide.usage import still_used
from provisioner.decide.waiting import lock_note, restarts, waiting
from provisioner.model.objects import Desired, Mark, Observed, Ref, Traits
from provisioner.model.observation import Observation
from provisioner.model.plan import Action, AttributeChange, Blocker, Change, Effect, Risk, Waiting

AFTER_RESTART = "takes effect at the guest's next restart"
INTERRUPTED = "its creation was interrupted and is finished"
ALREADY = "puts in force what is pending already, whoever wrote it"
UNUSED = "unused"
"""Disks that Proxmox VE keeps for a guest that no longer uses them: `unused0`, `unused1`, …"""


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs on one site."""

    changes: tuple[Change, ...] = ()
    restarts: tuple[Change, ...] = ()
    """Guests with nothing to change that wait for a restart: made into steps only where it is allowed."""
    unknown: tuple[tuple[Ref, str], ...] = ()
    blockers: tuple[Blocker, ...] = ()
    """Conflicts; what they concern is not in `changes`."""
    taken: frozenset[Ref] = frozenset()
    """Wanted objects whose place is held by something that is not ours."""
    waiting: tuple[Waiting, ...] = ()
    activations: tuple[Change, ...] = ()
    """What would put pending configuration in force, for each object that others name as their activation."""


def differing(desired: Desired, observed: Observed, traits: Traits) -> tuple[AttributeChange, ...]:
    """Attributes that are not as wanted, by name; what was seen in an owned list and is not wanted goes."""
    wanted = {
        name: None
        for name in observed.attributes
        if name not in desired.attributes and traits.matches(name, traits.owned)
    } | dict(desired.attributes)
    return tuple(
        AttributeChange(name, observed.attributes.get(name), wanted[name])
        for name in sorted(wanted)
        if observed.attributes.get(name) != wanted[name]
    )


def change_for(desired: Desired | None, observed: Observed | None, traits: Traits) -> Change | None:
    """The change that one object needs; None if it needs none."""
    if observed is None:
        return _creation(desired, traits) if desired else None
    if desired is None:
        return _deletion(observed, traits)
    attributes = differing(desired, observed, traits)
    if any(traits.matches(attribute.name, traits.immutable) for attribute in attributes):
        return _replacement(desired, observed, attributes)
    return _update(desired, observed, attributes, traits=traits)


def diff(
    desired: Iterable[Desired],
    observation: Observation,
    traits: Mapping[str, Traits],
    removals: frozenset[Ref] = frozenset(),
) -> Difference:
    """All that differs on the site of `observation`; `traits` by kind.

    `removals` are the objects that the estate lists under `remove`.
    """
    wanted = {one.ref: one for one in desired}
    known = [one for ref, one in wanted.items() if observation.why_unknown(ref) is None]
    taken = {one.ref: why for one in known if (why := place_taken(one, observation.objects))}
    pairs = [(one, observation.objects.get(one.ref)) for one in known if one.ref not in taken]
    present = [(one, seen) for one, seen in pairs if seen]
    doomed, kept = _undeclared(wanted, observation, traits, removals=removals)
    activations = _activations([*wanted.values(), *doomed], wanted, observation, traits=traits)
    changes = [change_for(one, seen, traits[one.ref.kind]) for one, seen in pairs]
    changes += [change_for(None, seen, traits[seen.ref.kind]) for seen in doomed]
    made = _made((_unless_down(change, observation) for change in changes), activations)
    shrinks = [b for one, seen in present for b in cannot_shrink(one, seen, traits[one.ref.kind])]
    return Difference(
        changes=made,
        restarts=restarts(present, frozenset(change.ref for change in made)),
        unknown=tuple(sorted(observation.unknown.items())),
        blockers=(*taken.values(), *shrinks, *kept),
        taken=frozenset(taken),
        waiting=waiting(present, made),
        activations=tuple(activations[ref] for ref in sorted(activations)),
    )


def _undeclared(
    wanted: Mapping[Ref, Desired],
    observation: Observation,
    traits: Mapping[str, Traits],
    *,
    removals: frozenset[Ref],
) -> tuple[list[Observed], list[Blocker]]:
    """What the estate does not want: what goes, and why some of it must not."""
    needed = {ref: one for _, one in sorted(wanted.items(), reverse=True) for ref in one.requires}
    doomed, blockers = [], []
    for ref, seen in observation.objects.items():
        if ref in wanted or observation.why_unknown(ref) is not None:
            continue
        if not _goes(seen, traits[ref.kind], removals):
            blockers += [not_ours(seen)] if ref in removals else []
        elif ref in needed:
            blockers.append(still_needed(seen, needed[ref]))
        elif used := still_used(seen, wanted, observation, traits):
            blockers.append(used)
        else:
            doomed.append(seen)
    return doomed, blockers


def _goes(seen: Observed, traits: Traits, removals: frozenset[Ref]) -> bool:
    """Whether an undeclared object is removed: by its mark, or by name where a kind has room for none."""
    return seen.mark is not Mark.NONE or (seen.ref in removals and not traits.markable)


def _creation(desired: Desired, traits: Traits) -> Change:
    attributes = tuple(
        AttributeChange(name, None, value)
        for name, value in sorted(desired.attributes.items())
        if value is not None
    )
    return Change(
        desired.ref,
        desired.label,
        Action.CREATE,
        attributes,
        effects=(effects := _stops(attributes, traits)),
        risk=risk_of(Action.CREATE, attributes, traits, effects=effects),
        desired=desired,
    )


def _deletion(observed: Observed, traits: Traits) -> Change:
    return Change(
        observed.ref,
        observed.label,
        Action.DELETE,
        effects=frozenset({Effect.DESTROY}) if traits.destroys else frozenset(),
        risk=Risk.HIGH,
        notes=("what it holds is destroyed",) * traits.destroys + lock_note(observed),
        observed=observed,
    )


def _replacement(desired: Desired, observed: Observed, attributes: tuple[AttributeChange, ...]) -> Change:
    """Removed and made anew; that always has to be allowed by name."""
    return Change(
        desired.ref,
        desired.label,
        Action.REPLACE,
        attributes,
        effects=frozenset({Effect.DESTROY}),
        risk=Risk.HIGH,
        notes=("it is removed and made anew", *lock_note(observed)),
        desired=desired,
        observed=observed,
    )


def _update(
    desired: Desired, observed: Observed, attributes: tuple[AttributeChange, ...], *, traits: Traits
) -> Change | None:
    possible = tuple(one for one in attributes if not _impossible(one, traits))
    interrupted = observed.mark is Mark.BUILDING
    if not possible and not interrupted:
        return None
    detached = _detached(desired, possible, traits)
    effects = _effects(observed, possible, traits) | ({Effect.DESTROY} if detached else set())
    return Change(
        desired.ref,
        desired.label,
        Action.UPDATE,
        possible,
        effects=effects,
        risk=risk_of(Action.UPDATE, possible, traits, effects=effects),
        notes=(
            *((INTERRUPTED,) if interrupted else ()),
            *map(_detach_note, detached),
            *((AFTER_RESTART,) if _waits(observed, possible, traits) else ()),
            *lock_note(observed),
        ),
        desired=desired,
        observed=observed,
    )


def _impossible(change: AttributeChange, traits: Traits) -> bool:
    return traits.matches(change.name, traits.grow_only) and less(change.after, change.before)


def _effects(
    observed: Observed, attributes: tuple[AttributeChange, ...], traits: Traits
) -> frozenset[Effect]:
    shrinks = any(
        traits.matches(one.name, traits.capacity)
        and (less(one.after, one.before) or keeps_less(one.after, one.before))
        for one in attributes
    )
    restarts = observed.running and (observed.active or _waits(observed, attributes, traits))
    return (
        frozenset({Effect.SHRINK} if shrinks else ())
        | frozenset({Effect.RESTART} if restarts else ())
        | _stops(attributes, traits)
    )


def _stops(attributes: tuple[AttributeChange, ...], traits: Traits) -> frozenset[Effect]:
    """Whether a guest is stopped that was not to be stopped before."""
    stops = any(
        (one.name, one.after) in traits.stops and (one.name, one.before) not in traits.stops
        for one in attributes
    )
    return frozenset({Effect.STOP} if stops else ())


def _waits(observed: Observed, attributes: tuple[AttributeChange, ...], traits: Traits) -> bool:
    """Whether a running guest takes any of the changes only at its next restart."""
    return observed.running and any(traits.matches(one.name, traits.restart) for one in attributes)


def _unless_down(change: Change | None, observation: Observation) -> Change | None:
    """What stops a guest that does not run stops nothing."""
    if change is None or change.desired is None or Effect.STOP not in change.effects:
        return change
    guests = (observation.objects.get(ref) for ref in change.desired.requires)
    if any(guest.running for guest in guests if guest):
        return change
    return replace(change, effects=change.effects - {Effect.STOP})


def _detached(desired: Desired, attributes: tuple[AttributeChange, ...], traits: Traits) -> list[str]:
    """Disks that go as a whole: `scsi1` if no `scsi1.*` is wanted any more."""
    kept = {_group(name) for name, value in desired.attributes.items() if value is not None}
    unset = {
        _group(one.name) for one in attributes if one.after is None and traits.matches(one.name, traits.disks)
    }
    return sorted(unset - kept)


def _group(attribute: str) -> str:
    return attribute.partition(".")[0]


def _detach_note(disk: str) -> str:
    if disk.startswith(UNUSED):
        return f"{disk} and what it holds are destroyed"
    return f"{disk} is taken from the guest; Proxmox VE keeps what it holds as an unused disk"


def _made(changes: Iterable[Change | None], activations: Mapping[Ref, Change]) -> tuple[Change, ...]:
    """The changes in order; an object that activates others and differs holds what is still pending."""
    return tuple(
        replace(change, action=Action.ACTIVATE, notes=(*change.notes, ALREADY))
        if change.ref in activations
        else change
        for change in sorted((one for one in changes if one), key=lambda one: one.ref)
    )


def _activations(
    sides: Iterable[Desired | Observed],
    wanted: Mapping[Ref, Desired],
    observation: Observation,
    *,
    traits: Mapping[str, Traits],
) -> dict[Ref, Change]:
    """An activation for each object that some side names as its own."""
    named = {side.activation for side in sides if side.activation}
    return {
        ref: _activation(ref, wanted.get(ref), observation.objects.get(ref), traits=traits[ref.kind])
        for ref in named
    }


def _activation(ref: Ref, desired: Desired | None, observed: Observed | None, *, traits: Traits) -> Change:
    return Change(
        ref,
        next((side.label for side in (desired, observed) if side), ref.id),
        Action.ACTIVATE,
        risk=risk_of(Action.ACTIVATE, (), traits),
        notes=("puts the pending configuration in force",),
        desired=desired,
        observed=observed,
    )
