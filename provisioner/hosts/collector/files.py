"""Files that matter, and a walk through the system for rights that should not be."""

from __future__ import annotations

import os
import re
import stat
from glob import glob
from typing import Any

from provisioner.hosts.collector.look import Unseen, attempt, keep, lines, read, read_if_there, there
from provisioner.hosts.collector.shared import LOCAL_TYPES, group_name, mounts, user_name

SENSITIVE = (
    "/boot",
    "/boot/System.map*",
    "/boot/config-*",
    "/boot/efi",
    "/boot/grub/grub.cfg",
    "/boot/grub/user.cfg",
    "/boot/initrd.img*",
    "/boot/vmlinuz*",
    "/etc",
    "/etc/aide",
    "/etc/aide/aide.conf",
    "/etc/aliases",
    "/etc/anacrontab",
    "/etc/apt/auth.conf",
    "/etc/apt/auth.conf.d/*",
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d",
    "/etc/apt/trusted.gpg.d",
    "/etc/at.allow",
    "/etc/at.deny",
    "/etc/audit",
    "/etc/audit/auditd.conf",
    "/etc/audit/rules.d",
    "/etc/audit/rules.d/*",
    "/etc/bastide",
    "/etc/chrony",
    "/etc/chrony/chrony.conf",
    "/etc/chrony/chrony.keys",
    "/etc/cron.allow",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.deny",
    "/etc/cron.hourly",
    "/etc/cron.monthly",
    "/etc/cron.weekly",
    "/etc/crontab",
    "/etc/crypttab",
    "/etc/default/grub",
    "/etc/exports",
    "/etc/fstab",
    "/etc/group",
    "/etc/group-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/hosts",
    "/etc/hosts.allow",
    "/etc/hosts.deny",
    "/etc/ipsec.conf",
    "/etc/ipsec.d",
    "/etc/ipsec.secrets",
    "/etc/issue",
    "/etc/issue.net",
    "/etc/kernel/cmdline",
    "/etc/ld.so.conf",
    "/etc/ld.so.preload",
    "/etc/login.defs",
    "/etc/modprobe.d",
    "/etc/motd",
    "/etc/nftables.conf",
    "/etc/pam.d",
    "/etc/passwd",
    "/etc/passwd-",
    "/etc/profile",
    "/etc/profile.d",
    "/etc/rsyslog.conf",
    "/etc/rsyslog.d",
    "/etc/securetty",
    "/etc/security",
    "/etc/security/opasswd",
    "/etc/security/opasswd.old",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/shells",
    "/etc/ssh",
    "/etc/ssh/ssh_config",
    "/etc/ssh/ssh_host_*_key",
    "/etc/ssh/ssh_host_*_key.pub",
    "/etc/ssh/sshd_config",
    "/etc/ssh/sshd_config.d",
    "/etc/ssh/sshd_config.d/*",
    "/etc/ssl/private",
    "/etc/ssl/private/*",
    "/etc/subgid",
    "/etc/subuid",
    "/etc/sudo.conf",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/sudoers.d/*",
    "/etc/sysctl.conf",
    "/etc/sysctl.d",
    "/etc/systemd/system",
    "/etc/vzdump.conf",
    "/etc/wireguard",
    "/etc/wireguard/*.conf",
    "/home",
    "/root",
    "/root/.bashrc",
    "/root/.profile",
    "/root/.ssh",
    "/root/.ssh/authorized_keys",
    "/root/.ssh/id_*",
    "/tmp",
    "/usr/bin/su",
    "/usr/bin/sudo",
    "/usr/sbin/auditctl",
    "/usr/sbin/auditd",
    "/usr/sbin/ausearch",
    "/usr/sbin/aureport",
    "/usr/sbin/autrace",
    "/usr/sbin/augenrules",
    "/var/lib/aide",
    "/var/lib/aide/aide.db",
    "/var/log",
    "/var/log/audit",
    "/var/log/audit/audit.log",
    "/var/log/btmp",
    "/var/log/journal",
    "/var/log/lastlog",
    "/var/log/wtmp",
    "/var/spool/cron",
    "/var/spool/cron/crontabs",
    "/var/tmp",
)
"""Paths and patterns; /etc/pve is not among them, its rights are fixed by Proxmox VE's own file system."""

TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFSOCK: "socket",
    stat.S_IFIFO: "pipe",
    stat.S_IFBLK: "block device",
    stat.S_IFCHR: "character device",
}

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


def rights(path: str) -> dict[str, str]:
    """Mode, owner, group and type of what a path leads to; of a link that leads nowhere, its own."""
    try:
        found = os.stat(path)
    except OSError:
        found = os.lstat(path)
    return {
        "mode": f"{stat.S_IMODE(found.st_mode):04o}",
        "owner": user_name(found.st_uid),
        "group": group_name(found.st_gid),
        "type": TYPES.get(stat.S_IFMT(found.st_mode), "other"),
    }


def rights_of(*patterns: str) -> dict[str, dict[str, str]]:
    """The rights of what matches; what is not there has no key."""
    paths = (path for pattern in patterns for path in (glob(pattern) if "*" in pattern else [pattern]))
    return {path: rights(path) for path in sorted(paths) if os.path.lexists(path)}


def files() -> dict[str, dict[str, str]]:
    """The rights of files that matter."""
    return rights_of(*SENSITIVE)


def cron() -> dict[str, Any]:
    """The rights of what cron and at read, and who may use cron; None where there is no such list."""
    patterns = ("/etc/crontab", "/etc/anacrontab", "/etc/cron.*", "/etc/cron.*/*", "/etc/at.*")
    found = {
        path: {key: one[key] for key in ("mode", "owner", "group")}
        for path, one in rights_of(*patterns, "/var/spool/cron", "/var/spool/cron/crontabs").items()
    }
    return {"files": found, "allow": _names("/etc/cron.allow"), "deny": _names("/etc/cron.deny")}


def _names(path: str) -> list[str] | None:
    return sorted(lines(read(path))) if there(path) else None


def grub() -> dict[str, Any] | None:
    """The boot loader's menu; its passwords stay where they are. None where GRUB is not used."""
    path = "/boot/grub/grub.cfg"
    if not there(path):
        return None
    text = read(path) + read_if_there("/boot/grub/user.cfg")
    return {**grub_in(text), "mode": rights(path)["mode"]}


def grub_in(text: str) -> dict[str, bool]:
    """Whether a password guards the menu, and whether entries start without it."""
    guarded = re.search(r"^\s*set superusers=.", text, re.MULTILINE) and re.search(
        r"^\s*(password_pbkdf2|password)\s+\S+\s+\S", text, re.MULTILINE
    )
    free = re.search(r"^\s*menuentry .*--unrestricted", text, re.MULTILINE)
    return {"password": bool(guarded), "unrestricted": bool(free)}


def walk() -> dict[str, Any]:
    """Once through the local file systems: setuid and setgid, open to all, of nobody."""
    left_out = [word for tree in OWN_TREES for word in ("-o", "-path", tree)][1:]
    ran = attempt(
        *("find", *_starts(), "-ignore_readdir_race", "-xdev", "(", *left_out),
        *("-o", "-regex", r".*/\(subvol\|basevol\)-[0-9]+-disk-[^/]*", ")", "-prune", "-o", "("),
        *("(", "-type", "f", "-perm", "/6000", "-printf", r"s %m %u %p\0", ")", ","),
        *("(", "-type", "f", "-perm", "-0002", "-printf", r"w %m %u %p\0", ")", ","),
        *("(", "-type", "d", "-perm", "-0002", "!", "-perm", "-1000", "-printf", r"d %m %u %p\0", ")", ","),
        *("(", "(", "-nouser", "-o", "-nogroup", ")", "-printf", r"o %m %U %p\0", ")", ")"),
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
