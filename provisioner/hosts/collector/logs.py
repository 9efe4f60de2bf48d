"""What is written down: the audit trail, the journal, log files and where they are sent."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from glob import glob
from typing import Any

from provisioner.hosts.collector.files import rights_of
from provisioner.hosts.collector.look import Unseen, drop_ins, kept, program, run, there
from provisioner.hosts.collector.shared import pairs

HEAD_REALTIME = 184
"""Where a journal file says when its first entry is from (systemd, sd-journal/journal-def.h)."""
LISTED = 500

_FORWARD = re.compile(
    r"^[^#$\s(]*[^\s(]*\s+(?P<sign>@@?)(?:\([^)]*\))?\[?(?P<target>[\w.:-]+?)\]?(?::(?P<port>\d+))?(?:;\S+)?$",
    re.MULTILINE,
)
_ACTION = re.compile(r"action\s*\((?P<told>(?:[^()\"]|\"[^\"]*\")*)\)", re.DOTALL)
_TOLD = re.compile(r"([\w.]+)\s*=\s*(?:\"([^\"]*)\"|\[)", re.DOTALL)


def audit() -> dict[str, Any] | None:
    """The kernel's audit trail; null where the tools for it are not installed."""
    if not program("auditctl"):
        return None
    state = pairs(run("auditctl", "-s"), "")
    if "enabled" not in state:
        raise Unseen("auditctl does not say whether auditing is enabled")
    rules = run("auditctl", "-l").splitlines()
    return {
        **{key: int(state.get(key, "0").split()[0]) for key in ("enabled", "failure", "lost")},
        "rules": [rule for rule in rules if rule != "No rules"],
        "config": {key.lower(): value for key, value in pairs(kept("/etc/audit/auditd.conf")).items()},
    }


def journald() -> dict[str, str]:
    """What the journal is told; empty where nothing is said."""
    folders = (
        "/usr/lib/systemd/journald.conf.d",
        "/run/systemd/journald.conf.d",
        "/etc/systemd/journald.conf.d",
    )
    found: dict[str, str] = {}
    for path in drop_ins("/etc/systemd/journald.conf", *folders):
        found.update(pairs(kept(path)))
    return found


def logs() -> dict[str, Any]:
    """Log files, how far back they go, and who else gets what is logged."""
    patterns = ("/var/log/*", "/var/log/*/*")
    files = [path for pattern in patterns for path in sorted(glob(pattern)) if os.path.isfile(path)]
    found = {
        path: {key: rights[key] for key in ("mode", "owner", "group")}
        for path, rights in rights_of(*files[:LISTED]).items()
    }
    begins = [*_journals(), *(os.stat(path).st_mtime for path in files if _is_text_log(path))]
    oldest = (time.time() - min(begins)) / 86400 if begins else 0.0
    return {"files": found, "oldest_days": round(max(oldest, 0), 2), "forwards": list(_forwards())}


def _is_text_log(path: str) -> bool:
    """Files that tell of events in turn: those of the system and of logins, with their older parts."""
    return bool(re.match(r"/var/log/(syslog|messages|auth\.log|kern\.log|daemon\.log|secure)(\.|-|$)", path))


def _journals() -> Iterator[float]:
    """When each file of the journal begins, in seconds of Unix."""
    for path in glob("/var/log/journal/*/*.journal") + glob("/run/log/journal/*/*.journal"):
        try:
            with open(path, "rb") as file:
                head = file.read(HEAD_REALTIME + 8)
        except OSError:  # rotated away meanwhile
            continue
        begins = int.from_bytes(head[HEAD_REALTIME:], "little") / 1e6
        if head.startswith(b"LPKSHHRH") and begins:
            yield begins


def _forwards() -> Iterator[dict[str, Any]]:
    if program("rsyslogd"):
        for path in drop_ins("/etc/rsyslog.conf", "/etc/rsyslog.d"):
            yield from forwards_in(kept(path))
    upload = pairs(kept("/etc/systemd/journal-upload.conf")).get("URL", "")
    match = re.match(r"(?:(https?)://)?\[?([\w.:-]+?)\]?(?::(\d+))?/?$", upload)
    if match and there("/etc/systemd/system/multi-user.target.wants/systemd-journal-upload.service"):
        tls = match[1] != "http"
        yield {
            "target": match[2],
            "port": int(match[3] or 19532),
            "protocol": "https" if tls else "http",
            "tls": tls,
        }


def forwards_in(text: str) -> list[dict[str, Any]]:
    """Where rsyslog sends to: lines with one or two at-signs, and actions of omfwd and omrelp."""
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    driver = (
        re.search(r'(?:\$ActionSendStreamDriverMode|StreamDriver\.?Mode="?)\s*1', bare, re.IGNORECASE)
        is not None
    )
    found = [
        {
            "target": match["target"],
            "port": int(match["port"] or 514),
            "protocol": "tcp" if match["sign"] == "@@" else "udp",
            "tls": match["sign"] == "@@" and driver,
        }
        for match in _FORWARD.finditer(bare)
    ]
    return found + [one for match in _ACTION.finditer(bare) for one in _action(match["told"])]


def _action(told: str) -> list[dict[str, Any]]:
    said = {name.lower(): value for name, value in _TOLD.findall(told)}
    if said.get("type", "").lower() not in {"omfwd", "omrelp"} or not said.get("target"):
        return []
    relp = said["type"].lower() == "omrelp"
    protocol = "relp" if relp else said.get("protocol", "udp").lower()
    secured = said.get("tls") == "on" if relp else said.get("streamdrivermode") == "1"
    port = said.get("port", "")
    return [
        {
            "target": said["target"],
            "port": int(port) if port.isdigit() else 514,
            "protocol": protocol,
            "tls": secured and protocol != "udp",
        }
    ]
