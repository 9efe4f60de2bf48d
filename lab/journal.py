"""The journal of a load run: JSON lines, each on the disk before the next write is sent.

The first line names the run; then one line a number: acknowledged, refused (it was said not to be written) or
unanswered (nobody knows). A last line that was cut short when the generator died is not counted.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.errors import LabError, LabRefused

ACKNOWLEDGED, REFUSED, UNANSWERED = "acknowledged", "refused", "unanswered"


@dataclass(frozen=True, slots=True)
class Told:
    """What a journal tells of a run: where it wrote, and what became of each number."""

    run: str
    url: str
    acknowledged: frozenset[int]
    refused: frozenset[int]
    unanswered: frozenset[int]


class Journal:
    """A new journal, open for writing.

    Raises LabRefused if the file is there already, LabError if it cannot be made.
    """

    def __init__(self, path: Path, run: str, url: str) -> None:
        try:
            self._file = path.open("x", encoding="utf-8")
        except FileExistsError as there:
            hint = f"Name another file, or look at it with: bastide lab load --verify {path}"
            raise LabRefused(f"{path} is the journal of an earlier run.", hint) from there
        except OSError as problem:
            raise LabError(f"The journal {path} cannot be made: {problem.strerror}.") from problem
        self._write(run=run, url=url)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)  # the file's name must survive too
        os.close(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def note(self, number: int, outcome: str, why: str = "") -> None:
        """Write what became of a number, and return when the disk has it."""
        self._write(number=number, outcome=outcome, **({"why": why} if why else {}))

    def _write(self, **words: Any) -> None:
        self._file.write(json.dumps({**words, "at": datetime.now(UTC).isoformat()}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read(path: Path) -> Told:
    """Read a journal. Raises LabError if it is none, with the line that is wrong."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as problem:
        raise LabError(f"The journal {path} cannot be read: {problem}.") from problem
    whole = lines[:-1]  # what follows the last newline was cut short, or is nothing
    heads = [_line(path, place, text) for place, text in enumerate(whole, 1)]
    if not heads or not all(isinstance(heads[0].get(word), str) for word in ("run", "url")):
        raise LabError(f"{path} is not the journal of a load run: its first line names no run.")
    outcomes: dict[str, set[int]] = {ACKNOWLEDGED: set(), REFUSED: set(), UNANSWERED: set()}
    for place, words in enumerate(heads[1:], 2):
        if words.get("outcome") not in outcomes or not isinstance(words.get("number"), int):
            raise LabError(f"{path}, line {place}: neither a number nor what became of it.")
        outcomes[words["outcome"]].add(words["number"])
    return Told(heads[0]["run"], heads[0]["url"], *map(frozenset, outcomes.values()))


def _line(path: Path, place: int, text: str) -> dict[str, Any]:
    try:
        words = json.loads(text)
    except ValueError:
        words = None
    if not isinstance(words, dict):
        raise LabError(f"{path}, line {place}: not a line of a journal.", "Was the file edited?")
    return words
