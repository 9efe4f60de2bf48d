"""Files that matter: who may read and write them."""

from __future__ import annotations

import os
import re
import stat
from glob import glob
from typing import Any

from provisioner.hosts.collector.look import lines, read, read_if_there, there
from provisioner.hosts.collector.shared import group_name, user_name

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
