"""Invented patients, their stays and their results: the same ones each time for the same clinic.

Pure, and the same on every release of Python: of `random`, only `random()` is promised to repeat, so all
draws are made of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypeVar

from .catalogue import ANALYSES, FIRST_NAMES, MATERNITY, NAME_ENDS, NAME_STARTS, TOWNS, UNITS, Unit

T = TypeVar("T")

TODAY = date(2026, 11, 16)
"""The day on which the invented clinic was last busy. Fixed, so that two builds are alike."""
NOW = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
PAST_DAYS = 3 * 365
QUIET_DAYS = 45
"""No past stay ends later than so many days ago, so that none overlaps one in course."""


class Patient(NamedTuple):
    """One row of `patients`."""

    ipp: str
    family_name: str
    first_name: str
    sex: str
    born: date
    town: str


class Stay(NamedTuple):
    """One row of `stays`; without `left_at` the patient is still here."""

    number: int
    ipp: str
    unit: str
    reason: str
    admitted_at: datetime
    left_at: datetime | None


class Result(NamedTuple):
    """One row of `results`, whose number the table gives."""

    ipp: str
    code: str
    value: float
    taken_at: datetime
    validated_at: datetime | None


class Clinic(NamedTuple):
    """All that a clinic's database is born with."""

    patients: tuple[Patient, ...]
    stays: tuple[Stay, ...]
    results: tuple[Result, ...]


class Dice:
    """Draws that repeat for the same seed."""

    def __init__(self, seed: str) -> None:
        self._draw = random.Random(seed).random  # noqa: S311 - invented rows, no secret

    def below(self, end: int) -> int:
        """A whole number from 0 to `end` - 1."""
        return int(self._draw() * end)

    def between(self, low: float, high: float) -> float:
        """A number from `low` up to `high`."""
        return low + self._draw() * (high - low)

    def one(self, of: Sequence[T]) -> T:
        """One of a sequence."""
        return of[self.below(len(of))]

    def chance(self, share: float) -> bool:
        """True so often."""
        return self._draw() < share


def clinic(prefix: str, patients: int = 3000) -> Clinic:
    """Invent a clinic of so many patients. The prefix begins each IPP ("CA000123") and is the seed."""
    dice = Dice(prefix)
    people = tuple(_patient(dice, f"{prefix}{number:06d}") for number in range(1, patients + 1))
    drafts = [*_past_stays(dice, people), *_stays_in_course(dice, people)]
    drafts.sort(key=lambda stay: (stay.admitted_at, stay.ipp))
    stays = tuple(stay._replace(number=number) for number, stay in enumerate(drafts, 1))
    return Clinic(people, stays, tuple(_results(dice, stays)))


def age(born: date, on: date) -> int:
    """Completed years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _patient(dice: Dice, ipp: str) -> Patient:
    sex = dice.one("FM")
    born = TODAY - timedelta(days=30 + int(dice.between(0, 1) ** 0.8 * 98 * 365))
    family_name = dice.one(NAME_STARTS) + dice.one(NAME_ENDS)
    return Patient(ipp, family_name, dice.one(FIRST_NAMES[sex]), sex, born, dice.one(TOWNS))


def _admits(unit: Unit, patient: Patient, on: date) -> bool:
    wanted = patient.sex == "F" or unit.name != MATERNITY
    return wanted and unit.youngest <= age(patient.born, on) <= unit.oldest


def _past_stays(dice: Dice, people: Sequence[Patient]) -> Iterator[Stay]:
    """At most one in each of two halves of the past, so that none of a patient's overlap."""
    half = (PAST_DAYS - QUIET_DAYS) // 2
    for patient in people:
        for earliest in (PAST_DAYS, PAST_DAYS - half):
            begun = NOW - timedelta(days=earliest, minutes=-dice.between(0, (half - QUIET_DAYS) * 24 * 60))
            fitting = [unit for unit in UNITS if _admits(unit, patient, begun.date())]
            if fitting and dice.chance(0.6):
                yield _stay(dice, patient, dice.one(fitting), begun)


def _stay(dice: Dice, patient: Patient, unit: Unit, begun: datetime) -> Stay:
    begun = begun.replace(second=0, microsecond=0)
    left = begun + timedelta(hours=int(dice.between(6, 12 * 24)))
    return Stay(0, patient.ipp, unit.name, dice.one(unit.reasons), begun, left)


def _stays_in_course(dice: Dice, people: Sequence[Patient]) -> Iterator[Stay]:
    """Fill three to nineteen beds of twenty in each unit, a patient in one bed only."""
    here: set[str] = set()
    for unit in UNITS:
        fitting = [one for one in people if one.ipp not in here and _admits(unit, one, TODAY)]
        for _ in range(min(int(unit.beds * dice.between(0.55, 0.95)), len(fitting))):
            patient = fitting.pop(dice.below(len(fitting)))
            here.add(patient.ipp)
            begun = NOW - timedelta(minutes=int(dice.between(30, 14 * 24 * 60)))
            yield _stay(dice, patient, unit, begun)._replace(left_at=None)


def _results(dice: Dice, stays: Sequence[Stay]) -> Iterator[Result]:
    """Up to eight results in each stay; most of today's wait to be validated."""
    for stay in stays:
        end = min(stay.left_at or NOW, NOW)
        for _ in range(1 + dice.below(8)):
            test = dice.one(ANALYSES)
            spread = (test.high - test.low) * (0.6 if dice.chance(0.3) else 0.0)
            value = round(
                max(0.0, dice.between(test.low - spread, test.high + spread)), test.decimals or None
            )
            taken = stay.admitted_at + (end - stay.admitted_at) * dice.between(0, 1)
            taken = taken.replace(second=0, microsecond=0)
            validated = taken + timedelta(minutes=40)
            waits = validated > NOW or (taken.date() == TODAY and dice.chance(0.6))
            yield Result(stay.ipp, test.code, value, taken, None if waits else validated)
