"""Paths into what was collected: `sshd.ciphers`, `sysctl."kernel.sysrq"`, `accounts.users{}.password`.

`files{/boot/vmlinuz*}` takes the values whose names match one of the shell patterns between the bars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

_STEP = re.compile(r'(?:"(?P<quoted>[^"]+)"|(?P<plain>[\w@/:-]+))(?P<every>\[\]|\{[^{}]*\})?(?:\.|$)')


class WrongPath(ValueError):
    """A path that cannot be read."""


@dataclass(frozen=True, slots=True)
class Step:
    """A key, and whether every element (`[]`) or value (`{}`) of what is there is meant, or those named."""

    key: str
    every: str = ""

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names that are meant; none if all are."""
        return tuple(filter(None, self.every[1:-1].split("|")))


@dataclass(frozen=True, slots=True)
class Found:
    """What a path leads to. `several` holds for paths with `[]` or `{}`; then the names tell them apart."""

    there: bool
    value: Any = None
    several: tuple[tuple[str, Any], ...] | None = None


def parse(path: str) -> tuple[Step, ...]:
    """The steps of a path; the first names the section. Raises WrongPath."""
    steps, at = [], 0
    while at < len(path):
        match = _STEP.match(path, at)
        if not match or match.end() == at:
            raise WrongPath(f"{path!r} is no path: at {path[at:]!r} a key was expected")
        steps.append(Step(match["quoted"] or match["plain"], match["every"] or ""))
        at = match.end()
    if not steps:
        raise WrongPath("an empty path leads nowhere")
    return tuple(steps)


def find(steps: tuple[Step, ...], top: Mapping[str, Any]) -> Found:
    """What the steps lead to below `top`."""
    if not any(step.every for step in steps):
        here: Any = top
        for step in steps:
            if not isinstance(here, Mapping) or step.key not in here:
                return Found(there=False)
            here = here[step.key]
        return Found(there=True, value=here)
    found = tuple(_every(steps, top, ""))
    there = bool(found) or _leads(steps, top)
    return Found(there=there, value=[value for _, value in found], several=found)


def _every(steps: tuple[Step, ...], here: Any, name: str) -> Iterator[tuple[str, Any]]:
    if not steps:
        yield name, here
        return
    step, rest = steps[0], steps[1:]
    if not isinstance(here, Mapping) or step.key not in here:
        return
    inside = here[step.key]
    if not step.every:
        yield from _every(rest, inside, name)
        return
    for key, value in _named(inside):
        if step.patterns and not any(fnmatchcase(key, pattern) for pattern in step.patterns):
            continue
        yield from _every(rest, value, f"{name}/{key}" if name else key)


def _named(inside: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(inside, Mapping):
        yield from ((str(key), value) for key, value in inside.items())
    elif isinstance(inside, list | tuple):
        for number, value in enumerate(inside):
            yield _name(value, number), value


def _name(value: Any, number: int) -> str:
    """What a list's element is called by: its own name if it has one, else itself, else its place."""
    if isinstance(value, Mapping):
        for key in ("name", "id", "userid", "path", "vmid", "tokenid", "realm", "storage"):
            if key in value:
                return str(value[key])
        return str(number + 1)
    return str(value)


def _leads(steps: tuple[Step, ...], top: Mapping[str, Any]) -> bool:
    """Whether the path leads at least to the list or mapping whose elements are meant, be it empty.

    Of those that are meant by name there has to be one. Elements of which none has what the path goes on with
    are no empty list either.
    """
    return not any(step.patterns for step in steps) and _ends_in_lists(steps, top)


def _ends_in_lists(steps: tuple[Step, ...], here: Any) -> bool:
    if not steps:
        return True
    step, rest = steps[0], steps[1:]
    if not isinstance(here, Mapping) or step.key not in here:
        return False
    inside = here[step.key]
    elements = [value for _, value in _named(inside)] if step.every else [inside]
    return all(_ends_in_lists(rest, element) for element in elements)
