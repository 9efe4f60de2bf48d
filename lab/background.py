"""A lab that stays up behind the command line: started once, found again, and stopped.

Everything is in one folder; `lab.json` there says where the lab answers and which process it is; a process
that only took over the pid is not stopped.
"""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from lab.errors import LabError, LabRefused
from lab.running import RunningLab, start_process, wait_until_up
from lab.spec import LabSpec

PATIENCE_SECONDS = 15.0
LOG = "lab.log"


def up(spec: LabSpec, folder: Path) -> RunningLab:
    """Start a lab in a process of its own and return when it answers.

    Leftovers of a lab that was killed are taken over: its state, ports and secrets. Raises LabRefused when a
    lab is up in this folder already, LabError when it does not come up (a port in use, for one).
    """
    there = running_in(folder)
    if there:
        raise LabRefused(
            f"a lab is already up in {folder} (process {there.pid})",
            "See it with: bastide lab status. Stop it with: bastide lab down.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / LOG
    with log.open("wb") as out:
        process = start_process(spec, folder, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        lab = wait_until_up(folder, process)
    except LabError as problem:
        said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        if process.poll() is not None and said:
            raise LabError(said[0], said[1] if len(said) > 1 else problem.hint) from problem
        process.kill()
        raise
    process.returncode = 0  # it outlives this process on purpose: nobody will wait for it
    return lab


def down(folder: Path) -> int:
    """Stop the lab of a folder and return its pid. Raises LabRefused when none is up there."""
    lab = running_in(folder)
    if lab is None:
        raise LabRefused(f"no lab is up in {folder}", "Nothing was stopped.")
    with suppress(LabError):
        lab.control.stop()
    if not _gone(lab) and lab.is_alive():
        os.kill(lab.pid, signal.SIGKILL)
        _gone(lab)
    return lab.pid


def running_in(folder: Path) -> RunningLab | None:
    """The lab that runs in a folder, or None: also when only the leftovers of a killed one are there."""
    try:
        lab = RunningLab.at(folder)
    except LabError:
        return None
    return lab if lab.is_alive() else None


def _gone(lab: RunningLab) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if not lab.is_alive():
            return True
        time.sleep(0.05)
    return False
