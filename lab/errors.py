"""What can go wrong with a lab, said to a person: one sentence, and what to do."""

from typing import ClassVar


class LabError(Exception):
    """A lab could not do what was asked. `what` happened, `hint` says what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class LabRefused(LabError):
    """The lab would not do it: nothing was changed."""

    exit_code = 5
