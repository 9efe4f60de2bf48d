"""What several sections look at: packages, processes, accounts' names, mounts. Each is read once."""

from __future__ import annotations

import contextlib
import functools
import grp
import os
import pwd
import re
from typing import NamedTuple

from provisioner.hosts.collector.look import Unseen, read, read_if_there

LOCAL_TYPES = {"btrfs", "ext2", "ext3", "ext4", "f2fs", "xfs", "zfs", "tmpfs"}

_STANZA = re.compile(r"^Package: (.+)$(?:\n.+)*?\nStatus: (\w+) \w+ installed$((?:\n.+)*)", re.MULTILINE)
_VERSION = re.compile(r"^Version: (.+)$", re.MULTILINE)
_ARCHITECTURE = re.compile(r"^Architecture: (.+)$", re.MULTILINE)


class Package(NamedTuple):
    """A package that is installed."""

    name: str
    version: str
    architecture: str
    held: bool


class Mount(NamedTuple):
    """A line of /proc/self/mountinfo. `number` is major:minor, `root` what of the file system is mounted."""

    number: str
    root: str
    path: str
    options: list[str]
    type: str
    device: str


class Process(NamedTuple):
    """A process of this host, not of a container on it."""

    pid: str
    name: str
    uid: int
    program: str
    unit: str


@functools.cache
def installed() -> tuple[Package, ...]:
    """The packages that are installed. Raises Unseen where dpkg's list cannot be read."""
    return tuple(packages_in(read("/var/lib/dpkg/status")))


def packages_in(text: str) -> list[Package]:
    """The installed packages of dpkg's status file."""
    found = []
    for name, wanted, rest in _STANZA.findall(text):
        version, architecture = _VERSION.search(rest), _ARCHITECTURE.search(rest)
        if version:
            kind = architecture[1] if architecture else ""
            found.append(Package(name, version[1], kind, wanted == "hold"))
    return found


def has(*names: str) -> bool:
    """Whether one of these packages is installed."""
    return any(package.name in names for package in installed())


@functools.cache
def mounts() -> tuple[Mount, ...]:
    """What is mounted, in the order of mounting."""
    return tuple(mounts_in(read("/proc/self/mountinfo")))


def mounts_in(text: str) -> list[Mount]:
    """Lines of mountinfo (proc_pid_mountinfo(5)); options are those of the mount and of its file system."""
    found = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        first, last = before.split(" "), after.split(" ")
        options = {*first[5].split(","), *last[2].split(",")}
        if "ro" in options:
            options.discard("rw")
        where, path, device = (_plain(text) for text in (first[3], first[4], last[1]))
        found.append(Mount(first[2], where, path, sorted(options), last[0], device))
    return found


def _plain(text: str) -> str:
    """Spaces and the like are written as octal numbers."""
    return re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), text)


@functools.cache
def user_name(uid: int) -> str:
    """The name of a user, or the number of one who has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@functools.cache
def group_name(gid: int) -> str:
    """The name of a group, or the number of one that has none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


@functools.cache
def contained() -> bool:
    """Whether this host shares the kernel of another."""
    return bool(container())


def container() -> str:
    """What kind of container this is, as who made it tells (systemd.io/CONTAINER_INTERFACE), or nothing."""
    told = read_if_there("/run/systemd/container") if os.path.exists("/run/systemd") else ""
    if told:
        return told.strip()
    try:
        environment = read("/proc/1/environ").split("\0")
    except Unseen:
        return ""
    named = [one.partition("=")[2] for one in environment if one.startswith("container=")]
    if named:
        return named[0] or "container"
    return "docker" if os.path.exists("/.dockerenv") else ""


@functools.cache
def processes() -> tuple[Process, ...]:
    """The processes that run, without those of containers and without threads of the kernel."""
    ours = os.readlink("/proc/self/ns/pid")
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is the kernel's
            if os.readlink(f"/proc/{pid}/ns/pid") == ours:
                found.append(_process(pid))
    return tuple(found)


def _process(pid: str) -> Process:
    program = os.readlink(f"/proc/{pid}/exe").replace(" (deleted)", "")
    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
        name = file.read().strip()
    with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as file:
        unit = unit_of(file.read())
    return Process(pid, name, os.stat(f"/proc/{pid}").st_uid, program, unit)


def unit_of(cgroups: str) -> str:
    """The service that a process belongs to, of what /proc/PID/cgroup says."""
    for line in cgroups.splitlines():
        for part in reversed(line.rpartition(":")[2].split("/")):
            if part.endswith(".service") and not part.startswith("user@"):
                return part
    return ""


def pairs(text: str, separator: str = "=") -> dict[str, str]:
    """`key = value` lines, or with another separator; the last one of a key wins."""
    found = {}
    for line in text.splitlines():
        bare = line.split("#", 1)[0].strip() if "#" in line else line.strip()
        if not bare or bare[0] in ";[":
            continue
        key, middle, value = bare.partition(separator) if separator else _split(bare)
        found[key.strip()] = value.strip().strip('"') if middle else ""
    return found


def _split(line: str) -> tuple[str, str, str]:
    key, _, value = line.replace("\t", " ").partition(" ")
    return key, " ", value
