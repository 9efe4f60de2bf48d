"""When a window is open, in all the nights of a year."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from decide_cases import cases
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from provisioner.decide.window import DAYS, next_opening, open_at
from provisioner.model.service import Window

PARIS = ZoneInfo("Europe/Paris")
HOLIDAYS = frozenset({date(2026, 11, 11), date(2026, 12, 25)})


@pytest.mark.parametrize(("given", "expected"), cases("window.yaml"))
def test_the_window(given, expected):
    window, moment = Window.model_validate(given["window"]), datetime.fromisoformat(given["at"])
    assert open_at(window, moment, PARIS, HOLIDAYS) is expected["open"]
    opening = next_opening(window, moment, PARIS, HOLIDAYS)
    assert (opening and opening.isoformat()) == expected["next"]


WINDOWS = st.builds(
    Window,
    days=st.lists(st.sampled_from(DAYS), min_size=1, unique=True).map(tuple),
    start=st.times(),
    end=st.times(),
    holidays=st.sampled_from(("allow", "deny", "only")),
)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds


@settings(max_examples=60, deadline=None)
@for_all(WINDOWS, MOMENTS)
def test_at_its_next_opening_a_window_is_open_and_just_before_it_is_closed(window, moment):
    opening = next_opening(window, moment, PARIS, HOLIDAYS)
    if opening is None:
        return
    assert opening >= moment
    assert open_at(window, opening, PARIS, HOLIDAYS)
    before = opening.astimezone(UTC) - timedelta(microseconds=1)
    assert before < moment or not open_at(window, before, PARIS, HOLIDAYS) or window.start == window.end
