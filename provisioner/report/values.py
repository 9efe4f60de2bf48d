"""Values of attributes as people read them."""

from __future__ import annotations

from fnmatch import fnmatchcase

from provisioner.model.base import GIB, KIB, MIB, TIB
from provisioner.model.objects import Ref, Value

SIZES = ("memory", "swap", "balloon", "*.size", "*_bytes")
"""Names of attributes that count bytes."""

NUMBERED = {"vm", "ct"}
"""Kinds whose id is a number that people know: the VMID."""

UNSET = "unset"
LONGEST = 60
"""Characters of a text that are shown where not every word is asked for."""


def named(ref: Ref, label: str) -> str:
    """`vm/110 dpi-db`, `role Astreinte`: the id where people use it beside the name."""
    return f"{ref.kind}/{ref.id} {label}" if ref.kind in NUMBERED else f"{ref.kind} {label}"


def shown(name: str, value: Value, *, longest: int = LONGEST) -> str:
    """One value: sizes with their unit, yes and no, lists with commas, long texts cut."""
    if value is None:
        return UNSET
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and any(fnmatchcase(name, pattern) for pattern in SIZES):
        return size(value)
    if isinstance(value, tuple):
        return cut(", ".join(entry(item) for item in value) or "none", longest)
    return cut(printable(str(value)) or '""', longest)


def size(size_bytes: int) -> str:
    """`8G`, or with one decimal where no unit fits exactly: `1.5G`."""
    for unit, letter in ((TIB, "T"), (GIB, "G"), (MIB, "M"), (KIB, "K")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f}".removesuffix(".0") + letter
    return str(size_bytes)


def entry(value: Value) -> str:
    """One entry of a list; a firewall rule is itself a list of words."""
    if isinstance(value, tuple):
        return " ".join(entry(item) for item in value if item not in (None, "", False))
    return printable(str(value))


def printable(text: str) -> str:
    """The text without what would steer a terminal: names and comments come from the cluster."""
    return "".join(letter if letter.isprintable() else "·" if letter != "\n" else "⏎" for letter in text)


def cut(text: str, longest: int) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
