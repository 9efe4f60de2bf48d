"""From a path to an estate, or to everything that is wrong with it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from provisioner.errors import BastideError, EstateInvalid, Exit, Problem
from provisioner.estate.checks import meaning_of
from provisioner.estate.checks.view import View
from provisioner.estate.defaults import apply_defaults
from provisioner.estate.documents import Document, assemble, key_place, place
from provisioner.estate.faults import Fault
from provisioner.estate.parse import Parsed, parse
from provisioner.estate.source import Map, Step
from provisioner.model.estate import Estate

FILE = "estate.yml"


class NoEstate(BastideError):
    """There is no estate where one was looked for."""

    exit_code = Exit.USAGE


@dataclass(frozen=True, slots=True)
class Positions:
    """Where the parts of an estate stand in its files."""

    top: Map
    file: str

    def of(self, *path: Step) -> str:
        """`file:line:column` of a part, such as `"guests", "dpi-db", "memory"`; the file if unknown."""
        mark = place(self.top, path)
        return f"{mark.name}:{mark.line + 1}:{mark.column + 1}" if mark else self.file


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid estate, the folder that its relative paths begin at, and where it stands.

    `advice` are problems that make no part of it meaningless, such as a site that cannot lose a node.
    """

    estate: Estate
    folder: Path
    files: tuple[Path, ...]
    positions: Positions
    advice: tuple[Problem, ...] = ()


def find_estate(start: Path) -> Path:
    """The nearest `estate.yml` in a folder or above it. Raises NoEstate."""
    for folder in (start, *start.absolute().parents):
        if (folder / FILE).is_file():
            return folder / FILE
    raise NoEstate(
        f"there is no {FILE} in {start} nor above it",
        "name one with --estate, or make one with `bastide init`",
    )


def load(path: Path, *, now: datetime | None = None, strict: bool = True) -> Loaded:
    """The estate of a file, or of the `estate.yml` in a folder. `now` decides what has expired.

    Unless it is `strict`, problems that are advice do not make an estate invalid.

    Raises NoEstate if there is none, EstateInvalid with every problem of all its files, sorted by place.
    """
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise NoEstate(f"there is no estate at {path}", "name an estate.yml or the folder that holds it")
    with _collector_at_rest():
        document = assemble(file)
        top, unusable = apply_defaults(document.top)
        parsed = parse(top)
        view = View(parsed.estate, top, frozenset(parsed.wanting), file.parent, now or datetime.now(UTC))
        found = [*document.problems, *unusable]
        found += [_problem(where, fault, file) for where, fault in _broken(parsed, document)]
        meant = [
            (_problem(parsed.top, fault, file), is_advice)
            for fault, is_advice in (meaning_of(view) if document.complete else ())
        ]
    found += [problem for problem, is_advice in meant if not is_advice]
    advice = [problem for problem, is_advice in meant if is_advice]
    if found or (strict and advice):
        raise EstateInvalid(tuple(sorted({*found, *advice})))
    positions = Positions(parsed.top, str(file))
    return Loaded(parsed.estate, file.parent, document.files, positions, tuple(sorted(set(advice))))


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """The cycle collector finds nothing in a hundred thousand fresh nodes, and takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _broken(parsed: Parsed, document: Document) -> list[tuple[Map, Fault]]:
    """The faults of form; a section may be missing only because its file could not be read."""
    return [
        (where, fault)
        for where, fault in parsed.faults
        if document.complete or not (fault.kind == "missing" and len(fault.path) == 1)
    ]


def _problem(top: Map, fault: Fault, file: Path) -> Problem:
    """A fault at its place in the files; at the beginning if it concerns the whole."""
    mark = key_place(top, fault.path) if fault.on_key else place(top, fault.path)
    if mark is None:
        return Problem(str(file), 1, 1, fault.message, fault.hint)
    return Problem(mark.name, mark.line + 1, mark.column + 1, fault.message, fault.hint)
