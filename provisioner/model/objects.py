"""Objects of a Proxmox VE cluster as plain values: what is wanted, what is seen, what its kind is like.

An object's attributes are flat: a guest's first network card is `net0.bridge`, `net0.tag`, and so on.
Values are normalised by the object's kind, so that two equal settings compare equal. `None` means *unset*.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TypeAlias

from provisioner.model.base import SecretRef

Value: TypeAlias = "str | int | float | bool | tuple[Value, ...] | None"


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """The identity of an object: its site, its kind, and its id on that cluster (a guest's VMID)."""

    site: str
    kind: str
    id: str

    def __str__(self) -> str:
        """`carpentras/vm/110`, as people write it behind `--allow`."""
        return f"{self.site}/{self.kind}/{self.id}"


class Mark(StrEnum):
    """Whether an object says that Bastide made it, in its comment or description."""

    NONE = "none"
    OURS = "ours"
    BUILDING = "building"
    """Ours, and its creation was begun and not yet finished."""


@dataclass(frozen=True, slots=True)
class Desired:
    """An object as the estate wants it.

    `attributes` are compared with what is seen; one that is left out is not managed.
    `at_creation` is used when the object is made and never compared (a template, an image, a password).
    """

    ref: Ref
    label: str
    attributes: Mapping[str, Value]
    at_creation: Mapping[str, Value] = field(default_factory=dict)
    secrets: Mapping[str, SecretRef] = field(default_factory=dict)
    requires: frozenset[Ref] = frozenset()
    activation: Ref | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """An object as Proxmox VE shows it.

    `attributes` are those in force after the next restart; `active` holds the values of those that differ
    until then. `digest` is Proxmox VE's own, or a hash of the answer where it gives none.
    """

    ref: Ref
    label: str
    attributes: Mapping[str, Value]
    mark: Mark = Mark.NONE
    digest: str = ""
    active: Mapping[str, Value] = field(default_factory=dict)
    node: str | None = None
    running: bool = False
    locked: str = ""
    activation: Ref | None = None


@dataclass(frozen=True, slots=True)
class Traits:
    """What decisions need to know about a kind. Patterns are those of `fnmatch`, over attribute names."""

    kind: str
    title: str
    rank: int
    """Kinds of a lower rank are made first and removed last."""
    audit: tuple[tuple[str, str], ...] = ()
    """(path, privilege) pairs without which Proxmox VE silently leaves objects out of its lists."""
    markable: bool = True
    immutable: tuple[str, ...] = ()
    """Only a replacement changes them."""
    restart: tuple[str, ...] = ()
    """A running guest takes them at its next restart."""
    capacity: tuple[str, ...] = ()
    """Less of them, or a retention that keeps less, is a shrink that has to be allowed."""
    grow_only: tuple[str, ...] = ()
    """Proxmox VE cannot make them smaller at all."""
    disks: tuple[str, ...] = ()
    """Unsetting them detaches or destroys what they hold."""
    owned: tuple[str, ...] = ()
    """The estate's list is complete: what is seen and not wanted goes."""
    stops: tuple[tuple[str, Value], ...] = ()
    """(attribute, value) pairs that stop a guest and keep it down."""
    destroys: bool = False
    """Removing the object destroys what it holds."""
    delicate: bool = False
    """A mistake here cuts off nodes or people: the risk of a change is never low."""

    def matches(self, attribute: str, patterns: tuple[str, ...]) -> bool:
        """Whether any of the patterns covers the attribute."""
        return _matches(attribute, patterns)


@lru_cache(maxsize=4096)
def _matches(attribute: str, patterns: tuple[str, ...]) -> bool:
    """Kept, for a thousand guests have the same few attributes."""
    return any(fnmatchcase(attribute, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Call:
    """One write to the Proxmox VE API.

    An answer that is a UPID is waited for. `secrets` are parameters whose values are fetched when the call is
    sent. `lanes` name what calls share (a storage, a node, a cfs lock); how many at once is `pve`'s affair.
    """

    method: str
    path: str
    params: Mapping[str, str | int | float | bool | tuple[str, ...]] = field(default_factory=dict)
    secrets: Mapping[str, SecretRef] = field(default_factory=dict)
    reveals: SecretRef | None = None
    """Where the `value` of the answer is written: the secret of a new token."""
    lanes: tuple[str, ...] = ()
    passing: tuple[str, ...] = ()
    """Pieces of refusals that pass by themselves: the call is tried again for a while."""
    timeout_seconds: int = 600
    """For the task that the call starts."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a kind is asked to do with one object. `desired` None removes it; `observed` None makes it."""

    desired: Desired | None
    observed: Observed | None
    changed: frozenset[str]
    """Names of the attributes that differ now."""
    seen: Mapping[Ref, Observed]
    """The other objects of the site as they were observed."""
    version: int
    """Major version of Proxmox VE: 8 or 9."""
    mark: str
    """The text that marks an object as this estate's."""
    restart: bool = False
    """A restart of this guest is allowed."""


def estate_mark(estate: str) -> str:
    """The mark on objects that this estate made, found again by `read_mark`."""
    return f"[bastide:{estate}]"


def guest_mark(mark: str, vmid: str) -> str:
    """The mark on a guest, with its number: `[bastide:synergia/110]`.

    Proxmox VE copies a guest's description to its clones and to what is restored from its backups; made by
    hand under another number, those are not ours.
    """
    return f"{mark[:-1]}/{vmid}]"


def building_mark(mark: str) -> str:
    """The mark while an object is being made: `[bastide:synergia+building]`."""
    return f"{mark[:-1]}+building]"


def with_mark(text: str, mark: str) -> str:
    """A comment or description that ends with a mark."""
    return f"{text} {mark}".strip()


def read_mark(text: str | None, mark: str) -> tuple[str, Mark]:
    """The text without the mark, and what the mark says. Another estate's mark stays in the text."""
    stripped = (text or "").rstrip()
    for suffix, meaning in ((mark, Mark.OURS), (building_mark(mark), Mark.BUILDING)):
        if stripped.endswith(suffix):
            return stripped[: -len(suffix)].rstrip(), meaning
    return text.rstrip() if text else "", Mark.NONE
