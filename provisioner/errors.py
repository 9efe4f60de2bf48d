"""Everything Bastide may have to tell a user, and the exit code that goes with it.

`cli.py` catches `BastideError` once. `what` says what went wrong and where, and what was done and
what was not; `hint` says what to do next. Neither ever holds a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    INVALID = 3
    PENDING = 4
    REFUSED = 5
    UNREACHABLE = 6


class BastideError(Exception):
    """Base of all errors shown to a user as one sentence and a hint."""

    exit_code: Exit = Exit.FAILED

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    @property
    def told(self) -> str:
        """What went wrong and what to do, in one line."""
        return f"{self.what}. To do: {self.hint}" if self.hint else self.what


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with an estate, at a place that an editor can jump to (lines and columns from 1)."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """`file:line:column: message (hint)`, as compilers print it."""
        place = f"{self.file}:{self.line}:{self.column}: {self.message}"
        return f"{place} ({self.hint})" if self.hint else place


class EstateInvalid(BastideError):
    """The estate has problems; all of them are listed."""

    exit_code = Exit.INVALID

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        super().__init__(f"the estate has {count}", "correct them and run `bastide validate` again")
        self.problems = problems


class Refused(BastideError):
    """Bastide could act, and will not."""

    exit_code = Exit.REFUSED


class UnsafePlan(Refused):
    """The plan destroys, shrinks or restarts something that nobody allowed by name."""


class StalePlan(Refused):
    """The world moved between the plan and its apply."""


class OutsideWindow(Refused):
    """Care would be disturbed outside the windows of the services concerned."""


class Locked(Refused):
    """Another apply is running on this estate."""


class NoQuorum(Refused):
    """A cluster without quorum accepts no write."""


class Unreachable(BastideError):
    """No endpoint of `target` answered, or none that can be trusted."""

    exit_code = Exit.UNREACHABLE

    def __init__(self, target: str, what: str, hint: str = "") -> None:
        super().__init__(f"{target}: {what}", hint)
        self.target = target


class ApiError(BastideError):
    """Proxmox VE refused a call. `status` is the HTTP status, `fields` the parameters it named."""

    def __init__(
        self, what: str, hint: str = "", *, status: int, fields: dict[str, str] | None = None
    ) -> None:
        super().__init__(what, hint)
        self.status = status
        self.fields = fields or {}


class AnswerLost(BastideError):
    """A request was sent and its answer never came: it may have been executed. Look before writing again."""


class LockTimeout(AnswerLost):
    """A task gave up waiting for a lock that another holds. Look before writing again."""


class TaskFailed(BastideError):
    """A Proxmox task ended in something else than `OK` or `WARNINGS: n`."""


class TaskTimeout(BastideError):
    """A Proxmox task had not ended when its time was up; it may still be running."""


class StepFailed(BastideError):
    """At least one step of an apply failed; what depended on it was not begun."""


class EvidenceCorrupt(BastideError):
    """Evidence is not as it was recorded: changed, taken away, or put in another order."""
