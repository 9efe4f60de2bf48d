"""What the lab of real hosts needs of this machine, asked before anything is made."""

import os
import shutil
from pathlib import Path

from lab.errors import LabRefused
from lab.hosts import images, names, network
from lab.hosts.shell import succeeds
from lab.hosts.topology import Topology

GIB = 1024**3
MEMORY_BYTES = 3 * GIB
DISK_BYTES = 6 * GIB
BUILD_BYTES = 4 * GIB
# The command that proves a package is there.
PACKAGES = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "mkfs.btrfs": "btrfs-progs",
    "nft": "nftables",
    "dnsmasq": "dnsmasq-base",
    "ip": "iproute2",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
    "filefrag": "e2fsprogs",
}
OFFER = "Or start the lab without machines, its API alone: bastide lab up --api-only"


def problems(topology: Topology, root: Path) -> tuple[str, ...]:
    """Everything that is missing, one sentence each; empty when the lab can come up."""
    if os.geteuid() != 0:
        return ("the lab of real hosts needs root: it boots machines, makes networks and mounts disks",)
    missing = [package for command, package in PACKAGES.items() if shutil.which(command) is None]
    if missing:
        return ("not installed: run `apt-get install --no-install-recommends " + " ".join(missing) + "`",)
    return (*_kernel(), *_room(root), *network.collisions(topology))


def check(topology: Topology, root: Path) -> None:
    """Raise LabRefused with everything that is missing."""
    found = problems(topology, root)
    if found:
        raise LabRefused("The lab of real hosts cannot come up: " + "; ".join(found) + ".", OFFER)


def _kernel() -> tuple[str, ...]:
    for module in ("btrfs", "loop", "bridge", "veth"):
        succeeds("modprobe", "-q", module)  # built in, or loaded, or what follows says that it is not there
    missing = []
    if "btrfs" not in Path("/proc/filesystems").read_text(encoding="ascii"):
        missing.append("this kernel has no btrfs")
    if not Path("/dev/loop-control").exists():
        missing.append("this machine has no loop devices (/dev/loop-control)")
    if not any(Path("/sys/fs/cgroup", name).exists() for name in ("cgroup.controllers", "unified")):
        missing.append("this machine has no unified control groups (/sys/fs/cgroup)")
    return tuple(missing)


def _room(root: Path) -> tuple[str, ...]:
    short = []
    available = _available_memory()
    if available < MEMORY_BYTES:
        short.append(
            f"{MEMORY_BYTES / GIB:.1f} GiB of free memory are needed, there are {available / GIB:.1f}"
        )
    needed = DISK_BYTES + (0 if images.cached(names.cache()).exists() else BUILD_BYTES)
    there = next(path for path in (root, *root.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        short.append(f"{needed / GIB:.0f} GiB are needed on the disk of {there}, {free / GIB:.1f} are free")
    return tuple(short)


def _available_memory() -> int:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
