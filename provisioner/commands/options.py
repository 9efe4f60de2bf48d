"""The options that every command shares, and how a command finds its estate."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from provisioner.errors import BastideError, EstateInvalid, Refused
from provisioner.estate.load import Loaded, find_estate, load

Command = TypeVar("Command", bound=Callable[..., Any])


def common(command: Command) -> Command:
    """`-e`, `-v`, `--json`: also after the command's name, where people write them."""
    for option in (
        click.option(
            "--json", "as_json", is_flag=True, help="One JSON document on stdout, and nothing else there."
        ),
        click.option(
            "-v",
            "--verbose",
            is_flag=True,
            expose_value=False,
            callback=_remember("verbose"),
            help="Say more.",
        ),
        click.option(
            "-e",
            "--estate",
            metavar="PATH",
            expose_value=False,
            callback=_remember("estate"),
            help="The estate file or its folder.",
        ),
    ):
        command = option(command)
    return command


def site_option(command: Command) -> Command:
    """`--site`, repeatable."""
    return click.option(
        "--site",
        "sites",
        multiple=True,
        metavar="NAME",
        shell_complete=_complete_sites,
        help="Only this site. Repeatable.",
    )(command)


def limit_option(command: Command) -> Command:
    """`--limit`, repeatable."""
    return click.option(
        "--limit", multiple=True, metavar="HOST", help="Only this host, or pattern. Repeatable."
    )(command)


def yes_option(command: Command) -> Command:
    """`--yes`."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(command)


def _remember(key: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def callback(ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
        if value:
            ctx.ensure_object(dict)[key] = value
        return value

    return callback


def estate_path() -> Path:
    """Where the estate is: `-e`, else `$BASTIDE_ESTATE`, else the nearest `estate.yml`."""
    given = click.get_current_context().ensure_object(dict).get("estate")
    return Path(given) if given else find_estate(Path.cwd())


def verbose() -> bool:
    """Whether the user asked for more words."""
    return bool(click.get_current_context().ensure_object(dict).get("verbose"))


def loaded() -> Loaded:
    """The estate of this command. Raises EstateInvalid after its problems were printed.

    Problems that are advice are counted and do not stop a command.
    """
    try:
        found = load(estate_path(), strict=False)
    except EstateInvalid as error:
        from provisioner.report.problems import show_problems  # noqa: PLC0415 - only a broken estate needs it

        show_problems(error.problems)
        raise
    if found.advice:
        count = f"{len(found.advice)} problem{'s' if len(found.advice) > 1 else ''}"
        click.echo(f"The estate has {count} that do not stop this: see `bastide validate`.", err=True)
    return found


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(document, indent=2, sort_keys=False, default=str, ensure_ascii=False))


def confirm(question: str, *, yes: bool) -> None:
    """Ask before acting. Without a terminal, nothing is assumed: raises Refused."""
    if yes:
        return
    if not os.isatty(0):
        raise Refused(
            "nobody is there to confirm, and nothing was changed",
            "run again with --yes, or apply a saved plan: `bastide apply FILE`",
        )
    click.confirm(question, abort=True, err=True)


def _complete_sites(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    root = ctx.find_root().params.get("estate")
    try:
        found = load(Path(root) if root else find_estate(Path.cwd()))
    except BastideError:
        return []
    return [name for name in found.estate.sites if name.startswith(incomplete)]
