"""The report of an audit as one HTML file: no script, nothing loaded from anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from provisioner.model.catalogue import Catalogue, Framework, Language
from provisioner.model.finding import GRAVEST, Audit, Verdict, counts
from provisioner.report import audit_words as words
from provisioner.report.audit_actions import actions, borne, changes, gaps
from provisioner.report.audit_conclusion import conclusion
from provisioner.report.audit_reasons import reason
from provisioner.report.audit_tally import CheckState, Group, RequirementState, Tally, narrowed
from provisioner.report.values import cut, printable
from provisioner.share import share

OPEN = GRAVEST[:3]
"""Verdicts that somebody has to look into: failures, what is unknown, what is borne."""
SEEN = 240
"""Characters of what was seen that a page shows; the document of the audit has all that was kept."""
REASONS = 20_000
"""Open findings up to which each host’s list tells their reasons; with more the page would be too heavy."""

PAPER = 300
"""Groups of open findings up to which paper carries their evidence; with more, nobody would read it there."""


@dataclass(frozen=True, slots=True)
class Shown:
    """As many groups of a check as one reads, and how many subjects stand in the others."""

    groups: tuple[Group, ...]
    left: int


def html(
    audit: Audit,
    catalogue: Catalogue,
    *,
    previous: Audit | None = None,
    language: Language = "fr",
    framework: str | None = None,
) -> str:
    """The whole report in one language. Raises BastideError if the framework is not known."""
    return _page(narrowed(audit, catalogue, framework), previous, language, paper=False)


def paper(
    audit: Audit,
    catalogue: Catalogue,
    *,
    previous: Audit | None = None,
    language: Language = "fr",
    framework: str | None = None,
) -> str:
    """The same for paper, see `audit_pdf.pdf`: what is as expected is counted, without its evidence.

    Of a large audit it is a summary: what was seen of each failure stands in the page and the document alone.
    """
    return _page(narrowed(audit, catalogue, framework), previous, language, paper=True)


def _page(tally: Tally, previous: Audit | None, language: Language, *, paper: bool) -> str:
    template = _environment(language).get_template("page.html.j2")
    return template.render(
        tally=tally,
        audit=tally.audit,
        catalogue=tally.catalogue,
        conclusion=conclusion(tally, language),
        actions=actions(tally),
        gaps=gaps(tally),
        waivers=borne(tally),
        frameworks=_frameworks(tally),
        changes=changes(tally, previous) if previous else None,
        trend=_trend(tally, previous),
        paper=paper,
        with_evidence=not paper or _open_groups(tally) <= PAPER,
        tool=_tool(),
        systems=_systems(tally.audit),
        asked=Counter(one.kind or one.of for one in tally.audit.subjects),
        with_reasons=sum(tally.counts[one] for one in OPEN) <= REASONS,
    )


def _open_groups(tally: Tally) -> int:
    return sum(group.verdict in OPEN for state in tally.checks for group in state.groups)


def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(share("templates") / "audit"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_filters(language))
    environment.globals.update(
        language=language,
        t=partial(_choose, language),
        colon=_choose(language, " :", ":"),
        OPEN=OPEN,
        GRAVEST=GRAVEST,
        SIGNS=words.SIGNS,
        Verdict=Verdict,
        shown=_shown,
        verdicts_of=_verdicts,
    )
    return environment


def _filters(language: Language) -> Mapping[str, Callable[..., str]]:
    tables: dict[str, Mapping[Any, tuple[str, str]]] = {
        "severity": words.SEVERITY_WORDS,
        "effort": words.EFFORT_WORDS,
        "confidence": words.CONFIDENCE_WORDS,
        "level": words.LEVEL_WORDS,
        "kind": words.KIND_WORDS,
        "instead": words.INSTEAD_WORDS,
        "verdict": words.VERDICTS,
    }
    looked_up = {name: partial(_looked_up, table, language) for name, table in tables.items()}
    return {
        **looked_up,
        "counted": lambda number, noun: words.counted(number, noun, language),
        "tally": lambda number, verdict: words.tally(number, verdict, language),
        "share": lambda part: words.share(part, language),
        "grouped": lambda number: words.grouped(number, language),
        "day": lambda on: words.day(on, language),
        "moment": lambda at: words.moment(at, language),
        "scope": lambda told: words.scope(told, language),
        "reason": lambda told: reason(told, language),
        "seen": lambda told: cut(printable(told), SEEN),
        "words": lambda text: text.in_(language),
    }


def _choose(language: Language, french: str, english: str) -> str:
    return words.word((french, english), language)


def _looked_up(table: Mapping[Any, tuple[str, str]], language: Language, key: Any) -> str:
    return words.word(table[key], language) if key in table else str(key)


def _shown(state: CheckState, *, paper: bool) -> Shown:
    """All that is open up to 12 groups, 3 of the rest, which is enough to show what a pass rests on."""
    shown: list[Group] = []
    for verdict in GRAVEST:
        longest = 12 if verdict in OPEN else 0 if paper else 3
        shown += [group for group in state.groups if group.verdict is verdict][:longest]
    left = sum(state.counts.values()) - sum(len(group.subjects) for group in shown)
    return Shown(tuple(shown), left)


def _frameworks(tally: Tally) -> list[tuple[Framework, tuple[RequirementState, ...]]]:
    known = sorted(tally.catalogue.frameworks.values(), key=lambda one: one.id)
    return [(framework, tally.requirements(framework)) for framework in known]


def _verdicts(states: tuple[RequirementState, ...]) -> dict[Verdict | None, int]:
    """How many requirements come to each verdict; None for those to which nothing here contributes."""
    found = [state.verdict for state in states]
    return {verdict: found.count(verdict) for verdict in (*GRAVEST, None)}


def _trend(tally: Tally, previous: Audit | None) -> list[tuple[Verdict, int | None, int]]:
    """Of each verdict: how many before, of the checks that are asked now, and how many now."""
    if previous is None:
        return [(verdict, None, tally.counts[verdict]) for verdict in GRAVEST]
    before = counts(one for one in previous.findings if one.check in tally.catalogue.checks)
    return [(verdict, before[verdict], tally.counts[verdict]) for verdict in GRAVEST]


def _systems(audit: Audit) -> list[tuple[str, list[str]]]:
    """The versions that ran, each with the names of the subjects that ran them."""
    found: dict[str, list[str]] = {}
    for subject in audit.subjects:
        if subject.system:
            found.setdefault(subject.system, []).append(subject.name)
    return sorted(found.items())


def _tool() -> str:
    try:
        return f"bastide {version('bastide')}"
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "bastide"
