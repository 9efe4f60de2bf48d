"""What all levels of tests share."""

import signal


def pytest_sessionstart() -> None:
    """Let Ctrl-C reach the commands that tests start.

    A shell that starts the tests in the background, and xdist for its workers, have SIGINT ignored, and
    an ignored signal stays ignored in every child.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
