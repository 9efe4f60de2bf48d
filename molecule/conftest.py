"""Look at several machines at once: much of a test is waiting, as for the answer to a wrong password."""

import pytest


@pytest.hookimpl(tryfirst=True)  # xdist reads the group at its own turn
def pytest_collection_modifyitems(items):
    """Keep the tests of one machine in their order, and those of none."""
    for item in items:
        about = getattr(item, "callspec", None)
        machine = about.params.get("_testinfra_host") if about else None
        item.add_marker(pytest.mark.xdist_group(str(machine)))
