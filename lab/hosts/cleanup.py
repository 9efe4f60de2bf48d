"""Finding and removing everything of the lab: after `down`, a crash in the middle, a reboot.

Nothing is remembered; the system's own state tells. Processes are found by their control group, mounts and
loop devices by the lab's folder, namespaces, links and tables by their names.
"""

import shutil
import time
from contextlib import suppress
from pathlib import Path

from lab.errors import LabError
from lab.hosts import cgroups, host, names, network
from lab.hosts.shell import CommandFailed, run

MOUNTS = Path("/proc/self/mounts")


def leftovers(root: Path) -> tuple[str, ...]:
    """What of a lab is on this machine now, one line each; empty when nothing is."""
    return (
        *(f"machine {name} ({len(cgroups.pids(name))} processes)" for name in cgroups.names()),
        *network.leftovers(),
        *(f"mount {place}" for place in mounts(root)),
        *(f"loop device {device}" for device in loops(root)),
        *((f"folder {root}",) if root.exists() else ()),
    )


def clean(root: Path) -> None:
    """Remove all of it; only the cache of images stays. Raises LabError for what cannot be removed."""
    for name in cgroups.names():
        host.kill(name)
    cgroups.remove_all()
    network.down()
    for place in reversed(mounts(root)):
        _unmount(place)
    for device in loops(root):
        with suppress(CommandFailed):  # it clears itself as the last user goes
            run("losetup", "-d", device)
    if root.exists():
        shutil.rmtree(root)
    for rest in host.PROPAGATE.glob(names.machine("*")):
        shutil.rmtree(rest)


def mounts(root: Path) -> tuple[str, ...]:
    """Where file systems are mounted below the lab's folder, in the order they were."""
    lines = MOUNTS.read_text(encoding="utf-8").splitlines()
    places = (line.split()[1].encode().decode("unicode_escape") for line in lines)
    return tuple(place for place in places if Path(place).is_relative_to(root))


def loops(root: Path) -> tuple[str, ...]:
    """The loop devices whose file is in the lab's folder."""
    rows = (
        line.split(maxsplit=1) for line in run("losetup", "-n", "-l", "-O", "NAME,BACK-FILE").splitlines()
    )
    return tuple(row[0] for row in rows if len(row) > 1 and Path(row[1]).is_relative_to(root))


def _unmount(place: str) -> None:
    for _ in range(50):
        try:
            run("umount", place)
        except CommandFailed as busy:
            if "busy" not in busy.said:
                raise
            time.sleep(0.1)
        else:
            return
    raise LabError(f"{place} is still in use", f"See by whom: fuser -vm {place}. Then: bastide lab clean")
