"""A few of the tests of the API, on real hosts. All of them: make test-hosts-api."""

import subprocess
import sys

from hosts_lab import ROOT, footprint

CHOSEN = (
    "tests/integration/test_converge.py::test_after_an_apply_the_plan_is_empty",
    "tests/integration/test_interruption.py::test_an_apply_killed_on_its_way_is_finished_by_the_next[5]",
    "tests/integration/test_kinds_round_trip.py",
    "tests/integration/bad_days/test_bad_connections.py::test_what_lies_on_a_dead_node_is_unknown_and_the_rest_is_planned",
    "tests/lab/test_lab_state.py",
    "tests/lab/areas/test_area_ha.py::test_the_guests_of_a_dead_node_are_recovered_elsewhere",
)


def test_tests_of_the_api_pass_on_real_hosts_too_and_leave_nothing(tmp_path):
    before = footprint()
    ran = subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--real-hosts", *CHOSEN),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert footprint() == before
