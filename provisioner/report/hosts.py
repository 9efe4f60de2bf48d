"""The progress of work on hosts, what it changed or would change, and what became of each host."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from provisioner.model.hosts import Batch, HostOutcome, Seen
from provisioner.report.console import prose
from provisioner.report.progress import span
from provisioner.report.values import cut, printable

REFRESHES_PER_SECOND = 4
STYLES = {"unchanged": "green", "changed": "yellow", "failed": "bold red", "unreachable": "bold red",
          "rolled back": "bold red"}  # fmt: skip
RISKS: Mapping[str, str] = {
    "accounts": "may lock out: a rollback is armed until a fresh login worked",
    "firewall": "may lock out: a rollback is armed until a fresh login worked",
    "ssh": "may lock out: a rollback is armed until a fresh login worked",
    "database": "restarts PostgreSQL, inside the service's window",
    "kernel": "boot parameters wait for the next boot",
    "services": "restarts what it confines, inside the service's window",
}
"""Role to what can go wrong by it."""


class HostProgress:
    """Told what is done on hosts, from any thread: a live picture on a terminal, lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.RLock()
        self._begun = time.monotonic()
        self._batch = ""
        self._now: dict[str, str] = {}
        self._counts: dict[str, Counter[str]] = {}

    def begins(self, batch: Batch) -> None:
        """A batch of hosts is worked on from now on."""
        with self._lock:
            self._batch = batch.title
            self._now = dict.fromkeys(batch.hosts, "")
        if not self._console.is_interactive:
            self._print(Text(f"begins    {batch.title}: {', '.join(batch.hosts)}"))

    def seen(self, seen: Seen) -> None:
        """A task did something, or nothing, on a host."""
        with self._lock:
            self._now[seen.host] = seen.task
            self._counts.setdefault(seen.host, Counter())[seen.state] += 1
        if seen.state in {"failed", "unreachable"}:
            said = f"{seen.state:<9} {seen.host}: {seen.task}: {seen.message}"
            self._print(Text(printable(said), style="red"))
        elif seen.state == "changed" and not self._console.is_interactive:
            self._print(Text(printable(f"changed   {seen.host}: {seen.task}")))

    def waits(self, host: str) -> None:
        """A host that went wrong is given time to put its access back."""
        self._print(Text(f"waiting   {host}: it puts its access back by itself if it is locked", "yellow"))

    def __rich__(self) -> RenderableType:
        """The live picture: the batch, and a row for each host of it."""
        with self._lock:
            title = Text.assemble((self._batch, "bold"), f"  {span(time.monotonic() - self._begun)}")
            rows = [
                Text(cut(printable(f"  {host}  {self._told(host)}  {task}"), self._console.width - 1))
                for host, task in self._now.items()
            ]
            return Group(title, *rows)

    def _told(self, host: str) -> str:
        counts = self._counts.get(host, Counter())
        return f"{counts['ok']} as wanted, {counts['changed']} changed"

    def _print(self, text: Text) -> None:
        with self._lock:
            self._console.print(text, soft_wrap=True)


@contextmanager
def host_progress(console: Console | None = None) -> Iterator[HostProgress]:
    """The progress of work on hosts while the block runs; on stderr."""
    out = console or prose()
    shown = HostProgress(out)
    if not out.is_interactive:
        yield shown
        return
    with Live(shown, console=out, refresh_per_second=REFRESHES_PER_SECOND, transient=True):
        yield shown


def show_preview(outcomes: Iterable[HostOutcome], console: Console | None = None) -> None:
    """What would change on each host, with its differences, and what could go wrong by it."""
    out = console or prose()
    for one in outcomes:
        if not one.changes:
            continue
        out.print(Text(f"{one.host} ({one.title})", style="bold"))
        for seen in one.changes:
            out.print(Text(printable(f"  {seen.role}: {seen.task}")), soft_wrap=True)
            if seen.diff:
                out.print(Syntax(printable(seen.diff), "diff", background_color="default", word_wrap=True))
        for role in sorted({seen.role for seen in one.changes} & RISKS.keys()):
            out.print(Text.assemble(("  risk ", "yellow"), f"{role}: {RISKS[role]}"), soft_wrap=True)


def show_outcomes(
    outcomes: Iterable[HostOutcome], not_begun: Iterable[str], console: Console | None = None
) -> None:
    """A row for each host, and a sentence for each that went wrong."""
    out, found = console or prose(), tuple(outcomes)
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    for title in ("Host", "Where", "Became", "Changes"):
        table.add_column(title, justify="right" if title == "Changes" else "left")
    for one in found:
        table.add_row(one.host, one.title, Text(one.word, style=STYLES[one.word]), str(len(one.changes)))
    for host in not_begun:
        table.add_row(host, "", Text("not begun", style="yellow"), "")
    out.print(table)
    for one in found:
        if one.trouble:
            told = f"{one.host}: {one.trouble.task}: {one.trouble.message}"
            out.print(Text.assemble((f"{one.word} ", "bold red"), printable(told)), soft_wrap=True)
