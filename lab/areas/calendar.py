"""Calendar events as Proxmox VE writes them: `*/15`, `21:00`, `mon..fri 02:30`, `sat *-1..7 02:00`, `daily`.

The subset of systemd's grammar that pve-common's PVE/CalendarEvent.pm takes, to the minute, in UTC.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHORTHANDS = {
    "minutely": "*-*-* *:*",
    "hourly": "*-*-* *:00",
    "daily": "*-*-* 00:00",
    "weekly": "mon 00:00",
    "monthly": "*-*-1 00:00",
    "quarterly": "*-1,4,7,10-1 00:00",
    "semiannually": "*-1,7-1 00:00",
    "yearly": "*-1-1 00:00",
    "annually": "*-1-1 00:00",
}
FIELD = re.compile(r"(?P<first>\*|\d+)(\.\.(?P<last>\d+))?(/(?P<step>\d+))?")
HORIZON_DAYS = 366 * 8


class BadEvent(ValueError):
    """Not a calendar event; the message is the end of Proxmox's complaint."""


@dataclass(frozen=True, slots=True)
class Event:
    """When something is due: every combination of the allowed values."""

    weekdays: frozenset[int]
    months: frozenset[int]
    days: frozenset[int]
    hours: tuple[int, ...]
    minutes: tuple[int, ...]

    def next_after(self, when: datetime) -> datetime | None:
        """The first time after `when` (aware), None if there is none within eight years."""
        start = when.astimezone(UTC).replace(second=0, microsecond=0)
        for offset in range(HORIZON_DAYS):
            day = (start + timedelta(days=offset)).replace(hour=0, minute=0)
            for time in self._times_of(day):
                if time > when:
                    return time
        return None

    def _times_of(self, day: datetime) -> Iterator[datetime]:
        if day.weekday() in self.weekdays and day.month in self.months and day.day in self.days:
            for hour in self.hours:
                for minute in self.minutes:
                    yield day.replace(hour=hour, minute=minute)


def parse(text: str) -> Event:
    """The event that a text describes. Raises BadEvent."""
    words = SHORTHANDS.get(text.strip(), text.strip()).lower().split()
    if not words:
        raise BadEvent("event is empty")
    weekdays = _weekdays(words.pop(0)) if words[0][0].isalpha() else frozenset(range(7))
    date = words.pop(0) if words and "-" in words[0] else "*-*-*"
    clock = words.pop(0) if words else "0:00"
    if words:
        raise BadEvent(f"unable to parse '{words[0]}'")
    months, days = date.split("-")[-2:]
    hours, minutes = clock.split(":")[:2] if ":" in clock else ("*", clock)
    return Event(
        weekdays=weekdays,
        months=frozenset(_values(months, 1, 12)),
        days=frozenset(_values(days, 1, 31)),
        hours=_values(hours, 0, 23),
        minutes=_values(minutes, 0, 59),
    )


def _weekdays(text: str) -> frozenset[int]:
    found: set[int] = set()
    for item in text.split(","):
        first, _, last = item.partition("..")
        start, end = _weekday(first), _weekday(last or first)
        found.update(range(start, end + 1))
    return frozenset(found)


def _weekday(text: str) -> int:
    if text[:3] not in WEEKDAYS:
        raise BadEvent(f"unable to parse weekday '{text}'")
    return WEEKDAYS.index(text[:3])


def _values(text: str, low: int, high: int) -> tuple[int, ...]:
    """The numbers that a field such as `*/15`, `2..6` or `1,4,7` allows."""
    found: set[int] = set()
    for item in text.split(","):
        match = FIELD.fullmatch(item)
        if match is None:
            raise BadEvent(f"unable to parse '{item}'")
        start = low if match["first"] == "*" else int(match["first"])
        open_end = match["first"] == "*" or match["step"] is not None
        end = int(match["last"]) if match["last"] else high if open_end else start
        if not low <= start <= end <= high:
            raise BadEvent(f"value '{item}' out of range")
        found.update(range(start, end + 1, int(match["step"] or 1) or 1))
    return tuple(sorted(found))


def complaint(text: str) -> str | None:
    """What Proxmox says of a text that is no calendar event, None if it is one."""
    try:
        parse(text)
    except BadEvent as problem:
        start = f"invalid format - invalid calendar event '{text}'"
        return f"{start} - unable to parse calendar event '{text}' - {problem}\n\n"
    return None


def next_run(text: str, when: datetime) -> int:
    """Seconds since the epoch of the first time after `when` at which the event is due; 0 if never."""
    due = parse(text).next_after(when)
    return int(due.timestamp()) if due else 0
