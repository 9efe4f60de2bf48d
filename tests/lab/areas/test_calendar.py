"""Calendar events as Proxmox VE writes them."""

from datetime import UTC, datetime

import pytest

from lab.areas import calendar

SATURDAY_NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("*/15", "2026-11-21 12:15"),
        ("30", "2026-11-21 12:30"),
        ("21:00", "2026-11-21 21:00"),
        ("daily", "2026-11-22 00:00"),
        ("mon..fri 02:30", "2026-11-23 02:30"),
        ("mon,tue 02:00", "2026-11-23 02:00"),
        ("sat 12:00", "2026-11-28 12:00"),
        ("sat *-1..7 02:00", "2026-12-05 02:00"),
        ("2,22:30", "2026-11-21 22:30"),
        ("8..17:0/20", "2026-11-21 12:20"),
        ("monthly", "2026-12-01 00:00"),
        ("yearly", "2027-01-01 00:00"),
        ("sun", "2026-11-22 00:00"),
    ],
)
def test_the_next_time_of_an_event(text, due):
    assert calendar.parse(text).next_after(SATURDAY_NOON) == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_a_day_that_never_comes_has_no_next_time():
    assert calendar.parse("*-2-31 00:00").next_after(SATURDAY_NOON) is None


@pytest.mark.parametrize("text", ["xx yy", "25:00", "mon 1:2 three", "*/x", ""])
def test_what_is_no_event_is_refused(text):
    with pytest.raises(calendar.BadEvent):
        calendar.parse(text)
