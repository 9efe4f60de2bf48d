"""What a kind of Proxmox object has to say for itself.

A kind reads (which paths tell of it), parses (the answers become `Observed`), wants (the estate becomes
`Desired`), calls (the next writes towards what is wanted) and adopts (what was seen becomes estate YAML).
It performs no I/O: paths and calls are values that others carry out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from provisioner.model.estate import Estate
from provisioner.model.objects import Call, Desired, Mark, Observed, Ref, Traits, Work, read_mark

Answers: TypeAlias = Mapping[str, Any]
"""GET path to the `data` of its answer; a path that could not be read is missing.

`/nodes/pve1/network#changes` is what stands beside `data` under the name `changes`.
"""

Fragment: TypeAlias = dict[str, Any]
"""A piece of an estate document, merged with the others by its keys."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a kind may know when it says what to read."""

    site: str
    version: int
    """Major version of Proxmox VE."""
    mark: str
    wanted: frozenset[Ref]
    """Objects that the estate wants or wants removed on this site."""
    nodes: tuple[str, ...] = ()
    """The nodes that the estate names on this site, or for an adoption all that exist."""
    everything: bool = False
    """Read also what cannot be marked and is not wanted: for an adoption."""

    def wants(self, kind: str) -> bool:
        """Whether any object of the kind is wanted, or everything is read."""
        return self.everything or any(ref.kind == kind for ref in self.wanted)

    def concerns(self, ref: Ref, comment: str | None) -> bool:
        """Whether an object's details matter: it is wanted, or its comment says that it is ours."""
        ours = read_mark(comment, self.mark)[1] is not Mark.NONE
        return self.everything or ours or ref in self.wanted


def no_details(_scope: Scope, _answers: Answers) -> dict[str, Ref]:
    """The kind's lists tell everything."""
    return {}


def whole_list(
    kind_reads: Callable[[Scope], tuple[str, ...]],
) -> Callable[[Scope, Ref, Observed | None], tuple[str, ...]]:
    """A `refresh` that reads the kind's lists again."""
    return lambda scope, _ref, _observed: kind_reads(scope)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object; see the module's docstring."""

    traits: Traits
    reads: Callable[[Scope], tuple[str, ...]]
    """The paths to read first; several kinds may name the same."""
    parse: Callable[[Scope, Answers], tuple[Observed, ...]]
    """All objects that the answers tell of; one whose details are missing is left out."""
    desired: Callable[[Estate, str], tuple[Desired, ...]]
    """What the estate wants of this kind on a site, by the site's name."""
    calls: Callable[[Work], tuple[Call, ...]]
    """The next calls, in order; asked again after they were made, until there are none."""
    adopt: Callable[[Scope, tuple[Observed, ...]], Fragment]
    """The part of an estate document that describes these objects."""
    refresh: Callable[[Scope, Ref, Observed | None], tuple[str, ...]]
    """The fewest paths from which `parse` can tell this one object again."""
    details: Callable[[Scope, Answers], dict[str, Ref]] = no_details
    """Paths to read second, each with the object that it tells of: what fails makes that object unknown."""
