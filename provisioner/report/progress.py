"""The progress of an apply and what became of it. All of it goes to stderr.

On a terminal the progress is a live picture, elsewhere a line for each beginning and end.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from provisioner.errors import BastideError
from provisioner.model.objects import Ref
from provisioner.model.plan import Plan, Step
from provisioner.report.console import prose
from provisioner.report.values import cut, named, printable

REFRESHES_PER_SECOND = 4
BAR_WIDTH = 24


@dataclass(slots=True)
class _Site:
    """How far the steps of one site are."""

    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def ended(self) -> int:
        return self.done + self.failed + self.skipped


@dataclass(slots=True)
class _Running:
    """A step under way since a moment of the clock, in seconds."""

    step: Step
    since: float
    doing: str = ""


class Progress:
    """Told what becomes of each step, from any thread.

    On a terminal only what needs attention becomes a lasting line; elsewhere every beginning and end does.
    """

    def __init__(self, plan: Plan, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._lock = threading.RLock()
        self._begun = clock()
        self._running: dict[Ref, _Running] = {}
        self._sites: dict[str, _Site] = {}
        for step in plan.steps:
            self._sites.setdefault(step.ref.site, _Site()).total += 1

    def started(self, step: Step) -> None:
        """A step has begun."""
        with self._lock:
            self._running[step.ref] = _Running(step, self._clock())
        if not self._console.is_interactive:
            self._line("begins", step)

    def doing(self, step: Step, text: str) -> None:
        """What a step is at, such as the call that it sends."""
        with self._lock:
            if step.ref in self._running:
                self._running[step.ref].doing = text

    def finished(self, step: Step, *, warnings: tuple[str, ...] = ()) -> None:
        """A step has succeeded; its tasks may have warned."""
        took = self._end(step)
        with self._lock:
            self._sites[step.ref.site].done += 1
        if not self._console.is_interactive:
            self._line("done", step, f" ({took})")
        for warning in warnings:
            self._line("warning", step, f": {warning}", style="yellow")

    def failed(self, step: Step, error: BastideError) -> None:
        """A step has failed; what requires it is not begun."""
        took = self._end(step)
        with self._lock:
            self._sites[step.ref.site].failed += 1
        self._line("failed", step, f" ({took}): {error.what}", style="red")

    def skipped(self, step: Step) -> None:
        """A step is not begun."""
        with self._lock:
            self._sites[step.ref.site].skipped += 1
        if not self._console.is_interactive:
            self._line("not begun", step)

    def note(self, text: str) -> None:
        """Something that concerns the whole run."""
        self._print(Text(printable(text), style="bold"))

    def __rich__(self) -> RenderableType:
        """The live picture: a row for each site, and one for each step under way."""
        with self._lock:
            return Group(self._totals(), *map(self._under_way, self._running.values()))

    def _totals(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, site in self._sites.items():
            bar = ProgressBar(total=max(site.total, 1), completed=site.ended, width=BAR_WIDTH)
            failed = Text(f"{site.failed} failed", style="bold red") if site.failed else Text()
            table.add_row(
                Text(name, style="bold"), bar, f"{site.ended}/{site.total}", failed, self._elapsed()
            )
        return table

    def _elapsed(self) -> str:
        return span(self._clock() - self._begun)

    def _under_way(self, running: _Running) -> Text:
        text = f"  {_named(running.step)}  {span(self._clock() - running.since)}  {printable(running.doing)}"
        return Text(cut(text, self._console.width - 1))

    def _end(self, step: Step) -> str:
        with self._lock:
            running = self._running.pop(step.ref, None)
        return span(self._clock() - running.since) if running else span(0)

    def _line(self, word: str, step: Step, rest: str = "", *, style: str = "") -> None:
        text = f"{word:<9} {step.ref.site}: {step.change.action} {_named(step)}{rest}"
        self._print(Text(printable(text), style=style))

    def _print(self, text: Text) -> None:
        with self._lock:
            self._console.print(text, soft_wrap=True)


@contextmanager
def progress(plan: Plan, console: Console | None = None) -> Iterator[Progress]:
    """The progress of a plan while the block runs."""
    out = console or prose()
    shown = Progress(plan, out)
    if not out.is_interactive:
        yield shown
        return
    with Live(shown, console=out, refresh_per_second=REFRESHES_PER_SECOND, transient=True):
        yield shown


def show_result(
    done: Iterable[Step],
    failed: Iterable[tuple[Step, BastideError]],
    skipped: Iterable[Step],
    warnings: Iterable[tuple[Step, str]],
    *,
    console: Console | None = None,
) -> None:
    """Print what was done, what failed and why, and what was not begun, to stderr."""
    out, failures = console or prose(), tuple(failed)
    out.print(_table(done, [step for step, _ in failures], skipped))
    for step, text in warnings:
        out.print(
            Text.assemble(("Warning ", "yellow"), printable(f"{_placed(step)}: {text}")), soft_wrap=True
        )
    for step, error in failures:
        told = printable(f"{_placed(step)}: {error.what}")
        out.print(Text.assemble(("Failed ", "bold red"), told), soft_wrap=True)
        if error.hint:
            out.print(Text(f"  {printable(error.hint)}", style="green"), soft_wrap=True)


def _table(done: Iterable[Step], failed: Iterable[Step], skipped: Iterable[Step]) -> Table:
    counts = [Counter(step.ref.site for step in steps) for steps in (done, failed, skipped)]
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    table.add_column("Site", style="bold")
    for title, style in (("Done", "green"), ("Failed", "red"), ("Not begun", "yellow")):
        table.add_column(title, justify="right", style=style)
    for site in sorted(set().union(*counts)):
        table.add_row(site, *(str(count[site]) for count in counts))
    return table


def span(seconds: float) -> str:
    """`12 s`, `3:07` or `1:02:03`."""
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"


def _named(step: Step) -> str:
    return named(step.ref, step.change.label)


def _placed(step: Step) -> str:
    return f"{step.ref.site}/{_named(step)}"
