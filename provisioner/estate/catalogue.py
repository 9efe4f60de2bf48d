"""The catalogue of an audit, from YAML. What is broken is named at its place and left out; the rest runs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from provisioner.errors import Problem
from provisioner.estate.documents import place
from provisioner.estate.faults import faults_of, without_echoes
from provisioner.estate.source import Map, Seq, Step, problem_at, read
from provisioner.model.catalogue import Catalogue, Check, Control, Framework, Topic

M = TypeVar("M", bound=BaseModel)
CHECKS, FRAMEWORKS, TOPICS = "checks", "frameworks", "topics.yml"
"""Folders of the catalogue, and the file of its topics; the files beside them hold controls."""


@dataclass(slots=True)
class _Reading:
    """One reading of all files: what was understood, and what was not."""

    checks: dict[str, Check] = field(default_factory=dict)
    controls: dict[str, Control] = field(default_factory=dict)
    frameworks: dict[str, Framework] = field(default_factory=dict)
    topics: dict[str, Topic] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def load_catalogue(folder: Path) -> tuple[Catalogue, tuple[Problem, ...]]:
    """The catalogue of a folder, and everything that is wrong with it, sorted by place.

    The version is the hash of all files: two audits by the same version asked the same. What refers to a
    broken check keeps its other checks; a control without any left is left out as well. A topic or control
    that is named and does not exist is a problem too: its requirement would look as if nothing contributed.
    """
    reading, digest = _Reading(), hashlib.sha256()
    for file in sorted(folder.rglob("*.yml")):
        digest.update(file.name.encode() + b"\0" + (file.read_bytes() if file.is_file() else b""))
        _file(file, folder, reading)
    _known_checks_only(reading)
    _known_names(reading)
    catalogue = Catalogue(
        version=digest.hexdigest()[:12],
        checks=reading.checks,
        controls=reading.controls,
        frameworks=reading.frameworks,
        topics=reading.topics,
    )
    return catalogue, tuple(sorted(reading.problems))


def _file(file: Path, folder: Path, reading: _Reading) -> None:
    source = read(file)
    reading.problems += source.problems
    if source.top is None:
        return
    where = file.relative_to(folder).parts[0]
    if where == FRAMEWORKS:
        _take(Framework, source.top, source.top, (), reading.frameworks, reading)
        return
    name = {CHECKS: CHECKS, TOPICS: "topics"}.get(where, "controls")
    listed = source.top.get(name)
    if not isinstance(listed, list):
        reading.problems.append(Problem(str(file), 1, 1, f"`{name}:` is missing, or no list"))
        return
    for number, raw in enumerate(listed):
        path = (name, number)
        for one in _rows(raw):
            if name == CHECKS:
                _take(Check, one, source.top, path, reading.checks, reading)
            elif name == "topics":
                _take(Topic, one, source.top, path, reading.topics, reading)
            else:
                _take(Control, one, source.top, path, reading.controls, reading)


def _rows(raw: Any) -> Iterator[Any]:
    """The checks of one entry: itself, or one for each row of its `for_each`."""
    if not isinstance(raw, Map) or not isinstance(raw.get("for_each"), list):
        yield raw
        return
    pattern = raw.copied()
    rows = pattern["for_each"]
    pattern.drop("for_each")
    for row in rows:
        yield _filled(pattern, row) if isinstance(row, Mapping) else row


def _filled(value: Any, row: Mapping[str, Any]) -> Any:
    """A value with the words of a row in it; `{name}` alone takes the value as it is."""
    if isinstance(value, str):
        for key, one in row.items():
            if value == f"{{{key}}}":
                return one
            value = value.replace(f"{{{key}}}", str(one))
        return value
    if isinstance(value, Map):
        made = Map()
        for key, inside in value.items():
            made.put(_filled(key, row), _filled(inside, row), value.spots[key])
        return made
    if isinstance(value, Seq):
        listed = value.copied()
        listed[:] = [_filled(one, row) for one in value]
        return listed
    return value


def _take(  # noqa: PLR0913, PLR0917 - what is read, where it stands, and where it goes
    model: type[M], raw: Any, top: Map, path: tuple[Step, ...], into: dict[str, M], reading: _Reading
) -> None:
    try:
        made = model.model_validate(raw)
    except ValidationError as invalid:
        name = raw.get("id", "one without an id") if isinstance(raw, Mapping) else "one that is no mapping"
        for fault in without_echoes(faults_of(invalid, model, raw)):
            _say(reading, top, (*path, *fault.path), f"{name}: {fault.message}", fault.hint)
        return
    key = made.id  # type: ignore[attr-defined]  # every model of the catalogue has one
    if key in into:
        _say(reading, top, path, f"{key} stands twice; the second is left out", "rename one of them")
        return
    into[key] = made


def _say(reading: _Reading, top: Map, path: tuple[Step, ...], message: str, hint: str) -> None:
    mark = place(top, path)
    if mark is None:
        first = next(iter(top.spots.values()))[0]
        mark = first
    reading.problems.append(problem_at(mark, message, hint))


def _known_checks_only(reading: _Reading) -> None:
    for key, control in list(reading.controls.items()):
        known = tuple(check for check in control.checks if check in reading.checks)
        if known == control.checks:
            continue
        missing = ", ".join(sorted(set(control.checks) - set(known)))
        message = f"control {key}: there is no check {missing}"
        reading.problems.append(Problem("controls", 1, 1, message, "correct the id, or mend the check"))
        if known or control.question:
            reading.controls[key] = control.model_copy(update={"checks": known})
        else:
            del reading.controls[key]


def _known_names(reading: _Reading) -> None:
    """Tell of topics and controls that somebody names and that do not exist."""
    for key, control in reading.controls.items():
        _unknown(f"control {key}", "topic", set(control.topics) - set(reading.topics), reading)
    for key, framework in reading.frameworks.items():
        topics = {topic for one in framework.requirements for topic in one.topics}
        controls = {control for one in framework.requirements for control in one.controls}
        _unknown(f"framework {key}", "topic", topics - set(reading.topics), reading)
        _unknown(f"framework {key}", "control", controls - set(reading.controls), reading)


def _unknown(who: str, what: str, names: set[str], reading: _Reading) -> None:
    if names:
        message = f"{who}: there is no {what} {', '.join(sorted(names))}"
        reading.problems.append(Problem("controls", 1, 1, message, f"correct the id, or mend the {what}"))
