"""A lab of real hosts for the tests of this folder: one, and only where this machine can carry it."""

import os
import subprocess
import sys

import pytest
from hosts_lab import ROOT, UpLab, bastide, bastide_lab, estate_for, harden, wait_for

from lab.hosts import cleanup, lifecycle, names, preflight
from lab.hosts.topology import standard

NODES = ("10.84.0.11", "10.84.0.12", "10.184.0.11", "10.184.0.12")
WITNESS, FILES = "10.99.0.2", "10.84.20.31"
PROXIES = ("10.84.20.61", "10.184.20.61")


def _missing() -> str:
    found = preflight.problems(standard(), names.folder())
    return "; ".join(found)


@pytest.hookimpl(tryfirst=True)  # xdist reads the group at its own turn
def pytest_collection_modifyitems(items):
    here = [item for item in items if item.path.is_relative_to(ROOT / "tests" / "hosts")]
    # What needs a machine without a lab comes before what shares one for all the rest of the session.
    here.sort(key=lambda item: "up_lab" in item.fixturenames)
    items[:] = [*here, *(item for item in items if item not in set(here))]
    missing = _missing() if here else ""
    for item in here:
        item.add_marker(pytest.mark.hosts)
        item.add_marker(pytest.mark.xdist_group("hosts"))  # there is one lab on a machine
        if missing:
            item.add_marker(pytest.mark.skip(reason=f"NO REAL HOSTS HERE: {missing}"))


@pytest.fixture
def bare():
    """A machine without a lab, before and after."""
    assert cleanup.leftovers(names.folder()) == ()
    yield
    if lifecycle.is_there():
        lifecycle.down()


@pytest.fixture(scope="session")
def up_lab(tmp_path_factory):
    """The standard lab, up for all tests that do not take it down themselves."""
    assert cleanup.leftovers(names.folder()) == (), "a lab is up: take it down, there can be one"
    folder = tmp_path_factory.mktemp("hosts") / "lab"
    started = bastide_lab("up", folder=folder)
    assert started.returncode == 0, started.stderr
    yield UpLab(folder)
    assert bastide_lab("down", folder=folder).returncode == 0


@pytest.fixture(scope="session")
def applied(up_lab, tmp_path_factory):
    """The lab after its estate was applied through the API."""
    estate = estate_for(up_lab.folder, tmp_path_factory.mktemp("estate"))
    done = bastide("-e", str(estate), "apply", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    return up_lab, estate


@pytest.fixture(scope="session")
def serving(applied):
    """The lab once guests have come up, and the patient record is served at both sites."""
    lab, _ = applied
    for proxy in PROXIES:
        health = f"curl -skf https://{proxy}/api/health"
        wait_for(lambda ask=health: lab.try_ssh(WITNESS, ask).returncode == 0, 180)
    wait_for(lambda: lab.answers(FILES), 180)
    return applied


@pytest.fixture(scope="session")
def hardened(serving):
    """The lab and its estate after hosts of each kind were hardened."""
    _, estate = serving
    done = harden(estate)
    if done.returncode:
        pytest.fail(done.stderr, pytrace=False)
    return serving


@pytest.fixture
def whole(up_lab):
    """The lab with no fault in force, and none left behind."""
    up_lab.control.lift()
    wait_for(lambda: all(up_lab.answers(address) for address in NODES))
    yield up_lab
    up_lab.control.lift()


@pytest.fixture(scope="session")
def python():
    return sys.executable


@pytest.fixture
def run_as_nobody():
    """Run a command without root."""

    def run(*command):
        return subprocess.run(
            ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command),
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=os.environ | {"HOME": "/nonexistent"},
        )

    return run
