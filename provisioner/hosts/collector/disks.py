"""What is mounted, on which disks, and whether these are encrypted."""

from __future__ import annotations

import os
import re
from typing import Any

from provisioner.hosts.collector.look import kept, program, read, read_if_there, run, there
from provisioner.hosts.collector.shared import contained
from provisioner.hosts.collector.shared import mounts as mounted

BLOCKS = "/sys/class/block"


def mounts() -> dict[str, Any]:
    """What is mounted; where several are above each other, the one that is seen."""
    kept("/proc/self/mountinfo")
    return {
        mount.path: {"device": mount.device, "type": mount.type, "options": mount.options}
        for mount in mounted()
    }


def storage() -> dict[str, Any] | None:
    """Disks and what lies on them, where swap goes, and datasets of ZFS; a container has none of its own."""
    if contained():
        return None
    names = sorted(os.listdir(BLOCKS)) if there(BLOCKS) else []
    devices = [_device(name) for name in names if not re.match(r"(loop|ram|zram|sr|fd)\d", name)]
    return {"devices": devices, "swap": _swap(), "zfs": _zfs()}


def _device(name: str) -> dict[str, Any]:
    number = read(f"{BLOCKS}/{name}/dev").strip()
    label = re.search(r"^E:ID_FS_TYPE=(.*)$", read_if_there(f"/run/udev/data/b{number}"), re.MULTILINE)
    return {
        "name": read_if_there(f"{BLOCKS}/{name}/dm/name").strip() or name,
        "type": _type(name),
        "fstype": label[1] if label else None,
        "mountpoints": sorted(mount.path for mount in mounted() if mount.number == number),
        "encrypted": _encrypted(name),
    }


def _type(name: str) -> str:
    """As lsblk calls it: disk, part, crypt, lvm, mpath, raid1."""
    mapped = read_if_there(f"{BLOCKS}/{name}/dm/uuid").partition("-")[0].lower()
    if mapped:
        return mapped.rstrip("0123456789") if mapped.startswith("part") else mapped
    if there(f"{BLOCKS}/{name}/partition"):
        return "part"
    return read_if_there(f"{BLOCKS}/{name}/md/level").strip() or "disk"


def _encrypted(name: str) -> bool:
    """Whether it, or all that it lies on, is an encrypted device."""
    if read_if_there(f"{BLOCKS}/{name}/dm/uuid").startswith("CRYPT-"):
        return True
    below = f"{BLOCKS}/{name}/slaves"
    parts = os.listdir(below) if there(below) else []
    return bool(parts) and all(_encrypted(part) for part in parts)


def _swap() -> list[dict[str, Any]]:
    found = []
    for line in read_if_there("/proc/swaps").splitlines()[1:]:
        path = line.split()[0]
        found.append({"device": path, "encrypted": _swap_is_encrypted(path)})
    return sorted(found, key=lambda one: str(one["device"]))


def _swap_is_encrypted(path: str) -> bool:
    if os.path.basename(path).startswith("zram"):
        return True  # it is memory
    name = os.path.basename(os.path.realpath(path))
    if there(f"{BLOCKS}/{name}"):
        return _encrypted(name)
    under = _mount_of(path)
    return bool(under) and there(f"{BLOCKS}/{under}") and _encrypted(under)


def _mount_of(path: str) -> str:
    """The device that a swap file lies on."""
    holding = [mount for mount in mounted() if path.startswith(mount.path.rstrip("/") + "/")]
    longest = max(holding, key=lambda mount: len(mount.path), default=None)
    return os.path.basename(os.path.realpath(longest.device)) if longest else ""


def _zfs() -> list[dict[str, Any]]:
    if not (program("zfs") and there("/dev/zfs")):
        return []
    told = run("zfs", "list", "-H", "-t", "filesystem,volume", "-o", "name,encryption")
    found = (line.split("\t") for line in told.splitlines())
    return sorted(({"name": name, "encryption": how} for name, how in found), key=lambda one: one["name"])
