"""A plan: the steps that bring what is seen to what is wanted, as a document that can be approved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from provisioner.model.objects import Desired, Observed, Ref, Value


class Action(StrEnum):
    """What a step does to an object."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    RESTART = "restart"
    ACTIVATE = "activate"


class Effect(StrEnum):
    """What has to be allowed by name."""

    DESTROY = "destroy"
    SHRINK = "shrink"
    RESTART = "restart"
    STOP = "stop"


class Risk(StrEnum):
    """How much care a change can disturb: low (none), medium (a restart, a network), high (a loss)."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One attribute, old and new; None is unset."""

    name: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class Change:
    """What has to happen to one object, and why."""

    ref: Ref
    label: str
    action: Action
    attributes: tuple[AttributeChange, ...] = ()
    effects: frozenset[Effect] = frozenset()
    risk: Risk = Risk.LOW
    notes: tuple[str, ...] = ()
    desired: Desired | None = None
    observed: Observed | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A change in its place: it begins when all that it requires has succeeded."""

    change: Change
    requires: frozenset[Ref]
    digest: str
    """SHA-256 over the change and the digest of the object that was seen."""

    @property
    def ref(self) -> Ref:
        """The object that the step works on."""
        return self.change.ref


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule of the estate that the cluster breaks at the moment, though no setting differs."""

    ref: Ref
    label: str
    message: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A setting that is written and takes effect at the guest's next restart."""

    ref: Ref
    label: str
    attribute: str
    active: Value
    next: Value


@dataclass(frozen=True, slots=True)
class Blocker:
    """A reason why a plan must not be applied as it is, and what would lift it."""

    reason: str
    hint: str
    refs: tuple[Ref, ...] = ()
    kind: str = "unsafe"
    """`unsafe`, `quorum`, `window` or `conflict`; `later` is for the next plan and does not stop this one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in an order that can be run from top to bottom, and all that a reader must know beside them."""

    estate: str
    created: datetime
    steps: tuple[Step, ...]
    unknown: tuple[tuple[Ref, str], ...] = ()
    violations: tuple[Violation, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    """Conflicts that no permission can lift; the steps they concern are left out."""
    digest: str = ""
    """SHA-256 over the digests of the steps."""

    @property
    def empty(self) -> bool:
        """Nothing to do, nothing violated, nothing in conflict; what is unknown is asked apart."""
        return not (self.steps or self.violations or self.blockers)
