"""What waits: settings for a restart of their guest, objects for a task that holds them."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.model.objects import Desired, Observed, Ref
from provisioner.model.plan import Action, AttributeChange, Change, Effect, Risk, Waiting


def lock_note(observed: Observed) -> tuple[str, ...]:
    """That a task holds the object at the moment, if one does."""
    return (f"Proxmox VE has it locked ({observed.locked}) at the moment",) if observed.locked else ()


def restarts(present: Iterable[tuple[Desired, Observed]], changing: frozenset[Ref]) -> tuple[Change, ...]:
    """A restart for each running guest with pending settings and nothing else to change."""
    return tuple(
        Change(
            seen.ref,
            one.label,
            Action.RESTART,
            tuple(
                AttributeChange(name, active, seen.attributes.get(name))
                for name, active in sorted(seen.active.items())
            ),
            effects=frozenset({Effect.RESTART}),
            risk=Risk.MEDIUM,
            notes=lock_note(seen),
            desired=one,
            observed=seen,
        )
        for one, seen in sorted(present, key=lambda pair: pair[0].ref)
        if seen.active and seen.running and seen.ref not in changing
    )


def waiting(present: Iterable[tuple[Desired, Observed]], changes: tuple[Change, ...]) -> tuple[Waiting, ...]:
    """Settings that wait for a restart; those that are about to change again are told as changes."""
    changing = {(change.ref, one.name) for change in changes for one in change.attributes}
    return tuple(
        Waiting(seen.ref, one.label, name, active, seen.attributes.get(name))
        for one, seen in sorted(present, key=lambda pair: pair[0].ref)
        for name, active in sorted(seen.active.items())
        if (seen.ref, name) not in changing
    )
