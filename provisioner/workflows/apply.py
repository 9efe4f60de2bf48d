"""Run the steps of a plan: concurrently, each recorded, none begun after a failure of what it needs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from graphlib import TopologicalSorter

from provisioner.errors import BastideError
from provisioner.interrupt import told_to_stop
from provisioner.model.objects import Call, Ref
from provisioner.model.plan import Plan, Step
from provisioner.pve.lanes import Lanes
from provisioner.pve.send import Outcome, send
from provisioner.report.progress import Progress
from provisioner.workflows.converge import Planned
from provisioner.workflows.journal import Journal
from provisioner.workflows.sites import OpenSite
from provisioner.workflows.step import Bench, run_step

WORKERS = 8
"""Steps under way at once; the lanes limit what a storage, a node or a lock of the cluster has to bear."""

LOOKS_UP_SECONDS = 0.2
"""How often a run looks whether it was told to stop, while its steps take longer."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that failed, and why."""

    step: Step
    error: BastideError


@dataclass(slots=True)
class Result:
    """What became of the steps of a plan."""

    done: list[Step] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    skipped: list[Step] = field(default_factory=list)
    warnings: list[tuple[Step, str]] = field(default_factory=list)
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What all steps of an apply share."""

    made: Planned
    journal: Journal
    progress: Progress
    may_restart: Callable[[Step], bool]
    lanes: Mapping[str, Lanes]
    stop: threading.Event


def apply(made: Planned, journal: Journal, progress: Progress, may_restart: Callable[[Step], bool]) -> Result:
    """Run all steps. A failed step stops what requires it and nothing else.

    On Ctrl-C no step is begun any more; those under way are finished, so that nothing is left half-done
    without need. A second Ctrl-C ends at once; the next apply finishes what was begun.
    """
    lanes = {name: Lanes() for name in made.sites}
    with told_to_stop(second_ends=True) as stop:
        result = _run_all(made.plan, Run(made, journal, progress, may_restart, lanes, stop))
    journal.write("end", done=len(result.done), failed=len(result.failed), skipped=len(result.skipped))
    return result


def _run_all(plan: Plan, run: Run) -> Result:
    steps = {step.ref: step for step in plan.steps}
    order = TopologicalSorter({ref: step.requires & steps.keys() for ref, step in steps.items()})
    order.prepare()
    result, running = Result(), dict[Future[tuple[str, ...]], Step]()
    pool = ThreadPoolExecutor(max_workers=WORKERS)
    patient = True
    try:
        while order.is_active():
            for ref in order.get_ready() if not run.stop.is_set() else ():
                running[pool.submit(_one, steps[ref], run)] = steps[ref]
            if not running:
                break
            ended = wait(running, LOOKS_UP_SECONDS, return_when=FIRST_COMPLETED).done
            _notice(run, result)
            for future in ended:
                step = running.pop(future)
                if _settle(future, step, result, run):
                    order.done(step.ref)
    except KeyboardInterrupt:
        patient = False
        raise
    finally:
        pool.shutdown(wait=patient, cancel_futures=True)
    _notice(run, result)
    settled = {step.ref for step in result.done} | {failure.step.ref for failure in result.failed}
    result.skipped = [step for ref, step in steps.items() if ref not in settled]
    for step in result.skipped:
        run.progress.skipped(step)
    return result


def _notice(run: Run, result: Result) -> None:
    """Say once that a Ctrl-C was heard."""
    if run.stop.is_set() and not result.interrupted:
        result.interrupted = True
        run.progress.note("interrupted: no step is begun any more; waiting for those under way")


def _one(step: Step, run: Run) -> tuple[str, ...]:
    """One step, with what it says to people and to the journal."""
    site, survey = run.made.sites[step.ref.site], run.made.surveys[step.ref.site]
    if survey.scope is None:  # a site that was not seen has no steps
        raise BastideError(f"{step.ref.site} was not observed", "plan again")
    run.progress.started(step)
    run.journal.write("step", ref=step.ref, action=step.change.action, digest=step.digest)
    sender = partial(_send, run=run, step=step)
    tell = partial(run.progress.doing, step)
    return run_step(step, Bench(site, survey.scope, survey.observation, sender, tell, run.may_restart(step)))


def _send(call: Call, *, run: Run, step: Step) -> Outcome:
    """Send one call in its lanes; the journal knows it before Proxmox VE does."""
    site = run.made.sites[step.ref.site]
    with run.lanes[step.ref.site].held(call.lanes):
        names = sorted((*call.params, *call.secrets))
        run.journal.write("call", ref=step.ref, method=call.method, path=call.path, params=names)
        outcome = send(site.session, _timed(call, site), secret=site.secret, reveal=site.keep)
    told = {"upid": outcome.upid, "warnings": outcome.warnings}
    run.journal.write("answer", ref=step.ref, path=call.path, **told)
    return outcome


def _timed(call: Call, site: OpenSite) -> Call:
    """The call with the time that the estate gives to tasks, if it says anything of it."""
    timeout = site.site.api.task_timeout
    return replace(call, timeout_seconds=int(timeout.total_seconds())) if timeout else call


def _settle(future: Future[tuple[str, ...]], step: Step, result: Result, run: Run) -> bool:
    """Record how a step ended; True if what requires it may begin."""
    error = future.exception()
    if error is None:
        result.done.append(step)
        result.warnings += [(step, warning) for warning in future.result()]
        run.journal.write("done", ref=step.ref)
        run.progress.finished(step, warnings=future.result())
        return True
    if not isinstance(error, BastideError):
        run.journal.write("crashed", ref=step.ref, error=repr(error))
        raise error
    result.failed.append(Failure(step, error))
    run.journal.write("failed", ref=step.ref, what=error.what)
    run.progress.failed(step, error)
    return False


def failed_refs(result: Result) -> tuple[Ref, ...]:
    """The objects whose step failed."""
    return tuple(failure.step.ref for failure in result.failed)
