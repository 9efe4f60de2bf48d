"""Commands of the system: an argument list in, what was printed out, one sentence when it failed."""

import subprocess
from pathlib import Path

from lab.errors import LabError

TIMEOUT_SECONDS = 120.0
# Machines and services start without what the caller's environment holds.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


class CommandFailed(LabError):
    """A command of the system ended badly; `said` is the end of what it complained."""

    def __init__(self, command: tuple[str, ...], said: str) -> None:
        lines = said.strip().splitlines() or ["it said nothing"]
        telling = next((line for line in lines if "error" in line.lower()), lines[-1])
        super().__init__(f"`{' '.join(command[:6])}` failed: {telling.strip()}")
        self.said = said


def run(*command: str | Path, stdin: str | None = None, timeout: float = TIMEOUT_SECONDS) -> str:
    """Run a command and return its standard output. Raises CommandFailed.

    `timeout` is in seconds; a command that takes longer is ended and counts as failed.
    """
    words = tuple(map(str, command))
    try:
        done = subprocess.run(  # noqa: S603  # an argument list of our own, no shell
            words, input=stdin, capture_output=True, text=True, timeout=timeout, check=False
        )
    except FileNotFoundError as missing:
        raise CommandFailed(words, f"{words[0]} is not installed") from missing
    except subprocess.TimeoutExpired as late:
        raise CommandFailed(words, f"no end after {timeout:g} s") from late
    if done.returncode:
        raise CommandFailed(words, done.stderr or done.stdout)
    return done.stdout


def succeeds(*command: str | Path) -> bool:
    """Whether a command ends well; for questions whose answer is an exit code."""
    try:
        run(*command)
    except CommandFailed:
        return False
    return True
