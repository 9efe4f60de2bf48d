"""`bastide lab load`: write numbered records through the patient platform, and say afterwards which exist."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lab.spoken import spoken

if TYPE_CHECKING:
    from lab.load import Outcome, Verdict

INTERRUPTED = 130
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the lab keeps its state [default: $BASTIDE_LAB_DIR, else ./.lab].",
)
@click.option("--url", help="The platform, https://…; with --verify, where to look if not where was written.")
@click.option("--rate", type=float, default=10, show_default=True, help="Writes a second, at most 200.")
@click.option("--seconds", type=float, default=30, show_default=True, help="How long, at most 3600.")
@click.option(
    "--ca", type=FILE, help="Verify HTTPS against this CA [default: the lab's ca.pem, if there is one]."
)
@click.option("--journal", type=FILE, help="A new file: what became of each write.")
@click.option("--verify", "verified", type=FILE, help="Say which writes of this journal exist.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@spoken
def load(*, folder: Path | None, verified: Path | None, as_json: bool, **how: Any) -> None:
    r"""Write numbered records through the patient platform, or tell which of them exist.

    \b
    bastide lab load --url https://10.84.20.61 --rate 50 --seconds 60 --journal run.jsonl
    bastide lab load --verify run.jsonl

    Exit code 1 when an acknowledged write does not exist.
    """
    from lab.load import load, verify  # noqa: PLC0415 - the group's --help needs none of it

    if verified and how["journal"]:
        raise click.UsageError("--verify reads a journal, --journal writes one: say one of them")
    if verified:
        verdict = verify(verified, how["url"], _authority(how["ca"], folder))
        click.echo(json.dumps(asdict(verdict)) if as_json else _judged(verdict))
        raise SystemExit(0 if verdict.whole else 1)
    if not how["url"] or not how["journal"]:
        raise click.UsageError("say --url and --journal to write, or --verify to look at what was written")
    try:
        outcome = load(**how | {"ca": _authority(how["ca"], folder)})
    except KeyboardInterrupt:
        click.echo("Interrupted. What became of the writes so far is in the journal:", err=True)
        click.echo(f"bastide lab load --verify {how['journal']}", err=True)
        raise SystemExit(INTERRUPTED) from None
    click.echo(json.dumps(asdict(outcome)) if as_json else _summed(outcome, how["journal"]))


def _authority(ca: Path | None, folder: Path | None) -> Path | None:
    own = (folder or Path(os.environ.get("BASTIDE_LAB_DIR") or ".lab")) / "ca.pem"
    return ca or (own if own.exists() else None)


def _summed(outcome: Outcome, journal: Path) -> str:
    sent = outcome.acknowledged + outcome.refused + outcome.unanswered
    return (
        f"{sent} writes in {outcome.seconds:.1f} s: {outcome.acknowledged} acknowledged, "
        f"{outcome.refused} refused, {outcome.unanswered} without an answer.\n"
        f"See which exist with: bastide lab load --verify {journal}"
    )


def _judged(verdict: Verdict) -> str:
    from lab.load import spans  # noqa: PLC0415 - as above

    lines = (
        (verdict.present, "acknowledged and there"),
        (verdict.missing, "ACKNOWLEDGED AND MISSING"),
        (verdict.unacknowledged, "there without an acknowledgement"),
        (verdict.unknown_gone, "without an answer, and not there"),
    )
    return "\n".join(
        f"{len(numbers):>7} {what}" + (f": {spans(numbers)}" if numbers else "") for numbers, what in lines
    )
