"""Guests that are there already, in the words of an estate: as short as still says the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from provisioner.model.objects import Observed, Value
from provisioner.resources.dialect import OPTION
from provisioner.resources.disks import size_word
from provisioner.resources.kind import Fragment

LONGEST = 50
"""Of a guest's key, so that a VMID fits behind it."""


def adopt(seen: tuple[Observed, ...], words: Callable[[Observed], Fragment]) -> Fragment:
    """`{"guests": {key: words}}`; a key that another guest has gets its VMID behind it."""
    guests: Fragment = {}
    for guest in seen:
        plain = key_of(guest.label)
        key = plain if plain not in guests else f"{plain}-{guest.ref.id}"
        named = {} if guest.label == key else {"name": guest.label}
        guests[key] = {"vmid": int(guest.ref.id), "node": guest.node, **named, **words(guest)}
    return {"guests": guests} if guests else {}


def key_of(name: str) -> str:
    """A guest's name as the estate takes it for a key: `DB.example` → `db-example`, `7zip` → `g-7zip`."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return (plain if plain[:1].isalpha() else f"g-{plain}")[:LONGEST].rstrip("-")


def common(guest: Observed) -> Fragment:
    """The words that both kinds have, where they differ from what an estate means by saying nothing."""
    values = guest.attributes
    start = {word: values[f"startup.{word}"] for word in ("order", "up", "down")}
    words = {
        "description": values["description"],
        "memory": size_word(values["memory"]),
        "pool": values["pool"],
        "tags": list_of(values["tags"]),
        "protection": values["protection"],
        "start": {word: value for word, value in start.items() if value is not None},
        "hookscript": values["hookscript"],
        "template": values["template"],
        "options": options(values),
    }
    said = {word: value for word, value in words.items() if value}
    off = {} if values["onboot"] else {"onboot": False}
    idle = {} if guest.running or values["template"] else {"started": False}
    return {**said, **off, **idle}


def options(values: Mapping[str, Value]) -> Fragment:
    """What we have no word for, as it is."""
    return {
        name.removeprefix(OPTION): str(value)
        for name, value in sorted(values.items())
        if name.startswith(OPTION)
    }


def differing(values: Mapping[str, Value], defaults: Mapping[str, Value]) -> Fragment:
    """The attributes that are not as an estate means by saying nothing, by the names of `defaults`."""
    return {word: list_of(values[word]) for word, usual in defaults.items() if values[word] != usual}


def list_of(value: Value) -> Value | list[Value]:
    """A tuple as YAML says it."""
    return list(value) if isinstance(value, tuple) else value


def parts(values: Mapping[str, Value], pattern: str) -> dict[str, dict[str, Value]]:
    """Attributes such as `net0.bridge` by the part before the dot, in the order of their numbers."""
    found: dict[str, dict[str, Value]] = {}
    for name, value in values.items():
        head, dot, rest = name.partition(".")
        if dot and re.fullmatch(pattern, head):
            found.setdefault(head, {})[rest] = value
    return {head: found[head] for head in sorted(found, key=_natural)}


def _natural(key: str) -> tuple[str, int]:
    number = re.sub(r"\D", "", key)
    return key.removesuffix(number), int(number or 0)
