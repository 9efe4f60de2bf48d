"""Every scenario from beginning to end; what its steps took stands at the end of the tests' report."""

import pytest

from lab.errors import LabRefused
from lab.vm import preflight
from tools import molecule

IN_A_VIRTUAL_MACHINE = "kernel"


def scenarios():
    """The one in a virtual machine first: nothing else takes as long."""
    return sorted(molecule.present(), key=lambda name: (name != IN_A_VIRTUAL_MACHINE, name))


@pytest.mark.parametrize("scenario", scenarios())
def test_a_scenario_succeeds(scenario, record_property):
    if scenario == IN_A_VIRTUAL_MACHINE:
        try:
            preflight.check()
        except LabRefused as lacking:
            pytest.skip(f"NO VIRTUAL MACHINE HERE: {lacking.what}")
    outcome = molecule.run(scenario)
    record_property("took", str(outcome))
    assert outcome.succeeded
