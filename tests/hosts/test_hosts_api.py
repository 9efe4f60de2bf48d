"""A few of the tests of the API, on real hosts. All of them: make test-hosts-api."""

import signal
import subprocess
import sys

from hosts_lab import ROOT, footprint, wait_for

from lab.hosts import names

PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--real-hosts")
INTEGRATION = "tests/integration"
DEAD_NODE = "test_what_lies_on_a_dead_node_is_unknown_and_the_rest_is_planned"
CHOSEN = (  # those of two sites first: their machines do for those of one
    f"{INTEGRATION}/bad_days/test_bad_connections.py::{DEAD_NODE}",
    "tests/lab/areas/test_area_ha.py::test_the_guests_of_a_dead_node_are_recovered_elsewhere",
    "tests/lab/test_lab_state.py::test_what_was_answered_survives_the_killing_of_the_lab",
    f"{INTEGRATION}/test_converge.py::test_after_an_apply_the_plan_is_empty",
    f"{INTEGRATION}/test_kinds_round_trip.py::test_every_kind_is_made_changed_adopted_and_removed[9]",
    f"{INTEGRATION}/test_interruption.py::test_an_apply_killed_on_its_way_is_finished_by_the_next[5]",
)


STANDS = rf"{names.word()[:3]}[a-vx-z0-9]"
"""The names of the labs that tests stand on: that of the lab with one letter more, never a workshop's."""


def test_tests_of_the_api_pass_on_real_hosts_too_and_leave_nothing():
    before = footprint(STANDS)
    ran = subprocess.run((*PYTEST, *CHOSEN), cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{len(CHOSEN)} passed" in ran.stdout
    assert footprint(STANDS) == before


def test_machines_go_with_the_tests_that_were_killed():
    before = footprint(STANDS)
    tests = subprocess.Popen(
        (*PYTEST, "tests/lab/test_lab_tasks.py"), cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(lambda: footprint(STANDS)["namespaces"] - before["namespaces"], seconds=120)
    finally:
        tests.send_signal(signal.SIGKILL)
        tests.wait()
    wait_for(lambda: footprint(STANDS) == before, seconds=120)
