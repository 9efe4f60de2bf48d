"""What an audit concludes: a verdict for every check on every subject, from nothing but what was collected.

Invariant: a pass rests on a fact that was read. Whatever could not be looked at is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from provisioner.model import expect, facts
from provisioner.model.audit import Reply, Waiver
from provisioner.model.catalogue import Catalogue, Check, Control
from provisioner.model.finding import Answer, Collected, Finding, Subject, Verdict, Waived
from provisioner.model.hardening import number

YES_NO = {"yes": Verdict.PASS, "no": Verdict.FAIL, "not-applicable": Verdict.NOT_APPLICABLE}


def findings(
    checks: Iterable[Check], collected: Iterable[Collected], waivers: Iterable[Waiver], now: datetime
) -> tuple[Finding, ...]:
    """The verdict of each check on each subject that it is asked of. `now` is aware."""
    questions = tuple(_Question(check) for check in checks)
    borne = tuple(waivers)
    return tuple(
        _with_waiver(question.judge(one, now), borne, now)
        for one in collected
        for question in questions
        if question.check.of == one.subject.of
    )


def answers(catalogue: Catalogue, replies: Mapping[str, Reply], now: datetime) -> tuple[Answer, ...]:
    """What persons answered to the questions of the catalogue; what nobody did, or long ago, is unknown."""
    asked = (control for control in catalogue.controls.values() if control.question)
    return tuple(_answer(control, replies.get(control.id), now) for control in asked)


def _answer(control: Control, reply: Reply | None, now: datetime) -> Answer:
    if reply is None:
        return Answer(control.id, Verdict.UNKNOWN, "nobody has answered")
    until = reply.on + timedelta(days=reply.valid_days)
    if now.date() > until:
        said = f"the answer of {reply.on} held until {until}"
        return Answer(control.id, Verdict.UNKNOWN, said, reply.owner, reply.on)
    return Answer(control.id, YES_NO[reply.answer], reply.because, reply.owner, reply.on)


@dataclass(slots=True)
class _Question:
    """A check, read once and asked often."""

    check: Check
    steps: tuple[facts.Step, ...]
    holds: expect.Expectation
    each: expect.Expectation | None

    def __init__(self, check: Check) -> None:
        self.check = check
        self.steps = facts.parse(check.fact)
        self.holds = expect.read(check.expect)
        self.each = expect.read(check.expect["each"]) if "each" in check.expect else None

    def judge(self, collected: Collected, now: datetime) -> Finding:
        """The verdict on one subject, waivers left aside."""
        subject = collected.subject
        if reason := _spared(self.check, subject):
            return self._finding(subject, Verdict.NOT_APPLICABLE, reason)
        if collected.trouble:
            return self._finding(subject, Verdict.UNKNOWN, collected.trouble)
        return self._spared_by_what_it_is(collected) or self._looked_at(collected, now)

    def _spared_by_what_it_is(self, collected: Collected) -> Finding | None:
        if self.check.needs is None:
            return None
        system = collected.sections.get("os", {}).get("data")
        if not system:
            return self._finding(
                collected.subject, Verdict.UNKNOWN, "it is not known whether this is a container"
            )
        if system.get("container"):
            reason = "a container shares the kernel of its host, which is asked instead"
            return self._finding(collected.subject, Verdict.NOT_APPLICABLE, reason)
        return None

    def _looked_at(self, collected: Collected, now: datetime) -> Finding:
        name, subject = self.steps[0].key, collected.subject
        section = collected.sections.get(name)
        if section is None:
            return self._finding(subject, Verdict.UNKNOWN, f"{name} was not looked at")
        if "data" not in section:
            reason = f"{name} could not be looked at: {section.get('error', 'nothing is said of why')}"
            return self._finding(subject, Verdict.UNKNOWN, reason)
        told = self._told(subject, section["data"], now)
        if told.verdict is Verdict.FAIL or not section.get("error"):
            return told
        reason = f"{name} could be looked at in part only: {section['error']}"
        return self._finding(subject, Verdict.UNKNOWN, reason, told.seen)

    def _told(self, subject: Subject, data: Any, now: datetime) -> Finding:
        """The verdict by what was read. Where that was a part only, nothing but a failure is certain."""
        name = self.steps[0].key
        if data is None:
            return self._finding(subject, Verdict.NOT_APPLICABLE, f"there is no {name} here")
        found = facts.find(self.steps, {name: data})
        if not found.there or (found.several is None and found.value is None):
            return self._absent(subject)
        why = self._why(found, now)
        seen = expect.short(found.value, 400)
        verdict = Verdict.FAIL if why else Verdict.PASS
        return self._finding(subject, verdict, f"{self.check.fact} {why}" if why else "as expected", seen)

    def _absent(self, subject: Subject) -> Finding:
        verdict = Verdict(self.check.absent) if self.check.absent else Verdict.UNKNOWN
        return self._finding(subject, verdict, f"{self.check.fact} is not set")

    def _why(self, found: facts.Found, now: datetime) -> str | None:
        if self.each is None or found.several is None:
            return self.holds(found.value, now)
        whys = [f"{name} {why}" for name, value in found.several if (why := self.each(value, now))]
        told = expect.first_few(whys)
        return f"of {told}" if told else None

    def _finding(self, subject: Subject, verdict: Verdict, reason: str, seen: str = "") -> Finding:
        return Finding(self.check.id, subject.name, verdict, reason, seen)


def _spared(check: Check, subject: Subject) -> str:
    """Why a subject is not asked; empty if it is."""
    if check.kinds and subject.kind not in check.kinds:
        return f"asked of {', '.join(check.kinds)}; this is a {subject.kind}"
    if check.level and number(check.level) > subject.level:
        return f"asked from the level {check.level} on"
    return ""


def _with_waiver(finding: Finding, waivers: tuple[Waiver, ...], now: datetime) -> Finding:
    """A failure that somebody bears is waived; one that somebody bore until some day fails, and says so."""
    if finding.verdict is not Verdict.FAIL:
        return finding
    borne = [waiver for waiver in waivers if _covers(waiver, finding)]
    if not borne:
        return finding
    last = max(borne, key=lambda waiver: waiver.expires)
    told = Waived(last.owner, last.reason, last.measure, last.expires)
    if now.date() > last.expires:
        reason = f"{finding.reason}; the waiver of {last.owner} expired on {last.expires}"
        return replace(finding, reason=reason, waiver=told)
    return replace(finding, verdict=Verdict.WAIVED, waiver=told)


def _covers(waiver: Waiver, finding: Finding) -> bool:
    return any(fnmatchcase(finding.check, pattern) for pattern in waiver.checks) and any(
        fnmatchcase(finding.subject, pattern) for pattern in waiver.subjects
    )


def section_of(check: Check) -> str:
    """The section of what is collected that a check needs."""
    return facts.parse(check.fact)[0].key
