"""`bastide audit` and `bastide report`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import click

from provisioner.commands.options import common, limit_option, loaded, print_json, site_option
from provisioner.errors import BastideError, EvidenceCorrupt, Exit
from provisioner.estate.catalogue import load_catalogue
from provisioner.evidence import ledger as evidence
from provisioner.evidence.pack import pack as write_pack
from provisioner.model.catalogue import SEVERITIES, Catalogue, Language, Severity
from provisioner.model.finding import Audit, Verdict
from provisioner.model.hardening import Level
from provisioner.report.audit_console import show_audit
from provisioner.report.save import save
from provisioner.share import share
from provisioner.workflows.audit import Choice, last_audit
from provisioner.workflows.audit import audit as run
from provisioner.workflows.report import FORMS, SUFFIXES, Told, rendered

language_option = click.option(
    "--lang", "language", type=click.Choice(get_args(Language)), default="fr", show_default=True
)


@click.command()
@common
@site_option
@limit_option
@click.option(
    "--profile",
    "level",
    type=click.Choice(get_args(Level)),
    help="The level asked of all hosts that are meant.",
)
@click.option(
    "--fail-on",
    type=click.Choice([*SEVERITIES, "nothing"]),
    default="high",
    show_default=True,
    help="Exit 4 if a check of this severity or a graver one fails.",
)
@click.option("--format", "form", type=click.Choice(list(FORMS)), help="Also write this form to stdout.")
@language_option
def audit(  # noqa: PLR0913 - click passes every option by its name
    *,
    as_json: bool,
    sites: tuple[str, ...],
    limit: tuple[str, ...],
    level: Level | None,
    fail_on: Severity | str,
    form: str | None,
    language: Language,
) -> int:
    """Look at every host and cluster, judge what is seen, and record it. Nothing is changed.

    Exit 4: something fails that --fail-on names; 6: something could not be looked at; 1: a copy of the
    ledger tells something else than the ledger.
    """
    estate = loaded()
    done = run(estate, Choice(sites, limit, level), lambda text: click.echo(text, err=True))
    for problem in done.problems:
        click.echo(f"left out of the catalogue: {problem}", err=True)
    show_audit(done.audit, done.catalogue)
    click.echo(f"Recorded as number {done.record.number}; `bastide report` writes reports of it.", err=True)
    if as_json or form:
        told = Told(done.audit, done.catalogue, done.previous, language)
        sys.stdout.buffer.write(rendered(told, form or "json"))
    for one in done.copies:
        if isinstance(one.trouble, EvidenceCorrupt):
            raise one.trouble
    return _verdict(done.audit, done.catalogue, fail_on)


def _verdict(made: Audit, catalogue: Catalogue, fail_on: str) -> int:
    if fail_on != "nothing":
        grave = SEVERITIES[SEVERITIES.index(fail_on) :]
        failing = (one for one in made.findings if one.verdict is Verdict.FAIL)
        if any(catalogue.checks[one.check].severity in grave for one in failing):
            return Exit.PENDING
    unknown = any(one.verdict is Verdict.UNKNOWN for one in made.findings)
    return Exit.UNREACHABLE if unknown else Exit.OK


@click.command()
@common
@click.option("--framework", metavar="ID", help="Only what contributes to this framework, such as hds.")
@language_option
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Compare with the last audit of that day (UTC) or before.",
)
@click.option(
    "--format",
    "forms",
    type=click.Choice(list(FORMS)),
    multiple=True,
    default=("html",),
    help="Repeatable. Default: html.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder to write to.",
)
@click.option(
    "--pack",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write an evidence pack with the reports in it.",
)
def report(  # noqa: PLR0913 - click passes every option by its name
    *,
    as_json: bool,
    framework: str | None,
    language: Language,
    since: datetime | None,
    forms: tuple[str, ...],
    output: Path,
    pack: Path | None,
) -> None:
    """Write reports of the last audit that was recorded; nothing is looked at anew."""
    estate = loaded()
    ledger = evidence.ledger_of(estate.estate, estate.folder)
    newest = last_audit(ledger)
    if newest is None:
        raise BastideError("no audit is recorded in this estate's ledger", "run `bastide audit` first")
    catalogue, _ = load_catalogue(share("controls"))
    if catalogue.version != newest.catalogue:
        click.echo("The catalogue has changed since: words are today's, verdicts those of then.", err=True)
    told = Told(newest, catalogue, _before(ledger, newest, since), language, framework)
    files = {_name(newest, form, told): rendered(told, form) for form in forms}
    for name, content in files.items():
        _write(output / name, content)
    if pack:
        write_pack(ledger, files, pack)
    written = [*(str(output / name) for name in files), *([str(pack), f"{pack}.sig"] if pack else [])]
    if as_json:
        print_json({"audit": newest.at.isoformat(), "files": written})
    for name in written:
        click.echo(f"Wrote {name}", err=True)


def _before(ledger: evidence.Ledger, newest: Audit, since: datetime | None) -> Audit | None:
    """What the audit is compared with: the last until the day that was named, else the one before it."""
    until = since.replace(hour=23, minute=59, second=59, tzinfo=UTC) if since else None
    found = last_audit(ledger, before=until, skip=0 if since else 1)
    return found if found and found.at < newest.at else None


def _name(audit: Audit, form: str, told: Told) -> str:
    part = f"-{told.framework}" if told.framework else ""
    return f"audit-{audit.at:%Y%m%d-%H%M%S}{part}-{told.language}.{SUFFIXES.get(form, form)}"


def _write(file: Path, content: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        save(file, content)
    except OSError as error:
        raise BastideError(
            f"{file} could not be written: {error.strerror}", "make room, or choose another folder"
        ) from error
