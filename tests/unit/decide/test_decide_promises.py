"""Whether services can keep what they promise, from the estate, its sites and its ledger."""

from datetime import UTC, datetime, timedelta

import pytest

from provisioner.decide.promises import estate_posture
from provisioner.model.estate import Estate
from provisioner.model.finding import Collected, Subject

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
API = {"endpoints": ["https://10.1.0.11:8006"], "token": "audit@pve!bastide", "secret": "env:SECRET"}
NODE = {"address": "10.1.0.11", "memory": "64G", "cores": 8}
GUESTS = {
    name: {"vmid": vmid, "site": "north", "node": "n1", "memory": "1G"}
    for name, vmid in [("db", 100), ("web", 101)]
}
ESTATE = Estate.model_validate(
    {
        "estate": "ours",
        "sites": {"north": {"cluster": "c", "api": API, "nodes": {"n1": NODE}}},
        "guests": GUESTS,
        "policies": {"backup": {"daily": {"interval": "24h", "keep_daily": 7, "restore_test": "90d"}}},
        "services": {
            "dpi": {
                "title": "DPI",
                "tier": 0,
                "rpo": "12h",
                "rto": "4h",
                "guests": ["db", "web"],
                "backup": "daily",
            }
        },
    }
)


def backups(db=6.0, web=6.0):
    return {"data": [{"vmid": 100, "age_hours": db}, {"vmid": 101, "age_hours": web}]}


def section(name, *, ledger=None, **sections):
    north = Collected(Subject("north", "site"), NOW, sections)
    return estate_posture(ESTATE, [north], ledger if ledger is not None else {}, NOW).sections[name]


def recovery_point(**ages):
    (row,) = section("recovery_points", backups=backups(**ages))["data"]
    return row


@pytest.mark.parametrize(
    ("ages", "kept", "on_time"),
    [
        ({}, True, True),
        ({"web": 20.0}, False, True),
        ({"web": 40.0}, False, False),
        ({"db": None}, False, False),
    ],
)
def test_a_service_goes_back_to_the_oldest_of_its_newest_backups(ages, kept, on_time):
    row = recovery_point(**ages)
    assert (row["kept"], row["on_time"]) == (kept, on_time)


def test_a_guest_without_backup_is_named():
    assert recovery_point(db=None)["without_backup"] == ["db"]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({}, "north: backups was not looked at"),
        ({"error": "no rights"}, "north: no rights"),
        ({"data": [{"vmid": 100, "age_hours": 1.0}]}, "north tells nothing of web (101)"),
    ],
)
def test_what_a_site_does_not_tell_is_said(told, reason):
    found = section("recovery_points", **({"backups": told} if told else {}))
    assert found["error"] == reason


def test_a_ledger_without_records_was_read_and_one_that_could_not_be_read_says_why():
    assert section("tests")["data"][0]["restored_in_time"] is False
    assert section("tests", ledger="record 3 was changed") == {"error": "record 3 was changed"}
    assert section("ledger", ledger="record 3 was changed") == {"error": "record 3 was changed"}


@pytest.mark.parametrize(
    ("days", "restored", "drilled"), [(80, True, True), (100, False, True), (400, False, False)]
)
def test_a_test_counts_for_as_long_as_its_policy_says_and_a_drill_for_a_year(days, restored, drilled):
    row = {"service": "dpi", "on": (NOW - timedelta(days=days)).isoformat()}
    (found,) = section("tests", ledger={"restore_tests": [row], "drills": [row]})["data"]
    assert (found["restored_in_time"], found["drilled_in_time"]) == (restored, drilled)


def test_a_plan_that_backs_up_less_often_than_the_loss_allows_is_told():
    (row,) = section("services")["data"]
    assert (row["backup"], row["restore_test"], row["interval_within_rpo"]) == (True, True, False)


def test_guests_that_can_be_deleted_by_a_slip_or_do_not_run_are_named():
    rows = [
        {"vmid": 100, "protection": True, "running": True},
        {"vmid": 101, "protection": False, "running": False},
    ]
    (row,) = section("guarded", guests={"data": rows})["data"]
    assert (row["unprotected"], row["stopped"]) == (["web"], ["web"])
