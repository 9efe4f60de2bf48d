"""What all levels of tests share."""

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from lab import running

# No test says how fast a machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


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
        missing = stands.problems()
        if missing:
            raise pytest.UsageError("no real hosts here: " + "; ".join(missing))
        running.run_on(stands)
        config.add_cleanup(stands.close)


def pytest_collection_modifyitems(config, items):
    """Skip, each with its reason, what means nothing with machines."""
    if not config.getoption("--real-hosts"):
        return
    for item in items:
        for mark in item.iter_markers("api_only"):
            item.add_marker(pytest.mark.skip(reason=f"not on real hosts: {mark.args[0]}"))


def pytest_sessionstart() -> None:
    """Let Ctrl-C reach the commands that tests start.

    A shell that starts the tests in the background, and xdist for its workers, have SIGINT ignored, and
    an ignored signal stays ignored in every child.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter):
    """Say in the report what tests recorded as `took`, so that CI's log shows it too."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    lines = {text for one in reports for name, text in getattr(one, "user_properties", ()) if name == "took"}
    if lines:
        terminalreporter.section("seconds")
    for line in sorted(lines):
        terminalreporter.write_line(line)
