"""The program that looks at a host, as one text for `python3 -`."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

PACKAGE = "provisioner.hosts.collector"
FIRST = ("look", "versions", "shared", "publickey", "files", "network", "updates")
"""Modules that others import, in the order of these imports."""
LAST = "sections"

BEGIN = """\
import sys, types
def module(name, source, path):
    made = sys.modules[name] = types.ModuleType(name)
    made.__package__, _, own = name.rpartition(".")
    if made.__package__:
        setattr(sys.modules[made.__package__], own, made)
    exec(compile(source, path, "exec", dont_inherit=True), made.__dict__)
"""


@functools.cache
def program() -> str:
    """The collector's modules, joined; it is ASCII, needs no file and writes none."""
    outer = PACKAGE.split(".")
    parts = [f"module({'.'.join(outer[: depth + 1])!r}, '', '')\n" for depth in range(len(outer))]
    parts += [
        f"module({f'{PACKAGE}.{name}'!r}, {source!a}, {name + '.py'!r})\n" for name, source in _modules()
    ]
    return BEGIN + "".join(parts) + f"sys.modules['{PACKAGE}.{LAST}'].main()\n"


def _modules() -> Iterator[tuple[str, str]]:
    found = {one.name[:-3]: one for one in files(PACKAGE).iterdir() if one.name.endswith(".py")}
    del found["__init__"]
    others = sorted(found.keys() - {*FIRST, LAST})
    for name in (*FIRST, *others, LAST):
        yield name, _source(found[name])


def _source(file: Traversable) -> str:
    return file.read_text(encoding="utf-8")
