"""After an audit: what is to be done, what changed, what is borne, and what was not seen."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from provisioner.model.catalogue import SEVERITIES, Check, Effort
from provisioner.model.finding import Audit, Finding, Verdict, Waived
from provisioner.report.audit_tally import Tally

EFFORTS: tuple[Effort, ...] = ("low", "medium", "high")
NOT_SET = re.compile(r"(\w+)\..* is not set")
"""The reason of a check whose fact its section does not tell."""
SOON = timedelta(days=30)
"""A waiver that expires within this time is pointed out."""


@dataclass(frozen=True, slots=True)
class Action:
    """A check that fails, on which subjects, and what was seen there."""

    check: Check
    failing: tuple[Finding, ...]

    @property
    def subjects(self) -> tuple[str, ...]:
        """Where it fails, sorted."""
        return tuple(sorted(one.subject for one in self.failing))


@dataclass(frozen=True, slots=True)
class Gap:
    """Why something could not be looked at, of whom, and for how many checks."""

    reason: str
    subjects: tuple[str, ...]
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Borne:
    """A waiver as it was used: what fails under it, and where."""

    waiver: Waived
    checks: tuple[str, ...]
    subjects: tuple[str, ...]
    expired: bool
    ends_soon: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """A check on one subject whose verdict changed. `before` is None where it was not asked before."""

    check: str
    subject: str
    before: Verdict | None
    now: Verdict

    @property
    def way(self) -> tuple[str, str]:
        """From where to where, to put alike moves together."""
        return self.before or "", self.now


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs from the audit before."""

    previous: Audit
    worse: tuple[Moved, ...]
    better: tuple[Moved, ...]
    blind: tuple[Moved, ...]
    other: tuple[Moved, ...]
    joined: tuple[str, ...]
    left: tuple[str, ...]


def actions(tally: Tally) -> tuple[Action, ...]:
    """What fails: the gravest first, of these the least effort, of these what mends most subjects."""
    made = (
        Action(tally.catalogue.checks[key], failing)
        for key, found in tally.by_check.items()
        if key in tally.catalogue.checks
        and (failing := tuple(one for one in found if one.verdict is Verdict.FAIL))
    )
    return tuple(sorted(made, key=_urgency))


def _urgency(action: Action) -> tuple[int, int, int, str]:
    check = action.check
    return (
        -SEVERITIES.index(check.severity),
        EFFORTS.index(check.effort),
        -len(action.failing),
        check.id,
    )


def gaps(tally: Tally) -> tuple[Gap, ...]:
    """Everything that is unknown, by its reason; the reasons that hide most come first."""
    hidden: dict[str, list[Finding]] = defaultdict(list)
    for one in tally.audit.findings:
        if one.verdict is Verdict.UNKNOWN:
            hidden[one.reason].append(one)
    ranked = sorted(_together(hidden).items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(Gap(reason, _names(found), _checks(found)) for (reason, _), found in ranked)


def _together(hidden: Mapping[str, list[Finding]]) -> dict[tuple[str, tuple[str, ...]], list[Finding]]:
    """By reason and subjects; what one section lacks on the same subjects is told once."""
    merged: dict[tuple[str, tuple[str, ...]], list[Finding]] = defaultdict(list)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for reason, found in hidden.items():
        lacking = NOT_SET.fullmatch(reason)
        told = f"{lacking[1]} tells nothing of what is asked" if lacking else reason
        alike[told, _names(found)].append(reason)
    for (told, names), reasons in alike.items():
        for reason in reasons:
            merged[told if len(reasons) > 1 else reason, names] += hidden[reason]
    return merged


def borne(tally: Tally) -> tuple[Borne, ...]:
    """The waivers that this audit met: expired ones first, then by the day on which they end."""
    today = tally.audit.at.date()
    under: dict[Waived, list[Finding]] = defaultdict(list)
    for one in tally.audit.findings:
        if one.waiver:
            under[one.waiver].append(one)
    return tuple(
        Borne(waiver, _checks(found), _names(found), waiver.expires < today, _soon(waiver.expires, today))
        for waiver, found in sorted(under.items(), key=lambda item: (item[0].expires, item[0].owner))
    )


def _soon(expires: date, today: date) -> bool:
    return today <= expires <= today + SOON


def changes(tally: Tally, previous: Audit) -> Changes:
    """What moved between two audits, by check and subject; subjects that joined are named as such alone."""
    asked = tally.catalogue.checks
    before = {(one.check, one.subject): one.verdict for one in previous.findings if one.check in asked}
    names, then = {one.name for one in tally.audit.subjects}, {one.name for one in previous.subjects}
    moved = [
        Moved(one.check, one.subject, was, one.verdict)
        for one in tally.audit.findings
        if one.subject in then and (was := before.get((one.check, one.subject))) is not one.verdict
    ]
    return Changes(
        previous,
        worse=_sorted(one for one in moved if one.now is Verdict.FAIL),
        better=_sorted(one for one in moved if one.before is Verdict.FAIL and one.now is Verdict.PASS),
        blind=_sorted(one for one in moved if one.now is Verdict.UNKNOWN),
        other=_sorted(one for one in moved if _aside(one)),
        joined=tuple(sorted(names - then)),
        left=tuple(sorted(then - names)),
    )


def _aside(moved: Moved) -> bool:
    """Whether a move is neither for the worse, nor mended, nor out of sight, nor only new."""
    if moved.now in {Verdict.FAIL, Verdict.UNKNOWN} or moved.before is None:
        return False
    return not (moved.before is Verdict.FAIL and moved.now is Verdict.PASS)


def _sorted(moved: Iterable[Moved]) -> tuple[Moved, ...]:
    return tuple(sorted(moved, key=lambda one: (one.check, one.subject)))


def _names(found: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(sorted({one.subject for one in found}))


def _checks(found: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(key for key, _ in sorted(Counter(one.check for one in found).items()))
