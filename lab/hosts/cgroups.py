"""A control group for each machine, under the one of its lab: what lists, limits and kills it as a whole.

Without a group of its own, every machine started from one shell shares one tree, and what systemd kills in
one it kills in the others. On a hybrid system the machine's own systemd gets the unified hierarchy, and
limits are set in those of version 1.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.hosts.names import whole as lab_name
from lab.hosts.shell import ENVIRONMENT

ROOT = Path("/sys/fs/cgroup")
PERIOD_MICROSECONDS = 100_000
GONE_SECONDS = 10.0
# The shell joins the groups, leaves the command there, and ends.
JOIN = """n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ > "$1" || exit 1; shift; n=$((n-1)); done
exec setsid --fork "$@" """


def is_hybrid() -> bool:
    """Whether controllers live in hierarchies of version 1 beside the unified one."""
    return not (ROOT / "cgroup.controllers").exists()


def _unified() -> Path:
    return ROOT / "unified" if is_hybrid() else ROOT


def _hierarchies() -> tuple[Path, ...]:
    if not is_hybrid():
        return (ROOT,)
    wanted = ("unified", "systemd", "memory", "cpu", "freezer")
    return tuple(ROOT / name for name in wanted if (ROOT / name).is_dir())


def make(name: str) -> tuple[Path, ...]:
    """Make a machine's group; the files into which its first process writes its id."""
    if not is_hybrid():
        parent = ROOT / lab_name()
        parent.mkdir(exist_ok=True)
        for folder in (ROOT, parent):
            (folder / "cgroup.subtree_control").write_text("+memory +cpu +pids", encoding="ascii")
    folders = tuple(hierarchy / lab_name() / name for hierarchy in _hierarchies())
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    return tuple(folder / "cgroup.procs" for folder in folders)


@contextmanager
def joined(name: str) -> Iterator[None]:
    """Put this process and all that it starts into a group for a while, so that cleaning finds them."""
    before = tuple(hierarchy / path / "cgroup.procs" for hierarchy, path in _own_places())
    for file in make(name):
        file.write_text(str(os.getpid()), encoding="ascii")
    try:
        yield
    finally:
        for file in before:
            file.write_text(str(os.getpid()), encoding="ascii")
        remove(name)


def _own_places() -> Iterator[tuple[Path, str]]:
    """Where this process is in each hierarchy (cgroups(7): /proc/PID/cgroup)."""
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        number, controllers, path = line.split(":", 2)
        for hierarchy in _hierarchies():
            names = controllers.removeprefix("name=").split(",")
            if hierarchy.name in names or (number == "0" and hierarchy == _unified()):
                yield hierarchy, path.lstrip("/")


def spawn(name: str, command: tuple[str, ...], log: Path, **environment: str) -> None:
    """Start a command in a group of its own, free of the caller; what it says goes to `log`."""
    groups = make(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        subprocess.run(  # noqa: S603  # an argument list of our own
            ("/bin/sh", "-c", JOIN, "sh", str(len(groups)), *groups, *command),
            env=ENVIRONMENT | environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            check=True,
        )


def names() -> tuple[str, ...]:
    """Every machine that has a group, alive or not."""
    tops = (tree / lab_name() for tree in _hierarchies())
    found = {one.name for top in tops if top.is_dir() for one in top.iterdir() if one.is_dir()}
    return tuple(sorted(found))


def pids(name: str = "") -> tuple[int, ...]:
    """The processes of a machine, or of the whole lab."""
    found: list[int] = []
    for folder, _, _ in os.walk(_unified() / lab_name() / name):
        with suppress(OSError):  # a group may go while it is read
            found += [int(word) for word in Path(folder, "cgroup.procs").read_text(encoding="ascii").split()]
    return tuple(found)


def leader(name: str) -> int | None:
    """Process 1 of a machine, as this system numbers it; None when it is not running."""
    file = _unified() / lab_name() / name / "payload" / "init.scope" / "cgroup.procs"
    with suppress(OSError, ValueError):
        return min(int(word) for word in file.read_text(encoding="ascii").split())
    return None


def limit(name: str, *, memory_bytes: int | None, cpus: float | None) -> None:
    """Limit a machine's memory and processor time; None takes a limit away."""
    quota = str(int(cpus * PERIOD_MICROSECONDS)) if cpus else None
    if is_hybrid():
        settings = {
            ROOT / "memory" / lab_name() / name / "memory.limit_in_bytes": str(memory_bytes or -1),
            ROOT / "cpu" / lab_name() / name / "cpu.cfs_quota_us": quota or "-1",
        }
    else:
        settings = {
            ROOT / lab_name() / name / "memory.max": str(memory_bytes or "max"),
            ROOT / lab_name() / name / "cpu.max": f"{quota or 'max'} {PERIOD_MICROSECONDS}",
        }
    for file, value in settings.items():
        if file.exists():
            file.write_text(value, encoding="ascii")


def freeze(name: str, *, frozen: bool) -> None:
    """Let a machine's processes stand still, or go on."""
    with suppress(FileNotFoundError):
        (_unified() / lab_name() / name / "cgroup.freeze").write_text(str(int(frozen)), encoding="ascii")


def kill(name: str) -> bool:
    """Kill everything in a machine's group at once; True when nothing of it is left."""
    with suppress(OSError):
        (_unified() / lab_name() / name / "cgroup.kill").write_text("1", encoding="ascii")
    deadline = time.monotonic() + GONE_SECONDS
    while time.monotonic() < deadline:
        left = pids(name)
        if not left:
            return True
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    return False


def remove(name: str) -> None:
    """Remove an empty group, with everything below it."""
    for hierarchy in _hierarchies():
        top = hierarchy / lab_name() / name
        below = (folder for folder, _, _ in os.walk(top, topdown=False))
        for folder in below:
            with suppress(OSError):  # another hierarchy's own, or already gone
                Path(folder).rmdir()


def remove_all() -> None:
    """Remove the groups of all machines and the lab's own."""
    for name in names():
        remove(name)
    remove("")
