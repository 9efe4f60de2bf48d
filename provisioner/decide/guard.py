"""Reasons why a plan must not be applied as it is, each with what would lift it.

The conflicts that a plan already lists (`Plan.blockers`) are not repeated here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from provisioner.decide.allowance import Allowance, may_restart
from provisioner.decide.capacity import no_room
from provisioner.decide.diff import Difference
from provisioner.decide.digest import plan_digest, step_digest
from provisioner.decide.disturbance import Clock, closed
from provisioner.decide.identity import Identity, cuts_itself_off
from provisioner.model.estate import Estate
from provisioner.model.observation import Observation
from provisioner.model.plan import Action, Blocker, Effect, Plan, Step
from provisioner.model.service import Service

__all__ = ["Allowance", "Identity", "blockers", "disturbs", "may_restart", "with_restarts"]

UNALLOWED = {
    Effect.DESTROY: "would be destroyed or cut from what it holds",
    Effect.SHRINK: "would shrink",
    Effect.STOP: "would stop its guest and keep it down",
}
"""Effects that stop a plan unless they are allowed. A restart is only made if it is allowed."""


def blockers(  # noqa: PLR0913 - a guard sees everything; all beyond the plan and what is allowed are named
    plan: Plan,
    allowed: Allowance,
    seen: Mapping[str, Observation],
    estate: Estate,
    *,
    now: datetime,
    holidays: frozenset[date],
    identities: Mapping[str, Identity],
) -> tuple[Blocker, ...]:
    """All reasons against applying a plan now; empty means go.

    `seen` and `identities` (who Bastide is there) go by the name of the site.
    """
    clock = Clock(now, ZoneInfo(estate.timezone), holidays)
    return (
        *_unallowed(plan, allowed),
        *_no_quorum(plan, seen),
        *_outside_windows(plan, allowed, estate, clock=clock),
        *no_room(plan, seen, estate),
        *cuts_itself_off(plan, identities, seen),
    )


def disturbs(step: Step, allowed: Allowance) -> bool:
    """Whether a step interrupts a running guest: a restart that is allowed, a stop, or a loss."""
    if Effect.STOP in step.change.effects:
        return True
    seen = step.change.observed
    running = seen is not None and seen.running
    return running and (may_restart(step, allowed) or Effect.DESTROY in step.change.effects)


def with_restarts(plan: Plan, differences: Iterable[Difference], allowed: Allowance) -> Plan:
    """The plan with a step for each allowed restart of a guest that waits for one and has no step yet."""
    present = {step.ref for step in plan.steps}
    waiting = sorted(
        (change for one in differences for change in one.restarts if change.ref not in present),
        key=lambda change: change.ref,
    )
    steps = plan.steps + tuple(
        Step(change, frozenset(), step_digest(change))
        for change in waiting
        if allowed.covers(Effect.RESTART, change)
    )
    return replace(plan, steps=steps, digest=plan_digest(plan.estate, (step.digest for step in steps)))


def _unallowed(plan: Plan, allowed: Allowance) -> Iterable[Blocker]:
    return (
        Blocker(
            f"{step.change.label} ({step.ref}) {meaning}{_because(step)}",
            f"if that is meant: --allow {effect}={step.ref}",
            refs=(step.ref,),
        )
        for step in plan.steps
        for effect, meaning in UNALLOWED.items()
        if effect in step.change.effects and not allowed.covers(effect, step.change)
    )


def _because(step: Step) -> str:
    reasons = [note for note in step.change.notes if step.change.action is not Action.DELETE]
    return f": {'; '.join(reasons)}" if reasons else ""


def _no_quorum(plan: Plan, seen: Mapping[str, Observation]) -> Iterable[Blocker]:
    for site in sorted({step.ref.site for step in plan.steps}):
        if site not in seen or not seen[site].quorate:
            refs = tuple(step.ref for step in plan.steps if step.ref.site == site)
            yield Blocker(
                f"the cluster of {site} has no quorum and accepts no write; nothing was changed there",
                f"bring its nodes back, or work on the other sites with --site (not {site})",
                refs=refs,
                kind="quorum",
            )


def _outside_windows(plan: Plan, allowed: Allowance, estate: Estate, *, clock: Clock) -> Iterable[Blocker]:
    if allowed.break_glass:
        return
    for step in plan.steps:
        if disturbs(step, allowed):
            for name, service in _services_of(step, estate):
                if reason := closed(name, service, estate, clock):
                    yield Blocker(
                        f"{step.change.label} ({step.ref}) would be interrupted, and {reason[0]}",
                        reason[1],
                        refs=(step.ref,),
                        kind="window",
                    )


def _services_of(step: Step, estate: Estate) -> list[tuple[str, Service]]:
    """The services to which the guest of a step belongs, itself or as the HA resource `vm:110`."""
    if step.ref.kind not in {"vm", "ct", "ha_resource"}:
        return []
    vmid = step.ref.id.rpartition(":")[2]
    names = {name for name, guest in estate.guests_of(step.ref.site) if str(guest.vmid) == vmid}
    return [(name, service) for name, service in estate.services.items() if names & set(service.guests)]
