"""What an audit found: a verdict for each check on each subject, with its reason and what it rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """How a check ended. What nobody looked at is unknown, and never a pass."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    WAIVED = "waived"
    UNKNOWN = "unknown"


GRAVEST = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.WAIVED, Verdict.PASS, Verdict.NOT_APPLICABLE)
"""What several verdicts come to: the first of these that is among them."""


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """What several verdicts come to; of none it is unknown."""
    found = set(verdicts)
    return next((verdict for verdict in GRAVEST if verdict in found), Verdict.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Waived:
    """Who bears that a check fails, why, what is done instead, and until when."""

    owner: str
    reason: str
    measure: str
    expires: date


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of one check on one subject: a host's name, a site's, or the estate's.

    `seen` is what was looked at, cut short; `reason` says why the verdict is what it is.
    """

    check: str
    subject: str
    verdict: Verdict
    reason: str
    seen: str = ""
    waiver: Waived | None = None


def counts(found: Iterable[Finding]) -> dict[Verdict, int]:
    """How many findings there are of each verdict, the gravest first."""
    tally = Counter(one.verdict for one in found)
    return {verdict: tally[verdict] for verdict in GRAVEST}


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked: a host with its kind and the level asked of it, a site, or the estate.

    `system` names the versions that it was seen to run; empty if they are not known.
    """

    name: str
    of: str
    kind: str = ""
    level: int = 0
    site: str | None = None
    system: str = ""


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected of a subject.

    `sections` are names to `{"data": …}` or `{"error": …}`; with both, only a part was read. `trouble` says
    why nothing was collected at all. `raw` is what that rests on: a command line or path, and what it said.
    """

    subject: Subject
    at: datetime
    sections: Mapping[str, Mapping[str, Any]]
    trouble: str = ""
    raw: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's answer to a question, or that there is none."""

    control: str
    verdict: Verdict
    reason: str
    owner: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit: when, of what, by whom and by which catalogue, and all that was found.

    `operator` is `user@host` as the machine says, `versions` are those of the programs that looked; both are
    empty in audits that were recorded before they were noted.
    """

    at: datetime
    estate: str
    scope: str
    catalogue: str
    subjects: tuple[Subject, ...]
    findings: tuple[Finding, ...]
    answers: tuple[Answer, ...] = ()
    broken: tuple[str, ...] = ()
    operator: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
