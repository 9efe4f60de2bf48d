"""Packages, where they come from, and which of them are behind."""

from __future__ import annotations

import os
import re
import time
from glob import glob
from typing import Any

from provisioner.hosts.collector.look import drop_ins, kept, lines, read, run, there
from provisioner.hosts.collector.network import mail_listens
from provisioner.hosts.collector.shared import installed
from provisioner.hosts.collector.updates import waiting

_CONFIG = re.compile(r'^([\w:./+~-]+?)(::)? "(.*)";$', re.MULTILINE)
_ONE_LINE = re.compile(r"(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)")


def packages() -> dict[str, str]:
    """What is installed, and in which version."""
    return {package.name: package.version for package in sorted(installed())}


def apt() -> dict[str, Any]:
    """Settings and sources of apt, and what it would bring unless no list was ever fetched."""
    found = {
        "config": config_in(run("apt-config", "dump")),
        "sources": _sources(),
        "lists_age_days": _age(),
        "keyrings": _keyrings(),
    }
    if found["lists_age_days"] is not None:  # else it is not known what could be updated
        found["upgradable"], found["security"] = waiting(installed())
    return found


def config_in(text: str) -> dict[str, Any]:
    """Settings of `apt-config dump`; the values of a list are a list."""
    found: dict[str, Any] = {}
    for key, several, value in _CONFIG.findall(text):
        if several:
            listed = found.get(key)
            found[key] = [*(listed if isinstance(listed, list) else filter(None, [listed])), value]
        elif key not in found or value:
            found[key] = value
    return found


def _sources() -> list[dict[str, Any]]:
    found = []
    for path in drop_ins("/etc/apt/sources.list", "/etc/apt/sources.list.d", ending=".list"):
        found += one_line_sources(path, kept(path))
    for path in sorted(glob("/etc/apt/sources.list.d/*.sources")):
        found += deb822_sources(path, kept(path))
    return found


def one_line_sources(path: str, text: str) -> list[dict[str, Any]]:
    """Sources as sources.list(5) has them, one in a line."""
    found = []
    for line in lines(text):
        match = _ONE_LINE.fullmatch(line.split(" #", 1)[0].strip())
        if match:
            kind, options, uri, suite, components = match.groups()
            told = dict(one.lower().split("=", 1) for one in (options or "").split() if "=" in one)
            signed = re.search(r"signed-by=(\S+)", options or "", re.IGNORECASE)
            source = {"Types": kind, "URIs": uri, "Suites": suite, "Components": components}
            source.update({"Trusted": told.get("trusted", ""), "Signed-By": signed[1] if signed else ""})
            found.append(_source(path, source))
    return found


def deb822_sources(path: str, text: str) -> list[dict[str, Any]]:
    """Sources as stanzas; those that are switched off are passed over."""
    bare = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    found = []
    for stanza in re.split(r"\n\s*\n", bare):
        fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE))
        source = {name.title().replace("Uris", "URIs"): value for name, value in fields.items()}
        if source.get("URIs") and source.get("Enabled", "yes").strip().lower() not in {"no", "false", "0"}:
            found.append(_source(path, source))
    return found


def _source(path: str, source: dict[str, str]) -> dict[str, Any]:
    signed = source.get("Signed-By", "").strip()
    return {
        "file": path,
        "types": source.get("Types", "").split(),
        "uris": source.get("URIs", "").split(),
        "suites": source.get("Suites", "").split(),
        "components": source.get("Components", "").split(),
        "signed_by": ("a key in the file" if "BEGIN PGP" in signed else signed) or None,
        "trusted": source.get("Trusted", "").strip().lower() in {"yes", "true", "1"},
    }


def _age() -> float | None:
    """Days since apt last asked its mirrors; None if it never did. Lists bear the times of their mirrors."""
    if not glob("/var/lib/apt/lists/*Release"):
        return None
    stamps = (
        "/var/lib/apt/periodic/update-success-stamp",
        "/var/lib/apt/lists",
        "/var/lib/apt/lists/partial",
    )
    newest = max(os.stat(path).st_mtime for path in stamps if there(path))
    return round(max(time.time() - newest, 0) / 86400, 2)


def _keyrings() -> list[str]:
    """The keys that vouch for any source."""
    folders = glob("/etc/apt/trusted.gpg.d/*.gpg") + glob("/etc/apt/trusted.gpg.d/*.asc")
    old = "/etc/apt/trusted.gpg"
    return sorted(folders + ([old] if there(old) and os.stat(old).st_size else []))


def integrity() -> dict[str, Any]:
    """What would notice a changed file: AIDE and debsums."""
    names = {package.name for package in installed()}
    return {"aide": _aide() if names & {"aide", "aide-common"} else None, "debsums": "debsums" in names}


def _aide() -> dict[str, Any]:
    bases = [path for path in ("/var/lib/aide/aide.db", "/var/lib/aide/aide.db.gz") if there(path)]
    timers = glob("/etc/systemd/system/*.wants/dailyaidecheck.timer") or glob("/etc/cron.daily/*aide*")
    told = [kept(path) for path in ("/etc/aide/aide.conf", *sorted(glob("/etc/aide/aide.conf.d/*")))]
    excluded = {line[1:].strip() for text in told for line in text.splitlines() if line.startswith("!")}
    ages = [(time.time() - os.stat(path).st_mtime) / 86400 for path in bases]
    return {
        "database_age_days": round(min(ages), 2) if ages else None,
        "timer": bool(timers),
        "excluded": sorted(excluded),
    }


def mail() -> dict[str, Any]:
    """Who takes mail here, where, and who reads root's."""
    agents = (
        "postfix",
        "exim4-daemon-light",
        "exim4-daemon-heavy",
        "msmtp-mta",
        "nullmailer",
        "dma",
        "ssmtp",
    )
    here = {package.name for package in installed()}
    alias = re.search(
        r"^root\s*:\s*(.*)$", read("/etc/aliases") if there("/etc/aliases") else "", re.MULTILINE
    )
    return {
        "agent": next((name for name in agents if name in here), None),
        "listens": mail_listens(),
        "root_alias": alias[1].strip() if alias else None,
    }
