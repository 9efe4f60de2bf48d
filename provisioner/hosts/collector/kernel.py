"""The kernel: its settings, how it was built, its modules and what watches over programs."""

from __future__ import annotations

import gzip
import os
import re
from glob import glob
from typing import Any

from provisioner.hosts.collector.look import Unseen, keep, kept, lines, read, read_if_there, there
from provisioner.hosts.collector.shared import contained, processes

SECURITY = "/sys/kernel/security"

_PRIVATE = re.compile(r"(^|[./_])(stable_secret|tcp_fastopen_key|uuid|boot_id|binfmt_misc|stat_refresh)$")
"""Secrets, what differs each time, and what is done by being read."""
_ONE_OF_MANY = re.compile(r"^net/ipv[46]/(conf|neigh)/(?!all/|default/).")
"""Settings of single interfaces: a node has thousands of them."""


def sysctl() -> dict[str, str]:
    """The kernel's settings, of interfaces only those for all and by default."""
    found = {}
    for folder, names, files in os.walk("/proc/sys"):
        place = folder[len("/proc/sys/") :]
        names[:] = [name for name in names if not _PRIVATE.search(name) and not _one_of_many(place, name)]
        for name in files:
            path = f"{place}/{name}"
            value = None if _PRIVATE.search(path) else _setting(f"{folder}/{name}")
            if value is not None:
                found[path.replace("/", ".")] = value
    if not found:
        raise Unseen("/proc/sys shows no settings")
    return dict(sorted(found.items()))


def _one_of_many(place: str, name: str) -> bool:
    return bool(_ONE_OF_MANY.match(f"{place}/{name}/"))


def _setting(path: str) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # only to be written
        return None
    try:
        text = os.read(descriptor, 1024).decode("ascii", "replace")
    except OSError:  # nothing is set
        return None
    finally:
        os.close(descriptor)
    return " ".join(text.split())


def kernel_config() -> dict[str, str] | None:
    """How the running kernel was built; a container has none of its own."""
    path = f"/boot/config-{os.uname().release}"
    if there("/proc/config.gz"):
        with gzip.open("/proc/config.gz", "rt", encoding="ascii", errors="replace") as file:
            return config_in(file.read())
    if contained():
        return None
    return config_in(read(path))


def config_in(text: str) -> dict[str, str]:
    """Options and their values; `n` for those that are not set."""
    found = dict(re.findall(r"^(CONFIG_\w+)=\"?(.*?)\"?$", text, re.MULTILINE))
    found.update((name, "n") for name in re.findall(r"^# (CONFIG_\w+) is not set$", text, re.MULTILINE))
    return found


def modules() -> dict[str, Any]:
    """What is loaded, and what modprobe is told (modprobe.d(5))."""
    loaded = sorted(line.split(" ", 1)[0] for line in read_if_there("/proc/modules").splitlines())
    told = "\n".join(kept(path) for path in _modprobe_files())
    return {"loaded": loaded, **modprobe_in(told)}


def _modprobe_files() -> list[str]:
    chosen = {}
    for folder in ("/usr/lib/modprobe.d", "/lib/modprobe.d", "/run/modprobe.d", "/etc/modprobe.d"):
        for path in glob(f"{folder}/*.conf"):
            chosen[path.rsplit("/", 1)[-1]] = path
    return [chosen[name] for name in sorted(chosen)]


def modprobe_in(text: str) -> dict[str, Any]:
    """What is blacklisted, and what is run in place of loading. A hyphen in a name is an underscore."""
    install, blacklisted = {}, set()
    for words in map(str.split, lines(text)):
        if words[0] == "blacklist" and len(words) > 1:
            blacklisted.add(words[1].replace("-", "_"))
        elif words[0] == "install" and len(words) > 2:  # noqa: PLR2004 - module and command
            install[words[1].replace("-", "_")] = " ".join(words[2:])
    return {"install": dict(sorted(install.items())), "blacklisted": sorted(blacklisted)}


def lsm() -> list[str]:
    """The security modules of the kernel, in their order."""
    return read(f"{SECURITY}/lsm").strip().split(",")


def apparmor() -> dict[str, Any] | None:
    """AppArmor, its profiles, and who should be confined by one and is not; null where it is not built in."""
    if not there("/sys/module/apparmor"):
        return None
    enabled = read("/sys/module/apparmor/parameters/enabled").strip() == "Y"
    if not enabled:
        return {"enabled": False, "profiles": {}, "unconfined": []}
    text = read(f"{SECURITY}/apparmor/profiles")
    keep(f"{SECURITY}/apparmor/profiles", text)
    profiles = profiles_in(text)
    return {"enabled": True, "profiles": profiles, "unconfined": _unconfined(profiles)}


def profiles_in(text: str) -> dict[str, str]:
    """Profiles and their modes: enforce, complain, kill, unconfined, prompt."""
    return dict(sorted(re.findall(r"^(.+) \((\w+)\)$", text, re.MULTILINE)))


def _unconfined(profiles: dict[str, str]) -> list[str]:
    found = set()
    for process in processes():
        if process.program in profiles or process.name in profiles:
            try:
                confined = read(f"/proc/{process.pid}/attr/current").strip("\0\n")
            except Unseen:  # it ended meanwhile
                continue
            if confined == "unconfined":
                found.add(process.name)
    return sorted(found)
