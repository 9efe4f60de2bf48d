"""The words of a command line as Proxmox VE's commands take them (PVE/JSONSchema.pm, get_options)."""

import re
from dataclasses import dataclass, field
from typing import Any

from .errors import USAGE, CommandFailed

OPTION = re.compile(r"--?([A-Za-z][\w-]*)(?:=(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Words:
    """What was said: words in their places, `options` by name, and what stood behind `--`."""

    places: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    rest: tuple[str, ...] = ()


def read(words: list[str]) -> Words:
    """Tell options from places. An option without a value is a switch that is on, `1`."""
    places: list[str] = []
    options: dict[str, Any] = {}
    given = list(words)
    while given:
        word = given.pop(0)
        if word == "--":
            break
        option = OPTION.fullmatch(word)
        if option is None:
            places.append(word)
            continue
        value = option.group(2)
        if value is None:
            value = given.pop(0) if given and (given[0] == "" or given[0][0] != "-") else "1"
        _keep(options, option.group(1), value)
    return Words(tuple(places), options, tuple(given))


def _keep(options: dict[str, Any], name: str, value: str) -> None:
    """An option that is said again is a list."""
    if name not in options:
        options[name] = value
    elif isinstance(options[name], list):
        options[name].append(value)
    else:
        options[name] = [options[name], value]


def in_places(words: Words, names: tuple[str, ...], usage: str) -> dict[str, Any]:
    """The words in their places by name; `[name]` may be missing. Raises CommandFailed for another number."""
    needed = [name for name in names if not name.startswith("[")]
    if not len(needed) <= len(words.places) <= len(names):
        raise CommandFailed(
            f"{'not enough' if len(words.places) < len(needed) else 'too many'} arguments\n{usage}", USAGE
        )
    return {name.strip("[]"): place for name, place in zip(names, words.places, strict=False)}
