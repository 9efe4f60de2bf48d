"""How Proxmox VE writes settings as text, and how they read as values.

A property string is `local:100/vm-100-disk-0.qcow2,size=40G,ssd=1`: parts, the first of which may stand
without its key (PVE::JSONSchema::parse_property_string). What we have no word for is kept as it is, so that
writing a string again loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.model.base import MIB, format_size, parse_size
from provisioner.model.objects import Value

EXTRA = "extra"
"""The attribute that keeps the parts we have no word for, as `key=value`, sorted."""


@dataclass(frozen=True, slots=True)
class Form:
    """A pair of functions: the value of a text, and the text of a value."""

    read: Callable[[str], Value]
    write: Callable[[Any], str]


def _flag(text: str) -> bool:
    """PVE::JSONSchema::parse_boolean."""
    return text.strip().lower() in {"1", "on", "yes", "true"}


def _number(text: str) -> Value:
    value = float(text)
    return int(value) if value.is_integer() else value


def _words(text: str) -> tuple[str, ...]:
    """Words between any of the separators of a Proxmox VE list, in their order."""
    return tuple(word for word in text.replace(",", " ").replace(";", " ").split() if word)


def _without(prefix: str) -> Form:
    return Form(lambda text: text.removeprefix(prefix), str)


TEXT = Form(str, str)
INTEGER = Form(int, str)
NUMBER = Form(_number, "{:g}".format)
FLAG = Form(_flag, lambda value: str(int(value)))
SIZE = Form(parse_size, format_size)
"""Bytes; a bare number counts bytes already (PVE::JSONSchema::parse_size)."""
MEBIBYTES = Form(lambda text: int(text.removeprefix("current=")) * MIB, lambda value: str(value // MIB))
DISCARD = Form(lambda text: text == "on", lambda value: "on" if value else "ignore")
TAGS = Form(lambda text: tuple(sorted({tag.lower() for tag in _words(text)})), ";".join)
SPACED = Form(_words, " ".join)
UPPER = Form(str.upper, str.upper)
CPU = _without("cputype=")
TYPED = _without("type=")


@dataclass(frozen=True, slots=True)
class Field:
    """One setting: its name in Proxmox VE, our attribute, and what its absence means."""

    name: str
    attribute: str
    form: Form = TEXT
    default: Value = None

    def read(self, parts: Mapping[str, str]) -> Value:
        """The value among named texts."""
        return self.form.read(parts[self.name]) if self.name in parts else self.default


@dataclass(frozen=True, slots=True)
class Group:
    """The grammar of a property string. `spell` gives the plain spelling, None where we have no words."""

    first: str
    """The part that may stand without its key."""
    fields: tuple[Field, ...]
    spell: Callable[[str], str | None] = str

    def read(self, text: str) -> dict[str, Value]:
        """The attributes of a property string."""
        parts = split(text, self.first)
        values = {field.attribute: field.read(parts) for field in self.fields}
        known = {field.name for field in self.fields}
        if rest := tuple(sorted(f"{key}={value}" for key, value in parts.items() if key not in known)):
            values[EXTRA] = rest
        return values

    def write(self, values: Mapping[str, Value]) -> str:
        """The property string of some attributes; empty if all are as their absence means."""
        kept = values.get(EXTRA)
        parts = dict(split(",".join(map(str, kept)), self.first)) if isinstance(kept, tuple) else {}
        for field in self.fields:
            value = values.get(field.attribute)
            if value is not None and value != field.default:
                parts[field.name] = field.form.write(value)
        return join(parts, self.first)


def split(text: str, first: str) -> dict[str, str]:
    """The parts of a property string by key; the part without a key is `first`."""
    parts = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if equals:
            parts[key] = value
        elif part:
            parts[first] = part
    return parts


def join(parts: Mapping[str, str], first: str) -> str:
    """The property string of some parts: `first` without its key, then the others by name."""
    bare = [parts[first]] if first in parts else []
    return ",".join(bare + [f"{key}={parts[key]}" for key in sorted(parts) if key != first])
