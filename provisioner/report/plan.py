"""A plan as people read it: site by site, object by object, and what stands in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from provisioner.model.objects import Ref
from provisioner.model.observation import EVERY
from provisioner.model.plan import Action, Change, Effect, Plan, Risk
from provisioner.report.attributes import lines, summary
from provisioner.report.console import prose
from provisioner.report.values import named, printable, shown

SYMBOLS = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.DELETE: ("-", "red"),
    Action.REPLACE: ("!", "bold red"),
    Action.RESTART: ("↻", "cyan"),
    Action.ACTIVATE: ("↻", "cyan"),
}
RISKS = {Risk.LOW: "", Risk.MEDIUM: "yellow", Risk.HIGH: "bold red"}
"""Low risk is not said unless every word is asked for."""

COUNTED = {
    Action.CREATE: "to create",
    Action.UPDATE: "to change",
    Action.DELETE: "to remove",
    Action.REPLACE: "to replace",
    Action.RESTART: "to restart",
}
ALWAYS = {Action.CREATE, Action.UPDATE, Action.DELETE}
"""Counts that are told even if they are 0."""


def show_plan(plan: Plan, *, verbose: bool = False, to_stderr: bool = False) -> None:
    """Print a plan; `verbose` shows every attribute of what is created."""
    print_plan(prose(to_stderr=to_stderr), plan, verbose=verbose)


def print_plan(console: Console, plan: Plan, *, verbose: bool = False) -> None:
    """Print a plan on a console of the caller's."""
    for site, steps in groupby(plan.steps, key=lambda step: step.ref.site):
        console.print(Text(site, style="bold"))
        for step in steps:
            console.print(_object(step.change, verbose=verbose))
        console.print()
    for title, style, texts in _remarks(plan):
        console.print(Text(title, style=f"bold {style}"))
        for text in texts:
            console.print(_indented(Text(text), 2))
        console.print()
    console.print(Text(closing(plan), style="bold"))


def closing(plan: Plan) -> str:
    """The last line: how much there is to do, and the digest."""
    waiting = len({one.ref for one in plan.waiting} | set(_restarting(plan)))
    late = f"{waiting} wait{'s' if waiting == 1 else ''} for a restart" if waiting else ""
    if not plan.steps:
        return "; ".join(filter(None, (_nothing(plan), late))) + "."
    counts = Counter(step.change.action for step in plan.steps)
    told = ", ".join(f"{counts[one]} {word}" for one, word in COUNTED.items() if counts[one] or one in ALWAYS)
    sites = len({step.ref.site for step in plan.steps})
    work = f"{told} on {sites} site{'s' if sites > 1 else ''}"
    return f"Plan: {'; '.join(filter(None, (work, late)))}. Digest {plan.digest[:12]}"


def _nothing(plan: Plan) -> str:
    if plan.unknown:
        return "No changes where it could be looked; the rest is unknown"
    if plan.blockers:
        return "No changes are possible until the conflicts are resolved"
    if plan.violations:
        return "No setting differs, but rules are broken"
    return "No changes: every site is as the estate says"


def _restarting(plan: Plan) -> Iterator[Ref]:
    """Guests whose changes wait for a restart once they are made."""
    updates = (step.change for step in plan.steps if step.change.action is Action.UPDATE)
    return (change.ref for change in updates if Effect.RESTART in change.effects)


def _object(change: Change, *, verbose: bool) -> RenderableType:
    symbol, style = SYMBOLS[change.action]
    head = Text.assemble((f"{symbol} ", style), (printable(named(change.ref, change.label)), "bold"))
    if change.risk is not Risk.LOW or verbose:
        head.append(f"  [{change.risk} risk]", style=RISKS[change.risk])
    brief = change.action is Action.CREATE and not verbose
    if brief and (told := summary(change.attributes)):
        head.append(f"  {told}", style="dim")
    under = [] if brief else list(lines(change.attributes, verbose=verbose))
    under += [Text(f"({printable(note)})", style="italic") for note in change.notes]
    return Group(_indented(head, 2), *(_indented(line, 6) for line in under))


def _indented(text: Text, left: int) -> Padding:
    """Wrapped lines keep the indent."""
    return Padding(text, (0, 0, 0, left), expand=False)


def _remarks(plan: Plan) -> Iterator[tuple[str, str, list[str]]]:
    """What stands beside the steps, each with a title and its colour; what is empty is left out."""
    waiting = [
        f"{_named(one.ref, one.label)}: {one.attribute} {shown(one.attribute, one.active)} → "
        f"{shown(one.attribute, one.next)}"
        for one in plan.waiting
    ]
    conflicts = [one for one in plan.blockers if one.kind != "later"]
    later = [one for one in plan.blockers if one.kind == "later"]
    remarks: tuple[tuple[str, str, Iterable[str]], ...] = (
        ("Waits for a restart of the guest", "cyan", waiting),
        ("Broken rules", "red", (f"{_named(one.ref, one.label)}: {one.message}" for one in plan.violations)),
        (
            "Not observed, and so not planned",
            "magenta",
            (f"{_every(ref)}: {why}" for ref, why in plan.unknown),
        ),
        ("Left for the next plan", "cyan", (f"{one.reason}: {one.hint}" for one in later)),
        ("In conflict", "red", (f"{one.reason}. To do: {one.hint}" for one in conflicts)),
    )
    for title, style, texts in remarks:
        if told := [printable(text) for text in texts]:
            yield title, style, told


def _named(ref: Ref, label: str) -> str:
    return str(ref) if label == ref.id else f"{ref} ({label})"


def _every(ref: Ref) -> str:
    if ref.kind == EVERY:
        return f"{ref.site}: all of it"
    return f"{ref.site}: all of kind {ref.kind}" if ref.id == EVERY else str(ref)
