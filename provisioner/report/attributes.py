"""Changes of attributes as lines: `memory  4G → 8G`, lists by what joins and leaves, rules as a diff."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import ndiff
from fnmatch import fnmatchcase

from rich.text import Text

from provisioner.model.objects import Value
from provisioner.model.plan import AttributeChange
from provisioner.report.values import entry, shown

WIDEST_NAME = 24

ORDERED = ("rules",)
"""Lists whose order matters, by the end of their name."""

TELLING = (
    *("type", "kind", "memory", "cores", "*.size", "net*.bridge", "bridge", "*ipconfig*", "net*.ip"),
    *("cidr", "address", "zone", "tag", "vlan*", "path", "server", "export", "pool", "content"),
    *("storage", "storages", "schedule", "target", "guests", "nodes", "privileges", "groups", "rules"),
)
"""Attributes that tell what a new object is, most telling first; the others are for those who ask."""

MOST = 6
"""Attributes of a new object that are shown in one line."""


def summary(changes: Iterable[AttributeChange]) -> str:
    """The few attributes that tell what a new object is."""
    given = [one for one in changes if one.after not in (None, "", (), False)]
    ranked = sorted(given, key=lambda one: (_telling(one.name), one.name))
    chosen = [one for one in ranked if _telling(one.name) < len(TELLING)] or ranked
    return ", ".join(f"{one.name} {shown(one.name, one.after, longest=40)}" for one in chosen[:MOST])


def _telling(name: str) -> int:
    return next((i for i, pattern in enumerate(TELLING) if fnmatchcase(name, pattern)), len(TELLING))


def lines(changes: tuple[AttributeChange, ...], *, verbose: bool) -> Iterator[Text]:
    """One line for each change, the names in a column; long lists take more."""
    width = min(max((len(one.name) for one in changes), default=0), WIDEST_NAME)
    for one in changes:
        if one.name.endswith(ORDERED) and _is_list(one):
            yield Text(one.name)
            yield from _ordered(_entries(one.before), _entries(one.after))
        else:
            yield Text(f"{one.name:<{width}}  ").append_text(_change(one, verbose=verbose))


def _is_list(change: AttributeChange) -> bool:
    return isinstance(change.before, tuple) or isinstance(change.after, tuple)


def _change(change: AttributeChange, *, verbose: bool) -> Text:
    longest = 10_000 if verbose else 60
    if isinstance(change.before, tuple) and isinstance(change.after, tuple):
        return _joined(change.before, change.after)
    after = shown(change.name, change.after, longest=longest)
    if change.before is None:
        return Text(after, style="green")
    before = shown(change.name, change.before, longest=longest)
    return Text.assemble((before, "red"), " → ", (after, "red" if change.after is None else "green"))


def _joined(before: tuple[Value, ...], after: tuple[Value, ...]) -> Text:
    """What joins and what leaves a list; if neither, its new order."""
    parts = [Text(f"+{entry(item)}", "green") for item in after if item not in before]
    parts += [Text(f"-{entry(item)}", "red") for item in before if item not in after]
    return Text(" ").join(parts) if parts else Text(f"now in the order {', '.join(map(entry, after))}")


def _entries(value: Value) -> list[str]:
    return [entry(item) for item in value] if isinstance(value, tuple) else []


def _ordered(before: list[str], after: list[str]) -> Iterator[Text]:
    styles = {"+ ": "green", "- ": "red", "  ": "dim"}
    return (Text(f"  {line}", style=styles[line[:2]]) for line in ndiff(before, after) if line[:2] in styles)
