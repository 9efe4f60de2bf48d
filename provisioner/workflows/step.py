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

START_PATIENCE_SECONDS = 60.0
"""How long a guest may take to run again: the task of a reboot ends when the guest is down, and qmeventd
starts it after that (PVE::QemuServer::vm_reboot)."""

GOES = frozenset({Action.DELETE, Action.REPLACE})
STAYS = frozenset({Action.UPDATE, Action.RESTART})


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
    observed = _wait_unlocked(
        step.ref, observed, bench
    )  # what a lock hides is looked at before anything is done
    _check_fresh(step.change, observed)
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
        _check_same(change, observed)
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
        running = observed is not None and observed.running
        observed = refresh(bench.site, bench.scope, change.ref, observed)
        if bench.restart and running:
            observed = _wait_running(change, observed, bench)
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


def _check_fresh(change: Change, observed: Observed | None) -> None:
    """Refuse to act on what somebody changed since the plan; what is done already may be missing."""
    _check_same(change, observed)
    if observed is None or change.action is Action.ACTIVATE:
        return
    if change.action in GOES:
        _check_doomed(change, observed)
    elif change.observed is None:
        _check_free(change, observed)
    elif change.observed.mark is observed.mark or observed.mark is not Mark.BUILDING:
        _check_planned(change, observed)


def _check_same(change: Change, observed: Observed | None) -> None:
    """Refuse to make anew what somebody removed, and to remove what somebody else put in its place."""
    seen = change.observed
    if seen is None:
        return
    if observed is None and change.action in STAYS and seen.mark is not Mark.BUILDING:
        raise _stale(change, " was removed by somebody else since the plan")
    made_by_us = seen.mark is not Mark.NONE
    if observed is not None and change.action in GOES and made_by_us and observed.mark is Mark.NONE:
        raise _stale(change, " is not the one that Bastide made: somebody put it there since the plan")


def _check_doomed(change: Change, observed: Observed) -> None:
    """What is removed is the very object that the plan showed, in all that is known of it."""
    before = change.observed.attributes if change.observed else {}
    names = sorted({*before, *observed.attributes})
    if moved := [name for name in names if before.get(name) != observed.attributes.get(name)]:
        raise _stale(change, f" was changed by somebody else since the plan ({', '.join(moved)})")


def _check_free(change: Change, observed: Observed) -> None:
    if observed.mark is not Mark.BUILDING and change_for(change.desired, observed, TRAITS[change.ref.kind]):
        raise _stale(change, " was made by somebody else since the plan")


def _check_planned(change: Change, observed: Observed) -> None:
    """Whatever still differs differs as the plan showed."""
    now = change_for(change.desired, observed, TRAITS[change.ref.kind])
    planned = {one.name: (one.before, one.after) for one in change.attributes}
    for one in now.attributes if now else ():
        if planned.get(one.name) != (one.before, one.after):
            raise _stale(change, f": {one.name} was changed by somebody else since the plan")


def _stale(change: Change, why: str) -> StalePlan:
    return StalePlan(f"{change.ref} ({change.label}){why}", "plan again")


def _wait_running(change: Change, observed: Observed | None, bench: Bench) -> Observed | None:
    """Wait for a guest that a restart has taken down. Raises StepFailed if it does not run again."""
    deadline, pause = time.monotonic() + START_PATIENCE_SECONDS, 0.2
    while observed is not None and not observed.running:
        if time.monotonic() > deadline:
            raise StepFailed(
                f"{change.ref} ({change.label}) was restarted and does not run again",
                f"start it, or look at the last tasks of node {observed.node}",
            )
        bench.tell("waits for the guest to run again")
        time.sleep(pause)
        pause = min(pause * 2, 5.0)
        observed = refresh(bench.site, bench.scope, change.ref, observed)
    return observed


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
