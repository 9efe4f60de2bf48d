"""Carry out one step: bring one object to what is wanted, in rounds, looking before every write."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from provisioner.decide.diff import change_for
from provisioner.errors import AnswerLost, StalePlan, StepFailed
from provisioner.model.objects import Call, Mark, Observed, Ref, Work
from provisioner.model.observation import Observation
from provisioner.model.plan import Action, Change, Step
from provisioner.pve.send import Outcome
from provisioner.resources.kind import Scope
from provisioner.workflows.sites import TRAITS, OpenSite, kind_of
from provisioner.workflows.survey import refresh

MAX_ROUNDS = 12
"""A guest needs five rounds at most (make, configure, grow, start, finish); lost answers add some."""

LOCK_PATIENCE_SECONDS = 120.0
"""How long a step waits for an object that a task of an earlier, interrupted run still locks."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a step works with: its site, what was seen of it, and how a call is sent and told."""

    site: OpenSite
    scope: Scope
    observation: Observation
    send: Callable[[Call], Outcome]
    tell: Callable[[str], None]
    restart: bool = False


def run_step(step: Step, bench: Bench) -> tuple[str, ...]:
    """Converge the object of a step; return the warnings of its tasks.

    Raises StalePlan if somebody changed the object since the plan, StepFailed if Proxmox VE accepted the
    writes and shows something else, and whatever the client raises.
    """
    warnings: list[str] = []
    observed = refresh(bench.site, bench.scope, step.ref, step.change.observed)
    _check_fresh(step, observed)
    if step.change.action is Action.REPLACE:
        warnings += _rounds(replace_target(step.change), observed, bench)
        observed = None
    warnings += _rounds(step.change, observed, bench)
    return tuple(warnings)


def replace_target(change: Change) -> Change:
    """The first half of a replacement: the removal."""
    return replace(change, action=Action.DELETE, desired=None)


def _rounds(change: Change, observed: Observed | None, bench: Bench) -> list[str]:
    """Write, look, and write again until nothing is left to write and nothing differs."""
    warnings: list[str] = []
    done: list[_Round] = []
    for _ in range(MAX_ROUNDS):
        observed = _wait_unlocked(change.ref, observed, bench)
        calls = kind_of(change.ref).calls(_work(change, observed, bench))
        if not calls:
            _postcheck(change, observed)
            return warnings
        if (this := _round(calls, observed)) in done:
            raise StepFailed(*_unmoved(change, observed, calls[0]))
        for call in calls:
            bench.tell(f"{call.method} {call.path}")
            try:
                warnings += bench.send(call).warnings
            except AnswerLost:
                break
        else:
            done.append(this)
        observed = refresh(bench.site, bench.scope, change.ref, observed)
    raise StepFailed(
        f"{change.ref}: not settled after {MAX_ROUNDS} rounds", "the journal tells what was sent"
    )


_Round: TypeAlias = tuple[object, ...]


def _round(calls: tuple[Call, ...], observed: Observed | None) -> _Round:
    """What makes two rounds the same: their calls, but for the digest of the moment, on what was seen.

    One round may well make the same call twice, as two firewall rules move to the same place one by one.
    """
    sent = [
        (call.method, call.path, {name: value for name, value in call.params.items() if name != "digest"})
        for call in calls
    ]
    return sent, (observed.attributes, observed.mark) if observed else None


def _work(change: Change, observed: Observed | None, bench: Bench) -> Work:
    traits, desired = TRAITS[change.ref.kind], change.desired
    left = change_for(desired, observed, traits) if desired and observed else None
    return Work(
        desired=desired,
        observed=observed,
        changed=frozenset(one.name for one in left.attributes) if left else frozenset(),
        seen=bench.observation.objects,
        version=bench.scope.version,
        mark=bench.scope.mark,
        restart=bench.restart,
    )


def _check_fresh(step: Step, observed: Observed | None) -> None:
    """Refuse to act on what somebody changed since the plan; what is done already may be missing."""
    change = step.change
    if change.desired is None or observed is None or change.action in {Action.REPLACE, Action.ACTIVATE}:
        return
    now = change_for(change.desired, observed, TRAITS[change.ref.kind])
    planned = {one.name: (one.before, one.after) for one in change.attributes}
    if change.observed is None and observed.mark is not Mark.BUILDING and now is not None:
        raise StalePlan(
            f"{change.ref} ({change.label}) was made by somebody else since the plan", "plan again"
        )
    for one in now.attributes if now and change.observed else ():
        if planned.get(one.name) != (one.before, one.after):
            raise StalePlan(
                f"{change.ref} ({change.label}): {one.name} was changed by somebody else since the plan",
                "plan again",
            )


def _wait_unlocked(ref: Ref, observed: Observed | None, bench: Bench) -> Observed | None:
    """Wait for a task that still locks the object: that of an interrupted run, or a backup."""
    deadline, pause, waited = time.monotonic() + LOCK_PATIENCE_SECONDS, 0.2, f"{LOCK_PATIENCE_SECONDS:.0f} s"
    while observed is not None and observed.locked:
        if time.monotonic() > deadline:
            raise StepFailed(
                f"{ref} ({observed.label}) is still locked ({observed.locked}) after {waited}",
                f"look at its task on node {observed.node}; when it has ended, run the same command again",
            )
        bench.tell(f"waits for the lock ({observed.locked})")
        time.sleep(pause)
        pause = min(pause * 2, 5.0)
        observed = refresh(bench.site, bench.scope, ref, observed)
    return observed


def _postcheck(change: Change, observed: Observed | None) -> None:
    """Raise StepFailed unless what is seen is what was wanted."""
    if change.desired is None:
        if observed is not None:
            raise StepFailed(
                f"{change.ref} ({change.label}) is still there", "the journal tells what was sent"
            )
        return
    left = change_for(change.desired, observed, TRAITS[change.ref.kind])
    if left is not None:
        names = ", ".join(one.name for one in left.attributes) or left.action.value
        raise StepFailed(
            f"{change.ref} ({change.label}) is not as wanted after its step: {names}",
            "the journal tells what was sent; `bastide plan` tells what is left",
        )


def _unmoved(change: Change, observed: Observed | None, call: Call) -> tuple[str, str]:
    """The sentence for a write that Proxmox VE took without effect."""
    left = change_for(change.desired, observed, TRAITS[change.ref.kind])
    differing = left.attributes if left else ()
    shown = "; ".join(f"{one.name} is {one.before!r}, wanted {one.after!r}" for one in differing)
    what = f"{change.ref} ({change.label}): Proxmox VE accepted {call.method} {call.path} and shows: "
    return what + (shown or "no change"), "check the value in the estate against what Proxmox VE supports"
