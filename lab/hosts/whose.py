"""Whose the lab on this machine is: the folder that it was started with, as its API's process was told."""

from contextlib import suppress
from pathlib import Path

from lab.errors import LabRefused
from lab.hosts import cgroups

MODULE = "lab.hosts"


def folder() -> Path | None:
    """The folder with the lab's key, tokens and certificate; None when no API runs that could tell."""
    for pid in cgroups.pids("api"):
        with suppress(OSError, ValueError, IndexError):  # it ends while it is read
            words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
            return Path(words[words.index(MODULE) + 1])
    return None


def check(wanted: Path) -> None:
    """Raise LabRefused when the lab on this machine is up, and was started with another folder."""
    owner = folder()
    if owner not in {None, wanted}:
        raise LabRefused(
            f"The lab on this machine was started with {owner}, not with {wanted}.",
            f"Take it down with: bastide lab down --dir {owner}",
        )


def check_none() -> None:
    """Raise LabRefused when a lab is up on this machine."""
    owner = folder()
    if owner:
        raise LabRefused(
            f"A lab is up on this machine already, with {owner}.",
            f"See it with: bastide lab status --dir {owner}. End it with: bastide lab down --dir {owner}",
        )


def memory_bytes() -> int:
    """What the processes of the lab take, shared pages counted once (proc(5): Pss of smaps_rollup)."""
    return sum(_share(pid) for pid in cgroups.pids())


def _share(pid: int) -> int:
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return 0
