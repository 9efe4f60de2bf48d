"""Nodes with priorities, as HA groups and node affinities list them: `pve1:2,pve2`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model.objects import Value
from provisioner.resources.fields import LIST, Codec


def _spell(pairs: Iterable[tuple[str, int]]) -> Value:
    """A priority of 0 is the same as none."""
    return tuple(sorted(f"{node}:{priority}" if priority else node for node, priority in pairs))


def _read(answer: Any) -> Value:
    listed = LIST.read(answer)
    items = (str(item).partition(":") for item in listed) if isinstance(listed, tuple) else ()
    return _spell((node, int(priority or 0)) for node, _, priority in items)


def _of(nodes: Mapping[str, int | None]) -> Value:
    return _spell((node, priority or 0) for node, priority in nodes.items())


def _in_words(value: Value) -> dict[str, int | None]:
    items = (str(item).partition(":") for item in value) if isinstance(value, tuple) else ()
    return {node: int(priority) if priority else None for node, _, priority in items}


HA_NODES = Codec(_read, LIST.write, of=_of, plain=_in_words)
