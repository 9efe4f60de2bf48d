"""When disruption is allowed.

A window belongs to the local day it starts on, also if it ends after midnight: that day's name and whether it
is a public holiday count. An opening is one stretch of real time. A wall-clock time that a change of summer
time skips is taken as one hour later; one that comes twice means the first.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from provisioner.model.service import Day, Window

DAYS: tuple[Day, ...] = get_args(Day)
"""Monday first, as `date.weekday` counts."""

HORIZON_DAYS = 400
"""How far ahead an opening is looked for: a year and a little more."""


def open_at(window: Window, moment: datetime, zone: ZoneInfo, holidays: frozenset[date]) -> bool:
    """Whether the window is open at an aware moment; it is closed at its very end."""
    today = moment.astimezone(zone).date()
    return any(
        opens <= moment.astimezone(UTC) < closes
        for day in (today - timedelta(days=1), today)
        if _allowed(window, day, holidays)
        for opens, closes in (_stretch(window, day, zone),)
    )


def next_opening(
    window: Window, moment: datetime, zone: ZoneInfo, holidays: frozenset[date]
) -> datetime | None:
    """The next time at or after an aware moment at which the window is open, in `zone`.

    That is the moment itself while it is open; None if it does not open within 400 days.
    """
    if open_at(window, moment, zone, holidays):
        return moment.astimezone(zone)
    today = moment.astimezone(zone).date()
    for day in (today + timedelta(days=ahead) for ahead in range(HORIZON_DAYS)):
        opens, closes = _stretch(window, day, zone)
        if _allowed(window, day, holidays) and moment.astimezone(UTC) <= opens < closes:
            return opens.astimezone(zone)
    return None


def _allowed(window: Window, day: date, holidays: frozenset[date]) -> bool:
    if DAYS[day.weekday()] not in window.days or (window.holidays == "only" and day not in holidays):
        return False
    return window.holidays != "deny" or day not in holidays


def _stretch(window: Window, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Beginning and end in UTC: local times of one zone must not be compared across a change of time."""
    last = day if window.end > window.start else day + timedelta(days=1)
    return (
        datetime.combine(day, window.start, zone).astimezone(UTC),
        datetime.combine(last, window.end, zone).astimezone(UTC),
    )
