"""`bastide harden`."""

from __future__ import annotations

from typing import get_args

import click

from provisioner.commands.options import (
    common,
    confirm,
    limit_option,
    loaded,
    print_json,
    site_option,
    yes_option,
)
from provisioner.errors import Exit, StepFailed
from provisioner.model.hardening import Level
from provisioner.model.hosts import HostOutcome
from provisioner.report.hosts import host_progress, show_outcomes, show_preview
from provisioner.workflows.harden import Hardened, Wish, chosen, look
from provisioner.workflows.harden import harden as run


@click.command()
@common
@site_option
@yes_option
@limit_option
@click.option(
    "--profile",
    "level",
    type=click.Choice(get_args(Level)),
    help="The ANSSI-BP-028 level for all chosen hosts. Default: what the estate says of each.",
)
@click.option("--tags", multiple=True, metavar="ROLE", help="Only these roles or subjects. Repeatable.")
@click.option("--check", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--break-glass",
    metavar="REASON",
    default="",
    help="Restart services outside their windows; the reason is recorded.",
)
def harden(  # noqa: PLR0913 - click passes every option by its name
    *,
    as_json: bool,
    sites: tuple[str, ...],
    yes: bool,
    limit: tuple[str, ...],
    level: Level | None,
    tags: tuple[str, ...],
    check: bool,
    break_glass: str,
) -> int:
    """Bring every host to its level of ANSSI-BP-028, and lock nobody out.

    What would change is shown first; exit 4 with --check when something would. The first host that is worse
    off than before ends the run: mend it, and run the same command again.
    """
    estate = loaded()
    wish = Wish(sites, limit, level, tags, break_glass)
    order = chosen(estate, wish)
    if check or not yes:
        with host_progress() as shown:
            preview = look(estate, order, wish, shown)
        show_preview(preview.outcomes)
        if check:
            return _finish(preview, as_json=as_json, check=True)
        confirm(f"Harden {sum(len(batch.hosts) for batch in order)} hosts?", yes=yes)
    with host_progress() as shown:
        done = run(estate, order, wish, shown)
    return _finish(done, as_json=as_json, check=False)


def _finish(done: Hardened, *, as_json: bool, check: bool) -> int:
    if as_json:
        print_json(_document(done, check=check))
    show_outcomes(done.outcomes, done.not_begun)
    for host, reasons in done.waiting.items():
        click.echo(f"{host}: what restarts its service waits, for {reasons[0]}.", err=True)
    troubled = [one for one in done.outcomes if one.trouble]
    if troubled:
        names = ", ".join(one.host for one in troubled)
        if all(one.word == "unreachable" for one in troubled):
            click.echo(f"{names} could not be reached.", err=True)
            return Exit.UNREACHABLE
        raise StepFailed(
            f"{names}: not as wanted, {len(done.not_begun)} hosts not begun",
            "mend what is named above and run the same command again: it goes on from where it stands",
        )
    if check and any(one.changes for one in done.outcomes):
        return Exit.PENDING
    return Exit.OK


def _document(done: Hardened, *, check: bool) -> dict[str, object]:
    return {
        "check": check,
        "hosts": [_host(one) for one in done.outcomes],
        "not_begun": list(done.not_begun),
        "waiting": {host: list(reasons) for host, reasons in done.waiting.items()},
    }


def _host(one: HostOutcome) -> dict[str, object]:
    return {
        "host": one.host,
        "where": one.title,
        "became": one.word,
        "changes": [{"role": seen.role, "task": seen.task, "diff": seen.diff} for seen in one.changes],
        "trouble": {"task": one.trouble.task, "message": one.trouble.message} if one.trouble else None,
    }
