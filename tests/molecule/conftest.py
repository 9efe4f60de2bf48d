"""What boots machines to try roles on; only where this machine can carry it."""

from pathlib import Path

import pytest

from lab.hosts import names, preflight
from lab.hosts.topology import Topology

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    here = [item for item in items if item.path.is_relative_to(HERE)]
    missing = preflight.problems(Topology(sites=(), links=()), names.folder()) if here else ()
    for item in here:
        item.add_marker(pytest.mark.hosts)
        if missing:
            item.add_marker(pytest.mark.skip(reason=f"NO REAL HOSTS HERE: {'; '.join(missing)}"))
    # The longest first, so that no worker ends alone with one of them.
    items[:] = [*here, *(item for item in items if item not in here)]
