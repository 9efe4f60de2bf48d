"""What an audit asks: checks (what is looked at), controls (what it means), frameworks (who asks for it)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, StringConstraints, field_validator, model_validator

from provisioner.model import expect, facts
from provisioner.model.base import Model
from provisioner.model.hardening import Level

Language: TypeAlias = Literal["fr", "en"]
Severity: TypeAlias = Literal["low", "medium", "high", "critical"]
Effort: TypeAlias = Literal["low", "medium", "high"]
Confidence: TypeAlias = Literal["low", "medium", "high"]
Subject: TypeAlias = Literal["host", "site", "estate"]
Kind: TypeAlias = Literal["node", "vm", "ct", "witness", "host"]
CheckId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9.]+)*$")]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
"""From the mildest."""


class Text(Model):
    """The same words in both languages."""

    fr: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_(self, language: Language) -> str:
        """The words in one language."""
        return self.fr if language == "fr" else self.en


class Remediation(Model):
    """What mends it: a role of Bastide's, at a tag; or what a person does."""

    role: str | None = None
    tag: str | None = None
    by: Text | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Remediation:
        if not (self.role or self.by):
            raise ValueError("a remediation names a `role`, or says `by` what a person does")
        return self


class Examples(Model):
    """Fragments of what was collected, section by section: one that passes and one that fails."""

    good: dict[str, Any]
    bad: dict[str, Any]


class Check(Model):
    """One thing that is looked at, on every host, of every site, or once.

    `fact` is a path into what was collected (see provisioner.model.facts), `expect` what has to hold of it
    (provisioner.model.expect). `absent` is what it means when the section was read and the path leads
    nowhere: without it that is unknown; never is it a pass.
    """

    id: CheckId
    title: Text
    explanation: Text
    severity: Severity
    effort: Effort = "low"
    of: Subject = "host"
    kinds: tuple[Kind, ...] = ()
    level: Level | None = None
    needs: Literal["own-kernel"] | None = None
    fact: str
    expect: dict[str, Any] = Field(min_length=1, max_length=1)
    absent: Literal["fail", "not_applicable"] | None = None
    remediation: Remediation
    examples: Examples

    @field_validator("fact")
    @classmethod
    def _is_a_path(cls, told: str) -> str:
        facts.parse(told)
        return told

    @field_validator("expect")
    @classmethod
    def _is_an_expectation(cls, told: dict[str, Any]) -> dict[str, Any]:
        expect.read(told)
        return told


class Question(Model):
    """What no machine can see; a person answers for it in the estate, with a date."""

    fr: str
    en: str
    evidence: Text | None = None


class Instead(Model):
    """Why no role applies a recommendation, and what is done instead."""

    how: Literal["hardware", "organisational", "audit-only", "not applicable", "proxmox"]
    reason: Text
    measure: Text | None = None


class Control(Model):
    """What checks mean together: it passes when all that apply pass. Or a question to a person."""

    id: str
    title: Text
    level: Level | None = None
    checks: tuple[CheckId, ...] = ()
    question: Question | None = None
    instead: Instead | None = None
    topics: tuple[str, ...] = ()
    references: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Ids in benchmarks, by benchmark and version, such as cis-debian-13/1.0.0.",
    )

    @model_validator(mode="after")
    def _can_be_answered(self) -> Control:
        if not (self.checks or self.question):
            raise ValueError("a control has `checks` or a `question`: with neither nobody could answer it")
        return self


class Requirement(Model):
    """What a framework asks, and the controls and topics that contribute to it."""

    id: str
    title: Text
    controls: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    confidence: Confidence = "medium"


class Framework(Model):
    """A text that somebody is audited against, in one version."""

    id: str
    title: Text
    version: str
    source: str
    scope: Text | None = None
    requirements: tuple[Requirement, ...]

    @field_validator("requirements")
    @classmethod
    def _are_told_apart(cls, told: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
        twice = sorted(key for key, times in Counter(one.id for one in told).items() if times > 1)
        if twice:
            raise ValueError(f"requirements stand twice: {', '.join(twice)}")
        return told


class Topic(Model):
    """What controls contribute to and frameworks ask for: the ground on which both meet."""

    id: str
    title: Text


class Catalogue(Model):
    """All that can be asked, by id."""

    version: str
    checks: Mapping[str, Check]
    controls: Mapping[str, Control]
    frameworks: Mapping[str, Framework]
    topics: Mapping[str, Topic] = Field(default_factory=dict)
