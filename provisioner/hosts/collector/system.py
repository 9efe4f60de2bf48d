"""The system as a whole: what it is, what it was started with, whether it waits for a restart."""

from __future__ import annotations

import os
import re
import shlex
import time
from glob import glob
from typing import Any

from provisioner.hosts.collector.look import Unseen, kept, program, read, read_if_there, run, there
from provisioner.hosts.collector.shared import contained, container, installed
from provisioner.hosts.collector.versions import newest


def os_() -> dict[str, Any]:
    """What system this is, and since when it runs."""
    release = release_of(kept("/etc/os-release"))
    system = os.uname()
    identity = release.get("ID", "")
    return {
        "id": identity,
        "version": release.get("VERSION_ID", ""),
        "version_full": _full_version(identity, release),
        "pretty": release.get("PRETTY_NAME", ""),
        "kernel": system.release,
        "architecture": system.machine,
        "virtualization": container() or _virtual(),
        "container": contained(),
        "hostname": system.nodename,
        "uptime_seconds": float(read("/proc/uptime").split()[0]),
        "clock": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "timezone": _timezone(),
    }


def release_of(text: str) -> dict[str, str]:
    """The keys of os-release, whose values are quoted as a shell does it."""
    found = (line.partition("=") for line in text.splitlines() if "=" in line and line[0] != "#")
    return {key: "".join(shlex.split(value)[:1]) for key, _, value in found}


def _full_version(identity: str, release: dict[str, str]) -> str:
    """With the point release, which Debian 12 says in a file of its own only."""
    full = release.get("DEBIAN_VERSION_FULL") or (
        read_if_there("/etc/debian_version").strip() if identity == "debian" else ""
    )
    return full or release.get("VERSION_ID", "")


def _virtual() -> str:
    if not program("systemd-detect-virt"):
        return "unknown"
    try:
        return run("systemd-detect-virt", "--vm", evidence=False).strip()
    except Unseen:
        return "none"  # it ends with 1 on bare metal


def _timezone() -> str:
    try:
        return os.readlink("/etc/localtime").partition("zoneinfo/")[2]
    except OSError:
        return read_if_there("/etc/timezone").strip() or "Etc/UTC"


def pve() -> dict[str, Any] | None:
    """Proxmox VE, where it is installed."""
    versions = {package.name: package.version for package in installed()}
    if "pve-manager" not in versions:
        return None
    return {
        "version": versions["pve-manager"],
        "cluster": there("/etc/pve/corosync.conf"),
        "kernel": os.uname().release,
    }


def cmdline() -> dict[str, Any]:
    """What the kernel was started with."""
    return {"args": kept("/proc/cmdline").split()}


def cpu() -> dict[str, Any]:
    """What the processor can do, and what the kernel says of its weaknesses."""
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", read("/proc/cpuinfo"), re.MULTILINE)
    folder = "/sys/devices/system/cpu/vulnerabilities"
    names = sorted(os.listdir(folder)) if there(folder) else []
    return {
        "flags": sorted(set(flags[1].split())) if flags else [],
        "vulnerabilities": {name: read(f"{folder}/{name}").strip() for name in names},
    }


def reboot() -> dict[str, Any]:
    """Whether a restart is due: packages say so, or a newer kernel is installed than the one that runs."""
    packages = set(read_if_there("/run/reboot-required.pkgs").split())
    kernel = None if contained() else newest([path.partition("vmlinuz-")[2] for path in _kernels()])
    late = kernel not in (None, os.uname().release)
    if late:
        packages.add(f"linux-image-{kernel}")
    return {"required": late or there("/run/reboot-required"), "packages": sorted(packages)}


def _kernels() -> list[str]:
    return [path for path in glob("/boot/vmlinuz-*") if not path.endswith((".old", ".bak"))]


def bastide() -> dict[str, Any]:
    """What Bastide itself left here: the level that was asked, and whether access was taken back."""
    told = read_if_there("/etc/bastide/level").splitlines()
    levels = [line.strip() for line in told if line.strip().isdigit()]
    return {"level": int(levels[-1]) if levels else None, "rollback": _rollback()}


def _rollback() -> str:
    """As the program of the role `rollback` tells it."""
    for name, state in (("complete", "armed"), ("happened", "happened")):
        if there(f"/var/lib/bastide/rollback/{name}"):
            return state
    return "none"
