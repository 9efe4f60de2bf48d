"""Whether the clock is right, and from whom this host has the time."""

from __future__ import annotations

import ctypes
import re
from typing import Any

from provisioner.hosts.collector.look import Unseen, attempt, kept, program, run
from provisioner.hosts.collector.shared import pairs, processes

DAEMONS = {
    "chronyd": "chrony",
    "systemd-timesyn": "systemd-timesyncd",  # the kernel keeps 15 characters of a name
    "systemd-timesyncd": "systemd-timesyncd",
    "ntpd": "ntp",
    "openntpd": "openntpd",
}
UNSYNCHRONIZED = 5
"""TIME_ERROR of adjtimex(2)."""


def time() -> dict[str, Any]:
    """Who keeps the clock; `offset_seconds` is how far off this service thinks it is, or None."""
    running = {DAEMONS[process.name] for process in processes() if process.name in DAEMONS}
    service = min(running, default=None)
    told: dict[str, Any] = {"sources": [], "offset_seconds": None}
    if service == "chrony":
        told = _chrony()
    elif service == "systemd-timesyncd":
        told["sources"] = _timesyncd()
    return {"synchronized": _synchronized(), "service": service, **told}


def _synchronized() -> bool:
    """What the kernel says; no number is changed by asking with empty modes."""
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    if state < 0:
        raise Unseen("the kernel does not tell whether its clock is synchronized")
    return bool(state != UNSYNCHRONIZED)


def _chrony() -> dict[str, Any]:
    if not program("chronyc"):
        raise Unseen("chronyd runs, and chronyc, which asks it, is not installed")
    tracking = run("chronyc", "-n", "-c", "tracking").strip().split(",")
    authenticated = attempt("chronyc", "-n", "-c", "authdata").out  # older ones do not know it
    return {
        "sources": chrony_sources(run("chronyc", "-n", "-c", "sources"), authenticated),
        "offset_seconds": float(tracking[4]),
    }


def chrony_sources(sources: str, authenticated: str) -> list[dict[str, Any]]:
    """What `chronyc -c sources` and `authdata` say. `reach` counts the answers to the last eight requests."""
    nts = {fields[0] for fields in map(_fields, authenticated.splitlines()) if fields[1:2] == ["NTS"]}
    found = [
        {
            "name": fields[2],
            "nts": fields[2] in nts,
            "reach": bin(int(fields[5], 8)).count("1"),
            "offset_seconds": float(fields[7]),
        }
        for fields in map(_fields, sources.splitlines())
        if len(fields) > 7  # noqa: PLR2004 - mode, state, name, stratum, poll, reach, age, offset
    ]
    return sorted(found, key=lambda one: str(one["name"]))


def _fields(line: str) -> list[str]:
    return line.strip().split(",")


def _timesyncd() -> list[dict[str, Any]]:
    """Its servers as configured: it speaks of them over D-Bus only, and does not know NTS."""
    told = pairs(kept("/etc/systemd/timesyncd.conf"))
    names = re.split(r"\s+", told.get("NTP") or told.get("FallbackNTP") or "")
    return [
        {"name": name, "nts": False, "reach": None, "offset_seconds": None}
        for name in sorted(filter(None, names))
    ]
