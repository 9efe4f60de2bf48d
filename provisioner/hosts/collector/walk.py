"""A walk through the system, for rights that should not be there."""

from __future__ import annotations

import grp
import os
import pwd
import re
from glob import glob
from typing import Any

from provisioner.hosts.collector.look import Unseen, attempt, keep
from provisioner.hosts.collector.shared import LOCAL_TYPES, group_name, mounts, user_name

WALKED_SECONDS = 35
LISTED = 1000
"""Paths that are listed of each kind."""
OWN_TREES = (
    "/run",
    "/snap",
    "/srv",
    "/mnt",
    "/media",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/lxc",
    "/var/lib/lxcfs",
    "/var/lib/machines",
    "/var/lib/vz",
)
"""Guests, shares and chunks of backups: files of others, where a walk takes long."""


def walk() -> dict[str, Any]:
    """Once through the local file systems: setuid and setgid, open to all, of nobody."""
    left_out = [word for tree in OWN_TREES for word in ("-o", "-path", tree)][1:]
    ran = attempt(
        *("find", *_starts(), "-ignore_readdir_race", "-xdev", "(", *left_out),
        *("-o", "-regex", r".*/\(subvol\|basevol\)-[0-9]+-disk-[^/]*", ")", "-prune", "-o", "("),
        *("(", "-type", "f", "-perm", "/6000", "-printf", r"s %m %u %p\0", ")", ","),
        *("(", "-type", "f", "-perm", "-0002", "-printf", r"w %m %u %p\0", ")", ","),
        *("(", "-type", "d", "-perm", "-0002", "!", "-perm", "-1000", "-printf", r"d %m %u %p\0", ")", ","),
        *("(", *_of_nobody(), "-printf", r"o %m %U:%G %p\0", ")", ")"),
        seconds=WALKED_SECONDS,
    )
    if ran.code is None:  # what was not walked through may hold anything
        raise Unseen(
            f"the walk through all files took longer than {WALKED_SECONDS} seconds, or found too much"
        )
    if ran.code != 0 and not ran.out:
        raise Unseen(f"find ended with {ran.code}: {ran.err.strip()[-300:]}")
    keep("find", ran.out.replace("\0", "\n"))
    return walked_in(ran.out)


def _of_nobody() -> list[str]:
    """What find asks of owners: known ones by their numbers, which costs a fifth of its own -nouser."""
    users = [word for user in pwd.getpwall() for word in ("!", "-uid", str(user.pw_uid))]
    groups = [word for group in grp.getgrall() for word in ("!", "-gid", str(group.gr_gid))]
    return ["(", *users, "-o", *groups, ")"]


def _unknown(owner: str) -> bool:
    """Whether neither a file nor a directory (LDAP) knows the user, or the group."""
    uid, gid = map(int, owner.split(":"))
    return user_name(uid) == str(uid) or group_name(gid) == str(gid)


def _starts() -> list[str]:
    """The root and mounts of local file systems; one that is mounted twice is walked once."""
    chosen: dict[tuple[str, str], str] = {}
    for mount in mounts():
        if mount.type in LOCAL_TYPES and not _of_others(mount.path) and os.path.isdir(mount.path):
            chosen.setdefault((mount.number, mount.root), mount.path)
    return sorted({"/", *chosen.values()})


def _of_others(path: str) -> bool:
    kernels = ("/proc", "/sys", "/dev/pts")
    return any(path == tree or path.startswith(tree + "/") for tree in (*OWN_TREES, *kernels))


def walked_in(text: str) -> dict[str, Any]:
    """What find printed: letter, mode, owner and path of each, with a zero between them.

    `truncated` if of one kind more were found than are listed.
    """
    found: dict[str, list[tuple[str, str, str]]] = {"s": [], "w": [], "d": [], "o": []}
    for entry in filter(None, text.split("\0")):
        kind, mode, owner, path = entry.split(" ", 3)
        if kind != "o" or _unknown(owner):
            found[kind].append((path, mode, owner))
    paths = {kind: sorted({path for path, _, _ in entries})[:LISTED] for kind, entries in found.items()}
    owners = _packages_of({path for path, _, _ in found["s"]})
    setuid = [
        {"path": path, "mode": mode.zfill(4), "owner": owner, "package": owners.get(path)}
        for path, mode, owner in sorted(set(found["s"]))[:LISTED]
    ]
    return {
        "setuid": setuid,
        "world_writable_files": paths["w"],
        "world_writable_directories": paths["d"],
        "ownerless": paths["o"],
        "truncated": any(len(set(entries)) > LISTED for entries in found.values()),
    }


def _packages_of(paths: set[str]) -> dict[str, str]:
    """The packages that brought these files; some lists know them by their place before /usr was merged."""
    wanted = {path.encode(): path for path in paths}
    wanted.update({path[4:].encode(): path for path in paths if re.match(r"/usr/(bin|sbin|lib\w*)/", path)})
    found = {}
    for name in glob("/var/lib/dpkg/info/*.list") if paths else []:
        with open(name, "rb") as file:
            listed = wanted.keys() & set(file.read().split(b"\n"))
        package = os.path.basename(name)[: -len(".list")].partition(":")[0]
        found.update({wanted[path]: package for path in listed})
    return found
