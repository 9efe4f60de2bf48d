"""A command as a table: what each subcommand takes, which call of the API it is, how the answer is shown."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .api import Api, is_task
from .errors import USAGE, CommandFailed, not_offered
from .words import Words, in_places, read

Show = Callable[[Any, Mapping[str, Any]], str]
Act = Callable[[Api, Words], None]
# Options that change what is shown, and are not of the API.
OWN_OPTIONS = ("verbose",)


@dataclass(frozen=True, slots=True)
class Row:
    """A subcommand. Words in places that `path` does not name are sent, and so is what it `adds`.

    `show` makes text of the answer and of what was said.
    """

    takes: tuple[str, ...]
    method: str
    path: str
    show: Show | None
    adds: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A command: rows, subcommands that are functions, and why others are not offered.

    A path that begins with a dot is below `base`.
    """

    name: str
    rows: Mapping[str, Row]
    acts: Mapping[str, Act] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    base: str = ""


def row(takes: str, call: str, show: Show | None = None, **adds: Any) -> Row:
    """A row whose words stand in the places `takes` (`[one]` may be missing) and that is the `call`."""
    method, path = call.split()
    return Row(tuple(takes.split()), method, path, show, adds)


def run(table: Table, words: list[str]) -> None:
    """Do what a command line says; its subcommand is one word or two. Raises CommandFailed."""
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in table.instead:
            raise not_offered(f"{table.name} {name}", table.instead[name])
        if name in table.rows:
            _call(table, name, read(words[length:]))
            return
        if name in table.acts:
            table.acts[name](Api(), read(words[length:]))
            return
    known = ", ".join(sorted([*table.rows, *table.acts]))
    if not words:
        raise CommandFailed(f"ERROR: no command specified\nThe lab's {table.name} knows: {known}", USAGE)
    raise not_offered(f"{table.name} {words[0]}", f"its {table.name} knows {known}")


def _call(table: Table, name: str, words: Words) -> None:
    one = table.rows[name]
    usage = " ".join([table.name, name, *(f"<{place}>" for place in one.takes), "[OPTIONS]"])
    said = in_places(words, one.takes, usage) | words.options
    path = table.base + one.path[1:] if one.path.startswith(".") else one.path
    sent = {**said, **one.adds}
    for key in list(sent):
        if "{" + key + "}" in path and key in one.takes:
            path = path.replace("{" + key + "}", str(sent.pop(key)))
    for key in OWN_OPTIONS:
        sent.pop(key, None)
    api = Api()
    answer = api.call(one.method, path, sent)
    if is_task(answer):
        api.follow(answer)
    elif one.show:
        sys.stdout.write(one.show(answer, said))
