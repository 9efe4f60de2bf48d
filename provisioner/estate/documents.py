"""An estate of several files as one document: `include` brings files in, keys merge, places stay known."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from provisioner.errors import Problem
from provisioner.estate.source import Map, Seq, Spot, Step, problem_at, read


@dataclass(frozen=True, slots=True)
class Document:
    """All files together. `top` lacks `include`; `files` are in the order of their reading.

    It is not `complete` if a file could not be read: then nothing can be said about what is missing.
    """

    top: Map
    files: tuple[Path, ...]
    problems: tuple[Problem, ...]
    complete: bool


def assemble(path: Path) -> Document:
    """The document of an estate file and everything that it includes, however deep."""
    gathering = _Gathering()
    gathering.take(path, ())
    return Document(
        gathering.top, tuple(gathering.files), tuple(gathering.problems), complete=gathering.complete
    )


def place(top: Map, path: tuple[Step, ...]) -> yaml.Mark | None:
    """Where a path stands: a scalar at its value, a mapping or list at its key.

    A path that leads nowhere has the place of the last step that leads somewhere; the empty path has none.
    """
    here: Any = top
    mark: yaml.Mark | None = None
    for step in path:
        spot = spot_of(here, step)
        if spot is None:
            break
        here = here[step]
        mark = spot[0] if isinstance(here, dict | list) or here is None else spot[1]
    return mark


def key_place(top: Map, path: tuple[Step, ...]) -> yaml.Mark | None:
    """Where the key of a path stands."""
    here: Any = top
    mark: yaml.Mark | None = None
    for step in path:
        spot = spot_of(here, step)
        if spot is None:
            break
        here, mark = here[step], spot[0]
    return mark


def spot_of(here: Any, step: Step) -> Spot | None:
    """The place of one step below a value; None if it leads nowhere."""
    if isinstance(here, Map) and isinstance(step, str):
        return here.spots.get(step)
    if isinstance(here, Seq) and isinstance(step, int) and step < len(here):
        return here.spots[step]
    return None


@dataclass(slots=True)
class _Gathering:
    """One assembly: what has been merged, which files are read, which are still open."""

    top: Map = field(default_factory=Map)
    files: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    known: set[Path] = field(default_factory=set)
    complete: bool = True

    def take(self, path: Path, above: tuple[Path, ...]) -> None:
        """Read a file, merge it, and take what it includes."""
        self.known.add(path.resolve())
        self.files.append(path)
        source = read(path)
        self.problems.extend(source.problems)
        if source.top is None:
            self.complete = False
            return
        here = (*above, path.resolve())
        included = source.top.pop("include", None)
        spot = source.top.spots.pop("include", None)
        self.merge(self.top, source.top)
        if spot is not None:
            self.include(path.parent, here, included, spot)

    def include(self, folder: Path, above: tuple[Path, ...], wanted: Any, spot: Spot) -> None:
        """Take the files that an `include` names."""
        items = [(wanted, spot)] if isinstance(wanted, str) else []
        if isinstance(wanted, Seq):
            items = list(zip(wanted, wanted.spots, strict=True))
        elif not items:
            self.say(spot, "`include` must be a list of files", "write `include: [sites/*.yml]`")
        for item, at in items:
            self.include_one(folder, above, item, at)

    def include_one(self, folder: Path, above: tuple[Path, ...], item: Any, at: Spot) -> None:
        """Take the files that one entry of `include` names; each file once."""
        found = _named(folder, item) if isinstance(item, str) and item else []
        if not found:
            self.complete = False
            self.say(at, f"`{item}` names no file in {folder}", "correct the path, or remove it")
        for path in found:
            if path.resolve() == above[-1] and "*" in item:
                continue  # a pattern that happens to cover its own file
            if path.resolve() in above:
                self.say(at, f"`{item}` includes {path} again, which is being read", "break the circle")
            elif path.resolve() not in self.known:
                self.take(path, above)

    def merge(self, base: Map, more: Map) -> None:
        """Merge by keys; a leaf that two files give is a problem that names both."""
        for key, value in more.items():
            spot = more.spots[key]
            if key not in base:
                base.put(key, value, spot)
            elif isinstance(base[key], Map) and isinstance(value, Map):
                joined = base[key].copied()
                base.put(key, joined, base.spots[key])
                self.merge(joined, value)
            else:
                first = base.spots[key][0]
                message = f"`{key}` is given here and in {first.name}, line {first.line + 1}"
                self.say(spot, message, "keep one of them")

    def say(self, spot: Spot, message: str, hint: str) -> None:
        """Note a problem."""
        self.problems.append(problem_at(spot[0], message, hint))


def _named(folder: Path, item: str) -> list[Path]:
    """The files of a path or pattern, sorted; an absolute path is taken as it is."""
    if Path(item).is_absolute():
        return [Path(item)] if Path(item).is_file() else []
    try:
        return sorted(path for path in folder.glob(item) if path.is_file())
    except (ValueError, NotImplementedError):
        return []
