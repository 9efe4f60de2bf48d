"""`bastide plan`, `bastide apply` and `bastide drift`."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from provisioner.commands.options import common, confirm, loaded, print_json, site_option, verbose, yes_option
from provisioner.decide.guard import Allowance, may_restart
from provisioner.errors import BastideError, Exit, StepFailed
from provisioner.model.plan import Plan
from provisioner.report.document import plan_document, read_document
from provisioner.report.plan import show_plan
from provisioner.report.progress import progress, show_result
from provisioner.report.save import save
from provisioner.workflows.apply import Result
from provisioner.workflows.apply import apply as run_plan
from provisioner.workflows.converge import Planned, check, check_approved, planned, refuse
from provisioner.workflows.journal import Journal
from provisioner.workflows.lock import locked

allow_option = click.option(
    "--allow",
    "allowed",
    multiple=True,
    metavar="EFFECT=NAME",
    help="Allow destroy, shrink, stop or restart of NAME: a guest, `site/kind/id`, or a pattern. Repeatable.",
)


@click.command()
@common
@site_option
@allow_option
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Save the plan for `apply FILE`."
)
def plan(*, as_json: bool, sites: tuple[str, ...], allowed: tuple[str, ...], output: Path | None) -> int:
    """Show what would change, and change nothing. Exit 0: no changes; 4: changes; 6: not wholly observed.

    With --allow restart=NAME the plan holds the restarts that `apply` would make with the same option.
    """
    allowance, estate = Allowance.parse(allowed), loaded()
    with planned(estate, sites, allowance) as made:
        if output:
            _save(output, made.plan)
        if as_json:
            print_json(plan_document(made.plan))
        else:
            show_plan(made.plan, verbose=verbose())
        return verdict(made.plan)


@click.command()
@common
@site_option
def drift(*, as_json: bool, sites: tuple[str, ...]) -> int:
    """`plan` for machines: JSON unless read by a person. Exit 0: none; 4: drift; 6: not wholly observed.

    A guest that high availability or an operator moved is not drift; a broken rule is.
    """
    estate = loaded()
    with planned(estate, sites) as made:
        if as_json or not sys.stdout.isatty():
            print_json(plan_document(made.plan))
        else:
            show_plan(made.plan, verbose=verbose())
        return verdict(made.plan)


@click.command()
@common
@site_option
@yes_option
@allow_option
@click.option(
    "--break-glass",
    metavar="REASON",
    default="",
    help="Restart outside the services' windows; the reason is recorded.",
)
@click.option("--take-lock", is_flag=True, help="Take over the lock of a run that has surely ended.")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def apply(  # noqa: PLR0913 - click passes every option by its name
    *,
    as_json: bool,
    sites: tuple[str, ...],
    yes: bool,
    allowed: tuple[str, ...],
    break_glass: str,
    take_lock: bool,
    file: Path | None,
) -> int:
    """Make both sites as the estate says. With FILE, run only the steps that this saved plan approved."""
    allowance = Allowance.parse(allowed, break_glass=break_glass)
    estate = loaded()
    approved = read_document(_read(file)) if file else None
    with planned(estate, sites, allowance) as made:
        show_plan(made.plan, verbose=verbose(), to_stderr=True)
        if approved:
            check_approved(made, approved)
        check(made, estate.estate, allowance)
        if not made.plan.steps:
            return _finish(made.plan, None, as_json=as_json)
        confirm(f"Apply {len(made.plan.steps)} steps?", yes=yes or approved is not None)
        result = _run(made, estate.folder, allowance, take_lock=take_lock)
        return _finish(made.plan, result, as_json=as_json)


def verdict(made: Plan) -> int:
    """The exit code that a plan deserves: changes first, then what could not be seen."""
    if not made.empty:
        return Exit.PENDING
    return Exit.UNREACHABLE if made.unknown else Exit.OK


def _run(made: Planned, folder: Path, allowance: Allowance, *, take_lock: bool) -> Result:
    """The steps, under the locks of the sites that they touch; the journal is there before the locks are."""
    touched = {step.ref.site for step in made.plan.steps}
    sites = tuple(site for name, site in made.sites.items() if name in touched)
    journal = Journal(folder, made.plan.digest, estate=made.plan.estate, steps=len(made.plan.steps))
    try:
        if allowance.break_glass:
            journal.write("break-glass", reason=allowance.break_glass)
        with locked(sites, take=take_lock, tell=_tell), progress(made.plan) as shown:
            return run_plan(made, journal, shown, partial(may_restart, allowance=allowance))
    finally:
        journal.close()
        click.echo(f"Journal: {journal.path}", err=True)


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _finish(made: Plan, result: Result | None, *, as_json: bool) -> int:
    if as_json:
        print_json({**plan_document(made), "result": _result_document(result)})
    elif result:
        show_result(
            result.done, [(one.step, one.error) for one in result.failed], result.skipped, result.warnings
        )
    if result and result.interrupted:
        raise KeyboardInterrupt
    if result and result.failed:
        count = len(result.failed)
        raise StepFailed(
            f"{count} step{'s' if count > 1 else ''} failed, {len(result.skipped)} not begun",
            "mend what the failed steps name and run the same command again: it goes on from where it stands",
        )
    refuse(made.blockers)
    if made.blockers:
        return Exit.PENDING
    return Exit.UNREACHABLE if made.unknown else Exit.OK


def _result_document(result: Result | None) -> dict[str, object]:
    if result is None:
        return {"done": [], "failed": [], "skipped": []}
    return {
        "done": [str(step.ref) for step in result.done],
        "failed": [
            {"ref": str(one.step.ref), "what": one.error.what, "hint": one.error.hint}
            for one in result.failed
        ],
        "skipped": [str(step.ref) for step in result.skipped],
        "warnings": [{"ref": str(step.ref), "what": text} for step, text in result.warnings],
    }


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BastideError(
            f"{path} cannot be read: {error.strerror}", "name a plan that you may read"
        ) from error


def _save(path: Path, made: Plan) -> None:
    """Write the plan document whole or not at all."""
    import json  # noqa: PLC0415 - only a saved plan needs it

    text = json.dumps(plan_document(made), indent=2, ensure_ascii=False) + "\n"
    try:
        save(path, text.encode())
    except OSError as error:
        raise BastideError(
            f"{path} cannot be written: {error.strerror}", "choose another place for the plan"
        ) from error
    click.echo(f"Saved to {path}: apply it with `bastide apply {path}`.", err=True)
