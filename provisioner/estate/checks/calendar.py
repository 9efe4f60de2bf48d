"""Time: the estate's time zone, and windows that have a length."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from provisioner.estate.checks.view import View, unknown
from provisioner.estate.faults import Fault


def timezone(view: View) -> Iterator[Fault]:
    """A time zone that the tz database does not have."""
    zone = view.estate.timezone
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        add = "write one of the tz database, such as Europe/Paris"
        yield unknown(("timezone",), "time zone", zone, available_timezones(), add=add)


def windows(view: View) -> Iterator[Fault]:
    """Windows that end when they begin, or have no day."""
    for name, window in view.estate.windows.items():
        if window.start == window.end:
            message = f"window `{name}` ends when it begins ({window.start:%H:%M})"
            yield Fault(("windows", name, "end"), message, "give it a length; past midnight is allowed")
        if not window.days:
            yield Fault(
                ("windows", name, "days"), f"window `{name}` has no day", "name its days, or leave them out"
            )


CHECKS = (timezone, windows)
