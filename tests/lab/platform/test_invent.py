"""The invented clinic: the same one every time, and one that could exist."""

import hashlib
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise

import pytest

from lab.platform.dpi.catalogue import ANALYSES, MATERNITY, UNITS
from lab.platform.dpi.invent import NOW, age, clinic


@pytest.fixture(scope="module")
def born():
    return clinic("CA", 1200)


def test_a_clinic_is_the_same_on_every_machine():
    told = repr(clinic("CA", 50)).encode()

    assert (
        hashlib.sha256(told).hexdigest() == "dbf62ed4320b075f81efdc29069c69d78da3218ef46e74a58a0760bf8e8b350c"
    )


def test_two_clinics_have_no_identifier_in_common(born):
    other = clinic("CV", 1200)

    assert not {one.ipp for one in born.patients} & {one.ipp for one in other.patients}
    assert born.patients[0][1:] != other.patients[0][1:]


def test_identifiers_are_unique_and_everything_refers_to_a_patient(born):
    known = {one.ipp for one in born.patients}

    assert len(known) == len(born.patients) == 1200
    assert {one.ipp for one in born.stays} <= known
    assert {one.ipp for one in born.results} <= known
    assert [one.number for one in born.stays] == list(range(1, len(born.stays) + 1))


def test_nobody_is_in_two_beds_at_once(born):
    stays = defaultdict(list)
    for stay in born.stays:
        stays[stay.ipp].append((stay.admitted_at, stay.left_at or NOW + timedelta(days=1)))

    for of_one in stays.values():
        of_one.sort()
        assert all(left < admitted for (_, left), (admitted, _) in pairwise(of_one))


def test_no_unit_holds_more_patients_than_beds_and_none_is_empty(born):
    taken = Counter(stay.unit for stay in born.stays if stay.left_at is None)

    assert all(0 < taken[unit.name] <= unit.beds for unit in UNITS)


def test_every_stay_fits_the_patient(born):
    patients = {one.ipp: one for one in born.patients}
    units = {unit.name: unit for unit in UNITS}

    for stay in born.stays:
        patient, unit = patients[stay.ipp], units[stay.unit]
        assert unit.youngest <= age(patient.born, stay.admitted_at.date()) <= unit.oldest
        assert patient.sex == "F" or unit.name != MATERNITY


def test_results_are_positive_of_the_past_and_some_wait_to_be_validated(born):
    codes = {one.code for one in ANALYSES}

    assert all(one.code in codes and one.value >= 0 and one.taken_at <= NOW for one in born.results)
    assert all(one.validated_at is None or one.taken_at < one.validated_at <= NOW for one in born.results)
    assert 0 < sum(one.validated_at is None for one in born.results) < len(born.results) / 10
