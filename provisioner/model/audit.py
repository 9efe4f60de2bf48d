"""What an estate says of its audits: what they are of, who bears which failure, what persons answer for."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from provisioner.model.base import Model
from provisioner.model.evidence import Scope

Words = Annotated[str, StringConstraints(min_length=3)]


class Waiver(Model):
    """A failure that somebody bears until a day, and what is done instead. After that day it fails again."""

    checks: tuple[str, ...] = Field(min_length=1, description="Ids of checks, or patterns such as `ssh-*`.")
    subjects: tuple[str, ...] = Field(("*",), description="Hosts or sites, or patterns. Default: all.")
    owner: Words = Field(description="Who bears it, by name or function.")
    reason: Words
    measure: Words = Field(description="What is done instead, so that the risk can be borne.")
    expires: date = Field(description="The last day on which it holds.")


class Reply(Model):
    """A person's answer to a question that no machine can answer."""

    answer: Literal["yes", "no", "not-applicable"]
    because: Words = Field(description="What the answer rests on, such as a document and its date.")
    owner: Words = Field(description="Who answers for it.")
    on: date
    valid_days: int = Field(365, ge=1, le=1826, description="How long the answer holds.")


class AuditPolicy(Model):
    """Waivers, and answers by the id of their control, such as `R2`."""

    scope: Scope = Field("production", description="What is audited: a lab proves nothing about a clinic.")
    waivers: tuple[Waiver, ...] = ()
    answers: dict[str, Reply] = Field(default_factory=dict)
