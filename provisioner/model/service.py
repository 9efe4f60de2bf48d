"""What clinicians use, how much loss it bears, and when it may be disturbed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from provisioner.model.base import Model, Name, Span, TimeOfDay
from provisioner.model.hardening import Level

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Contact(Model):
    """Somebody to call."""

    title: str
    phone: str
    email: str | None = None
    role: str = ""


class Window(Model):
    """When disruption is allowed, in the estate's time zone; past midnight if `end` is not after `start`."""

    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    start: TimeOfDay
    end: TimeOfDay
    holidays: Literal["allow", "deny", "only"] = Field(
        "deny", description="On public holidays of the estate's country."
    )


class TcpCheck(Model):
    """Something listens."""

    type: Literal["tcp"]
    guest: Name
    port: int = Field(ge=1, le=65535)


class HttpCheck(Model):
    """A page answers."""

    type: Literal["http"]
    url: str
    status: int = 200
    contains: str | None = None


class SqlCheck(Model):
    """A query answers a number that is not below `at_least`."""

    type: Literal["sql"]
    guest: Name
    database: str
    query: str
    at_least: int = 1


Check = Annotated[TcpCheck | HttpCheck | SqlCheck, Field(discriminator="type")]


class BackupPolicy(Model):
    """How often a service is backed up, how long it is kept and how often a restore is tested."""

    interval: Span
    keep_daily: int = Field(ge=1)
    keep_weekly: int = Field(0, ge=0)
    keep_monthly: int = Field(0, ge=0)
    restore_test: Span | None = None
    offsite: bool = True


class ReplicationPolicy(Model):
    """How a service reaches the other site, and how often."""

    interval: Span
    method: Literal["snapshot", "database"] = "snapshot"
    rate_mbps: float | None = Field(None, gt=0, alias="rate")


class HardeningPolicy(Model):
    """The ANSSI-BP-028 level of the guests of a service."""

    level: Level


class Policies(Model):
    """Promises that services refer to by name."""

    backup: dict[Name, BackupPolicy] = Field(default_factory=dict)
    replication: dict[Name, ReplicationPolicy] = Field(default_factory=dict)
    hardening: dict[Name, HardeningPolicy] = Field(default_factory=dict)


class Service(Model):
    """Something clinicians use, with the loss and the outage that care can bear."""

    title: str
    tier: int = Field(ge=0, le=3, description="0: care stops without it; 3: it can wait for days.")
    rpo: Span = Field(description="Loss that can be borne.")
    rto: Span = Field(description="Outage that can be borne.")
    guests: tuple[Name, ...] = Field(min_length=1)
    depends_on: tuple[Name, ...] = ()
    recovers_at: Name | None = Field(None, description="The site that takes over.")
    window: Name | None = None
    backup: Name | None = None
    replication: Name | None = None
    hardening: Name | None = None
    checks: tuple[Check, ...] = ()
    contacts: tuple[Name, ...] = ()
    degraded: str = Field("", description="What care does without it, in one sentence.")
