"""What an audit comes to: by check, control, requirement and subject. Identical findings stand together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from provisioner.errors import BastideError
from provisioner.model.catalogue import SEVERITIES, Catalogue, Check, Control, Framework, Requirement
from provisioner.model.finding import GRAVEST, Answer, Audit, Finding, Subject, Verdict, counts, together

Counts = Mapping[Verdict, int]


@dataclass(frozen=True, slots=True)
class Group:
    """Subjects of which the same was seen and concluded."""

    verdict: Verdict
    reason: str
    seen: str
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckState:
    """A check on all subjects; the gravest groups first, and of these the largest."""

    check: Check
    groups: tuple[Group, ...]
    counts: Counts

    @property
    def verdict(self) -> Verdict:
        """The gravest verdict."""
        return together(group.verdict for group in self.groups)


@dataclass(frozen=True, slots=True)
class ControlState:
    """A control, from its checks on all subjects and from a person's answer."""

    control: Control
    verdict: Verdict
    counts: Counts
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class RequirementState:
    """A requirement and the controls that contribute to it. Without any, nothing here says a word of it."""

    requirement: Requirement
    controls: tuple[ControlState, ...]

    @property
    def verdict(self) -> Verdict | None:
        """The gravest verdict of its controls; None when no control contributes."""
        return together(state.verdict for state in self.controls) if self.controls else None


@dataclass(frozen=True, slots=True)
class SubjectState:
    """One host, site or estate: how many findings there are of each verdict, and those to act on."""

    subject: Subject
    counts: Counts
    open: tuple[Finding, ...]

    @property
    def seen(self) -> bool:
        """Whether anything of it was looked at; what does not apply says nothing beside what is unknown."""
        if any(self.counts[one] for one in (Verdict.PASS, Verdict.FAIL, Verdict.WAIVED)):
            return True
        return bool(self.counts[Verdict.NOT_APPLICABLE]) and not self.counts[Verdict.UNKNOWN]


@dataclass(frozen=True)
class Tally:
    """All that reports say of an audit, each part reckoned once."""

    audit: Audit
    catalogue: Catalogue
    by_check: dict[str, list[Finding]] = field(init=False)
    by_subject: dict[str, list[Finding]] = field(init=False)

    def __post_init__(self) -> None:
        by_check, by_subject = defaultdict(list), defaultdict(list)
        for finding in self.audit.findings:
            by_check[finding.check].append(finding)
            by_subject[finding.subject].append(finding)
        object.__setattr__(self, "by_check", by_check)
        object.__setattr__(self, "by_subject", by_subject)

    @cached_property
    def counts(self) -> Counts:
        """Findings by verdict."""
        return counts(self.audit.findings)

    @cached_property
    def checks(self) -> tuple[CheckState, ...]:
        """Every check that was asked, by its id."""
        known = self.catalogue.checks
        return tuple(
            CheckState(known[key], groups(found), counts(found))
            for key, found in sorted(self.by_check.items())
            if key in known
        )

    @cached_property
    def controls(self) -> dict[str, ControlState]:
        """Every control of the catalogue that something was asked for, by its id."""
        replies = {answer.control: answer for answer in self.audit.answers}
        states = (self._control(control, replies) for control in self.catalogue.controls.values())
        return {state.control.id: state for state in states}

    def _control(self, control: Control, replies: Mapping[str, Answer]) -> ControlState:
        found = [one for check in control.checks for one in self.by_check.get(check, ())]
        answer = replies.get(control.id)
        verdicts = [one.verdict for one in found] + ([answer.verdict] if answer else [])
        return ControlState(control, together(verdicts), counts(found), answer)

    def requirements(self, framework: Framework) -> tuple[RequirementState, ...]:
        """The requirements of a framework, in its own order."""
        return tuple(
            RequirementState(
                one, tuple(self.controls[control.id] for control in contributing(one, self.catalogue))
            )
            for one in framework.requirements
        )

    @cached_property
    def subjects(self) -> tuple[SubjectState, ...]:
        """Every subject, those with most failures first."""
        states = [self._subject(subject) for subject in self.audit.subjects]
        return tuple(sorted(states, key=_by_failures))

    def _subject(self, subject: Subject) -> SubjectState:
        found = self.by_subject.get(subject.name, [])
        left = (one for one in found if one.verdict in GRAVEST[:3])
        return SubjectState(subject, counts(found), tuple(sorted(left, key=self._urgency)))

    def _urgency(self, finding: Finding) -> tuple[int, int, str]:
        check = self.catalogue.checks.get(finding.check)
        severity = SEVERITIES.index(check.severity) if check else -1
        return GRAVEST.index(finding.verdict), -severity, finding.check

    @cached_property
    def unasked(self) -> tuple[Check, ...]:
        """Checks of the catalogue of which there is no finding: nothing was there to ask."""
        return tuple(check for key, check in self.catalogue.checks.items() if key not in self.by_check)


def groups(found: Iterable[Finding]) -> tuple[Group, ...]:
    """Findings of one check, those with the same verdict, reason and sight as one."""
    alike: dict[tuple[Verdict, str, str], list[str]] = defaultdict(list)
    for one in found:
        alike[one.verdict, one.reason, one.seen].append(one.subject)
    made = (Group(*key, tuple(sorted(names))) for key, names in alike.items())
    return tuple(
        sorted(made, key=lambda one: (GRAVEST.index(one.verdict), -len(one.subjects), one.reason, one.seen))
    )


def contributing(requirement: Requirement, catalogue: Catalogue) -> tuple[Control, ...]:
    """The controls that contribute to a requirement: those that it names, then those of its topics."""
    topics = set(requirement.topics)
    named = [catalogue.controls[key] for key in requirement.controls if key in catalogue.controls]
    by_topic = (control for control in catalogue.controls.values() if topics.intersection(control.topics))
    return tuple({control.id: control for control in (*named, *by_topic)}.values())


def narrowed(audit: Audit, catalogue: Catalogue, framework: str | None) -> Tally:
    """What an audit says of one framework, or all of it. Raises BastideError for one that is not known."""
    if framework is None:
        return Tally(audit, catalogue)
    if framework not in catalogue.frameworks:
        known = ", ".join(sorted(catalogue.frameworks)) or "none"
        raise BastideError(f"there is no framework {framework}", f"give one of: {known}")
    asked = catalogue.frameworks[framework]
    controls = {one.id: one for part in asked.requirements for one in contributing(part, catalogue)}
    wanted = {key for control in controls.values() for key in control.checks}
    smaller = catalogue.model_copy(
        update={
            "frameworks": {framework: asked},
            "controls": controls,
            "checks": {key: check for key, check in catalogue.checks.items() if key in wanted},
        }
    )
    findings = tuple(one for one in audit.findings if one.check in wanted)
    answers = tuple(one for one in audit.answers if one.control in controls)
    elsewhere = {one.subject for one in audit.findings} - {one.subject for one in findings}
    subjects = tuple(one for one in audit.subjects if one.name not in elsewhere)
    return Tally(replace(audit, subjects=subjects, findings=findings, answers=answers), smaller)


def _by_failures(state: SubjectState) -> tuple[int, int, str]:
    return (-state.counts[Verdict.FAIL], -state.counts[Verdict.UNKNOWN], state.subject.name)
