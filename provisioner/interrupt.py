"""Ctrl-C, at whatever moment it comes: work that must not be torn looks here whether it was told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def told_to_stop(*, second_ends: bool) -> Iterator[threading.Event]:
    """Set by Ctrl-C while the block runs, instead of KeyboardInterrupt at a random line.

    With `second_ends` a second Ctrl-C raises KeyboardInterrupt as ever. Outside the main thread, which alone
    gets signals, the event is never set.
    """
    told = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield told
        return

    def notice(_number: int, _frame: FrameType | None) -> None:
        if told.is_set() and second_ends:
            raise KeyboardInterrupt
        told.set()

    before = signal.signal(signal.SIGINT, notice)
    try:
        yield told
    finally:
        signal.signal(signal.SIGINT, before)
