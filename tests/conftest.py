"""What all levels of tests share."""

import os
import signal

import pytest

from lab import running


def pytest_addoption(parser):
    parser.addoption(
        "--real-hosts",
        action="store_true",
        help="labs that tests start stand on booted machines; needs root (see docs/lab.md)",
    )


def pytest_configure(config):
    if config.getoption("--real-hosts"):
        from lab.hosts.stands import Stands

        stands = Stands(int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")))
        running.run_on(stands)
        config.add_cleanup(stands.close)


def pytest_collection_modifyitems(config, items):
    """Leave out, and count by reason, what means nothing with machines."""
    if not config.getoption("--real-hosts"):
        return
    out = [item for item in items if item.get_closest_marker("api_only")]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]
    config.stash[LEFT_OUT] = out


LEFT_OUT = pytest.StashKey()


def pytest_terminal_summary(terminalreporter, config):
    out = config.stash.get(LEFT_OUT, [])
    for reason in sorted({item.get_closest_marker("api_only").args[0] for item in out}):
        count = sum(item.get_closest_marker("api_only").args[0] == reason for item in out)
        terminalreporter.write_line(f"not on real hosts: {count} tests: {reason}")


def pytest_sessionstart() -> None:
    """Let Ctrl-C reach the commands that tests start.

    A shell that starts the tests in the background, and xdist for its workers, have SIGINT ignored, and
    an ignored signal stays ignored in every child.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
