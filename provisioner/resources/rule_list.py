"""Lists of firewall rules, whatever they belong to: how they are read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provisioner.model.objects import Call, Value
from provisioner.resources.rule_edit import edit
from provisioner.resources.rule_text import rule_text


def read_rules(rows: Iterable[Mapping[str, Any]]) -> tuple[Value, ...]:
    """The lines of a list, in the order of its positions."""
    return tuple(rule_text(row) for row in sorted(rows, key=lambda row: int(row["pos"])))


def digest_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """The digest of a list; an empty one tells none."""
    return next((str(row["digest"]) for row in rows if row.get("digest")), "")


def rule_calls(path: str, now: Value, target: Value, *, digest: str = "") -> tuple[Call, ...]:
    """The writes that turn a list into another; the first one checks that nobody else changed it."""
    edits = edit(_texts(now), _texts(target))
    return tuple(
        Call(
            one.method,
            path if one.pos is None else f"{path}/{one.pos}",
            one.params | ({"digest": digest} if digest and number == 0 else {}),
            lanes=(path,),
        )
        for number, one in enumerate(edits)
    )


def _texts(value: Value) -> tuple[str, ...]:
    return tuple(str(text) for text in value) if isinstance(value, tuple) else ()
