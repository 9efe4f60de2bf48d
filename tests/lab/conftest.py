"""A lab for each module: small, and quick because its tasks end at once."""

import pytest
from lab_client import Api, session_for

from lab.running import running_lab
from lab.spec import LabSpec


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with running_lab(LabSpec.sized(guests=3), tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture
def site(lab):
    return lab.sites["carpentras"]


@pytest.fixture
def api(lab, site):
    """Carpentras, with every fault lifted and every illegal call forgotten afterwards."""
    with session_for(site) as session:
        yield Api(site, session)
    lab.control.lift()
    lab.control.forget_illegal()
