"""Packages of which apt's lists know a newer version. apt itself would write its cache when asked."""

from __future__ import annotations

import bz2
import functools
import gzip
import lzma
import re
from collections.abc import Iterable
from glob import glob
from typing import Any

from provisioner.hosts.collector.look import read, run, there
from provisioner.hosts.collector.shared import Package
from provisioner.hosts.collector.versions import key

LISTS = "/var/lib/apt/lists"
LONGEST_LIST = 256 * 1024 * 1024
"""Bytes; Debian's own list of main has some 50 million."""

_ENTRY = re.compile(rb"\nPackage: ([^\n]+)\n(?:[^\n]+\n)*?Version: ([^\n]+)")
_OPENERS: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open, "": open}


def waiting(packages: Iterable[Package]) -> tuple[list[str], list[str]]:
    """Names of packages with a newer version, and of those where it is a security update.

    Pins (apt_preferences(5)) are left aside, and so are packages on hold: an update that somebody keeps away
    still waits. Archives that are not to be upgraded from (backports) count for what came from them only.
    """
    versions = {package.name: package.version for package in packages}
    newer: dict[str, bool] = {}
    ordinary: dict[str, str] = {}
    for path in sorted(_lists(), key=_reluctant):
        secure = "security" in path
        for name, version in _offers(path, versions):
            if _reluctant(path):
                if key(versions[name]) <= key(ordinary.get(name, "0")):
                    continue
            elif key(version) > key(ordinary.get(name, "0")):
                ordinary[name] = version
            if key(version) > key(versions[name]):
                newer[name] = newer.get(name, False) or secure
    return sorted(newer), sorted(name for name, secure in newer.items() if secure)


def _lists() -> list[str]:
    return [path for path in glob(f"{LISTS}/*_Packages*") if not path.endswith((".diff", ".FAILED"))]


@functools.cache
def _reluctant(path: str) -> bool:
    """Whether the list is of an archive whose packages are not brought unless asked for."""
    archive = re.sub(r"_[^_]+_binary-[^_]+_Packages.*$", "", path)
    for name in (f"{archive}_InRelease", f"{archive}_Release"):
        if there(name):
            return "\nNotAutomatic: yes" in read(name)
    return False


def _offers(path: str, versions: dict[str, str]) -> list[tuple[str, str]]:
    """Names and versions that a list offers, of packages that are here."""
    return [(name, version) for name, version in offers_in(_content(path)) if name in versions]


def offers_in(content: bytes) -> list[tuple[str, str]]:
    """All names and versions of a list of packages."""
    return [(name.decode(), version.decode()) for name, version in _ENTRY.findall(b"\n" + content)]


def _content(path: str) -> bytes:
    ending = "." + path.rpartition("_Packages")[2].lstrip(".") if not path.endswith("_Packages") else ""
    if ending in _OPENERS:
        with _OPENERS[ending](path, "rb") as file:
            return bytes(file.read())
    return run("/usr/lib/apt/apt-helper", "cat-file", path, longest=LONGEST_LIST, evidence=False).encode()
