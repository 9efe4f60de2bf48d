"""Run commands and keep what they cost: seconds, seconds of CPU, and peak memory."""

import os
import platform
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MIB_IN_KIB = 1024
PATIENCE_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command said and cost. `peak_mib` is the largest resident set of the process itself."""

    out: str
    seconds: float
    cpu_seconds: float
    peak_mib: float


class BenchError(Exception):
    """A measurement that could not be made."""


def run(command: list[str], env: Mapping[str, str], *, fine: tuple[int, ...] = (0,)) -> Ran:
    """Run a command to its end. Raises BenchError if its exit code is not one of `fine`."""
    begun = time.monotonic()
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        said = {"out": b"", "err": b""}
        readers = [
            threading.Thread(target=lambda pipe=pipe, name=name: said.update({name: pipe.read()}))
            for name, pipe in (("out", child.stdout), ("err", child.stderr))
        ]
        for reader in readers:
            reader.start()
        _, status, usage = os.wait4(child.pid, 0)  # the usage of this child alone, not of all so far
        seconds = time.monotonic() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        for reader in readers:
            reader.join()
    if child.returncode not in fine:
        raise BenchError(f"{command} ended with {child.returncode}: {said['err'].decode()[-1500:]}")
    return Ran(said["out"].decode(), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / MIB_IN_KIB)


def bastide(estate: Path, *args: str) -> list[str]:
    """The command line on an estate."""
    return [sys.executable, str(ROOT / "cli.py"), "-e", str(estate), *args]


def alternated(times: int, **runs: Callable[[], Any]) -> dict[str, list[Any]]:
    """The results of some runs, one after the other, several times, so that all meet the same machine."""
    results: dict[str, list[Any]] = {name: [] for name in runs}
    for number in range(1, times + 1):
        for name, one in runs.items():
            progress(f"{name}, run {number} of {times}")
            results[name].append(one())
    return results


def median(numbers: list[float]) -> float:
    """The middle one."""
    return statistics.median(numbers)


def ratio(ours: list[float], other: list[float]) -> float:
    """How many times as much we need: the median of ours over the median of the other."""
    return round(median(ours) / median(other), 3)


def rounded(numbers: list[float]) -> list[float]:
    """Numbers to look at."""
    return [round(number, 3) for number in numbers]


def machine() -> dict[str, Any]:
    """What it was measured on."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    release = platform.freedesktop_os_release()
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(pages * size / 1024**3),
        "system": release.get("PRETTY_NAME", platform.system()),
        "python": platform.python_version(),
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def progress(text: str) -> None:
    """Tell on stderr how far it is."""
    print(f"bench: {text}", file=sys.stderr, flush=True)
